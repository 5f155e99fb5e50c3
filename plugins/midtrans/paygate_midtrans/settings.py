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

from paygate import ConfigurationError, Secret

BASE_URLS: Final = {
    "sandbox": "https://api.sandbox.midtrans.com",
    "production": "https://api.midtrans.com",
}
HOSTS: Final = {
    "api.sandbox.midtrans.com": "sandbox",
    "api.midtrans.com": "production",
}
OTHER_PRODUCT: Final = re.compile(r"(app|merchants|merchants-app)\..*midtrans\.com", re.ASCII)
"""Hosts of Midtrans' page for payers (Snap) and of its SNAP BI: neither has this API."""

SANDBOX_KEY: Final = "SB-Mid-server-"
KEY: Final = "Mid-server-"
CLIENT_KEYS: Final = ("Mid-client-", "SB-Mid-client-")
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
ADDRESS: Final = re.compile(r"[!-~]{1,2000}", re.ASCII)
PATH: Final = re.compile(r"/[!-~]*")


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

    environment, path = settings.environment, settings.callback_path
    if environment not in BASE_URLS:
        wrong("environment", 'must be "sandbox" or "production"')
    if path is not None and (PATH.fullmatch(path) is None or set("?#") & set(path)):
        wrong("callback_path", "is the path alone of your public URL, as in /callbacks/main")
    _check_key(settings.server_key.reveal(), environment, partial(wrong, "server_key"))
    _check_addresses(settings, wrong)
    base_url = settings.base_url or BASE_URLS[environment]
    _check_base_url(base_url, environment, partial(wrong, "base_url"))
    return base_url.rstrip("/")


def _check_key(key: str, environment: str, wrong: Callable[[str], NoReturn]) -> None:
    if not key or not key.isascii() or not key.isprintable() or set(" :") & set(key):
        wrong("is empty or has characters that it cannot have; copy it once more")
    if key.startswith(CLIENT_KEYS):
        wrong("is the client key; the server key stands beside it")
    if key.startswith(SANDBOX_KEY) and environment == "production":
        wrong("is of the sandbox, and environment is production")


def _check_addresses(settings: Settings, wrong: Callable[[str, str], NoReturn]) -> None:
    for key, address in (("callback_url", settings.callback_url), ("return_url", settings.return_url)):
        if address is None:
            continue
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL:
            wrong(key, "is no URL")
        if ADDRESS.fullmatch(address) is None or not url.host or url.userinfo:
            wrong(key, "takes a host, and no blanks, accents, user name or password")
        _check_scheme(url, settings.environment, partial(wrong, key))
        if key == "callback_url":
            if set("#,") & set(address):  # a comma would make two addresses of it
                wrong(key, "takes no comma and nothing after #")
            if settings.callback_path not in (None, url.raw_path.decode()):
                wrong(key, "must end in callback_path, and in nothing after it")


def _check_base_url(base_url: str, environment: str, wrong: Callable[[str], NoReturn]) -> None:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        wrong("is no URL")
    if not url.host or url.path not in ("", "/") or url.query or url.fragment or url.userinfo:
        wrong("takes scheme, host and port alone")
    _check_scheme(url, environment, wrong)
    host = url.host.rstrip(".")
    if HOSTS.get(host, environment) != environment:
        wrong(f"is Midtrans' {HOSTS[host]} host, and environment is {environment}")
    if OTHER_PRODUCT.fullmatch(host) is not None:
        wrong("is the host of another product of Midtrans': this API is at api.midtrans.com")


def _check_scheme(url: httpx.URL, environment: str, wrong: Callable[[str], NoReturn]) -> None:
    local = url.host in LOOPBACK
    if url.scheme != "https" and not (url.scheme == "http" and local):
        wrong("must begin with https://; plain http is for this machine alone")
    if local and environment == "production":
        wrong("is this machine, and environment is production")
