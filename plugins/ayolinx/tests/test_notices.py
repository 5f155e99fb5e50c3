"""Callbacks that are rightly signed: when they are too old, and what their bodies may say."""

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from paygate_ayolinx import codes
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    Callback,
    CallbackRejected,
    CallbackRequest,
    ChargeRequest,
    ChargeStatus,
    Method,
    Money,
    Paygate,
    PaymentLink,
    Qris,
)
from paygate.sandbox import PayerAction, SimulatorTransport

PATH = "/callbacks/main"
START = datetime(2026, 9, 14, 3, 15, tzinfo=UTC)
STAMP = "2026-09-14T10:15:00+07:00"
NOTICE: dict[str, Any] = {
    "callbackType": "QRIS",
    "additionalInfo": {"channel": "BNC_QRIS"},
    "amount": {"currency": "IDR", "value": "20000.00"},
    "latestTransactionStatus": "00",
    "originalPartnerReferenceNo": "ORD-1",
    "originalReferenceNo": "AYO-1",
    "finishedTime": "2026-09-14T10:14:00+07:00",
}
UNREADABLE = (
    "20.000,00;20,000.00;20000,00;Rp20000;2e4;; 20000;20000.005;NaN;٢٠;111111111111111;-20000.00;0.00;-0.00"
)
Configured = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def paygate(account: SandboxAccount) -> Iterator[Paygate]:
    """A paygate whose clock stands still; no callback leaves a trace in it."""
    document = {"gateways": {"main": account.settings(PATH)}}
    with Paygate.from_mapping(document, clock=START.timestamp) as one:
        yield one


def compact(notice: Any) -> bytes:
    """JSON without white space."""
    return json.dumps(notice, separators=(",", ":")).encode()


def sent(
    account: SandboxAccount, body: bytes, stamp: str = STAMP, signed: bytes | None = None
) -> CallbackRequest:
    """A callback that is signed rightly, or over other bytes."""
    text = f"POST:{PATH}:{hashlib.sha256(body if signed is None else signed).hexdigest()}:{stamp}"
    proof = account.provider_key.sign(text.encode(), PKCS1v15(), SHA256())
    headers = {"X-TIMESTAMP": stamp, "X-SIGNATURE": base64.b64encode(proof).decode()}
    return CallbackRequest("POST", PATH, headers, body)


def refused(paygate: Paygate, request: CallbackRequest, reason: str, status: int) -> None:
    """Check how a callback is refused: by one exception alone, with an answer for the provider."""
    with pytest.raises(CallbackRejected) as raised:
        paygate.parse_callback("main", request)
    assert (CallbackRejected, reason) == (type(raised.value), raised.value.reason)
    assert status == raised.value.reply.status
    assert b"2005600" not in raised.value.reply.body


def stamped(offset: float) -> str:
    """The time some seconds from now, as the provider writes it."""
    return (START + timedelta(seconds=offset)).isoformat()


@pytest.mark.parametrize("age", [0, 1, 4560, 5400, -300])
def test_a_time_within_the_window(paygate: Paygate, account: SandboxAccount, age: int) -> None:
    """A callback up to 90 minutes old is accepted, and one up to five minutes ahead."""
    callback = paygate.parse_callback("main", sent(account, compact(NOTICE), stamped(-age)))
    assert START - timedelta(seconds=age) == callback.sent_at


@pytest.mark.parametrize("age", [5401, 86_400, 10**9, -301, -86_400])
def test_a_time_outside_the_window(paygate: Paygate, account: SandboxAccount, age: int) -> None:
    """An older one is a replay, one from further ahead no genuine one."""
    refused(paygate, sent(account, compact(NOTICE), stamped(-age)), "timestamp", 401)


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-09-14T10:15:00",
        "2026-09-14",
        "1789355700",
        "Mon, 14 Sep 2026 03:15:00 GMT",
        "now",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "1970-01-01T00:00:00+00:00",
        "2026-09-14T10:15:00+07:00, 2026-09-14T10:15:00+07:00",
        "2026-13-14T10:15:00+07:00",
        "９９９９-09-14T10:15:00+07:00",
    ],
)
def test_a_time_that_is_none(paygate: Paygate, account: SandboxAccount, stamp: str) -> None:
    """A time without an offset, far away or in another form is refused, even if signed."""
    refused(paygate, sent(account, compact(NOTICE), stamp), "timestamp", 401)


def test_the_window_of_the_settings(account: SandboxAccount) -> None:
    """The window is as configured, and never longer into the future for that."""
    document = {"gateways": {"main": account.settings(PATH) | {"callback_window_minutes": 120}}}
    with Paygate.from_mapping(document, clock=START.timestamp) as paygate:
        assert paygate.parse_callback("main", sent(account, compact(NOTICE), stamped(-7200))).charges
        refused(paygate, sent(account, compact(NOTICE), stamped(-7201)), "timestamp", 401)
        refused(paygate, sent(account, compact(NOTICE), stamped(301)), "timestamp", 401)


def test_the_last_retry(make_simulator: Callable[..., AyolinxSimulator], configured: Configured) -> None:
    """The provider's last retry, 76 minutes later with the first one's time, is accepted as things come."""
    now = [START.timestamp()]
    simulator = make_simulator(clock=lambda: now[0])
    taken: list[Callback] = []
    with Paygate.from_mapping(
        configured(simulator), transport=SimulatorTransport(simulator), clock=lambda: now[0]
    ) as paygate:

        def post(request: httpx.Request) -> httpx.Response:
            told = CallbackRequest(request.method, request.url.path, request.headers, request.content)
            taken.append(paygate.parse_callback("main", told))
            status = 200 if len(taken) == 5 else 503
            return httpx.Response(status, content=taken[-1].reply.body)

        paygate.create_charge(ChargeRequest(reference="INV-1", amount=Money.idr(25_000), method=Qris()))
        simulator.act("INV-1", PayerAction.PAY)
        for minutes in (0, 1, 5, 10, 60):
            now[0] += minutes * 60
            simulator.deliveries.run(post)
    assert START.timestamp() + 76 * 60 == now[0]
    assert [START] * 5 == [callback.sent_at for callback in taken]
    assert [503, 503, 503, 503, 200] == simulator.deliveries.all[0].summary()["attempts"]


def test_what_may_be_missing(paygate: Paygate, account: SandboxAccount) -> None:
    """A paid callback needs status, reference and amount; without the rest it has less to tell."""
    needed = ("amount", "latestTransactionStatus", "originalPartnerReferenceNo")
    body = compact({name: NOTICE[name] for name in needed})
    [charge] = paygate.parse_callback("main", sent(account, body)).charges
    assert (ChargeStatus.PAID, Money.idr(20_000)) == (charge.status, charge.paid_amount)
    assert (None, None, None) == (charge.method, charge.paid_at, charge.provider_reference)


@pytest.mark.parametrize(
    ("details", "method"),
    [
        *[({"channel": channel}, method) for channel, method in codes.CHANNELS.items()],
        *[({"channel": other}, None) for other in ("VIRTUAL_ACCOUNT_BCA", "", "bnc_qris", None)],
        ({}, None),
        (None, None),
    ],
    ids=str,
)
def test_how_it_was_paid(
    paygate: Paygate, account: SandboxAccount, details: dict[str, Any] | None, method: Method | None
) -> None:
    """By the channel; without one, or with one that we do not know, the money is there all the same."""
    [charge] = paygate.parse_callback(
        "main", sent(account, compact(NOTICE | {"additionalInfo": details}))
    ).charges
    assert (method, Money.idr(20_000)) == (charge.method, charge.paid_amount)


@pytest.mark.parametrize(
    ("told", "reference"),
    [
        ({"partnerReferenceNo": "INV-7", "originalPartnerReferenceNo": "DANA-1"}, "INV-7"),
        ({"partnerReferenceNo": "INV-7", "originalPartnerReferenceNo": None}, "INV-7"),
        ({"partnerReferenceNo": "", "originalPartnerReferenceNo": "INV-7"}, "INV-7"),
        ({"partnerReferenceNo": None, "originalPartnerReferenceNo": "INV-7"}, "INV-7"),
    ],
    ids=str,
)
def test_whose_number_is_whose(
    paygate: Paygate, account: SandboxAccount, told: dict[str, str | None], reference: str
) -> None:
    """An e-wallet may tell its own number as the original one, and ours beside it."""
    [charge] = paygate.parse_callback("main", sent(account, compact(NOTICE | told))).charges
    assert reference == charge.reference


@pytest.mark.parametrize("channel", ["BNC_QRIS", "EMONEY_DANA_SNAP", "VIRTUAL_ACCOUNT_BNI", None])
@pytest.mark.parametrize(("plh", "number"), [("4DrzTTeCn9Z", "4DrzTTeCn9Z"), (17, "17")])
def test_a_notice_of_a_link(
    paygate: Paygate, account: SandboxAccount, channel: str | None, plh: object, number: str
) -> None:
    """Whatever the payer chose, the charge is the link's, and the link's own number names it."""
    body = compact(NOTICE | {"additionalInfo": {"channel": channel, "plh": plh}})
    [charge] = paygate.parse_callback("main", sent(account, body)).charges
    assert (PaymentLink(), number) == (charge.method, charge.provider_reference)


@pytest.mark.parametrize("plh", ["", None, [], {}, True])
def test_a_notice_of_no_link(paygate: Paygate, account: SandboxAccount, plh: object) -> None:
    """A link's number that is none makes no link of it."""
    body = compact(NOTICE | {"additionalInfo": {"channel": "BNC_QRIS", "plh": plh}})
    [charge] = paygate.parse_callback("main", sent(account, body)).charges
    assert (Qris(), "AYO-1") == (charge.method, charge.provider_reference)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("01", "PENDING"),
        ("02", "PENDING"),
        ("03", "PENDING"),
        ("04", "REFUNDED"),
        ("05", "CANCELLED"),
        ("06", "FAILED"),
    ],
)
@pytest.mark.parametrize("amount", [NOTICE["amount"], None, {"value": "20.000,00"}])
def test_a_status_without_payment(
    paygate: Paygate, account: SandboxAccount, code: str, status: str, amount: dict[str, str] | None
) -> None:
    """Any status but paid has no paid amount, and its amount does not matter."""
    body = compact(NOTICE | {"latestTransactionStatus": code, "amount": amount})
    [charge] = paygate.parse_callback("main", sent(account, body)).charges
    assert (ChargeStatus[status], None, None) == (charge.status, charge.paid_amount, charge.paid_at)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *[({"latestTransactionStatus": status}, "status") for status in ("07", "08", "0", "", "000", "paid")],
        *[({"latestTransactionStatus": status}, "body") for status in (0, None, True, ["00"])],
        *[({"originalPartnerReferenceNo": other}, "body") for other in ("", None, 7, ["ORD-1"])],
        *[({"partnerReferenceNo": other}, "body") for other in (7, ["ORD-1"])],
        ({"amount": None}, "amount"),
        *[
            ({"amount": other}, "body")
            for other in (20000, "20000.00", ["20000.00"], {"value": 20000.0}, {"currency": "IDR"})
        ],
        *[({"amount": {"currency": "IDR", "value": value}}, "amount") for value in UNREADABLE.split(";")],
        *[
            ({"amount": {"currency": currency, "value": "20000.00"}}, "amount")
            for currency in ("", "Rp", "idr")
        ],
    ],
    ids=str,
)
def test_what_it_may_not_say(
    paygate: Paygate, account: SandboxAccount, change: dict[str, Any], reason: str
) -> None:
    """A signed body that says something else than we know is refused; nothing of it is guessed."""
    refused(paygate, sent(account, compact(NOTICE | change)), reason, 400)


@pytest.mark.parametrize("name", ["amount", "latestTransactionStatus", "originalPartnerReferenceNo"])
def test_what_may_not_be_missing(paygate: Paygate, account: SandboxAccount, name: str) -> None:
    """Without status, reference or paid amount a signed body is refused."""
    reason = {"amount": "amount"}.get(name, "body")
    rest = {key: value for key, value in NOTICE.items() if key != name}
    refused(paygate, sent(account, compact(rest)), reason, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"a=1&b=2",
        b"<xml/>",
        b"\xff\xfe{}",
        b"{",
        compact(NOTICE)[:-1],
        compact(NOTICE) + b"x",
        b'{"a":' * 20_000,
        b"[" * 100_000,
        b'"' * 999,
        b'"\\' * 1000,
    ],
    ids=lambda body: ascii(body[:8]),
)
def test_a_body_that_is_none(paygate: Paygate, account: SandboxAccount, body: bytes) -> None:
    """A signed body that is no JSON object of Ayolinx's is refused."""
    refused(paygate, sent(account, body), "body", 400)


def test_two_forms_of_a_body(paygate: Paygate, account: SandboxAccount) -> None:
    """A body with white space may be signed without it; re-serialised in another order it may not."""
    pretty = json.dumps(NOTICE, indent=4).encode()
    assert paygate.parse_callback("main", sent(account, pretty, signed=compact(NOTICE))).charges
    assert paygate.parse_callback("main", sent(account, pretty)).charges
    ordered = json.dumps(NOTICE, sort_keys=True, separators=(",", ":")).encode()
    refused(paygate, sent(account, pretty, signed=ordered), "signature", 401)
    refused(paygate, sent(account, compact(NOTICE), signed=pretty), "signature", 401)


@given(spaces=st.text(" \t\r\n", min_size=1), text=st.text(' \t\n"\\/é', min_size=1))
def test_white_space_in_a_text_counts(
    paygate: Paygate, account: SandboxAccount, spaces: str, text: str
) -> None:
    """White space between tokens may be left out of what is signed, white space in a text may not."""
    notice = compact(NOTICE | {"customerNumber": text})
    loose = notice.replace(b",", b"," + spaces.encode())
    assert paygate.parse_callback("main", sent(account, loose, signed=notice)).charges
    changed = notice.replace(b"ORD-1", b"ORD" + spaces.encode() + b"-1")
    refused(paygate, sent(account, changed, signed=notice), "signature", 401)


def test_nothing_is_logged(
    paygate: Paygate, account: SandboxAccount, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither an accepted nor a refused callback writes a word of its body anywhere."""
    caplog.set_level(logging.DEBUG)
    accepted = paygate.parse_callback(
        "main", sent(account, compact(NOTICE | {"customerNumber": "0812345678"}))
    )
    refused(paygate, sent(account, b"0812345678"), "body", 400)
    assert "0812345678" not in caplog.text + repr(accepted) + repr(accepted.charges)
