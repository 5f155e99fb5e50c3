"""Signatures: the strings to sign, both encodings, and garbage that must be False and never an exception."""

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from hypothesis import example, given
from hypothesis import strategies as st

from paygate.snap import (
    notice_string,
    request_string,
    sign_hmac,
    sign_rsa,
    token_string,
    verify_hmac,
    verify_rsa,
)
from paygate.snap.signing import Digest, Encoding

TEXT = "POST:/v1.0/qr/qr-mpm-generate:tok:e3b0:2026-01-02T10:15:00+07:00"
SECRET = "secret-1"
STAMP = "2026-01-02T10:15:00+07:00"
EMPTY = hashlib.sha256(b"").hexdigest()
ENCODINGS: tuple[Encoding, ...] = ("base64", "hex")
DIGESTS: tuple[Digest, ...] = ("sha256", "sha512")
ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates as well
BASE64 = st.binary(max_size=300).map(lambda raw: base64.b64encode(raw).decode())
HEX = st.binary(max_size=80).map(bytes.hex)
GARBAGE = ANY_TEXT | BASE64 | HEX | st.text("0123456789abcdefABCDEF= \n", min_size=120, max_size=130)

MADE_UP = {
    "empty": "",
    "a space": " ",
    "no base64": "!!!",
    "padding alone": "====",
    "cut base64": "YWJ",
    "not ascii": "é" * 88,
    "digits of another script": "٣" * 128,
    "a lone surrogate": "\ud800",
    "a NUL": "\0",
    "base64 of nothing known": base64.b64encode(b"x" * 256).decode(),
    "zeros in hex": "0" * 128,
    "an odd number of hex digits": "0" * 127,
    "two signatures": f"{'A' * 86}==, {'A' * 86}==",
    "huge": "A" * 4_000_000,
    "huge and not ascii": "é" * 1_000_000,
}
garbage = pytest.mark.parametrize("signature", MADE_UP.values(), ids=MADE_UP)


@garbage
def test_garbage_fits_no_rsa_key(signature: str, public_key: RSAPublicKey) -> None:
    """What is no signature does not fit, without an exception."""
    assert not verify_rsa(public_key, TEXT, signature)


@garbage
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_garbage_fits_no_secret(signature: str, encoding: Encoding) -> None:
    """What is no signature does not fit, without an exception, in either encoding."""
    assert not verify_hmac(SECRET, TEXT, signature, encoding)


@given(GARBAGE, ANY_TEXT)
def test_random_garbage_fits_no_rsa_key(public_key: RSAPublicKey, signature: str, text: str) -> None:
    """Neither the signature nor the signed text can raise, whoever chose them."""
    assert not verify_rsa(public_key, text, signature)


@given(GARBAGE, ANY_TEXT, st.sampled_from(ENCODINGS))
def test_random_garbage_fits_no_secret(signature: str, text: str, encoding: Encoding) -> None:
    """Neither the signature nor the signed text can raise, whoever chose them."""
    assert not verify_hmac(SECRET, text, signature, encoding)


@given(ANY_TEXT, st.sampled_from(ENCODINGS))
@example("\ud800", "base64")
def test_any_secret_verifies_without_an_exception(secret: str, encoding: Encoding) -> None:
    """A secret that cannot be written in UTF-8 fits nothing."""
    assert not verify_hmac(secret, TEXT, "A" * 88, encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_empty_secret_signs_nothing(encoding: Encoding) -> None:
    """It would sign for anybody, so it is refused loudly."""
    with pytest.raises(ValueError, match="secret is empty"):
        sign_hmac("", TEXT, encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_empty_secret_verifies_nothing(encoding: Encoding) -> None:
    """Not even the HMAC that anybody can compute with it."""
    digest = hmac.new(b"", TEXT.encode(), hashlib.sha512).digest()
    signature = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    assert not verify_hmac("", TEXT, signature, encoding)


@given(st.text(min_size=1), st.text())
def test_hmac_is_hmac_sha512(secret: str, text: str) -> None:
    """Base64 and hexadecimal of the same digest, which the standard library computes too."""
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha512).digest()
    assert base64.b64encode(digest).decode() == sign_hmac(secret, text) == sign_hmac(secret, text, "base64")
    assert digest.hex() == sign_hmac(secret, text, "hex")


@given(st.text(min_size=1), st.text(), st.sampled_from(ENCODINGS))
def test_hmac_sha256_is_another_signature(secret: str, text: str, encoding: Encoding) -> None:
    """Where a provider has it so; neither fits where the other is due."""
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    short, long = (sign_hmac(secret, text, encoding, one) for one in DIGESTS)
    assert (digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()) == short
    assert verify_hmac(secret, text, short, encoding, "sha256")
    assert not verify_hmac(secret, text, short, encoding, "sha512")
    assert not verify_hmac(secret, text, long, encoding, "sha256")
    assert not verify_hmac("", text, short, encoding, "sha256")


@given(st.text(min_size=1), st.text(), st.sampled_from(ENCODINGS))
def test_what_we_sign_with_a_secret_we_verify(secret: str, text: str, encoding: Encoding) -> None:
    """Signing and verifying are each other's inverse, and another text does not fit."""
    signature = sign_hmac(secret, text, encoding)
    assert verify_hmac(secret, text, signature, encoding)
    assert not verify_hmac(secret, text + "x", signature, encoding)
    assert not verify_hmac(secret + "x", text, signature, encoding)


@given(text=st.text())
def test_what_we_sign_with_a_key_we_verify(
    private_key: RSAPrivateKey, public_key: RSAPublicKey, stranger: RSAPrivateKey, text: str
) -> None:
    """Only the other half of the key fits, and only this text."""
    signature = sign_rsa(private_key, text)
    assert verify_rsa(public_key, text, signature)
    assert not verify_rsa(public_key, text + "x", signature)
    assert not verify_rsa(stranger.public_key(), text, signature)


@given(at=st.integers(0, 255), flip=st.integers(1, 255))
def test_a_changed_rsa_signature_does_not_fit(
    private_key: RSAPrivateKey, public_key: RSAPublicKey, at: int, flip: int
) -> None:
    """One bit is enough."""
    raw = bytearray(base64.b64decode(sign_rsa(private_key, TEXT)))
    raw[at] ^= flip
    assert not verify_rsa(public_key, TEXT, base64.b64encode(raw).decode())


@given(at=st.integers(0, 63), flip=st.integers(1, 255), encoding=st.sampled_from(ENCODINGS))
def test_a_changed_hmac_does_not_fit(at: int, flip: int, encoding: Encoding) -> None:
    """One bit is enough."""
    raw = bytearray(base64.b64decode(sign_hmac(SECRET, TEXT)))
    raw[at] ^= flip
    changed = raw.hex() if encoding == "hex" else base64.b64encode(raw).decode()
    assert not verify_hmac(SECRET, TEXT, changed, encoding)


@pytest.mark.parametrize("cut", [1, 32, 63])
def test_a_part_of_an_hmac_does_not_fit(cut: int) -> None:
    """The front of the right digest is not the digest."""
    front = base64.b64decode(sign_hmac(SECRET, TEXT))[:cut]
    assert not verify_hmac(SECRET, TEXT, base64.b64encode(front).decode())
    assert not verify_hmac(SECRET, TEXT, front.hex(), "hex")


@pytest.mark.parametrize("form", ["{}\n", " {}", "{0}{0}", "{}=", "\n{}", "{}, {}"])
def test_a_signature_with_something_around_it_does_not_fit(
    form: str, public_key: RSAPublicKey, private_key: RSAPrivateKey
) -> None:
    """Base64 and hexadecimal are read strictly."""
    rsa, mac, digits = sign_rsa(private_key, TEXT), sign_hmac(SECRET, TEXT), sign_hmac(SECRET, TEXT, "hex")
    assert not verify_rsa(public_key, TEXT, form.format(rsa, rsa))
    assert not verify_hmac(SECRET, TEXT, form.format(mac, mac))
    assert not verify_hmac(SECRET, TEXT, form.format(digits, digits), "hex")


@given(st.text(), st.text())
def test_a_token_string_is_client_key_and_time(client_key: str, stamp: str) -> None:
    """A bar between the two, and nothing escaped."""
    assert client_key + "|" + stamp == token_string(client_key, stamp)


@given(st.text(), st.text(), st.binary())
def test_a_request_string_has_five_parts(path: str, token: str, body: bytes) -> None:
    """Method, path, token, hash of the body as it is, time."""
    hashed = hashlib.sha256(body).hexdigest()
    assert f"PUT:{path}:{token}:{hashed}:{STAMP}" == request_string("PUT", path, token, body, STAMP)


@given(st.text(), st.binary())
def test_a_notice_string_has_four_parts(path: str, body: bytes) -> None:
    """Method, path, hash of the body as it is, time; no token and no place for one."""
    hashed = hashlib.sha256(body).hexdigest()
    assert f"POST:{path}:{hashed}:{STAMP}" == notice_string("POST", path, body, STAMP)


def test_a_missing_body_and_token_keep_their_places() -> None:
    """The segment of an absent body is the hash of nothing, and that of an absent token is empty."""
    assert f"GET:/p:tok:{EMPTY}:{STAMP}" == request_string("GET", "/p", "tok", b"", STAMP)
    assert f"GET:/p::{EMPTY}:{STAMP}" == request_string("GET", "/p", "", b"", STAMP)
    assert f"GET:/p:{EMPTY}:{STAMP}" == notice_string("GET", "/p", b"", STAMP)


def test_the_bytes_are_hashed_that_are_sent() -> None:
    """Signing does not minify: two layouts of one value have two signatures."""
    value = {"a": [1, 2]}
    spaced, compact = json.dumps(value).encode(), json.dumps(value, separators=(",", ":")).encode()
    assert notice_string("POST", "/p", spaced, STAMP) != notice_string("POST", "/p", compact, STAMP)
