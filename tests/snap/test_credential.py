"""Login and signed requests, through a Conversation without any client, checked by hashlib and hmac."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from paygate import AuthenticationFailed, Conversation, InvalidRequest, OutcomeUnknown, PaygateError, Secret
from paygate.snap import SnapCredential, SnapKeys, SnapProfile, Timestamps, lifetime_of, log_in

NOW = datetime.fromisoformat("2026-01-02T10:15:00+07:00").timestamp()
STAMP = "2026-01-02T10:15:00+07:00"
URL = "https://provider.example/v1.0/access-token/b2b"
TOKEN = "91838ba37d8f14bf"
SECRET = "SK-1-rahasia"
BODY = b'{"partnerReferenceNo":"INV-1","amount":{"value":"2000.00","currency":"IDR"}}'
GRANTED = {"responseCode": "2007300", "responseMessage": "OK", "accessToken": TOKEN, "expiresIn": "900"}

Enter = Callable[..., SnapCredential]


def clock() -> float:
    return NOW


@pytest.fixture
def keys(private_key: RSAPrivateKey) -> SnapKeys:
    """Who we are."""
    return SnapKeys("CK-1", Secret(SECRET), private_key)


def asking(keys: SnapKeys, profile: SnapProfile) -> Conversation[SnapCredential]:
    return Conversation(log_in(URL, keys, profile, Timestamps(profile.layout, clock), clock))


@pytest.fixture
def enter(keys: SnapKeys) -> Enter:
    """Log in with this profile and this answer."""

    def log(*, status: int = 200, answer: Any = GRANTED, **options: Any) -> SnapCredential:
        talk = asking(keys, SnapProfile(**options))
        talk.answer(httpx.Response(status, json=answer))
        assert talk.request is None
        return talk.result

    return log


def request(
    path: str = "/v1.0/qr/qr-mpm-generate", body: bytes = BODY, method: str = "POST"
) -> httpx.Request:
    return httpx.Request(method, "https://provider.example" + path, content=body)


def hmac_of(text: str) -> bytes:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha512).digest()


def signed_by(key: RSAPublicKey, text: str, signature: str) -> bool:
    try:
        key.verify(base64.b64decode(signature), text.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def without(*names: str, **other: Any) -> dict[str, Any]:
    return {name: value for name, value in {**GRANTED, **other}.items() if name not in names}


def test_the_login_is_signed_by_our_key(keys: SnapKeys, public_key: RSAPublicKey) -> None:
    """Client key, time and the RSA signature over both go out; no token and no secret."""
    asked = asking(keys, SnapProfile()).request
    assert asked is not None
    assert (asked.method, str(asked.url), asked.content) == (
        "POST",
        URL,
        b'{"grantType":"client_credentials"}',
    )
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["X-CLIENT-KEY"] == "CK-1"
    assert asked.headers["X-TIMESTAMP"] == STAMP
    assert signed_by(public_key, f"CK-1|{STAMP}", asked.headers["X-SIGNATURE"])
    assert {"authorization", "x-partner-id", "x-external-id"}.isdisjoint(asked.headers)
    assert SECRET not in str(asked.headers.raw)
    assert asked.extensions["signed"] == "<client key>|<timestamp>"


def test_the_login_is_signed_with_the_layout_of_the_profile(keys: SnapKeys, public_key: RSAPublicKey) -> None:
    """The signed time is the one that is sent, to the letter."""
    asked = asking(keys, SnapProfile(layout="msZ")).request
    assert asked is not None
    assert asked.headers["X-TIMESTAMP"] == "2026-01-02T03:15:00.000Z"
    assert signed_by(public_key, "CK-1|2026-01-02T03:15:00.000Z", asked.headers["X-SIGNATURE"])


@pytest.mark.parametrize(
    ("answer", "lifetime"),
    [
        (GRANTED, 900 - 60),
        (without(expiresIn=900), 900 - 60),
        (without(expiresIn="120"), 60),
        (without(expiresIn=100), 50),
        (without(expiresIn="10"), 5),
        (without(expiresIn="0900"), 900 - 60),
        (without("expiresIn"), 900 - 60),
        (without("responseCode", "responseMessage"), 900 - 60),
        (without(responseCode=2007300), 900 - 60),
        (without(tokenType="bearer", additionalInfo={"x": [1]}), 900 - 60),
    ],
)
def test_a_token_is_renewed_before_its_end(answer: dict[str, Any], lifetime: float, enter: Enter) -> None:
    """A minute before, or at half its life if that is less; text and number are both a lifetime."""
    assert NOW + lifetime == enter(answer=answer).expires_at


@pytest.mark.parametrize(
    "expires_in",
    [
        "",
        " ",
        "soon",
        "-900",
        "+900",
        "900.0",
        "9e2",
        "9 00",
        "٩٠٠",
        "²",
        "9" * 10,
        -1,
        10**9,
        900.5,
        True,
        None,
        [],
    ],
)
def test_a_lifetime_that_is_none_is_not_guessed(expires_in: Any, enter: Enter) -> None:
    """Such a login is of no use, and the error says that."""
    with pytest.raises(OutcomeUnknown):
        enter(answer=without(expiresIn=expires_in))


def test_a_lifetime_too_long_to_write_is_none() -> None:
    """Python refuses to write very long numbers; that is no lifetime either."""
    assert lifetime_of(10**5000) is None


@pytest.mark.parametrize(
    "token",
    ["", None, 5, ["x"], "ké", "日", "a\r\nX-Other: b", "a\nb", "a\0b"],
    ids=["empty", "null", "number", "list", "accent", "kanji", "line break", "line feed", "NUL"],
)
def test_a_token_that_no_header_takes_is_refused_at_login(token: Any, enter: Enter) -> None:
    """It would break every request to come, so the login is answered without a usable token."""
    with pytest.raises(OutcomeUnknown):
        enter(answer=without(accessToken=token))


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (401, {"responseCode": "4017300", "responseMessage": "Unauthorized"}, AuthenticationFailed),
        (401, {"responseCode": 4017300, "responseMessage": "Unauthorized"}, AuthenticationFailed),
        (400, {"responseCode": "4007301", "responseMessage": "Timestamp"}, InvalidRequest),
        (401, {**GRANTED, "responseCode": "4017300"}, AuthenticationFailed),
        (200, {**GRANTED, "responseCode": "4017300"}, OutcomeUnknown),
        (401, GRANTED, OutcomeUnknown),
        (401, without("responseCode"), OutcomeUnknown),
        (500, GRANTED, OutcomeUnknown),
        (504, {"responseCode": "5047300"}, OutcomeUnknown),
        (200, [], OutcomeUnknown),
        (200, "rubbish", OutcomeUnknown),
    ],
)
def test_a_login_that_gives_no_token_fails(
    status: int, answer: Any, kind: type[PaygateError], enter: Enter
) -> None:
    """A refusal is AuthenticationFailed; where status and code disagree nothing is believed."""
    with pytest.raises(PaygateError) as caught:
        enter(status=status, answer=answer)
    assert kind is type(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_request_is_signed_by_hmac(enter: Enter) -> None:
    """Method, path with query, token, hash of the sent bytes, time; base64."""
    sent = enter().sign(request("/v1.0/balance?b=2&a=1%20c", b"", "GET"))
    empty = hashlib.sha256(b"").hexdigest()
    digest = hmac_of(f"GET:/v1.0/balance?b=2&a=1%20c:{TOKEN}:{empty}:{STAMP}")
    assert base64.b64encode(digest).decode() == sent.headers["X-SIGNATURE"]
    assert sent.headers["X-TIMESTAMP"] == STAMP
    assert f"Bearer {TOKEN}" == sent.headers["Authorization"]
    assert sent.headers["X-PARTNER-ID"] == "CK-1"
    assert sent.headers["Content-Type"] == "application/json"
    assert "CHANNEL-ID" not in sent.headers
    assert sent.extensions["signed"] == "<method>:<path>:<token>:<sha256 of the body>:<timestamp>"


@pytest.mark.parametrize("body", [BODY, b"", b'{ "spaced" : 1 }', '{"é":"日"}'.encode(), b"\xff\x00"])
def test_the_bytes_that_are_sent_are_signed(body: bytes, enter: Enter) -> None:
    """Nothing is minified, parsed or written again, and the body leaves as it came."""
    sent = enter().sign(request(body=body))
    text = f"POST:/v1.0/qr/qr-mpm-generate:{TOKEN}:{hashlib.sha256(body).hexdigest()}:{STAMP}"
    assert base64.b64encode(hmac_of(text)).decode() == sent.headers["X-SIGNATURE"]
    assert body == sent.content


def test_a_request_is_signed_in_hex_where_the_profile_says_so(enter: Enter) -> None:
    """The same digest in lower-case hexadecimal, and the time in the profile's layout."""
    sent = enter(encoding="hex", layout="ms+07:00").sign(request())
    text = f"POST:/v1.0/qr/qr-mpm-generate:{TOKEN}:{hashlib.sha256(BODY).hexdigest()}:2026-01-02T10:15:00.000+07:00"
    assert hmac_of(text).hex() == sent.headers["X-SIGNATURE"]


def test_the_unsigned_prefix_is_sent_and_not_signed(enter: Enter) -> None:
    """The URL keeps the front of the path that the provider does not sign."""
    sent = enter(unsigned_prefix="/nicepay").sign(request("/nicepay/api/v1.0/qr?x=1"))
    text = f"POST:/api/v1.0/qr?x=1:{TOKEN}:{hashlib.sha256(BODY).hexdigest()}:{STAMP}"
    assert base64.b64encode(hmac_of(text)).decode() == sent.headers["X-SIGNATURE"]
    assert sent.url.raw_path == b"/nicepay/api/v1.0/qr?x=1"


def test_an_asymmetric_request_is_signed_by_rsa(enter: Enter, public_key: RSAPublicKey) -> None:
    """No token in the string, and our RSA key instead of the secret."""
    sent = enter(symmetric=False, unsigned_prefix="/api").sign(request("/api/v1.0/qr?x=1"))
    hashed = hashlib.sha256(BODY).hexdigest()
    assert signed_by(public_key, f"POST:/v1.0/qr?x=1:{hashed}:{STAMP}", sent.headers["X-SIGNATURE"])
    assert sent.extensions["signed"] == "<method>:<path>:<sha256 of the body>:<timestamp>"


def test_a_channel_is_sent_where_the_profile_has_one(enter: Enter) -> None:
    """CHANNEL-ID, as it stands in the profile."""
    assert enter(channel_id="95221").sign(request()).headers["CHANNEL-ID"] == "95221"


def test_signing_again_makes_everything_new(keys: SnapKeys) -> None:
    """The second time there is another number, another time and another signature, and one of each."""
    moments = [NOW, NOW, NOW + 5]
    timestamps = Timestamps(clock=lambda: moments.pop(0))
    talk = Conversation(log_in(URL, keys, SnapProfile(), timestamps, clock))
    talk.answer(httpx.Response(200, json=GRANTED))
    sent, seen = request(), []
    for _ in range(2):
        assert talk.result.sign(sent) is sent
        names = ("X-EXTERNAL-ID", "X-TIMESTAMP", "X-SIGNATURE")
        seen.append([sent.headers[name] for name in names])
        assert [len(sent.headers.get_list(name)) for name in names] == [1, 1, 1]
        assert sent.extensions["external_id"] == sent.headers["X-EXTERNAL-ID"]
    assert all(first != second for first, second in zip(*seen, strict=True))
    assert all(len(number) == 33 and number.isdigit() for number, _, _ in seen)


@pytest.mark.parametrize(
    ("status", "body", "rejected"),
    [
        (401, b'{"responseCode":"4014701"}', True),
        (401, b'{"responseCode":"4014703"}', True),
        (401, b'{"responseCode":4014701}', True),
        (401, b'{"responseCode":"401US03"}', True),
        (401, b'{"responseCode":"4014700"}', False),
        (401, b'{"responseCode":"4014702"}', False),
        (401, b'{"responseCode":"4014704"}', False),
        (401, b'{"responseCode":"4034701"}', False),
        (200, b'{"responseCode":"4014701"}', False),
        (403, b'{"responseCode":"4014701"}', False),
        (500, b'{"responseCode":"4014701"}', False),
        (401, b'{"responseCode":null}', False),
        (401, b'{"responseMessage":"Invalid Token"}', False),
        (401, b"Unauthorized", False),
        (401, b"\xff", False),
        (401, b'{"responseCode":"\xff"}', False),
        (401, b"[" * 100_000, False),
        (401, b'{"responseCode":' + b"9" * 100_000 + b"}", False),
    ],
)
def test_only_a_token_refused_beyond_doubt_is_rejected(
    status: int, body: bytes, rejected: bool, enter: Enter
) -> None:
    """HTTP 401 and case 01 or 03 together; a wrong signature is not the token's fault."""
    assert rejected is enter().rejected_by(httpx.Response(status, content=body))


def test_nothing_secret_is_in_a_repr(enter: Enter, keys: SnapKeys) -> None:
    """Keys and credential show the client key and the end of the token's life, no more."""
    credential = enter()
    assert repr(keys) == "SnapKeys('CK-1')"
    assert repr(credential) == f"SnapCredential(expires_at={NOW + 840:.0f})"
    assert TOKEN not in repr(credential) + repr(keys)


@pytest.mark.parametrize("symmetric", [True, False])
def test_another_process_can_use_what_a_credential_keeps(
    enter: Enter, keys: SnapKeys, *, symmetric: bool
) -> None:
    """Restored, it signs the same, ends at the same time, and keeps the same."""
    profile = SnapProfile(symmetric=symmetric)
    first = enter(symmetric=symmetric)
    second = SnapCredential.restored(first.keep(), keys, profile, Timestamps(clock=clock), clock)
    assert (first.keep(), first.expires_at) == (second.keep(), second.expires_at)
    ours, theirs = (one.sign(request()).headers for one in (first, second))
    for name in ("Authorization", "X-SIGNATURE", "X-PARTNER-ID"):
        assert ours.get(name) == theirs.get(name)


def test_a_credential_without_a_token_keeps_nothing(keys: SnapKeys) -> None:
    """Who signs by RSA alone has not logged in, and there is nothing to share."""
    credential = SnapCredential(keys, SnapProfile(symmetric=False), Timestamps(), "", float("inf"), clock)
    assert b"" == credential.keep()


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"garbage",
        b"{}",
        b'{"token":"","expires_at":1.0}',
        b'{"token":"two\\nlines","expires_at":1.0}',
        b'{"token":"abc","expires_at":"soon"}',
        b'{"token":"abc"}',
    ],
)
def test_anything_else_is_not_restored(keys: SnapKeys, kept: bytes) -> None:
    """What another version kept raises; nothing of it gets into a header."""
    with pytest.raises(ValueError):
        SnapCredential.restored(kept, keys, SnapProfile(), Timestamps(clock=clock), clock)
