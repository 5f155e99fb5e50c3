"""What a merchant configures for Ayolinx, and the checks that keep sandbox and production apart.

Source: Ayolinx docs, "Necessary parameter configuration" and "Header Parameter Description"; hosts as
in use in 2025 and 2026.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Literal, NoReturn

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from paygate import ConfigurationError, Secret
from paygate.snap import SnapKeys, are_pair, check_pair, load_private_key, load_public_key
from paygate_ayolinx import codes

BASE_URLS: Final = {
    "sandbox": "https://sandbox.ayolinx.id",
    "production": "https://openapi.ayolinx.id",
}
HOSTS: Final = {
    "sandbox.ayolinx.id": "sandbox",
    "sandbox.dev.ayolinx.id": "sandbox",
    "openapi.ayolinx.id": "production",
}
SANDBOX_CREDENTIAL: Final = re.compile(r"[CS]KSandbox-", re.ASCII)
PRODUCTION_CREDENTIAL: Final = re.compile(r"[CS]K-", re.ASCII)
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
PREFIX: Final = re.compile(r"[0-9]{1,8}", re.ASCII)
NUMBER: Final = re.compile(r"[!-~]{1,64}", re.ASCII)
ADDRESS: Final = re.compile(r"[!-~]{1,2000}", re.ASCII)
PATH: Final = re.compile(r"/[!-~]*")
LONGEST_WINDOW_MINUTES: Final = 24 * 60
LAST_RETRY_MINUTES: Final = 1 + 5 + 10 + 60
"""Ayolinx repeats a callback after 1, 5, 10 and 60 minutes ("Callback description", July 2025)."""


class Settings(Struct, frozen=True, kw_only=True):
    """`[gateways.NAME]` with adapter = "ayolinx".

    `public_key` is ours, as pasted in Ayolinx's portal; give it to have the pair checked. A callback is
    refused when its timestamp is more than `callback_window_minutes` old, 90 unless told. `callback_url` is
    the public address whose path is `callback_path`. `partner_service_ids` are the banks' prefixes, by
    bank. `inbound_client_key` is what Ayolinx calls itself when it asks for a token of ours; it is our
    `client_key` unless told. `inbound_hmac` and `retail_expiry` choose where the docs contradict themselves.
    """

    environment: str
    client_key: str
    client_secret: Secret
    private_key: Secret
    provider_public_key: str
    callback_path: str
    base_url: str | None = None
    public_key: str | None = None
    callback_url: str | None = None
    return_url: str | None = None
    partner_service_ids: Mapping[str, str] = {}
    sub_merchant_id: str | None = None
    e_wallet_sub_merchant_id: str | None = None
    inbound_client_key: str | None = None
    inbound_hmac: Literal["sha512", "sha256"] = "sha512"
    retail_expiry: Literal["unix", "iso"] = "unix"
    callback_window_minutes: float = 90.0


class Account(Struct, frozen=True):
    """Settings that were found good: parsed keys, one base URL."""

    base_url: str
    keys: SnapKeys
    provider_public_key: RSAPublicKey


def checked(gateway: str, settings: Settings) -> Account:
    """Parse and check; raises ConfigurationError with gateway and key, never a value."""

    def wrong(key: str, why: str) -> NoReturn:
        raise ConfigurationError(f"gateways.{gateway}.{key}: {why}", gateway=gateway)

    environment = settings.environment
    if environment not in BASE_URLS:
        wrong("environment", 'must be "sandbox" or "production"')
    if PATH.fullmatch(settings.callback_path) is None or set("?#") & set(settings.callback_path):
        wrong("callback_path", "is the path alone of your public URL, as in /callbacks/main")
    if not LAST_RETRY_MINUTES <= settings.callback_window_minutes <= LONGEST_WINDOW_MINUTES:
        wrong(
            "callback_window_minutes",
            f"must be at least {LAST_RETRY_MINUTES}, to cover the provider's last retry, "
            f"and at most {LONGEST_WINDOW_MINUTES}, a day, or a stolen callback works for too long",
        )
    _check_addresses(settings, wrong)
    _check_numbers(settings, wrong)
    secret = settings.client_secret.reveal()
    for key, value in (("client_key", settings.client_key), ("client_secret", secret)):
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            wrong(key, "is empty or has characters that no header takes; copy it once more")
        if environment == "production" and SANDBOX_CREDENTIAL.match(value):
            wrong(key, "is of the sandbox, and environment is production")
        if environment == "sandbox" and PRODUCTION_CREDENTIAL.match(value):
            wrong(key, "is of production, and environment is sandbox")
    base_url = settings.base_url or BASE_URLS[environment]
    _check_base_url(base_url, environment, partial(wrong, "base_url"))
    private_key = load_private_key(settings.private_key.reveal(), f"gateways.{gateway}.private_key")
    setting = f"gateways.{gateway}.provider_public_key"
    provider_public_key = load_public_key(settings.provider_public_key, setting)
    if are_pair(private_key, provider_public_key):
        wrong("provider_public_key", "is your own key; paste the one that Ayolinx shows you")
    if settings.public_key is not None:
        setting = f"gateways.{gateway}.public_key"
        check_pair(private_key, load_public_key(settings.public_key, setting), setting)
    return Account(
        base_url.rstrip("/"),
        SnapKeys(settings.client_key, settings.client_secret, private_key),
        provider_public_key,
    )


def _check_numbers(settings: Settings, wrong: Callable[[str, str], NoReturn]) -> None:
    for bank, prefix in settings.partner_service_ids.items():
        if bank not in codes.BANKS:
            wrong("partner_service_ids", f"has a bank that Ayolinx does not; known: {', '.join(codes.BANKS)}")
        if PREFIX.fullmatch(prefix) is None:
            wrong(f"partner_service_ids.{bank}", "is 1 to 8 digits, as a text")
    for key in ("sub_merchant_id", "e_wallet_sub_merchant_id", "inbound_client_key"):
        value = getattr(settings, key)
        if value is not None and NUMBER.fullmatch(value) is None:
            wrong(key, "is empty or has characters that it cannot have; copy it once more, or leave it out")


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
        if key == "callback_url" and ("#" in address or url.raw_path.decode() != settings.callback_path):
            wrong(key, "must end in callback_path, and in nothing after it: that is the path that is signed")


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
        wrong(f"is Ayolinx's {HOSTS[host]} host, and environment is {environment}")


def _check_scheme(url: httpx.URL, environment: str, wrong: Callable[[str], NoReturn]) -> None:
    local = url.host in LOOPBACK
    if url.scheme != "https" and not (url.scheme == "http" and local):
        wrong("must begin with https://; plain http is for this machine alone")
    if local and environment == "production":
        wrong("is this machine, and environment is production")
