"""Vectors that providers and other projects published: ours verify them, or refuse the deviating ones."""

import base64
import binascii
import hashlib
import hmac
from pathlib import Path

import msgspec
import pytest
from _pytest.mark import ParameterSet
from msgspec import Struct

from conftest import missing
from paygate.snap import (
    body_hash,
    load_private_key,
    load_public_key,
    minify,
    notice_string,
    request_string,
    sign_hmac,
    sign_rsa,
    token_string,
    verify_hmac,
    verify_rsa,
)

FILE = Path(__file__).resolve().parents[3] / "shared" / "facts" / "vectors.json"
STANDARD = ("token-asym", "txn-sym", "txn-asym", "body-hash", "minify")
DEVIATING = (
    "token-sym",
    "txn-sym-body-segment-omitted",
    "txn-asym-body-segment-omitted",
    "txn-sym-token-segment-omitted",
    "txn-sym-hmac-sha256-hex",
)


class Der(Struct):
    pkcs8_der_base64: str = ""
    spki_der_base64: str = ""


class RsaKey(Struct):
    public_pem: Der
    private_pem: Der | None = None


class Key(Struct):
    rsa: str = ""
    hmac_secret: str = ""


class Inputs(Struct):
    client_id: str = ""
    timestamp: str = ""
    method: str = ""
    endpoint_url: str = ""
    access_token: str = ""
    body: str | None = None
    body_minified: str | None = None
    body_sha256: str = ""
    string_to_sign: str = ""


class Vector(Struct):
    id: str
    scheme: str
    inputs: Inputs
    key: Key
    expected: str


class Published(Struct):
    keys: dict[str, RsaKey] = {}
    vectors: list[Vector] = []


PUBLISHED = msgspec.json.decode(FILE.read_bytes(), type=Published) if FILE.exists() else Published()


def of(schemes: tuple[str, ...]) -> list[Vector | ParameterSet]:
    found = [vector for vector in PUBLISHED.vectors if vector.scheme in schemes]
    absent = pytest.param(None, id="absent", marks=pytest.mark.skip(reason=f"{FILE} is missing"))
    return [pytest.param(vector, id=vector.id) for vector in found] or [absent]


def pem(label: str, der: str) -> str:
    lines = [der[at : at + 64] for at in range(0, len(der), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def compact(given: Inputs) -> bytes:
    return minify((given.body or "").encode())


def check_rsa(vector: Vector, text: str) -> None:
    key = PUBLISHED.keys[vector.key.rsa]
    public_key = load_public_key(pem("PUBLIC KEY", key.public_pem.spki_der_base64))
    assert vector.inputs.string_to_sign == text
    assert verify_rsa(public_key, text, vector.expected)
    assert not verify_rsa(public_key, text + " ", vector.expected)
    if key.private_pem is not None:
        private_key = load_private_key(pem("PRIVATE KEY", key.private_pem.pkcs8_der_base64))
        assert vector.expected == sign_rsa(private_key, text)


def check_hmac(vector: Vector, text: str) -> None:
    secret = vector.key.hmac_secret
    in_hex = base64.b64decode(vector.expected).hex()
    assert vector.inputs.string_to_sign == text
    assert vector.expected == sign_hmac(secret, text)
    assert in_hex == sign_hmac(secret, text, "hex")
    assert verify_hmac(secret, text, vector.expected)
    assert verify_hmac(secret, text, in_hex, "hex")
    assert not verify_hmac(secret, text + " ", vector.expected)


def test_the_published_vectors_are_there() -> None:
    """Every scheme has a vector; without the file the tests below are skipped, and in CI this one fails."""
    if not FILE.exists():
        missing(str(FILE))
    assert {*STANDARD, *DEVIATING} <= {vector.scheme for vector in PUBLISHED.vectors}


@pytest.mark.parametrize("vector", of(STANDARD))
def test_a_published_vector_verifies(vector: Vector) -> None:
    """What others computed by the standard, our functions compute and accept."""
    given = vector.inputs
    if vector.scheme == "token-asym":
        check_rsa(vector, token_string(given.client_id, given.timestamp))
    elif vector.scheme == "txn-asym" and given.body is None:
        # Only the hash of this body was published, so the string is put together from it.
        check_rsa(vector, f"{given.method}:{given.endpoint_url}:{given.body_sha256}:{given.timestamp}")
    elif vector.scheme == "txn-asym":
        check_rsa(vector, notice_string(given.method, given.endpoint_url, compact(given), given.timestamp))
    elif vector.scheme == "txn-sym":
        body = compact(given)
        assert given.body_minified in {None, body.decode()}
        assert given.body_sha256 == body_hash(body)
        check_hmac(
            vector,
            request_string(given.method, given.endpoint_url, given.access_token, body, given.timestamp),
        )
    elif vector.scheme == "body-hash":
        assert vector.expected == body_hash((given.body or "").encode())
    else:
        assert vector.expected == minify((given.body or "").encode()).decode()


@pytest.mark.parametrize("vector", of(DEVIATING))
def test_a_deviating_vector_is_refused(vector: Vector) -> None:
    """A signature over a string that the standard does not know fits none of ours, in either encoding."""
    given, secret = vector.inputs, vector.key.hmac_secret
    url, body, stamp = given.endpoint_url, compact(given), given.timestamp
    texts = [
        token_string(given.client_id, stamp),
        request_string(given.method, url, given.access_token, body, stamp),
    ]
    if vector.key.rsa:
        key = load_public_key(pem("PUBLIC KEY", PUBLISHED.keys[vector.key.rsa].public_pem.spki_der_base64))
        texts.append(notice_string(given.method, url, body, stamp))
        assert verify_rsa(key, given.string_to_sign, vector.expected), "the vector itself is sound"
        assert not any(verify_rsa(key, text, vector.expected) for text in texts)
    elif vector.scheme == "token-sym":
        # There is no HMAC for tokens: the one function for them takes a key that this vector has not.
        for known in PUBLISHED.keys.values():
            if len(known.public_pem.spki_der_base64) > 300:
                key = load_public_key(pem("PUBLIC KEY", known.public_pem.spki_der_base64))
                assert not verify_rsa(key, texts[0], vector.expected)
        assert not verify_hmac(secret, texts[1], vector.expected)
    else:
        assert vector.expected in sound_forms(vector), "the vector itself is sound"
        for text in texts:
            assert not verify_hmac(secret, text, vector.expected)
            assert not verify_hmac(secret, text, vector.expected, "hex")


def sound_forms(vector: Vector) -> list[str]:
    secret, text = vector.key.hmac_secret.encode(), vector.inputs.string_to_sign.encode()
    long = hmac.new(secret, text, hashlib.sha512).digest()
    short = hmac.new(secret, text, hashlib.sha256).digest()
    return [base64.b64encode(long).decode(), binascii.hexlify(short).decode()]
