"""Callbacks signed by the provider: what is believed, and every way not to be."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from paygate import CallbackRejected, CallbackRequest
from paygate.snap import Notices, aware, inbound, minify, notice_string, sign_rsa

PATH = "/callbacks/main"
STAMP = "2026-01-02T10:15:00+07:00"
SENT = datetime.fromisoformat(STAMP)
NOW = SENT.timestamp()
WINDOW = 5400.0
VALUE = {"originalPartnerReferenceNo": "INV-1", "latestTransactionStatus": "00", "note": 'a  b : "c" \\ é'}
COMPACT = json.dumps(VALUE, separators=(",", ":")).encode()
PRETTY = json.dumps(VALUE, indent=2).encode()

Sign = Callable[..., str]


@pytest.fixture(scope="session")
def sign(private_key: RSAPrivateKey) -> Sign:
    """Sign as the provider does, without the code under test."""

    def made(
        body: bytes = COMPACT,
        stamp: str = STAMP,
        path: str = PATH,
        method: str = "POST",
        key: RSAPrivateKey = private_key,
    ) -> str:
        text = f"{method}:{path}:{hashlib.sha256(body).hexdigest()}:{stamp}"
        return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()

    return made


@pytest.fixture(scope="session")
def notices(public_key: RSAPublicKey) -> Notices:
    """The provider's public key, our path, a window of 90 minutes and a clock that stands."""
    return Notices(public_key, PATH, WINDOW, lambda: NOW)


def call(signature: str, body: bytes = COMPACT, stamp: str = STAMP, method: str = "POST") -> CallbackRequest:
    return CallbackRequest(method, PATH, {"X-SIGNATURE": signature, "X-TIMESTAMP": stamp}, body)


def reason(notices: Notices, request: CallbackRequest) -> str:
    with pytest.raises(CallbackRejected) as caught:
        notices.verify(request)
    told = str(caught.value)
    assert "INV-1" not in told, "nothing of an unproven body is told"
    signature = request.header("x-signature") or ""
    assert len(signature) < 16 or signature not in told
    return caught.value.reason


@pytest.mark.parametrize("body", [COMPACT, PRETTY, b"", b"no json", b"\xff\x00", b'{"a"'])
def test_a_signature_over_the_body_as_received_is_believed(body: bytes, notices: Notices, sign: Sign) -> None:
    """The signed time comes back; the body may be anything, for it is not read here."""
    assert notices.verify(call(sign(body), body)) == SENT


def test_a_signature_over_the_minified_body_is_believed(notices: Notices, sign: Sign) -> None:
    """A body that was laid out on its way fits by its minified form."""
    assert notices.verify(call(sign(COMPACT), PRETTY)) == SENT
    assert notices.verify(call(sign(COMPACT), COMPACT + b"\r\n")) == SENT


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(VALUE, separators=(",", ":"), ensure_ascii=False).encode(),
        json.dumps(VALUE, separators=(",", ":"), sort_keys=True).encode(),
        COMPACT.replace(b"a  b", b"a b"),
        COMPACT.replace(b"INV-1", b"INV-2"),
        COMPACT.replace(b'"00"', b'"0\\u0030"'),
        COMPACT.replace(b'"00"', b'"05"'),
        COMPACT + b"x",
        COMPACT[:-1],
        COMPACT + COMPACT,
        b"",
    ],
)
def test_a_changed_body_is_refused(body: bytes, notices: Notices, sign: Sign) -> None:
    """Another value, another order, other escapes or other spaces inside a value: no further form is tried."""
    assert reason(notices, call(sign(COMPACT), body)) == "signature"


def test_a_signature_over_the_pretty_body_does_not_fit_the_compact_one(notices: Notices, sign: Sign) -> None:
    """Minifying goes one way."""
    assert reason(notices, call(sign(PRETTY), COMPACT)) == "signature"


@given(at=st.integers(0, len(COMPACT) - 1), flip=st.integers(1, 255))
def test_one_changed_byte_is_refused(notices: Notices, sign: Sign, at: int, flip: int) -> None:
    """Wherever it is and whatever it becomes."""
    body = bytearray(COMPACT)
    body[at] ^= flip
    assert reason(notices, call(sign(COMPACT), bytes(body))) == "signature"


def test_another_key_is_refused(notices: Notices, sign: Sign, stranger: RSAPrivateKey) -> None:
    """A sound signature of somebody else's."""
    assert reason(notices, call(sign(key=stranger))) == "signature"


@pytest.mark.parametrize(
    "path", ["/callbacks/other", "/callbacks/main/", "/callbacks/main?x=1", "/", "", "/Callbacks/main"]
)
def test_another_path_is_refused(path: str, notices: Notices, sign: Sign) -> None:
    """A callback that was signed for another endpoint cannot be used at this one."""
    assert reason(notices, call(sign(path=path))) == "signature"


@pytest.mark.parametrize("path", ["/rewritten/by/a/proxy", "", "/callbacks/main?x=1"])
def test_the_path_of_the_request_is_not_asked(path: str, notices: Notices, sign: Sign) -> None:
    """The configured public path counts: a proxy may rewrite, and a stranger may choose, the other one."""
    headers = {"X-SIGNATURE": sign(), "X-TIMESTAMP": STAMP}
    assert notices.verify(CallbackRequest("POST", path, headers, COMPACT)) == SENT
    headers = {"X-SIGNATURE": sign(path=path), "X-TIMESTAMP": STAMP}
    assert reason(notices, CallbackRequest("POST", path, headers, COMPACT)) == "signature"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "post", "", "POST "])
def test_another_method_is_refused(method: str, notices: Notices, sign: Sign) -> None:
    """Also where its own name was signed, and where POST was signed."""
    assert reason(notices, call(sign(method=method), method=method)) == "method"
    assert reason(notices, call(sign(), method=method)) == "method"
    assert reason(notices, call(sign(method=method))) == "signature"


@pytest.mark.parametrize(
    "signature",
    ["", " ", "!", "AAAA", "A" * 344, "é" * 344, "\ud800", "0" * 512, "null", "A" * 1_000_000],
    ids=lambda signature: repr(signature[:6]),
)
def test_a_malformed_signature_is_refused(signature: str, notices: Notices) -> None:
    """Without an exception of any other kind."""
    assert reason(notices, call(signature)) == "signature"


@pytest.mark.parametrize("form", ["{}\n", " {}", "{}=", "{0}{0}", "{}AAAA"])
def test_a_signature_with_something_around_it_is_refused(form: str, notices: Notices, sign: Sign) -> None:
    """Base64 is read strictly."""
    assert reason(notices, call(form.format(sign()))) == "signature"


@given(signature=st.text(st.characters(exclude_categories=())), body=st.binary())
def test_random_signatures_are_refused(notices: Notices, signature: str, body: bytes) -> None:
    """Neither signature nor body can choose the exception."""
    assert reason(notices, call(signature, body)) == "signature"


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        " ",
        "now",
        "2026-01-02",
        "2026-01-02T10:15:00",
        "2026-01-02T10:15:00 07:00",
        " 2026-01-02T10:15:00+07:00",
        "2026-01-02T10:15:00+07:00 ",
        "2026-01-02T10:15:00+07:00\n",
        "2026-13-02T10:15:00+07:00",
        "2026-01-02T25:15:00+07:00",
        "2026-01-02T10:15:00+99:00",
        "1767323700",
        "Fri, 02 Jan 2026 03:15:00 GMT",
        "２０２６-01-02T10:15:00+07:00",
        "\ud800",
        "9" * 1_000_000,
    ],
    ids=lambda stamp: repr(stamp[:28]),
)
def test_a_timestamp_that_is_no_time_is_refused(stamp: str, notices: Notices, sign: Sign) -> None:
    """Also with a signature that fits: a time without an offset is no moment."""
    signature = sign(stamp=stamp) if "\ud800" not in stamp else sign()
    assert reason(notices, call(signature, stamp=stamp)) == "timestamp"


@pytest.mark.parametrize(
    "stamp", ["2026-01-02T03:15:00Z", "2026-01-02T03:15:00.000Z", "2026-01-02T10:15:00.000+07:00"]
)
def test_any_layout_of_the_time_is_believed(stamp: str, notices: Notices, sign: Sign) -> None:
    """The text is signed as it was sent, whichever it is."""
    assert notices.verify(call(sign(stamp=stamp), stamp=stamp)) == SENT
    assert reason(notices, call(sign(), stamp=stamp)) == "signature"


@pytest.mark.parametrize(
    ("window", "age", "believed"),
    [
        (5400.0, 0.0, True),
        (5400.0, 5400.0, True),
        (5400.0, 5400.5, False),
        (5400.0, -300.0, True),
        (5400.0, -300.5, False),
        (60.0, 60.0, True),
        (60.0, 60.5, False),
        (60.0, -60.0, True),
        (60.0, -60.5, False),
        (0.0, 0.0, True),
        (0.0, 0.5, False),
        (0.0, -0.5, False),
        (5400.0, 86_400.0 * 365, False),
        (5400.0, -86_400.0 * 365, False),
    ],
)
def test_the_window_ends_where_it_says(
    window: float, age: float, believed: bool, public_key: RSAPublicKey, sign: Sign
) -> None:
    """As old as the window and no older; from the future by five minutes, whatever the window is."""
    notices = Notices(public_key, PATH, window, lambda: NOW + age)
    if believed:
        assert notices.verify(call(sign())) == SENT
    else:
        assert reason(notices, call(sign())) == "timestamp"


@pytest.mark.parametrize(
    "stamp", ["0001-01-01T00:00:00+07:00", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"]
)
def test_a_time_at_the_edge_of_the_calendar_is_refused(stamp: str, notices: Notices, sign: Sign) -> None:
    """Not by an overflow, but as too old or too new."""
    assert reason(notices, call(sign(stamp=stamp), stamp=stamp)) == "timestamp"


@pytest.mark.parametrize(("name", "why"), [("X-SIGNATURE", "signature"), ("X-TIMESTAMP", "timestamp")])
def test_a_header_that_is_missing_or_sent_twice_is_refused(
    name: str, why: str, notices: Notices, sign: Sign
) -> None:
    """Neither the first nor the last of two is chosen, even if they are the same."""
    pairs = [("X-SIGNATURE", sign()), ("X-TIMESTAMP", STAMP)]
    alone = [pair for pair in pairs if pair[0] != name]
    twice = [*pairs, *(pair for pair in pairs if pair[0] == name)]
    other = [*pairs, (name.lower(), "x")]
    for headers in (alone, twice, other, [*alone, (name, "")]):
        assert reason(notices, CallbackRequest("POST", PATH, headers, COMPACT)) == why


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title])
def test_header_names_have_no_letter_case(change: Callable[[str], str], notices: Notices, sign: Sign) -> None:
    """As HTTP says, in a mapping and in pairs."""
    headers = {
        change("X-Signature"): sign(),
        change("X-Timestamp"): STAMP,
        "Content-Type": "application/json",
    }
    assert notices.verify(CallbackRequest("POST", PATH, headers, COMPACT)) == SENT
    assert notices.verify(CallbackRequest("POST", PATH, list(headers.items()), COMPACT)) == SENT


@given(st.text(st.characters(exclude_categories=())) | st.datetimes().map(str))
def test_no_text_makes_reading_a_time_fail(text: str) -> None:
    """A time with an offset or None, and never an exception."""
    moment = aware(text)
    assert moment is None or moment.utcoffset() is not None


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(-1439, 1439))  # noqa: DTZ001 - gets its zone below
def test_a_time_with_an_offset_is_read(naive: datetime, minutes: int) -> None:
    """What isoformat() writes is read as the same moment."""
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert moment == aware(moment.isoformat())


def test_a_stranger_s_large_body_costs_no_minifying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a body whose signature the provider did make is looked at in its second form."""
    seen: list[int] = []

    def watched(body: bytes) -> bytes:
        seen.append(len(body))
        return minify(body)

    monkeypatch.setattr(inbound, "minify", watched)
    key, stranger = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    body = b'{ "a": 1 }'
    stamp = datetime.fromtimestamp(NOW, UTC).isoformat()
    notices = Notices(key.public_key(), "/callbacks/main", 60.0, lambda: NOW)

    def call(signer: rsa.RSAPrivateKey) -> CallbackRequest:
        text = notice_string("POST", "/callbacks/main", minify(body), stamp)
        return CallbackRequest(
            "POST", "/", {"X-TIMESTAMP": stamp, "X-SIGNATURE": sign_rsa(signer, text)}, body
        )

    with pytest.raises(CallbackRejected):
        notices.verify(call(stranger))
    assert [] == seen
    assert NOW == notices.verify(call(key)).timestamp()
    assert [len(body)] == seen
