"""The addresses that a merchant configures, checked; every adapter's settings are held to the same rules."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from paygate.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
ADDRESS: Final = re.compile(r"[!-~]{1,2000}", re.ASCII)
PATH: Final = re.compile(r"/[!-~]*", re.ASCII)


def check_base_url(
    gateway: str,
    provider: str,
    environment: str,
    base_url: str | None,
    base_urls: Mapping[str, str],
    hosts: Mapping[str, str] | None = None,
) -> str:
    """The base URL to ask, without a slash at its end: `base_url`, or the environment's own where it is None.

    `base_urls` are the provider's, by environment; `hosts` are further hosts of its, with the environment of
    each. Raises ConfigurationError for what is more than scheme, host and port, for plain http to another
    machine, for this machine in production, and for a host of the other environment.
    """
    import httpx

    chosen = base_url or base_urls[environment]
    url = _url(gateway, "base_url", chosen)
    if not url.host or url.path not in ("", "/") or url.query or url.fragment or url.userinfo:
        _refuse(gateway, "base_url", "takes scheme, host and port alone")
    _check_scheme(gateway, "base_url", url, environment)
    known = {httpx.URL(one).host: its for its, one in base_urls.items()} | dict(hosts or {})
    whose = known.get(url.host.rstrip("."), environment)
    if whose != environment:
        owner = f"{provider}'" if provider.endswith("s") else f"{provider}'s"
        _refuse(gateway, "base_url", f"is {owner} {whose} host, and environment is {environment}")
    return chosen.rstrip("/")


def check_public_url(gateway: str, key: str, address: str, environment: str) -> str:
    """The path and query of an address that the provider or the payer's browser goes to, as they are sent.

    Raises ConfigurationError, by `key`, for what is no URL, has no host, has a user name or characters that
    are not plain ASCII, for plain http to another machine, and for this machine in production.
    """
    url = _url(gateway, key, address)
    if ADDRESS.fullmatch(address) is None or not url.host or url.userinfo:
        _refuse(gateway, key, "takes a host, and no blanks, accents, user name or password")
    _check_scheme(gateway, key, url, environment)
    return url.raw_path.decode()


def check_callback_path(gateway: str, path: str) -> None:
    """Raise ConfigurationError for a `callback_path` that is not the path alone, as in /callbacks/main."""
    if PATH.fullmatch(path) is None or set("?#") & set(path):
        _refuse(gateway, "callback_path", "is the path alone of your public URL, as in /callbacks/main")


def _url(gateway: str, key: str, address: str) -> "httpx.URL":
    import httpx

    url: httpx.URL | None = None
    with suppress(httpx.InvalidURL):  # its own text quotes the address, so it is not even a context
        url = httpx.URL(address)
    if url is None:
        _refuse(gateway, key, "is no URL")
    return url


def _check_scheme(gateway: str, key: str, url: "httpx.URL", environment: str) -> None:
    local = url.host in LOOPBACK
    if url.scheme != "https" and not (url.scheme == "http" and local):
        _refuse(gateway, key, "must begin with https://; plain http is for this machine alone")
    if local and environment == "production":
        _refuse(gateway, key, "is this machine, and environment is production")


def _refuse(gateway: str, key: str, why: str) -> NoReturn:
    raise ConfigurationError(f"gateways.{gateway}.{key}: {why}", gateway=gateway)
