"""A provider's calls with a token that we issued, and its request for one: what is believed."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import assume, given
from hypothesis import strategies as st

from paygate import CallbackRejected, CallbackRequest, Secret
from paygate.snap import AuthorizedCalls, InboundTokens, TokenRequests
from tests.watch import CANARIES

PATHS = ("/v1.0/transfer-va/payment", "/callbacks/main")
STAMP = "2026-01-02T10:15:00+07:00"
SENT = datetime.fromisoformat(STAMP)
NOW = SENT.timestamp()
SECRET = "canary-of-calls-51f0"
VALUE = {"trxId": "INV-1", "paidAmount": {"value": "11500.00"}, "note": 'a  b : "c" \\ é'}
COMPACT = json.dumps(VALUE, separators=(",", ":")).encode()
PRETTY = json.dumps(VALUE, indent=2).encode()
ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates as well
CANARIES.add(SECRET)


@pytest.fixture(scope="session")
def tokens(private_key: RSAPrivateKey) -> InboundTokens:
    """Our tokens; the clock stands still."""
    return InboundTokens(private_key, "main", "CK", lambda: NOW)


@pytest.fixture(scope="session")
def token(tokens: InboundTokens) -> str:
    """One of them; it is watched for."""
    issued = tokens.issue()
    CANARIES.add(issued)
    return issued


@pytest.fixture(scope="session")
def calls(tokens: InboundTokens) -> AuthorizedCalls:
    """Two paths, two client keys and a window of 90 minutes."""
    return AuthorizedCalls(tokens, Secret(SECRET), frozenset({"CK", "other"}), PATHS, 5400.0, lambda: NOW)


@pytest.fixture(scope="session")
def requests(stranger: RSAPrivateKey) -> TokenRequests:
    """The provider's key, which is not ours, and the client key that was agreed."""
    return TokenRequests(stranger.public_key(), frozenset({"CK"}), lambda: NOW)


def proof(token: str, body: bytes = COMPACT, path: str = PATHS[0], stamp: str = STAMP) -> bytes:
    """Sign as the provider does, without the code under test."""
    text = f"POST:{path}:{token}:{hashlib.sha256(body).hexdigest()}:{stamp}"
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha512).digest()


def call(token: str, signature: bytes | str, body: bytes = COMPACT, **other: Any) -> CallbackRequest:
    """A call with a token; headers may be given otherwise, with _ for -."""
    text = signature if isinstance(signature, str) else base64.b64encode(signature).decode()
    headers = {"Authorization": f"Bearer {token}", "X-SIGNATURE": text, "X-TIMESTAMP": STAMP}
    headers |= {name.replace("_", "-"): value for name, value in other.items()}
    return CallbackRequest("POST", "/seen", headers, body)


def request(key: RSAPrivateKey, client_key: str = "CK", stamp: str = STAMP, **other: str) -> CallbackRequest:
    """A token request, signed by a key."""
    text = f"{client_key}|{stamp}".encode("utf-8", "surrogatepass")
    signature = base64.b64encode(key.sign(text, PKCS1v15(), SHA256())).decode()
    headers = {"X-CLIENT-KEY": client_key, "X-TIMESTAMP": stamp, "X-SIGNATURE": signature}
    headers |= {name.replace("_", "-"): value for name, value in other.items()}
    return CallbackRequest("POST", "/seen", headers, b"")


def reason(judge: AuthorizedCalls | TokenRequests, request: CallbackRequest) -> str:
    """Why a call is refused."""
    with pytest.raises(CallbackRejected) as caught:
        judge.verify(request)
    assert "INV-1" not in str(caught.value), "nothing of an unproven body is told"
    return caught.value.reason


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "signed"), [(COMPACT, COMPACT), (PRETTY, PRETTY), (PRETTY, COMPACT), (b"", b"")]
)
def test_a_proven_call_is_believed(
    calls: AuthorizedCalls, token: str, path: str, body: bytes, signed: bytes
) -> None:
    """Over any of the paths, the body as received or minified; in base64 or hexadecimal."""
    right = proof(token, signed, path)
    for signature in (right, right.hex(), right.hex().upper()):
        assert SENT == calls.verify(call(token, signature, body))


@given(
    path=st.text() | st.sampled_from([f"{PATHS[1]}/", f"{PATHS[0]}?x=1", "", "/seen", PATHS[1] + PATHS[0]])
)
def test_another_path_is_refused(calls: AuthorizedCalls, token: str, path: str) -> None:
    """Also the one that the request came by."""
    assume(path not in PATHS)
    assert "signature" == reason(calls, call(token, proof(token, path=path)))


@given(at=st.integers(0, len(COMPACT) - 1), flip=st.integers(1, 255))
def test_one_changed_byte_is_refused(calls: AuthorizedCalls, token: str, at: int, flip: int) -> None:
    """Wherever it is and whatever it becomes."""
    body = bytearray(COMPACT)
    body[at] ^= flip
    assert "signature" == reason(calls, call(token, proof(token), bytes(body)))


@given(signature=ANY_TEXT | st.binary(max_size=70).map(bytes.hex), body=st.binary())
def test_random_signatures_are_refused(
    calls: AuthorizedCalls, token: str, signature: str, body: bytes
) -> None:
    """Neither signature nor body can choose the exception."""
    assert "signature" == reason(calls, call(token, signature, body))


@given(authorization=ANY_TEXT | ANY_TEXT.map("Bearer {}".format))
def test_random_tokens_are_refused(calls: AuthorizedCalls, authorization: str) -> None:
    """Whatever stands there; nothing else is looked at before it."""
    assert "token" == reason(calls, call("", "AAAA", Authorization=authorization))


@pytest.mark.parametrize("form", ["bearer {}", "BEARER {}", "Bearer {}"])
def test_bearer_has_no_letter_case(calls: AuthorizedCalls, token: str, form: str) -> None:
    """As HTTP says of schemes."""
    assert SENT == calls.verify(call("", proof(token), Authorization=form.format(token)))


@pytest.mark.parametrize(
    "form", ["{}", "Bearer  {}", "Bearer\t{}", "Bearer {} ", "Basic {}", "Bearer", "{0} {0}"]
)
def test_another_form_of_authorization_is_refused(calls: AuthorizedCalls, token: str, form: str) -> None:
    """A right token in a wrong place is none."""
    assert "token" == reason(calls, call("", proof(token), Authorization=form.format(token)))


@pytest.mark.parametrize("partner", ["CK", "other", None])
def test_a_partner_that_was_agreed_or_none(calls: AuthorizedCalls, token: str, partner: str | None) -> None:
    """X-PARTNER-ID is not signed and proves nothing; a wrong one tells of a wrong address."""
    more: dict[str, Any] = {"X_PARTNER_ID": partner} if partner is not None else {}
    assert SENT == calls.verify(call(token, proof(token), **more))


@pytest.mark.parametrize("partner", ["", "ck", "CK ", "CK, CK", "*", "\ud800"])
def test_another_partner_is_refused(calls: AuthorizedCalls, token: str, partner: str) -> None:
    """Also with a signature that fits."""
    assert "client" == reason(calls, call(token, proof(token), X_PARTNER_ID=partner))


def test_an_empty_secret_proves_nothing(tokens: InboundTokens, token: str) -> None:
    """Not even what anybody could sign with it."""
    open_door = AuthorizedCalls(tokens, Secret(""), frozenset(), PATHS, 5400.0, lambda: NOW)
    text = f"POST:{PATHS[0]}:{token}:{hashlib.sha256(COMPACT).hexdigest()}:{STAMP}"
    for digest in (hashlib.sha512, hashlib.sha256):
        mac = hmac.new(b"", text.encode(), digest).digest()
        assert "signature" == reason(open_door, call(token, mac))


def test_one_digest_is_believed_and_no_other(
    calls: AuthorizedCalls, tokens: InboundTokens, token: str
) -> None:
    """HMAC-SHA512 unless HMAC-SHA256 was configured; then that alone."""
    text = f"POST:{PATHS[0]}:{token}:{hashlib.sha256(COMPACT).hexdigest()}:{STAMP}"
    short = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()
    other = AuthorizedCalls(tokens, Secret(SECRET), frozenset(), PATHS, 5400.0, lambda: NOW, "sha256")
    assert SENT == other.verify(call(token, short))
    assert "signature" == reason(calls, call(token, short))
    assert "signature" == reason(other, call(token, proof(token)))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"X_SIGNATURE": ""}, "signature"),
        ({"X_TIMESTAMP": ""}, "timestamp"),
        ({"X_TIMESTAMP": "2026-01-02T10:15:00"}, "timestamp"),
        ({"X_TIMESTAMP": "2026-01-02T08:14:00+07:00"}, "timestamp"),
        ({"X_TIMESTAMP": "2026-01-02T10:21:00+07:00"}, "timestamp"),
        ({"X_TIMESTAMP": "2026-01-02T03:15:00Z"}, "signature"),
    ],
)
def test_time_and_signature_are_asked_for(
    calls: AuthorizedCalls, token: str, change: dict[str, Any], why: str
) -> None:
    """As for a notice: within the window, and the very text that was signed."""
    assert why == reason(calls, call(token, proof(token), **change))


def test_nothing_secret_is_shown(calls: AuthorizedCalls, requests: TokenRequests, token: str) -> None:
    """The judges may be printed."""
    shown = f"{calls!r}{requests!r}"
    assert not any(secret in shown for secret in (SECRET, token))


def test_a_rightful_token_request_is_believed(requests: TokenRequests, stranger: RSAPrivateKey) -> None:
    """The provider's own key, the agreed name and a fresh time."""
    assert SENT == requests.verify(request(stranger))
    assert SENT == requests.verify(request(stranger, stamp="2026-01-02T03:15:00.000Z"))


@pytest.mark.parametrize(("age", "believed"), [(300, True), (300.5, False), (-300, True), (-300.5, False)])
def test_a_token_request_is_fresh_for_five_minutes(
    stranger: RSAPrivateKey, age: float, believed: bool
) -> None:
    """It is never repeated with an old time, so the window is as short as clocks allow."""
    judge = TokenRequests(stranger.public_key(), frozenset({"CK"}), lambda: NOW + age)
    if believed:
        assert SENT == judge.verify(request(stranger))
    else:
        assert "timestamp" == reason(judge, request(stranger))


@given(client_key=ANY_TEXT)
def test_another_client_key_gets_no_token(
    requests: TokenRequests, stranger: RSAPrivateKey, client_key: str
) -> None:
    """Though the provider itself signed it: it may serve other merchants by the same key."""
    assume(client_key != "CK")
    assert "client" == reason(requests, request(stranger, client_key))


def test_no_agreed_client_key_lets_nobody_in(stranger: RSAPrivateKey) -> None:
    """A missing setting refuses instead of accepting."""
    judge = TokenRequests(stranger.public_key(), frozenset(), lambda: NOW)
    for client_key in ("", "CK"):
        assert "client" == reason(judge, request(stranger, client_key))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"X_SIGNATURE": ""}, "signature"),
        ({"X_SIGNATURE": "AAAA"}, "signature"),
        ({"X_TIMESTAMP": ""}, "timestamp"),
        ({"X_TIMESTAMP": "now"}, "timestamp"),
        ({"X_TIMESTAMP": "2026-01-02T10:15:01+07:00"}, "signature"),
        ({"X_CLIENT_KEY": ""}, "client"),
    ],
)
def test_a_changed_token_request_is_refused(
    requests: TokenRequests, stranger: RSAPrivateKey, change: dict[str, Any], why: str
) -> None:
    """Signature, time and name all belong together."""
    assert why == reason(requests, request(stranger, **change))


def test_our_own_key_gets_no_token(requests: TokenRequests, private_key: RSAPrivateKey) -> None:
    """Our own login, sent back to us, is no request of the provider's."""
    assert "signature" == reason(requests, request(private_key))
