"""What a merchant configures for a SNAP provider, and the checks that keep sandbox and production apart."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, NoReturn, Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from paygate.addresses import check_base_url, check_callback_path, check_public_url
from paygate.errors import ConfigurationError
from paygate.redaction import Secret
from paygate.snap.credential import SnapKeys
from paygate.snap.keys import are_pair, check_pair, load_private_key, load_public_key

ENVIRONMENTS: Final = ("sandbox", "production")
PREFIX: Final = re.compile(r"[0-9]{1,8}", re.ASCII)
NUMBER: Final = re.compile(r"[!-~]{1,64}", re.ASCII)
SHORTEST_DEFAULT_MINUTES: Final = 90.0
LONGEST_WINDOW_MINUTES: Final = 24 * 60

Wrong = Callable[[str, str], NoReturn]
"""Complains of a setting, by its key and why."""


class SnapProvider(Struct, frozen=True, kw_only=True):
    """Who a SNAP provider is: its name, and what tells its sandbox from its production.

    `base_urls` is by environment. `hosts` are all its hosts with their environment, those of `base_urls`
    included. The two forms are what a client key or secret of the one environment begins with, as a regular
    expression, where that shows. `last_retry_minutes` is how long it goes on repeating a callback.
    """

    name: str
    base_urls: Mapping[str, str]
    last_retry_minutes: int
    hosts: Mapping[str, str] = {}
    sandbox_form: str | None = None
    production_form: str | None = None


class SnapSettings(Struct, frozen=True, kw_only=True):
    """`[gateways.NAME]` of a SNAP provider; an adapter adds its own settings in a subclass.

    `public_key` is ours, as pasted in the provider's portal; give it to have the pair checked. `callback_url`
    is the public address whose path is `callback_path`. `partner_service_ids` are the banks' prefixes, by
    bank. `partner_id` is X-PARTNER-ID where that is not the client key. `inbound_client_key` is what the
    provider calls itself when it asks for a token of ours; it is our `client_key` unless told. A callback is
    refused when its timestamp is more than `callback_window_minutes` old: unless told 90, or as long as the
    provider goes on repeating it where that is longer.
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
    partner_id: str | None = None
    merchant_id: str | None = None
    partner_service_ids: Mapping[str, str] = {}
    inbound_client_key: str | None = None
    callback_window_minutes: float | None = None


class Configured(Protocol):
    """The settings that every SNAP provider needs, whatever struct they stand in."""

    @property
    def environment(self) -> str: ...
    @property
    def client_key(self) -> str: ...
    @property
    def client_secret(self) -> Secret: ...
    @property
    def private_key(self) -> Secret: ...
    @property
    def provider_public_key(self) -> str: ...
    @property
    def callback_path(self) -> str: ...
    @property
    def base_url(self) -> str | None: ...
    @property
    def public_key(self) -> str | None: ...
    @property
    def callback_url(self) -> str | None: ...
    @property
    def partner_service_ids(self) -> Mapping[str, str]: ...
    @property
    def inbound_client_key(self) -> str | None: ...
    @property
    def callback_window_minutes(self) -> float | None: ...


class SnapAccount(Struct, frozen=True):
    """Settings that were found good: parsed keys, one base URL, the minutes that a callback may be old."""

    base_url: str
    keys: SnapKeys
    provider_public_key: RSAPublicKey
    callback_window_minutes: float


def checked_account(
    gateway: str,
    settings: Configured,
    provider: SnapProvider,
    banks: Collection[str],
    *,
    numbers: Collection[str] = ("partner_id", "merchant_id"),
    addresses: Collection[str] = (),
) -> SnapAccount:
    """Parse and check; raise ConfigurationError with gateway and key, never a value.

    `banks` are those that may have a prefix. `numbers` and `addresses` are further settings of the adapter's
    that go into a message, and that lead somewhere.
    """

    def wrong(key: str, why: str) -> NoReturn:
        raise ConfigurationError(f"gateways.{gateway}.{key}: {why}", gateway=gateway)

    environment = settings.environment
    if environment not in ENVIRONMENTS:
        wrong("environment", 'must be "sandbox" or "production"')
    check_callback_path(gateway, settings.callback_path)
    window = settings.callback_window_minutes
    if window is None:
        window = max(SHORTEST_DEFAULT_MINUTES, provider.last_retry_minutes)
    if not provider.last_retry_minutes <= window <= LONGEST_WINDOW_MINUTES:
        wrong(
            "callback_window_minutes",
            f"must be at least {provider.last_retry_minutes}, to cover the provider's last retry, "
            f"and at most {LONGEST_WINDOW_MINUTES}, a day, or a stolen callback works for too long",
        )
    _check_addresses(gateway, settings, ("callback_url", *addresses), wrong)
    _check_numbers(settings, provider.name, banks, (*numbers, "inbound_client_key"), wrong)
    _check_credentials(settings, provider, wrong)
    base_url = check_base_url(
        gateway, provider.name, environment, settings.base_url, provider.base_urls, provider.hosts
    )
    private_key = load_private_key(settings.private_key.reveal(), f"gateways.{gateway}.private_key")
    setting = f"gateways.{gateway}.provider_public_key"
    provider_public_key = load_public_key(settings.provider_public_key, setting)
    if are_pair(private_key, provider_public_key):
        wrong("provider_public_key", f"is your own key; paste the one that {provider.name} shows you")
    if settings.public_key is not None:
        setting = f"gateways.{gateway}.public_key"
        check_pair(private_key, load_public_key(settings.public_key, setting), setting)
    partner_id: str | None = getattr(settings, "partner_id", None)
    return SnapAccount(
        base_url,
        SnapKeys(settings.client_key, settings.client_secret, private_key, partner_id),
        provider_public_key,
        window,
    )


def _check_credentials(settings: Configured, provider: SnapProvider, wrong: Wrong) -> None:
    environment, secret = settings.environment, settings.client_secret.reveal()
    for key, value in (("client_key", settings.client_key), ("client_secret", secret)):
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            wrong(key, "is empty or has characters that no header takes; copy it once more")
        if environment == "production" and _begins(value, provider.sandbox_form):
            wrong(key, "is of the sandbox, and environment is production")
        if environment == "sandbox" and _begins(value, provider.production_form):
            wrong(key, "is of production, and environment is sandbox")


def _begins(value: str, form: str | None) -> bool:
    return form is not None and re.match(form, value, re.ASCII) is not None


def _check_numbers(
    settings: Configured, provider: str, banks: Collection[str], numbers: Collection[str], wrong: Wrong
) -> None:
    for bank, prefix in settings.partner_service_ids.items():
        if bank not in banks:
            wrong("partner_service_ids", f"has a bank that {provider} does not; known: {', '.join(banks)}")
        if PREFIX.fullmatch(prefix) is None:
            wrong(f"partner_service_ids.{bank}", "is 1 to 8 digits, as a text")
    for key in numbers:
        value = getattr(settings, key)
        if value is not None and NUMBER.fullmatch(value) is None:
            wrong(key, "is empty or has characters that it cannot have; copy it once more, or leave it out")


def _check_addresses(gateway: str, settings: Configured, keys: Collection[str], wrong: Wrong) -> None:
    for key in keys:
        address: str | None = getattr(settings, key)
        if address is None:
            continue
        path = check_public_url(gateway, key, address, settings.environment)
        if key == "callback_url" and ("#" in address or path != settings.callback_path):
            wrong(key, "must end in callback_path, and in nothing after it: that is the path that is signed")
