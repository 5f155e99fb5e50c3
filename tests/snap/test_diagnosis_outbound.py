"""How our own requests are shown to be signed: the same as they are signed, and as openssl signs."""

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from hypothesis import given
from hypothesis import strategies as st

from paygate import Conversation, InvalidCharge, Secret, Signed, Unsigned
from paygate.snap import (
    SnapCredential,
    SnapKeys,
    SnapProfile,
    Timestamps,
    explain_login,
    explain_request,
    load_private_key,
    log_in,
    minify,
    verify_rsa,
)
from tests.snap.conftest import KEYS
from tests.snap.test_vectors import PUBLISHED, Vector, pem

STAMP = "2026-01-02T10:15:00+07:00"
NOW = datetime.fromisoformat(STAMP).timestamp()
BODY = b'{"partnerReferenceNo": "INV-1"}\n'
PATH = "/v1.0/qr/qr-mpm-generate"
SECRET = "SK-1-rahasia"
TOKEN = "91838ba37d8f14bf"
PLAIN = SnapProfile()


@pytest.fixture
def keys(private_key: RSAPrivateKey) -> SnapKeys:
    """Who we are."""
    return SnapKeys("CK-1", Secret(SECRET), private_key)


def explained(keys: SnapKeys, profile: SnapProfile = PLAIN, **other: Any) -> Signed:
    message = {"method": "POST", "path": PATH, "body": BODY, "timestamp": STAMP, "token": TOKEN, **other}
    return explain_request(keys, profile, Unsigned(**message), lambda: NOW)


def sent(keys: SnapKeys, profile: SnapProfile, method: str, path: str, body: bytes) -> httpx.Request:
    """The request as a credential signs it."""
    clock = lambda: NOW  # noqa: E731
    credential = SnapCredential(keys, profile, Timestamps(clock=clock), TOKEN, NOW + 900, clock)
    return credential.sign(httpx.Request(method, f"https://provider.example{path}", content=body))


@pytest.mark.parametrize(
    "profile",
    [
        SnapProfile(),
        SnapProfile(encoding="hex"),
        SnapProfile(symmetric=False),
        SnapProfile(unsigned_prefix="/api"),
        SnapProfile(channel_id="95221"),
    ],
    ids=["plain", "hex", "asymmetric", "prefix", "channel"],
)
@given(body=st.binary(), path=st.sampled_from([PATH, "/api/v1.0/x", "/v1.0/y?a=1&b=2"]))
def test_what_is_shown_is_what_is_sent(profile: SnapProfile, body: bytes, path: str, keys: SnapKeys) -> None:
    """Every header that a credential puts on a request is shown with the same value, but the fresh number."""
    shown = explained(keys, profile, path=path, body=body)
    request = sent(keys, profile, "POST", path, body)
    fresh = {"x-external-id"}
    ours = {name.lower(): value for name, value in shown.headers.items() if name.lower() not in fresh}
    theirs = {name: value for name, value in request.headers.items() if name in ours}
    assert ours == theirs
    assert shown.signature == request.headers["X-SIGNATURE"]
    assert fresh <= {name.lower() for name in shown.headers}


def test_openssl_makes_the_same_hmac(keys: SnapKeys, openssl: Callable[..., bytes]) -> None:
    """The shown text under the secret, by openssl, is the shown signature; and so is the body's hash."""
    shown = explained(keys)
    digest = openssl("dgst", "-sha512", "-hmac", SECRET, "-binary", given=shown.text.encode())
    assert base64.b64encode(digest).decode() == shown.signature
    assert openssl("dgst", "-sha256", "-r", given=BODY).split()[0].decode() == shown.body_hash


def test_openssl_makes_the_same_rsa_signature(keys: SnapKeys, openssl: Callable[..., bytes]) -> None:
    """The login's text and an asymmetric request's, signed by openssl with our key."""
    unsigned = Unsigned("POST", "/v1.0/access-token/b2b", b"{}", STAMP)
    for shown in (explain_login(keys, unsigned), explained(keys, SnapProfile(symmetric=False), token=None)):
        made = openssl("dgst", "-sha256", "-sign", KEYS / "rsa-2048.pem", given=shown.text.encode())
        assert base64.b64encode(made).decode() == shown.signature


def test_the_token_path_is_signed_as_a_login(keys: SnapKeys) -> None:
    """It shows what log_in sends: client key and time, without body and path."""
    shown = explained(keys, path="/v1.0/access-token/b2b", token=None)
    flow = log_in(
        "https://provider.example/", keys, SnapProfile(), Timestamps(clock=lambda: NOW), lambda: NOW
    )
    request = Conversation(flow).request
    assert request is not None
    assert f"CK-1|{STAMP}" == shown.text
    assert shown.body_hash is None
    assert {**shown.headers} == {name: request.headers[name] for name in shown.headers}


def test_without_its_token_a_request_is_not_signed(keys: SnapKeys) -> None:
    """It is part of the text, so there is nothing to show."""
    with pytest.raises(InvalidCharge, match=r"^.*token: give the access token"):
        explained(keys, token=None)


def published(scheme: str) -> list[Any]:
    found = [one for one in PUBLISHED.vectors if one.scheme == scheme and one.inputs.body is not None]
    absent = pytest.param(None, marks=pytest.mark.skip(reason="the published vectors are missing"))
    return [pytest.param(one, id=one.id) for one in found] or [absent]


@pytest.mark.parametrize("vector", published("txn-sym"))
def test_a_published_request_is_signed_as_published(vector: Vector, private_key: RSAPrivateKey) -> None:
    """Text and signature of others' symmetric requests."""
    given = vector.inputs
    keys = SnapKeys("CK-1", Secret(vector.key.hmac_secret), private_key)
    shown = explained(
        keys,
        method=given.method,
        path=given.endpoint_url,
        body=minify((given.body or "").encode()),
        timestamp=given.timestamp,
        token=given.access_token,
    )
    assert (given.string_to_sign, vector.expected) == (shown.text, shown.signature)


@pytest.mark.parametrize("vector", published("txn-asym"))
def test_a_published_asymmetric_request_has_the_same_text(
    vector: Vector, keys: SnapKeys, public_key: RSAPublicKey
) -> None:
    """Its text is ours; its signature too, where the private key was published."""
    given, found = vector.inputs, PUBLISHED.keys[vector.key.rsa]
    if found.private_pem is not None:
        key = load_private_key(pem("PRIVATE KEY", found.private_pem.pkcs8_der_base64))
        keys = SnapKeys("CK-1", Secret("unused"), key)
    body = minify((given.body or "").encode())
    shown = explained(
        keys,
        SnapProfile(symmetric=False),
        method=given.method,
        path=given.endpoint_url,
        body=body,
        timestamp=given.timestamp,
    )
    assert given.string_to_sign == shown.text
    if found.private_pem is not None:
        assert vector.expected == shown.signature
    else:
        assert verify_rsa(public_key, shown.text, shown.signature)


def test_neither_secret_nor_key_is_shown(keys: SnapKeys) -> None:
    """What is shown is the text, which holds the given token, and never what it was signed with."""
    shown = explained(keys)
    told = json.dumps([shown.scheme, shown.text, shown.signature, {**shown.headers}])
    assert SECRET not in told
    assert TOKEN not in repr(shown)
