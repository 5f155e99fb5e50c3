"""Settings that some methods and callbacks need: what could not work is refused at once, and never shown."""

from collections.abc import Callable
from typing import Any

import pytest
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.settings import Settings

from paygate import AsyncPaygate, ConfigurationError, NotSent, Paygate
from paygate.settings import from_mapping
from tests.watch import leaks

CALLBACK_URL = "https://shop.example/callbacks/main"
PRODUCTION = {"environment": "production", "client_key": "CK-1", "client_secret": "SK-1"}
Document = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def document(account: SandboxAccount) -> Document:
    """Make a configuration of one gateway "main", with other settings than the account's."""

    def make(**other: Any) -> dict[str, Any]:
        return {"gateways": {"main": account.settings("/callbacks/main") | other}}

    return make


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("callback_url", "", "takes a host"),
        ("callback_url", "/callbacks/main", "takes a host"),
        ("callback_url", "shop.example/callbacks/main", "takes a host"),
        ("callback_url", "https:///callbacks/main", "takes a host"),
        ("callback_url", "https://shop.example/callbacks/ma in", "no blanks"),
        ("callback_url", "https://shop.example/callbacks/main ", "no blanks"),
        ("callback_url", "https://shop.example/callbacks/main\n", "URL"),
        ("callback_url", "https://tokö.example/callbacks/main", "accents"),
        ("callback_url", "https://me:word@shop.example/callbacks/main", "user name or password"),
        ("callback_url", "http://shop.example/callbacks/main", "https://"),
        ("callback_url", "ftp://localhost/callbacks/main", "https://"),
        ("callback_url", "http://127.0.0.1.example.com/callbacks/main", "https://"),
        ("callback_url", "https://shop.example", "must end in callback_path"),
        ("callback_url", "https://shop.example/", "must end in callback_path"),
        ("callback_url", "https://shop.example/callbacks/other", "must end in callback_path"),
        ("callback_url", "https://shop.example/callbacks/main/", "must end in callback_path"),
        ("callback_url", "https://shop.example/Callbacks/main", "must end in callback_path"),
        ("callback_url", "https://shop.example/shop/callbacks/main", "must end in callback_path"),
        ("callback_url", "https://shop.example/callbacks/main?", "nothing after it"),
        ("callback_url", "https://shop.example/callbacks/main?key=12345", "nothing after it"),
        ("callback_url", "https://shop.example/callbacks/main#top", "nothing after it"),
        ("callback_url", "https://shop.example/callbacks/main#", "nothing after it"),
        ("callback_url", 12345, "wrong type"),
        ("return_url", "", "takes a host"),
        ("return_url", "/thanks", "takes a host"),
        ("return_url", "https://", "host"),
        ("return_url", "https://shop.example/thank you", "no blanks"),
        ("return_url", "https://shop.example/terima-kasih-ü", "accents"),
        ("return_url", "https://me:word@shop.example/thanks", "user name or password"),
        ("return_url", "http://shop.example/thanks", "https://"),
        ("return_url", "javascript:alert(12345)", "takes a host"),
        ("return_url", "shop://thanks/12345", "https://"),
        ("return_url", f"https://shop.example/{'a' * 2000}", "takes a host"),
        ("return_url", ["https://shop.example"], "wrong type"),
        ("partner_service_ids", {"bca": "12345"}, "known: bni, bri, cimb, mandiri"),
        ("partner_service_ids", {"BNI": "98829172"}, "known: bni, bri, cimb, mandiri"),
        ("partner_service_ids", {"98829172": "bni"}, "known: bni, bri, cimb, mandiri"),
        ("partner_service_ids", {"bni": 98829172}, "wrong type"),
        ("partner_service_ids", "98829172", "wrong type"),
        ("partner_service_ids", ["98829172"], "wrong type"),
        ("sub_merchant_id", "", "leave it out"),
        ("sub_merchant_id", "0005 8013", "copy it once more"),
        ("sub_merchant_id", "1" * 65, "copy it once more"),
        ("e_wallet_sub_merchant_id", "", "leave it out"),
        ("e_wallet_sub_merchant_id", "21662\n", "copy it once more"),
        ("e_wallet_sub_merchant_id", 216620060009008, "wrong type"),
        ("inbound_client_key", "", "leave it out"),
        ("inbound_client_key", "   ", "leave it out"),
        ("inbound_client_key", "agreed key", "copy it once more"),
        ("inbound_client_key", "agreed-kéy", "copy it once more"),
        ("inbound_client_key", 12345, "wrong type"),
        ("inbound_hmac", "md5-12345", "wrong form"),
        ("inbound_hmac", "SHA512", "wrong form"),
        ("inbound_hmac", "", "wrong form"),
        ("inbound_hmac", 512000, "wrong type"),
        ("retail_expiry", "seconds", "wrong form"),
        ("retail_expiry", "ISO", "wrong form"),
        ("retail_expiry", True, "wrong type"),
    ],
)
def test_a_wrong_value(document: Document, key: str, value: Any, word: str) -> None:
    """A wrong value is refused by its key, with what to do about it, and is not shown."""
    with pytest.raises(ConfigurationError) as blocking:
        Paygate.from_mapping(document(**{key: value}))
    with pytest.raises(ConfigurationError) as in_async:
        AsyncPaygate.from_mapping(document(**{key: value}))
    text = str(blocking.value)
    assert text == str(in_async.value)
    assert f"gateways.main.{key}: " in text
    assert isinstance(blocking.value, NotSent)
    assert word in text
    if len(str(value).strip()) > 4 and value not in ("seconds", "SHA512"):
        assert str(value).strip() not in text
    for part in ("12345", "98829172", "shop.example", "word@"):
        assert part not in text
    assert [] == leaks(text)


@pytest.mark.parametrize(
    "prefix", ["", " ", "123456789", "9882917x", " 2056", "2056 ", "２０５６", "+2056", "20 56"]
)
@pytest.mark.parametrize("bank", ["bni", "bri", "cimb", "mandiri"])
def test_a_wrong_prefix(document: Document, bank: str, prefix: str) -> None:
    """A bank's prefix is 1 to 8 digits; it is sent as it stands, so no padding is taken."""
    with pytest.raises(ConfigurationError) as refused:
        Paygate.from_mapping(document(partner_service_ids={bank: prefix}))
    text = str(refused.value)
    assert f"gateways.main.partner_service_ids.{bank}: is 1 to 8 digits, as a text" in text
    assert not prefix.strip() or prefix not in text.replace("1 to 8 digits", "")


@pytest.mark.parametrize("key", ["callback_url", "return_url"])
@pytest.mark.parametrize(
    "host", ["http://localhost:8000", "http://127.0.0.1", "https://[::1]", "https://localhost"]
)
def test_this_machine(document: Document, key: str, host: str) -> None:
    """This machine may be named in the sandbox; in production nobody could reach it."""
    address = {key: f"{host}/callbacks/main"}
    Paygate.from_mapping(document(**address)).close()
    with pytest.raises(ConfigurationError, match=f"{key}: is this machine, and environment is production"):
        Paygate.from_mapping(document(**PRODUCTION, **address))


@pytest.mark.parametrize(
    "settings",
    [
        {"callback_url": CALLBACK_URL},
        {"callback_url": "https://shop.example:8443/callbacks/main"},
        {"callback_url": "HTTPS://Shop.Example/callbacks/main"},
        {"callback_url": "https://shop.example", "callback_path": "/"},
        {"callback_url": "https://shop.example/~hooks/a%20b", "callback_path": "/~hooks/a%20b"},
        {"return_url": "https://shop.example"},
        {"return_url": "https://shop.example/thanks?order=1#top"},
        {"partner_service_ids": {}},
        {"partner_service_ids": {"bni": "98829172", "bri": "15574", "cimb": "2056", "mandiri": "1"}},
        {"sub_merchant_id": "000580132685", "e_wallet_sub_merchant_id": "216620060009008054580"},
        {"inbound_client_key": "alleron-key"},
        {"inbound_client_key": "CKSandbox-100dc9aa-f8ee-4a00-a933-6f4e8963b666"},
        {"inbound_hmac": "sha512"},
        {"inbound_hmac": "sha256"},
        {"retail_expiry": "unix"},
        {"retail_expiry": "iso"},
        PRODUCTION | {"callback_url": CALLBACK_URL, "return_url": "https://shop.example/thanks"},
    ],
)
def test_right_settings(document: Document, settings: dict[str, Any]) -> None:
    """What could work is accepted."""
    Paygate.from_mapping(document(**settings)).close()


def test_what_is_taken_without_being_told(document: Document) -> None:
    """All of these may be left out; then the usual reading holds."""
    own = document()
    del own["gateways"]["main"]["partner_service_ids"]
    settings: Settings = from_mapping(own).gateways["main"].fitted(Ayolinx.settings_type)
    assert ("sha512", "unix", {}) == (
        settings.inbound_hmac,
        settings.retail_expiry,
        settings.partner_service_ids,
    )
    left_out = (
        "callback_url",
        "return_url",
        "inbound_client_key",
        "sub_merchant_id",
        "e_wallet_sub_merchant_id",
    )
    assert {None} == {getattr(settings, name) for name in left_out}
    Paygate.from_mapping(own).close()


@pytest.mark.parametrize(
    "key",
    [
        "callback_url",
        "return_url",
        "partner_service_ids",
        "sub_merchant_id",
        "e_wallet_sub_merchant_id",
        "inbound_client_key",
        "inbound_hmac",
        "retail_expiry",
    ],
)
@pytest.mark.parametrize("secret", ["client_secret", "private_key"])
def test_a_secret_in_the_wrong_place(
    document: Document, account: SandboxAccount, key: str, secret: str
) -> None:
    """A secret that stands where something else should is not shown, whether it is refused or not."""
    value: Any = account.settings("/")[secret]
    shapes = [value, [value], {value: value}, {"bni": value}]
    for shape in shapes:
        try:
            paygate = Paygate.from_mapping(document(**{key: shape}))
        except ConfigurationError as refused:
            shown = f"{refused!s} {refused!r}"
        else:
            paygate.close()
            shown = ""
            assert ("client_secret", True) == (secret, key.endswith(("merchant_id", "client_key")))
        assert [] == leaks(shown)
