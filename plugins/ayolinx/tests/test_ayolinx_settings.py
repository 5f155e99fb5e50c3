"""Settings that could not work are refused at once, by gateway and key, and never shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from paygate_ayolinx.door import SandboxAccount

from paygate import AsyncPaygate, ConfigurationError, NotSent, Paygate
from tests.watch import CANARIES, leaks

UUID = "100dc9aa-f8ee-4a00-a933-6f4e8963b666"


def private_pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    form: PrivateFormat = PrivateFormat.PKCS8,
    lock: KeySerializationEncryption = NoEncryption(),  # noqa: B008 - it has no state
) -> str:
    """A private key as PEM; its lines are watched for."""
    pem = key.private_bytes(Encoding.PEM, form, lock).decode()
    CANARIES.update(line for line in pem.splitlines()[1:-1] if len(line) == 64)
    return pem


def public_pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    form: PublicFormat = PublicFormat.SubjectPublicKeyInfo,
) -> str:
    """The public half of a key as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, form).decode()


@pytest.fixture(scope="session")
def pems(account: SandboxAccount) -> dict[str, str]:
    """Keys in every form, right and wrong."""
    small = rsa.generate_private_key(65537, 1024)
    elliptic = ec.generate_private_key(ec.SECP256R1())
    ours, theirs = account.merchant_key, account.provider_key
    lock = BestAvailableEncryption(b"passphrase")
    return {
        "ours": private_pem(ours),
        "ours pkcs1": private_pem(ours, PrivateFormat.TraditionalOpenSSL),
        "ours encrypted": private_pem(ours, lock=lock),
        "ours encrypted pkcs1": private_pem(ours, PrivateFormat.TraditionalOpenSSL, lock),
        "ours public": public_pem(ours),
        "ours public pkcs1": public_pem(ours, PublicFormat.PKCS1),
        "theirs": private_pem(theirs),
        "theirs public": public_pem(theirs),
        "theirs public pkcs1": public_pem(theirs, PublicFormat.PKCS1),
        "small": private_pem(small),
        "small public": public_pem(small),
        "elliptic": private_pem(elliptic),
        "elliptic public": public_pem(elliptic),
        "cut": private_pem(ours)[:900],
        "rubbish": "not a key, but as secret as one: Tr0ub4dor",
        "empty": "",
        "blank": " \n\t",
    }


@pytest.fixture(scope="session")
def document(account: SandboxAccount) -> Callable[..., dict[str, Any]]:
    """Make a configuration of one gateway "main", with other settings than the account's; None leaves one out."""

    def make(**other: Any) -> dict[str, Any]:
        own = account.settings("/callbacks/main") | other
        return {"gateways": {"main": {key: value for key, value in own.items() if value is not None}}}

    return make


def refused(document: dict[str, Any], key: str, *words: str) -> str:
    """Check how a configuration is refused, and return the text."""
    with pytest.raises(ConfigurationError) as blocking:
        Paygate.from_mapping(document)
    with pytest.raises(ConfigurationError) as in_async:
        AsyncPaygate.from_mapping(document)
    text = str(blocking.value)
    assert text == str(in_async.value)
    assert f"gateways.main.{key}: " in text
    assert "main" == blocking.value.gateway
    assert isinstance(blocking.value, NotSent)
    assert "nothing was sent" in text
    for word in words:
        assert word in text
    assert [] == leaks(text)
    return text


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("environment", "prod", '"sandbox" or "production"'),
        ("environment", "", '"sandbox" or "production"'),
        ("environment", "Sandbox", '"sandbox" or "production"'),
        ("callback_path", "https://shop.example/callbacks/main", "path alone"),
        ("callback_path", "/callbacks/main?key=1", "path alone"),
        ("callback_path", "/callbacks/main#top", "path alone"),
        ("callback_path", "hooks/ayolinx", "path alone"),
        ("callback_path", "", "path alone"),
        ("callback_path", "/callbacks main", "path alone"),
        ("callback_path", "/hooks\n", "path alone"),
        ("callback_window_minutes", 75.9, "at least 76"),
        ("callback_window_minutes", 0, "at least 76"),
        ("callback_window_minutes", float("nan"), "at least 76"),
        ("callback_window_minutes", float("inf"), "callback_window_minutes"),
        ("callback_window_minutes", "90 please", "wrong type"),
        ("callback_window_minutes", True, "wrong type"),
        ("base_url", "https://openapi.ayolinx.id", "environment is sandbox"),
        ("base_url", "https://OPENAPI.ayolinx.id:443/", "environment is sandbox"),
        ("base_url", "https://openapi.ayolinx.id.", "environment is sandbox"),
        ("base_url", "https://sandbox.ayolinx.id/v1.0", "scheme, host and port alone"),
        ("base_url", "https://sandbox.ayolinx.id?a=1", "scheme, host and port alone"),
        ("base_url", "https://me:word@sandbox.ayolinx.id", "scheme, host and port alone"),
        ("base_url", "openapi.ayolinx.id", "scheme, host and port alone"),
        ("base_url", "http://sandbox.ayolinx.id", "https://"),
        ("base_url", "http://127.0.0.1.example.com", "https://"),
        ("base_url", "ftp://localhost", "https://"),
        ("base_url", "https://", "host"),
        ("base_url", "https://:8443", "host"),
        ("base_url", "https://exa\x00mple.com", "URL"),
        ("client_key", "", "copy it once more"),
        ("client_key", "   ", "copy it once more"),
        ("client_key", "CKSandbox-1\n", "copy it once more"),
        ("client_key", "CKSandbox–1", "copy it once more"),
        ("client_secret", "", "copy it once more"),
        ("client_secret", "SKSandbox-1 ", "copy it once more"),
        ("client_key", f"CK-{UUID}", "environment is sandbox"),
        ("client_secret", f"SK-{UUID}", "environment is sandbox"),
        ("client_key", 12345, "wrong type"),
        ("client_secret", 12345, "wrong type"),
        ("client_secret", ["word"], "wrong type"),
        ("client_secret", {"env": "A", "file": "B"}, "wrong type"),
        ("sub_merchant_id", 580132685, "wrong type"),
    ],
)
def test_a_wrong_value(document: Callable[..., dict[str, Any]], key: str, value: Any, word: str) -> None:
    """A wrong value is refused by its key, with what to do about it, and is not shown."""
    text = refused(document(**{key: value}), key, word)
    if len(str(value).strip()) > 4 and str(value) != "Sandbox":
        assert str(value).strip() not in text


@pytest.mark.parametrize(
    ("settings", "key", "word"),
    [
        ({"base_url": "https://sandbox.ayolinx.id"}, "base_url", "sandbox host"),
        ({"base_url": "https://sandbox.dev.ayolinx.id:9080"}, "base_url", "sandbox host"),
        ({"base_url": "http://localhost:8000"}, "base_url", "this machine"),
        ({"base_url": "https://127.0.0.1"}, "base_url", "this machine"),
        ({"base_url": "https://[::1]"}, "base_url", "this machine"),
        ({"client_key": f"CKSandbox-{UUID}"}, "client_key", "of the sandbox"),
        ({"client_secret": f"SKSandbox-{UUID}"}, "client_secret", "of the sandbox"),
    ],
)
def test_sandbox_things_in_production(
    document: Callable[..., dict[str, Any]], settings: dict[str, str], key: str, word: str
) -> None:
    """In production no host and no credential of the sandbox is accepted."""
    production = {"environment": "production", "client_key": f"CK-{UUID}", "client_secret": f"SK-{UUID}"}
    Paygate.from_mapping(document(**production)).close()
    text = refused(document(**(production | settings)), key, word, "environment is production")
    assert UUID not in text


@pytest.mark.parametrize(
    ("key", "pem", "word"),
    [
        ("private_key", "empty", "is empty"),
        ("private_key", "blank", "is empty"),
        ("private_key", "ours encrypted", "openssl pkey"),
        ("private_key", "ours encrypted pkcs1", "openssl pkey"),
        ("private_key", "small", "1024 bits, and 2048"),
        ("private_key", "elliptic", "no RSA key"),
        ("private_key", "ours public", "is a public key"),
        ("private_key", "ours public pkcs1", "is a public key"),
        ("private_key", "cut", "no private key in PEM"),
        ("private_key", "rubbish", "no private key in PEM"),
        ("provider_public_key", "empty", "is empty"),
        ("provider_public_key", "blank", "is empty"),
        ("provider_public_key", "small public", "1024 bits, and 2048"),
        ("provider_public_key", "elliptic public", "no RSA key"),
        ("provider_public_key", "theirs", "is a private key"),
        ("provider_public_key", "rubbish", "no public key in PEM"),
        ("provider_public_key", "ours public", "is your own key"),
        ("provider_public_key", "ours public pkcs1", "is your own key"),
        ("public_key", "theirs public", "does not match private_key"),
        ("public_key", "empty", "is empty"),
        ("public_key", "ours", "is a private key"),
    ],
)
def test_a_wrong_key(
    document: Callable[..., dict[str, Any]], pems: dict[str, str], key: str, pem: str, word: str
) -> None:
    """A key that is missing, locked, weak or another one's is refused by its setting, and is not shown."""
    text = refused(document(**{key: pems[pem]}), key, word)
    assert "Tr0ub4dor" not in text


@pytest.mark.parametrize(
    "settings",
    [
        {"private_key": "ours pkcs1"},
        {"provider_public_key": "theirs public pkcs1"},
        {"public_key": "ours public"},
        {"public_key": "ours public pkcs1"},
    ],
)
def test_a_right_key(
    document: Callable[..., dict[str, Any]], pems: dict[str, str], settings: dict[str, str]
) -> None:
    """Both kinds of PEM are read, with white space around them."""
    Paygate.from_mapping(document(**{key: f"\n {pems[pem]}\n" for key, pem in settings.items()})).close()


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "http://localhost:8000"},
        {"base_url": "http://[::1]:8000/"},
        {"base_url": "https://sandbox.dev.ayolinx.id:9080"},
        {"base_url": "https://proxy.shop.example"},
        {"callback_window_minutes": 76},
        {"callback_path": "/"},
        {"client_key": "SCf7598", "client_secret": "SS4d6cb"},
    ],
)
def test_right_settings(document: Callable[..., dict[str, Any]], settings: dict[str, Any]) -> None:
    """What could work is accepted, credentials of a new shape included."""
    Paygate.from_mapping(document(**settings)).close()


@pytest.mark.parametrize(
    "key",
    ["environment", "client_key", "client_secret", "private_key", "provider_public_key", "callback_path"],
)
def test_a_missing_setting(document: Callable[..., dict[str, Any]], key: str) -> None:
    """A setting that must be there is asked for."""
    refused(document(**{key: None}), key, "is missing; add it")


def test_a_setting_unknown(document: Callable[..., dict[str, Any]]) -> None:
    """A misspelt key is named with the one that was meant, and its value is not shown."""
    text = refused(document(client_secrt="Tr0ub4dor"), "client_secrt", "did you mean 'client_secret'?")
    assert "Tr0ub4dor" not in text
    assert "callback_path" in refused(document(zzz=1), "zzz", "known: ")


def test_a_value_from_elsewhere(
    document: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    pems: dict[str, str],
) -> None:
    """Secrets come from environment variables and files, with the line end that these have."""
    monkeypatch.setenv("AYOLINX_SECRET", "SKSandbox-1\n")
    (tmp_path / "key.pem").write_text(pems["ours"])
    settings = {
        "client_secret": {"env": "AYOLINX_SECRET"},
        "private_key": {"file": str(tmp_path / "key.pem")},
    }
    Paygate.from_mapping(document(**settings)).close()


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({"env": "AYOLINX_NONE"}, "environment variable AYOLINX_NONE is not set"),
        ({"env": "AYOLINX_EMPTY"}, "env AYOLINX_EMPTY is empty"),
        ({"env": 5}, "env takes a text"),
        ({"file": "/no/such/key.pem"}, "file /no/such/key.pem cannot be read (No such file or directory)"),
        ({"file": "/"}, "file / cannot be read (Is a directory)"),
        ({"file": "/dev/null"}, "file /dev/null is empty"),
    ],
)
def test_a_value_that_is_not_there(
    document: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, value: dict[str, Any], word: str
) -> None:
    """A variable that is not set and a file that cannot be read are named."""
    monkeypatch.delenv("AYOLINX_NONE", raising=False)
    monkeypatch.setenv("AYOLINX_EMPTY", " ")
    refused(document(private_key=value), "private_key", word)


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    """A missing configuration file is named."""
    with pytest.raises(ConfigurationError, match=r"paygate\.toml: cannot be read \(No such file"):
        Paygate.from_file(tmp_path / "paygate.toml")
