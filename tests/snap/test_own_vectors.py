"""Vectors that make_vectors.sh computed with the openssl command line, awkward bodies above all."""

import base64
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Struct

from paygate.snap import (
    body_hash,
    minify,
    notice_string,
    request_string,
    sign_hmac,
    sign_rsa,
    token_string,
    verify_hmac,
    verify_rsa,
)


class Login(Struct):
    id: str
    client_key: str
    timestamp: str
    rsa: str


class Call(Struct):
    id: str
    method: str
    path: str
    token: str
    timestamp: str
    secret: str
    body: bytes
    compact: bytes
    hash: str
    hmac_base64: str
    hmac_hex: str
    rsa: str

    @property
    def request(self) -> str:
        return request_string(self.method, self.path, self.token, self.compact, self.timestamp)

    @property
    def notice(self) -> str:
        return notice_string(self.method, self.path, self.compact, self.timestamp)


class Vectors(Struct):
    logins: list[Login]
    calls: list[Call]


VECTORS = msgspec.json.decode(Path(__file__).with_name("vectors.json").read_bytes(), type=Vectors)
each_call = pytest.mark.parametrize("call", VECTORS.calls, ids=lambda call: call.id)


@pytest.mark.parametrize("login", VECTORS.logins, ids=lambda login: login.id)
def test_a_token_request_is_signed_as_openssl_signs_it(
    login: Login, private_key: RSAPrivateKey, public_key: RSAPublicKey
) -> None:
    """PKCS#1 v1.5 has no randomness, so the bytes are the same."""
    text = token_string(login.client_key, login.timestamp)
    assert login.rsa == sign_rsa(private_key, text)
    assert verify_rsa(public_key, text, login.rsa)


@each_call
def test_a_body_is_minified_as_by_hand(call: Call) -> None:
    """White space between tokens goes; values, escapes and literals stay."""
    assert call.compact == minify(call.body)
    assert call.compact == minify(call.compact)


@each_call
def test_a_body_is_hashed_as_openssl_hashes_it(call: Call) -> None:
    """The hash is in lower-case hexadecimal, also of nothing."""
    assert call.hash == body_hash(minify(call.body))
    assert f":{call.hash}:" in call.request
    assert f":{call.hash}:" in call.notice


@each_call
def test_a_request_is_signed_as_openssl_signs_it(call: Call) -> None:
    """HMAC-SHA512 of the request string, in both encodings."""
    assert call.hmac_base64 == sign_hmac(call.secret, call.request)
    assert call.hmac_hex == sign_hmac(call.secret, call.request, "hex")


@each_call
def test_a_request_signed_by_openssl_verifies(call: Call) -> None:
    """Each encoding is accepted where it is expected, and refused where the other one is."""
    assert verify_hmac(call.secret, call.request, call.hmac_base64)
    assert verify_hmac(call.secret, call.request, call.hmac_hex, "hex")
    assert not verify_hmac(call.secret, call.request, call.hmac_hex)
    assert not verify_hmac(call.secret, call.request, call.hmac_base64, "hex")
    assert not verify_hmac(call.secret + "x", call.request, call.hmac_base64)


@each_call
def test_a_notice_is_signed_as_openssl_signs_it(
    call: Call, private_key: RSAPrivateKey, public_key: RSAPublicKey, stranger: RSAPrivateKey
) -> None:
    """RSA over the string without a token gives the same bytes and verifies with our half only."""
    assert call.rsa == sign_rsa(private_key, call.notice)
    assert verify_rsa(public_key, call.notice, call.rsa)
    assert not verify_rsa(stranger.public_key(), call.notice, call.rsa)


@each_call
def test_a_notice_over_other_bytes_does_not_verify(call: Call, public_key: RSAPublicKey) -> None:
    """A body that is not minified has another hash, so its signature is another one."""
    raw = notice_string(call.method, call.path, call.body, call.timestamp)
    assert (call.body == call.compact) is verify_rsa(public_key, raw, call.rsa)


def test_the_stored_signatures_are_base64_of_the_right_length() -> None:
    """2048 bits of RSA, 512 of HMAC: nothing was cut when the vectors were made."""
    assert {256} == {len(base64.b64decode(call.rsa)) for call in VECTORS.calls}
    assert {64} == {len(base64.b64decode(call.hmac_base64)) for call in VECTORS.calls}
