"""What a merchant configures for Midtrans, and the checks that keep sandbox and production apart.

Source: docs.midtrans.com, "API Authorization & Headers", "QRIS", "Refund Transaction"; hosts as in Midtrans'
own clients.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Final, Literal, NoReturn

import httpx
from msgspec import Struct

from paygate import ConfigurationError, Secret, check_base_url, check_callback_path, check_public_url

BASE_URLS: Final = {
    "sandbox": "https://api.sandbox.midtrans.com",
    "production": "https://api.midtrans.com",
}
OTHER_PRODUCT: Final = re.compile(r"(app|merchants|merchants-app)\..*midtrans\.com", re.ASCII)
"""Hosts of Midtrans' page for payers (Snap) and of its SNAP BI: neither has this API."""

SANDBOX_KEY: Final = "SB-Mid-server-"
KEY: Final = "Mid-server-"
CLIENT_KEYS: Final = ("Mid-client-", "SB-Mid-client-")


class Settings(Struct, frozen=True, kw_only=True):
    """`[gateways.NAME]` with adapter = "midtrans".

    `callback_url` goes with each charge, and Midtrans then calls there instead of at the address in its
    dashboard; its path is `callback_path`. `return_url` is where a wallet sends the payer's browser.
    `acquirer` is whose QRIS it is. `cancel_by` and `refund_by` choose between two ways that Midtrans has.
    """

    environment: str
    server_key: Secret
    callback_path: str | None = None
    callback_url: str | None = None
    return_url: str | None = None
    base_url: str | None = None
    acquirer: Literal["gopay", "airpay shopee"] = "gopay"
    cancel_by: Literal["cancel", "expire"] = "cancel"
    refund_by: Literal["refund", "direct"] = "refund"


def checked(gateway: str, settings: Settings) -> str:
    """The base URL of settings that are good; raises ConfigurationError, which names gateway and key."""

    def wrong(key: str, why: str) -> NoReturn:
        raise ConfigurationError(f"gateways.{gateway}.{key}: {why}", gateway=gateway)

    environment = settings.environment
    if environment not in BASE_URLS:
        wrong("environment", 'must be "sandbox" or "production"')
    if settings.callback_path is not None:
        check_callback_path(gateway, settings.callback_path)
    _check_key(settings.server_key.reveal(), environment, partial(wrong, "server_key"))
    _check_addresses(gateway, settings, wrong)
    base_url = check_base_url(gateway, "Midtrans", environment, settings.base_url, BASE_URLS)
    if OTHER_PRODUCT.fullmatch(httpx.URL(base_url).host.rstrip(".")) is not None:
        wrong("base_url", "is the host of another product of Midtrans': this API is at api.midtrans.com")
    return base_url


def _check_key(key: str, environment: str, wrong: Callable[[str], NoReturn]) -> None:
    if not key or not key.isascii() or not key.isprintable() or set(" :") & set(key):
        wrong("is empty or has characters that it cannot have; copy it once more")
    if key.startswith(CLIENT_KEYS):
        wrong("is the client key; the server key stands beside it")
    if key.startswith(SANDBOX_KEY) and environment == "production":
        wrong("is of the sandbox, and environment is production")


def _check_addresses(gateway: str, settings: Settings, wrong: Callable[[str, str], NoReturn]) -> None:
    for key, address in (("callback_url", settings.callback_url), ("return_url", settings.return_url)):
        if address is None:
            continue
        path = check_public_url(gateway, key, address, settings.environment)
        if key == "callback_url":
            if set("#,") & set(address):  # a comma would make two addresses of it
                wrong(key, "takes no comma and nothing after #")
            if settings.callback_path not in (None, path):
                wrong(key, "must end in callback_path, and in nothing after it")
