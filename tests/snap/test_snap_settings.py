"""Settings of a SNAP provider that could not work are refused at start, by gateway and key."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from paygate import ConfigurationError, Unsigned
from paygate.sandbox import SnapSandboxAccount
from paygate.settings import from_mapping
from paygate.snap import checked_account
from tests.snap.by_hand import made_account
from tests.snap.nusapay.paygate_nusapay import NusaPay
from tests.snap.nusapay.paygate_nusapay.codes import BANKS
from tests.snap.nusapay.paygate_nusapay.settings import NUSAPAY, Settings
from tests.snap.talking import fitted
from tests.watch import CANARIES, leaks


@pytest.fixture(scope="module")
def account() -> SnapSandboxAccount:
    """An account at the pretend NusaPay."""
    made = made_account()
    CANARIES.add(made.client_secret)
    return made


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("environment", "prod", '"sandbox" or "production"'),
        ("callback_path", "https://shop.example/cb", "path alone"),
        ("callback_window_minutes", 15, "at least 16"),
        ("callback_window_minutes", 1441, "at most 1440"),
        ("callback_url", "https://shop.example/other", "must end in callback_path"),
        ("callback_url", "http://shop.example/cb", "https://"),
        ("callback_url", "https://me:word@shop.example/cb", "user name"),
        ("base_url", "https://api.nusapay.example", "environment is sandbox"),
        ("base_url", "https://sandbox.nusapay.example/nusa", "scheme, host and port alone"),
        ("partner_service_ids", {"bca": "1"}, "a bank that NusaPay does not; known: bni, bri, mandiri"),
        ("partner_service_ids", {"bni": "123456789"}, "1 to 8 digits"),
        ("merchant_id", "M 1", "characters that it cannot have"),
        ("partner_id", "", "is empty"),
        ("inbound_client_key", " ", "characters that it cannot have"),
        ("client_key", "a b", "copy it once more"),
        ("client_secret", "", "copy it once more"),
        ("private_key", "rubbish", "no private key in PEM"),
        ("provider_public_key", "", "no callback could be verified"),
    ],
)
def test_what_could_not_work_is_refused(account: SnapSandboxAccount, key: str, value: Any, word: str) -> None:
    """The text names gateway and key, says why, and shows no value."""
    settings = account.configured("nusapay", "/cb") | {key: value}
    with pytest.raises(ConfigurationError) as refused:
        fitted(NusaPay, Settings, settings, callback_url=settings.get("callback_url"))
    text = str(refused.value)
    assert f"gateways.main.{key}" in text
    assert word in text
    assert [] == leaks(text)


@pytest.mark.parametrize(
    ("told", "last_retry", "minutes"), [(None, 16, 90), (None, 90, 90), (None, 135, 135), (140, 135, 140)]
)
def test_a_callback_may_be_as_old_as_the_providers_last_retry(
    account: SnapSandboxAccount, told: float | None, last_retry: int, minutes: float
) -> None:
    """Unless told it is 90 minutes, or as long as the provider goes on where that is longer."""
    settings = from_mapping({"gateways": {"main": account.configured("nusapay", "/cb")}}).gateways["main"]
    provider = replace(NUSAPAY, last_retry_minutes=last_retry)
    given = replace(settings.fitted(Settings), callback_window_minutes=told)
    assert minutes == checked_account("main", given, provider, BANKS).callback_window_minutes


def test_sandbox_and_production_are_kept_apart(account: SnapSandboxAccount) -> None:
    """A credential of the sandbox does not go to production, nor does production go to this machine."""
    settings = account.configured("nusapay", "/cb") | {"environment": "production"}
    with pytest.raises(ConfigurationError, match="is of the sandbox"):
        fitted(NusaPay, Settings, settings | {"client_key": "sbx-1"}, callback_url=None)
    with pytest.raises(ConfigurationError, match="is this machine"):
        fitted(NusaPay, Settings, settings | {"base_url": "https://127.0.0.1"}, callback_url=None)


def test_a_pair_of_keys_is_checked(account: SnapSandboxAccount) -> None:
    """One's own key is not the provider's, and `public_key` is the private one's other half."""
    settings = account.configured("nusapay", "/cb")
    other = made_account().configured("nusapay", "/cb")
    fitted(
        NusaPay, Settings, settings | {"provider_public_key": other["provider_public_key"]}, callback_url=None
    )
    with pytest.raises(ConfigurationError, match=r"public_key: does not match private_key"):
        fitted(
            NusaPay, Settings, settings | {"public_key": settings["provider_public_key"]}, callback_url=None
        )
    mine = account.merchant_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ConfigurationError, match="your own key; paste the one that NusaPay shows you"):
        fitted(NusaPay, Settings, settings | {"provider_public_key": mine.decode()}, callback_url=None)


def test_how_a_request_is_signed_can_be_seen(account: SnapSandboxAccount) -> None:
    """The partner's own number, the channel and the path without its front: all as it would be sent."""
    adapter = fitted(NusaPay, Settings, account.configured("nusapay", "/cb"), callback_url=None)
    stamp = "2026-09-14T10:15:00.000+07:00"
    shown = adapter.sign(Unsigned("POST", "/nusa/snap/v1.0/qr/qr-mpm-query", b"{}", stamp, "abc"))
    assert shown.text.startswith("POST:/snap/v1.0/qr/qr-mpm-query:abc:")
    assert ("NP-4711", "95131") == (shown.headers["X-PARTNER-ID"], shown.headers["CHANNEL-ID"])
