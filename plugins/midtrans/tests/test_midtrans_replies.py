"""What Midtrans' answers to a new charge mean, and its codes for every operation, without a client."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import (
    AccountNumber,
    AlreadyPaid,
    AmountRejected,
    AuthenticationFailed,
    Charge,
    ChargeNotFound,
    ChargeStatus,
    DuplicateReference,
    Flow,
    Instructions,
    InvalidRequest,
    Money,
    OutcomeUnknown,
    PaygateError,
    PermissionDenied,
    QrCode,
    RateLimited,
    Redirect,
    RefundRequest,
    Refused,
    StateConflict,
)
from tests.flows import ended
from tests.midtrans import ACTIONS, METHODS, NUMBER, adapter_of, error, made, order, ref, told

JAKARTA = timezone(timedelta(hours=7))
REFUND = RefundRequest(reference="R-1", reason="Barang habis", amount=Money.idr(5_000))
REFUNDED = {"transaction_status": "partial_refund", "refund_key": "R-1", "refund_amount": "5000.00"}
GOOD: dict[str, tuple[Callable[..., Flow[Charge]], dict[str, Any]]] = {
    "create_charge": (lambda: adapter_of().create_charge(order()), made()),
    "query": (lambda: adapter_of().query(ref()), told()),
    "cancel": (lambda: adapter_of().cancel(ref()), told(transaction_status="cancel")),
    "expire": (
        lambda: adapter_of(cancel_by="expire").cancel(ref()),
        told(status_code="407", transaction_status="expire"),
    ),
    "refund": (lambda: adapter_of().refund(ref(), REFUND), told(**REFUNDED)),
}
"""Each operation, and a right answer to it."""

SHOWN: dict[str, Instructions] = {
    "qris": QrCode("00020101021226"),
    "gopay": Redirect("https://gopay.example/pay?id=1"),
    "shopeepay": Redirect("shopeeid://pay?id=1"),
    "bca": AccountNumber("12345678900", "bca"),
    "bni": AccountNumber("12345678901", "bni"),
    "bri": AccountNumber("12345678902", "bri"),
    "cimb": AccountNumber("12345678903", "cimb"),
    "mandiri": AccountNumber("70012 990000000260", "mandiri"),
    "permata": AccountNumber("8562000087926752", "permata"),
}
NOES: dict[str, type[PaygateError]] = {
    "400": InvalidRequest,
    "401": AuthenticationFailed,
    "402": PermissionDenied,
    "403": InvalidRequest,
    "404": ChargeNotFound,
    "405": InvalidRequest,
    "406": DuplicateReference,
    "408": InvalidRequest,
    "410": PermissionDenied,
    "411": InvalidRequest,
    "412": StateConflict,
    "413": InvalidRequest,
    "414": AmountRejected,
    "429": RateLimited,
}


@pytest.mark.parametrize("kind", METHODS)
def test_a_charge_that_was_made(kind: str) -> None:
    """The answer has what the payer needs, Midtrans' own number, and the end in Jakarta's time."""
    charge = ended(adapter_of().create_charge(order(kind)), made(kind, brand_new=[{"x": None}]))
    assert ("main", "INV-1", ChargeStatus.PENDING) == (charge.gateway, charge.reference, charge.status)
    assert (METHODS[kind], Money.idr(25_000), NUMBER) == (
        charge.method,
        charge.amount,
        charge.provider_reference,
    )
    assert SHOWN[kind] == charge.instructions
    assert datetime(2026, 1, 2, 3, 15, tzinfo=UTC) == charge.expires_at
    assert charge.expires_at is not None
    assert timedelta(hours=7) == charge.expires_at.utcoffset()
    assert (None, None, ()) == (charge.paid_at, charge.paid_amount, charge.refunds)
    assert charge.raw.startswith(b'{"status_code": "201"')


@pytest.mark.parametrize("operation", GOOD)
def test_what_may_be_missing(operation: str) -> None:
    """Midtrans' own number, times, currency and fraud status are nothing that a charge is lost for."""
    ask, reply = GOOD[operation]
    gone = {"transaction_id", "currency", "expiry_time", "settlement_time", "fraud_status", "status_message"}
    charge = ended(ask(), {name: value for name, value in reply.items() if name not in gone})
    assert ("INV-1", None, None) == (charge.reference, charge.provider_reference, charge.expires_at)


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize(
    "rubbish", [7, 1.5, True, [], {}, "", "soon", "2026-01-02T10:00:00", "2026-13-02 10:00:00"]
)
def test_strange_times_and_numbers(operation: str, rubbish: Any) -> None:
    """What is in no known form is left out, and costs no charge."""
    ask, reply = GOOD[operation]
    strange = {
        "expiry_time": rubbish,
        "settlement_time": rubbish,
        "status_message": rubbish,
        "actions": rubbish,
    }
    charge = ended(ask(), reply | strange)
    assert (None, None) == (charge.expires_at, charge.paid_at)


def test_an_expiry_that_is_not_told() -> None:
    """The end that was asked for stands, to the second as it was sent."""
    expires_at = datetime(2026, 1, 2, 4, 0, 0, 999_999, tzinfo=UTC)
    charge = ended(adapter_of().create_charge(order(expires_at=expires_at)), made(expiry_time=None))
    assert datetime(2026, 1, 2, 4, tzinfo=UTC) == charge.expires_at


@given(st.datetimes(timezones=st.just(UTC), allow_imaginary=False))
def test_times_are_jakartas(moment: datetime) -> None:
    """A time without offset is seven hours ahead of UTC, whatever this machine thinks."""
    moment = moment.replace(year=2000 + moment.year % 99, day=min(moment.day, 28), microsecond=0)
    text = f"{moment.astimezone(JAKARTA):%Y-%m-%d %H:%M:%S}"
    assert moment == ended(adapter_of().create_charge(order()), made(expiry_time=text)).expires_at


@pytest.mark.parametrize("kind", METHODS)
def test_a_charge_without_what_the_payer_needs(kind: str) -> None:
    """A charge that was accepted with nothing to show is of unknown outcome, not refused."""
    parts = dict.fromkeys(("qr_string", "va_numbers", "permata_va_number", "bill_key"))
    with pytest.raises(OutcomeUnknown):
        ended(adapter_of().create_charge(order(kind)), made(kind, **parts, actions=ACTIONS[:1]))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "JavaScript://x%0aalert(1)",
        "data://x",
        "//gopay.example",
        "https://a b",
        7,
        None,
    ],
)
def test_a_wallets_address_that_is_none(url: Any) -> None:
    """What a browser must not follow is not handed on."""
    actions = [{"name": "deeplink-redirect", "method": "GET", "url": url}]
    with pytest.raises(OutcomeUnknown):
        ended(adapter_of().create_charge(order("gopay")), made("gopay", actions=actions))


@pytest.mark.parametrize(
    "other",
    [
        {"order_id": "INV-2"},
        {"order_id": None},
        {"order_id": "inv-1"},
        {"gross_amount": "25001.00"},
        {"gross_amount": "25000.01"},
        {"gross_amount": 25000},
        {"gross_amount": "0.00"},
        {"gross_amount": None},
        {"currency": "USD"},
        {"payment_type": "gopay"},
        {"payment_type": None},
    ],
    ids=str,
)
def test_an_answer_about_another_charge(other: dict[str, Any]) -> None:
    """A reference that is used again may bring the answer to an older request: it says nothing about this one."""
    with pytest.raises(OutcomeUnknown):
        ended(adapter_of().create_charge(order()), made(**other))


def test_an_account_of_another_bank() -> None:
    """A number of another bank's is none to show."""
    with pytest.raises(OutcomeUnknown):
        ended(adapter_of().create_charge(order("bni")), made("bca"))


@pytest.mark.parametrize("operation", ["query", "cancel", "expire", "refund"])
@pytest.mark.parametrize(
    "other",
    [
        {"order_id": "INV-2"},
        {"order_id": None},
        {"gross_amount": "25001.00"},
        {"gross_amount": "x"},
        {"currency": "USD"},
    ],
    ids=str,
)
def test_an_answer_about_another_charge_than_asked_about(operation: str, other: dict[str, Any]) -> None:
    """No other operation believes an answer that names another reference, amount or currency."""
    ask, reply = GOOD[operation]
    with pytest.raises(OutcomeUnknown):
        ended(ask(), {name: value for name, value in (reply | other).items() if value is not None})


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize("code", NOES)
def test_a_no_is_in_the_body(operation: str, code: str) -> None:
    """HTTP 200 carries refusals, and the same HTTP status does as well; what each means is decided by its code."""
    ask, _ = GOOD[operation]
    expected = NOES[code]
    for status in (200, int(code)):
        with pytest.raises(expected) as refused:
            ended(ask(), error(code, "because"), status)
        assert type(refused.value) is expected
        assert (code, "because", status) == (
            refused.value.provider_code,
            refused.value.provider_message,
            refused.value.http_status,
        )


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize(
    "code", ["100", "300", "409", "415", "499", "500", "501", "502", "503", "504", "505", "900", "999"]
)
def test_a_code_that_says_nothing_certain(operation: str, code: str) -> None:
    """A code of the server side, or one that is in no table, leaves the outcome unknown."""
    ask, _ = GOOD[operation]
    with pytest.raises(OutcomeUnknown):
        ended(ask(), error(code))


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize(
    "code", ["", "2OO", "20", "2000", "-200", "٢٠٠", "Success", None, 20.0, True, ["200"]], ids=repr
)
def test_a_code_that_is_none(operation: str, code: Any) -> None:
    """A success is three digits, as text or number."""
    ask, reply = GOOD[operation]
    with pytest.raises(OutcomeUnknown):
        ended(ask(), {**reply, "status_code": code})


@pytest.mark.parametrize("operation", GOOD)
def test_a_code_may_be_a_number(operation: str) -> None:
    """Some answers of Midtrans' write it so."""
    ask, reply = GOOD[operation]
    assert "INV-1" == ended(ask(), {**reply, "status_code": int(reply["status_code"])}).reference


@pytest.mark.parametrize("operation", GOOD)
@given(status=st.integers(100, 599))
def test_http_status_and_code_that_disagree(operation: str, status: int) -> None:
    """A success under any HTTP status but 200 and its own is of unknown outcome; so is a refusal."""
    ask, reply = GOOD[operation]
    if status in (200, int(reply["status_code"])):
        assert "INV-1" == ended(ask(), reply, status).reference
    else:
        with pytest.raises(OutcomeUnknown):
            ended(ask(), reply, status)
    if status not in (200, 400):
        with pytest.raises(OutcomeUnknown):
            ended(ask(), error("400"), status)


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize("status", [200, 400, 404, 502])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b"<html>", b'{"status_code":"201"', b"\xff", b'"200"']
)
def test_an_answer_that_nobody_can_read(operation: str, status: int, body: bytes) -> None:
    """It is no answer, whatever its HTTP status."""
    ask, _ = GOOD[operation]
    with pytest.raises(OutcomeUnknown):
        ended(ask(), body, status)


def test_a_new_charge_that_was_declined() -> None:
    """A decline is a charge that failed, and no error."""
    reply = made("gopay", status_code="202", transaction_status="deny", actions=None)
    charge = ended(adapter_of().create_charge(order("gopay")), reply)
    assert (ChargeStatus.FAILED, None) == (charge.status, charge.instructions)


@pytest.mark.parametrize(
    "reply", [error("202", "in progress"), made(status_code="202")], ids=["bare", "pending"]
)
@pytest.mark.parametrize("status", [200, 202])
def test_a_request_that_is_still_worked_on(reply: dict[str, Any], status: int) -> None:
    """A 202 that names no charge, or one that is not denied, is no decline."""
    with pytest.raises(OutcomeUnknown):
        ended(adapter_of().create_charge(order()), reply, status)


@pytest.mark.parametrize(
    "status", ["settlement", "capture", "expire", "cancel", "refund", "deny", "new", "", None]
)
@pytest.mark.parametrize("code", ["200", "201"])
def test_a_new_charge_that_is_not_pending(code: str, status: str | None) -> None:
    """A new charge cannot stand so: whose answer that is nobody knows."""
    with pytest.raises(OutcomeUnknown):
        ended(adapter_of().create_charge(order()), made(status_code=code, transaction_status=status))


def test_what_midtrans_has_against_a_field() -> None:
    """Its reasons are told, without long numbers and addresses."""
    reply = error(
        "400", "One or more parameters", validation_messages=["gross_amount is too small", 7, "x" * 500]
    )
    with pytest.raises(InvalidRequest) as refused:
        ended(adapter_of().create_charge(order()), reply)
    message = refused.value.provider_message
    assert message is not None
    assert message.startswith("One or more parameters; gross_amount is too small; ")
    assert len(message) <= 150
    with pytest.raises(InvalidRequest) as other:
        ended(adapter_of().create_charge(order()), error("400", "no", validation_messages="x"))
    assert "no" == other.value.provider_message


@pytest.mark.parametrize(("header", "expected"), [("7", 7.0), ("soon", None), ("", None)])
def test_too_many_requests(header: str, expected: float | None) -> None:
    """How long to wait is told where Midtrans tells it."""
    with pytest.raises(RateLimited) as busy:
        ended(adapter_of().create_charge(order()), error("429"), 429, **{"Retry-After": header})
    assert expected == busy.value.retry_after


def test_a_refusal_in_the_books_of_the_router() -> None:
    """Where Midtrans has not this method for the merchant, another gateway may have it."""
    with pytest.raises(Refused) as refused:
        ended(adapter_of().create_charge(order()), error("402", "Payment channel is not activated."))
    assert refused.value.elsewhere
    assert not AlreadyPaid.elsewhere


def test_a_limit_of_cards_moves_no_charge() -> None:
    """409 is about cards, which are not sold here: what it means here nobody knows, and no other gateway is tried."""
    with pytest.raises(OutcomeUnknown) as unknown:
        ended(adapter_of().create_charge(order()), error("409"), 409)
    assert ("409", False) == (unknown.value.provider_code, unknown.value.elsewhere)


def test_a_method_in_capitals() -> None:
    """Letter case makes no other method of it."""
    assert "INV-1" == ended(adapter_of().create_charge(order()), made(payment_type="QRIS")).reference
