"""Which reading makes a callback's signature fit: the right one is named, whatever it is."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from hypothesis import given
from hypothesis import strategies as st

from paygate import CallbackRejected, CallbackRequest, Secret, Trial
from paygate.diagnosis import ANOTHER
from paygate.snap import (
    AuthorizedCalls,
    InboundTokens,
    Notices,
    explain_notice,
    explain_symmetric,
    explain_token_request,
    notice_string,
    request_string,
    sign_hmac,
    sign_rsa,
    token_string,
)
from paygate.snap.rewriting import BELIEVED, forms
from tests.snap.conftest import KEYS

NOW = datetime.fromisoformat("2026-01-02T10:15:00+07:00").timestamp()
STAMP = "2026-01-02T10:15:00+07:00"
OWN = "/callbacks/main"
DOCUMENTED = "/v1.0/qr/qr-mpm-notify"
PATHS = {OWN: True, DOCUMENTED: False}
BODY = b'{"amount": {"value": "25000.00"}, "url": "https://shop.example/x"}'
SECRET = "rahasia-sekali"
TOKEN = "abc.def"


def call(signature: str, path: str = OWN, body: bytes = BODY, **headers: str) -> CallbackRequest:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return CallbackRequest("POST", path, {"X-SIGNATURE": signature, "X-TIMESTAMP": STAMP, **more}, body)


def is_believed(verifier: Notices | AuthorizedCalls, request: CallbackRequest) -> bool:
    try:
        verifier.verify(request)
    except CallbackRejected:
        return False
    return True


def fitting(trials: tuple[Trial, ...]) -> list[tuple[str, str, str, bool]]:
    return [(one.path, one.body, one.key, one.accepted) for one in trials if one.fits]


@pytest.fixture
def keys(public_key: RSAPublicKey, stranger: RSAPrivateKey) -> dict[str, RSAPublicKey]:
    """The provider's key and ours."""
    return {"theirs": public_key, "ours": stranger.public_key()}


@pytest.mark.parametrize("body", forms(BODY))
@pytest.mark.parametrize("path", [OWN, DOCUMENTED, "/main", "/callbacks/main/", "https://shop.example" + OWN])
def test_the_signed_path_and_body_are_named(
    path: str, body: str, private_key: RSAPrivateKey, keys: dict[str, RSAPublicKey]
) -> None:
    """One reading fits, and it is believed only for the configured path and the body as it is."""
    signature = sign_rsa(private_key, notice_string("POST", path, forms(BODY)[body], STAMP))
    trials = explain_notice(call(signature, HOST="shop.example"), PATHS, keys, "theirs")
    assert [(path, body, "theirs", path == OWN and body in BELIEVED)] == fitting(trials)


def test_a_signature_by_our_own_key_is_named(stranger: RSAPrivateKey, keys: dict[str, RSAPublicKey]) -> None:
    """Whoever tests with the merchant's key instead of the provider's is told so."""
    signature = sign_rsa(stranger, notice_string("POST", OWN, BODY, STAMP))
    assert [(OWN, "as received", "ours", False)] == fitting(
        explain_notice(call(signature), PATHS, keys, "theirs")
    )


def test_where_no_key_is_believed_nothing_is(
    private_key: RSAPrivateKey, keys: dict[str, RSAPublicKey]
) -> None:
    """A scheme that the gateway does not take is explained all the same."""
    signature = sign_rsa(private_key, notice_string("POST", OWN, BODY, STAMP))
    assert [(OWN, "as received", "theirs", False)] == fitting(
        explain_notice(call(signature), PATHS, keys, None)
    )


@given(text=st.text())
def test_a_known_key_over_another_text_is_told(
    text: str, private_key: RSAPrivateKey, keys: dict[str, RSAPublicKey]
) -> None:
    """The key is found without the text: then path, body or timestamp were changed."""
    trials = explain_notice(call(sign_rsa(private_key, text)), PATHS, keys, "theirs")
    assert [(ANOTHER, ANOTHER, "theirs", False)] == fitting(trials)


@given(signature=st.text() | st.binary().map(lambda raw: base64.b64encode(raw).decode()))
def test_rubbish_fits_nothing(signature: str, keys: dict[str, RSAPublicKey]) -> None:
    """No signature that was not made by a known key fits, and none raises."""
    assert [] == fitting(explain_notice(call(signature), PATHS, keys, "theirs"))
    assert [] == fitting(
        explain_symmetric(call(signature), PATHS, {"client_secret": SECRET}, "client_secret")
    )
    assert [] == fitting(explain_token_request(call(signature), {"ck": "CK"}, {"ck"}, keys, "theirs"))


def test_nothing_is_believed_without_headers(keys: dict[str, RSAPublicKey]) -> None:
    """A call without a signature fits nothing."""
    bare = CallbackRequest("POST", OWN, {}, BODY)
    assert [] == fitting(explain_notice(bare, PATHS, keys, "theirs"))
    assert [] == fitting(explain_symmetric(bare, PATHS, {"client_secret": SECRET}, "client_secret"))


@pytest.mark.parametrize("digest", ["sha1", "sha384", "sha512"])
def test_another_hash_by_openssl_is_named(
    digest: str, openssl: Callable[..., bytes], keys: dict[str, RSAPublicKey]
) -> None:
    """openssl signs with a hash that SNAP BI does not use: key, path and body are found, and the hash told."""
    text = notice_string("POST", OWN, BODY, STAMP).encode()
    made = openssl("dgst", f"-{digest}", "-sign", KEYS / "rsa-2048.pem", given=text)
    trials = explain_notice(call(base64.b64encode(made).decode()), PATHS, keys, "theirs")
    assert [(OWN, "as received", f"theirs, {digest.upper()}withRSA", False)] == fitting(trials)


def test_openssl_agrees_on_the_right_reading(
    openssl: Callable[..., bytes], keys: dict[str, RSAPublicKey], tmp_path: Path
) -> None:
    """What openssl signs over METHOD:path:hash:timestamp is the reading that is believed."""
    file = tmp_path / "body"
    file.write_bytes(BODY)
    hashed = openssl("dgst", "-sha256", "-r", file).split()[0].decode()
    made = openssl(
        "dgst", "-sha256", "-sign", KEYS / "rsa-2048.pem", given=f"POST:{OWN}:{hashed}:{STAMP}".encode()
    )
    trials = explain_notice(call(base64.b64encode(made).decode()), PATHS, keys, "theirs")
    assert [(OWN, "as received", "theirs", True)] == fitting(trials)


@pytest.mark.parametrize(
    ("mangle", "told"),
    [
        (lambda text: base64.b64decode(text).hex(), "theirs, the signature in hexadecimal"),
        (lambda text: base64.b64decode(text).hex().upper(), "theirs, the signature in hexadecimal"),
        (lambda text: f" {base64.b64decode(text).hex()}", "theirs, the signature mended"),
        (lambda text: text.replace("+", "-").replace("/", "_").rstrip("="), "theirs, the signature mended"),
        (lambda text: f'"{text}"', "theirs, the signature mended"),
        (lambda text: text.replace("+", " "), "theirs, the signature mended"),
        (lambda text: text.replace("=", "%3D").replace("/", "%2F"), "theirs, the signature mended"),
        (lambda text: text[:76] + "\n" + text[76:], "theirs, the signature mended"),
    ],
    ids=["hex", "HEX", "blank", "url-safe", "quoted", "form-decoded", "percent", "folded"],
)
def test_a_mangled_signature_is_recognised(
    mangle: Callable[[str], str], told: str, private_key: RSAPrivateKey, keys: dict[str, RSAPublicKey]
) -> None:
    """It fits after mending, which is told, and is not believed."""
    signature = mangle(sign_rsa(private_key, notice_string("POST", OWN, BODY, STAMP)))
    assert (OWN, "as received", told, False) in fitting(
        explain_notice(call(signature), PATHS, keys, "theirs")
    )


@pytest.mark.parametrize("body", forms(BODY))
@pytest.mark.parametrize("path", [*PATHS, "", "/main"])
@pytest.mark.parametrize("signer", ["theirs", "ours"])
def test_accepted_means_that_the_verifier_believes_it(
    path: str,
    body: str,
    signer: str,
    private_key: RSAPrivateKey,
    stranger: RSAPrivateKey,
    keys: dict[str, RSAPublicKey],
) -> None:
    """The explanation and the verifier of notices never disagree."""
    key = private_key if signer == "theirs" else stranger
    request = call(sign_rsa(key, notice_string("POST", path, forms(BODY)[body], STAMP)))
    trials = explain_notice(request, PATHS, keys, "theirs")
    verifier = Notices(keys["theirs"], OWN, 60.0, lambda: NOW)
    assert is_believed(verifier, request) == any(one.fits and one.accepted for one in trials)


@pytest.mark.parametrize("body", forms(BODY))
@pytest.mark.parametrize("path", [*PATHS, ""])
@pytest.mark.parametrize("secret", [SECRET, "CK-1"])
@pytest.mark.parametrize("encoding", ["base64", "hex"])
@pytest.mark.parametrize("digest", ["sha512", "sha256"])
def test_accepted_means_the_same_for_calls_with_a_token(
    path: str, body: str, secret: str, encoding: Any, digest: Any, private_key: RSAPrivateKey
) -> None:
    """The explanation and the verifier of calls with a token never disagree."""
    tokens = InboundTokens(private_key, "main", "CK-1", lambda: NOW)
    token = tokens.issue()
    text = request_string("POST", path, token, forms(BODY)[body], STAMP)
    request = call(sign_hmac(secret, text, encoding, digest), AUTHORIZATION=f"Bearer {token}")
    secrets = {"client_secret": SECRET, "client_key": "CK-1"}
    trials = explain_symmetric(request, PATHS, secrets, "client_secret")
    verifier = AuthorizedCalls(tokens, Secret(SECRET), frozenset({"CK-1"}), [OWN], 60.0, lambda: NOW)
    assert is_believed(verifier, request) == any(one.fits and one.accepted for one in trials)


def symmetric(signature: str, **more: Any) -> list[tuple[str, str, str, bool]]:
    request = call(signature, AUTHORIZATION=f"Bearer {TOKEN}")
    secrets = {"client_secret": SECRET, "client_key": "CK-1"}
    return fitting(explain_symmetric(request, PATHS, secrets, "client_secret", **more))


@pytest.mark.parametrize("body", ["as received", "minified", "as PHP's json_encode writes it"])
@pytest.mark.parametrize("path", [OWN, DOCUMENTED])
@pytest.mark.parametrize("secret", ["client_secret", "client_key"])
def test_hmac_with_a_token_names_path_body_and_secret(path: str, body: str, secret: str) -> None:
    """Believed are the configured path, the body as it is and the client secret, and nothing else."""
    text = request_string("POST", path, TOKEN, forms(BODY)[body], STAMP)
    signature = sign_hmac(SECRET if secret == "client_secret" else "CK-1", text)
    is_believed = path == OWN and body in BELIEVED and secret == "client_secret"
    assert [(path, body, f"{secret}, HMAC-SHA512", is_believed)] == symmetric(signature)


@pytest.mark.parametrize("digest", ["sha512", "sha256"])
@pytest.mark.parametrize("accepted", ["sha512", "sha256"])
@pytest.mark.parametrize("encoding", ["base64", "hex"])
def test_hash_and_encoding_are_named(digest: str, accepted: Any, encoding: str) -> None:
    """The configured hash alone is believed, in both encodings, for the standard names neither."""
    text = request_string("POST", OWN, TOKEN, BODY, STAMP).encode()
    raw = hmac.new(SECRET.encode(), text, getattr(hashlib, digest)).digest()
    signature = raw.hex() if encoding == "hex" else base64.b64encode(raw).decode()
    key = f"client_secret, HMAC-{digest.upper()}"
    told = f"{key}, the signature in hexadecimal" if encoding == "hex" else key
    assert [(OWN, "as received", told, digest == accepted)] == symmetric(signature, accepted_digest=accepted)


@pytest.mark.parametrize(
    "text",
    [
        f"POST:{OWN}:HASH:{TOKEN}:{STAMP}",
        f"POST:{OWN}:Bearer {TOKEN}:HASH:{STAMP}",
        f"POST:{OWN}:HASH:{STAMP}",
    ],
)
def test_a_wrong_order_is_named_and_not_believed(text: str) -> None:
    """The token after the hash, with its "Bearer", or left out."""
    made = sign_hmac(SECRET, text.replace("HASH", hashlib.sha256(BODY).hexdigest()))
    assert [(OWN, "as received", "client_secret, HMAC-SHA512", False)] == symmetric(made)


def test_an_empty_secret_fits_nothing() -> None:
    """Anybody could sign with it."""
    raw = hmac.new(b"", request_string("POST", OWN, TOKEN, BODY, STAMP).encode(), "sha512").digest()
    request = call(base64.b64encode(raw).decode(), AUTHORIZATION=f"Bearer {TOKEN}")
    assert () == explain_symmetric(request, PATHS, {"client_secret": ""}, "client_secret")


@pytest.mark.parametrize(
    ("signed", "given", "expected"),
    [
        ("CK-1", "CK-1", [("", "client_key", "theirs", True)]),
        ("CK-1", "CK-2", [("", "client_key", "theirs", False)]),
        ("CK-2", "CK-2", [("", "X-CLIENT-KEY as received", "theirs", False)]),
        ("SK-1", "CK-1", [("", "client_secret", "theirs", False)]),
        ("CK-9", "CK-1", [(ANOTHER, ANOTHER, "theirs", False)]),
    ],
)
def test_a_token_request_names_the_client_key(
    signed: str,
    given: str,
    expected: list[tuple[str, str, str, bool]],
    private_key: RSAPrivateKey,
    keys: dict[str, RSAPublicKey],
) -> None:
    """Believed is the agreed client key alone, in the header and in the signed text."""
    request = call(sign_rsa(private_key, token_string(signed, STAMP)), X_CLIENT_KEY=given)
    client_keys = {"client_key": "CK-1", "client_secret": "SK-1"}
    trials = explain_token_request(request, client_keys, {"client_key"}, keys, "theirs")
    assert expected == fitting(trials)


def test_no_trial_tells_a_secret(private_key: RSAPrivateKey, keys: dict[str, RSAPublicKey]) -> None:
    """Secrets and tokens are tried by their names; their values stand in no trial."""
    request = call("AAAA", AUTHORIZATION=f"Bearer {TOKEN}", X_CLIENT_KEY="CK-1")
    trials = [
        *explain_symmetric(request, PATHS, {"client_secret": SECRET}, "client_secret"),
        *explain_token_request(request, {"client_secret": SECRET}, {"client_secret"}, keys, "theirs"),
    ]
    assert trials
    assert not any(value in repr(trials) for value in (SECRET, TOKEN))
