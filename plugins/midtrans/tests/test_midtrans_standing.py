"""How a charge stands by Midtrans' answer to a query, without a client."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import (
    AccountNumber,
    ChargeNotFound,
    ChargeStatus,
    Money,
    OutcomeUnknown,
    Redirect,
    Refund,
    RefundStatus,
)
from tests.flows import ended
from tests.midtrans import METHODS, NUMBER, adapter_of, error, made, ref, told

PENDING, PAID, FAILED = ChargeStatus.PENDING, ChargeStatus.PAID, ChargeStatus.FAILED
EXPIRED, CANCELLED = ChargeStatus.EXPIRED, ChargeStatus.CANCELLED
REFUNDED, PARTLY = ChargeStatus.REFUNDED, ChargeStatus.PARTIALLY_REFUNDED
STANDINGS = [
    ("200", "settlement", PAID),
    ("200", "capture", PAID),
    ("200", "pending", PENDING),
    ("201", "pending", PENDING),
    ("200", "deny", FAILED),
    ("202", "deny", FAILED),
    ("202", "failure", FAILED),
    ("200", "cancel", CANCELLED),
    ("202", "cancel", CANCELLED),
    ("407", "expire", EXPIRED),
    ("202", "expire", EXPIRED),
    ("200", "expire", EXPIRED),
    ("200", "refund", REFUNDED),
    ("200", "partial_refund", PARTLY),
    ("201", "partial_refund", PARTLY),
]
CONTRADICTIONS = [
    ("201", "settlement"),
    ("202", "settlement"),
    ("407", "settlement"),
    ("407", "pending"),
    ("407", "cancel"),
    ("202", "pending"),
    ("202", "refund"),
    ("201", "expire"),
    ("201", "capture"),
]
TWO = [
    {
        "refund_chargeback_id": 1,
        "refund_amount": "5000.00",
        "created_at": "2026-01-03 00:14:20",
        "reason": "Barang habis",
        "refund_key": "R-1",
        "refund_method": "online",
        "bank_confirmed_at": "2026-01-03 02:30:20",
    },
    {"refund_chargeback_id": 2, "refund_amount": "7000.00", "reason": "", "refund_key": "R-2"},
]


def standing(**other: Any) -> Any:
    """What is made of an answer to a query."""
    return ended(adapter_of().query(ref()), told(**other))


@pytest.mark.parametrize(("code", "status", "expected"), STANDINGS)
@pytest.mark.parametrize("write", [str.lower, str.upper, str.title])
def test_how_a_charge_stands(code: str, status: str, expected: ChargeStatus, write: Any) -> None:
    """Each status has one meaning, in small letters or capitals; 407 is no error where it is expired."""
    charge = standing(status_code=code, transaction_status=write(status))
    assert (expected, Money.idr(25_000), NUMBER) == (charge.status, charge.amount, charge.provider_reference)
    was_paid = expected in (PAID, REFUNDED, PARTLY)
    assert (Money.idr(25_000) if was_paid else None) == charge.paid_amount
    assert (datetime(2026, 1, 2, 3, 3, tzinfo=UTC) if was_paid else None) == charge.paid_at


@pytest.mark.parametrize(("code", "status"), CONTRADICTIONS)
def test_a_code_that_contradicts_the_status(code: str, status: str) -> None:
    """Midtrans: paid only if the code is 200. Where the two disagree nobody knows."""
    with pytest.raises(OutcomeUnknown):
        standing(status_code=code, transaction_status=status)


@pytest.mark.parametrize(
    "status",
    [
        "authorize",
        "chargeback",
        "partial_chargeback",
        "paid",
        "settled",
        "success",
        "",
        " settlement",
        None,
        1,
        ["settlement"],
    ],
    ids=repr,
)
def test_a_status_that_has_no_word(status: Any) -> None:
    """A status that is in no table is never pending, failed or paid."""
    with pytest.raises(OutcomeUnknown):
        standing(transaction_status=status)


@pytest.mark.parametrize("status", ["settlement", "capture"])
@pytest.mark.parametrize(
    ("fraud", "expected"),
    [("accept", PAID), ("ACCEPT", PAID), (None, PAID), ("", PAID), ("challenge", PENDING)],
)
def test_what_is_suspected_is_not_paid(status: str, fraud: str | None, expected: ChargeStatus) -> None:
    """Only what was accepted, or never doubted, is paid."""
    charge = standing(transaction_status=status, fraud_status=fraud)
    assert expected is charge.status
    assert (charge.paid_amount is not None) == (expected is PAID)


@pytest.mark.parametrize(
    "fraud", ["deny", "DENY", "review", "accepted", 1, [], {"accept": True}, True], ids=repr
)
def test_a_suspicion_that_has_no_word(fraud: Any) -> None:
    """A fraud status that is in no table, or contradicts a payment, is not taken for paid, nor for failed."""
    with pytest.raises(OutcomeUnknown):
        standing(fraud_status=fraud)


def test_a_charge_that_was_denied_for_fraud() -> None:
    """Where the status says so itself, nothing contradicts it: it failed."""
    assert FAILED is standing(transaction_status="deny", fraud_status="deny").status


@pytest.mark.parametrize("status", [200, 404])
def test_a_charge_that_midtrans_does_not_know(status: int) -> None:
    """404 is in the body, whatever the HTTP status."""
    with pytest.raises(ChargeNotFound):
        ended(adapter_of().query(ref()), error("404", "Transaction doesn't exist."), status)


@given(st.decimals("0.01", "99999999999999.99", places=2))
def test_an_amount_survives_exactly(amount: Decimal) -> None:
    """What comes as text is kept to the last sen."""
    charge = ended(adapter_of().query(ref(amount=None)), told(gross_amount=f"{amount:.2f}"))
    assert Money.idr(amount) == charge.paid_amount


@pytest.mark.parametrize(
    "amount", ["25.000,00", "25,000.00", "Rp25000", "-25000.00", "25000.0", "2.5e4", "", 25000, 25000.0, None]
)
def test_a_paid_amount_that_cannot_be_read(amount: Any) -> None:
    """Paid is paid; how much is not guessed."""
    charge = ended(adapter_of().query(ref(amount=None)), told(gross_amount=amount))
    assert (PAID, None) == (charge.status, charge.paid_amount)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([{"paid_at": "2026-01-02 10:03:00", "amount": "24000.00"}], "24000.00"),
        ([{"amount": "20000.00"}, {"amount": "6000.00"}], "26000.00"),
        ([], "25000.00"),
        (None, "25000.00"),
        ([{"amount": "20000.00"}, {"amount": 5000}], None),
        ([{"amount": "25000.00"}, "x"], None),
        ([{}], None),
        ("x", None),
    ],
)
def test_what_a_bank_says_was_paid(parts: Any, expected: str | None) -> None:
    """The amounts that came in are what was paid, even where they are another sum; one that is odd hides it."""
    charge = ended(adapter_of().query(ref("bni")), told("bni", payment_amounts=parts))
    assert (PAID, Money(expected) if expected else None) == (charge.status, charge.paid_amount)


def test_a_payment_by_another_way_is_a_payment() -> None:
    """A GoPay code may be paid as QRIS: the charge stays what it was."""
    charge = ended(adapter_of().query(ref("gopay")), told("qris"))
    assert (PAID, METHODS["gopay"]) == (charge.status, charge.method)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("bca", AccountNumber("12345678900", "bca")), ("shopeepay", Redirect("shopeeid://pay?id=1"))],
)
def test_an_open_charge_tells_what_the_payer_needs(kind: str, expected: Any) -> None:
    """After a lost answer a query brings the account number or the address back, where Midtrans tells it."""
    charge = ended(adapter_of().query(ref(kind)), made(kind))
    assert (PENDING, expected) == (charge.status, charge.instructions)
    assert datetime(2026, 1, 2, 3, 15, tzinfo=UTC) == charge.expires_at
    assert ended(adapter_of().query(ref(kind)), told(kind)).instructions is None
    bare = ended(adapter_of().query(ref()), made(qr_string=None))
    assert (PENDING, None) == (bare.status, bare.instructions)


def test_refunds_are_told_by_a_query() -> None:
    """Each has its own reference and amount; it is done when the bank or wallet has confirmed it."""
    charge = standing(transaction_status="partial_refund", refund_amount="12000.00", refunds=TWO)
    assert (PARTLY, Money.idr(12_000)) == (charge.status, charge.refunded_amount)
    first = Refund(reference="R-1", amount=Money.idr(5_000), status=RefundStatus.DONE)
    second = Refund(reference="R-2", amount=Money.idr(7_000), status=RefundStatus.PENDING)
    assert (first, second) == charge.refunds
    assert first == charge.refund("R-1")
    assert charge.refund("R-3") is None


def test_refunds_add_up_where_midtrans_does_not_say() -> None:
    """Without its sum, that of the list is told; without a list, its sum alone; without both, nothing."""
    told_alone = standing(transaction_status="partial_refund", refunds=TWO)
    assert Money.idr(12_000) == told_alone.refunded_amount
    summed = standing(transaction_status="partial_refund", refund_amount="13000.00")
    assert ((), Money.idr(13_000)) == (summed.refunds, summed.refunded_amount)
    bare = standing(transaction_status="partial_refund")
    assert ((), None) == (bare.refunds, bare.refunded_amount)


@pytest.mark.parametrize("gross_amount", ["25000.00", None])
@pytest.mark.parametrize("refund_amount", ["25000.00", None])
def test_a_refunded_charge_is_refunded_as_a_whole(
    refund_amount: str | None, gross_amount: str | None
) -> None:
    """All of it, even where the answer tells no amount."""
    charge = standing(transaction_status="refund", refund_amount=refund_amount, gross_amount=gross_amount)
    assert (REFUNDED, Money.idr(25_000)) == (charge.status, charge.refunded_amount)


@pytest.mark.parametrize(
    "other", [{"refund_amount": "12000.00"}, {"refunds": TWO}, {"refund_amount": "5000.00", "refunds": TWO}]
)
def test_a_refund_of_less_than_the_whole_is_a_part(other: dict[str, Any]) -> None:
    """Where the amounts contradict "refund", no more is told as given back than they say."""
    charge = standing(transaction_status="refund", **other)
    assert (PARTLY, Money.idr(12_000)) == (charge.status, charge.refunded_amount)


@pytest.mark.parametrize("status", ["refund", "partial_refund"])
@pytest.mark.parametrize(
    "other",
    [
        {"refund_amount": "25000.01"},
        {"refunds": [*TWO, TWO[0] | {"refund_key": "R-3", "refund_amount": "13001.00"}]},
    ],
)
def test_more_is_given_back_than_there_was(status: str, other: dict[str, Any]) -> None:
    """Such an answer cannot be about this charge."""
    with pytest.raises(OutcomeUnknown):
        standing(transaction_status=status, **other)


@pytest.mark.parametrize("order", [1, -1])
def test_a_refund_that_is_listed_twice_is_one(order: int) -> None:
    """First asked for and then confirmed, in any order: it counts once, and is done."""
    asked = {name: value for name, value in TWO[0].items() if name != "bank_confirmed_at"}
    charge = standing(transaction_status="partial_refund", refunds=[asked, TWO[0]][::order])
    assert (Refund(reference="R-1", amount=Money.idr(5_000), status=RefundStatus.DONE),) == charge.refunds
    assert Money.idr(5_000) == charge.refunded_amount
    with pytest.raises(OutcomeUnknown):
        standing(transaction_status="partial_refund", refunds=[asked | {"refund_amount": "6000.00"}, TWO[0]])


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"refund_chargeback_id": 9, "refund_amount": "5000.00"}, "9"),
        ({"refund_chargeback_id": "a-b", "refund_amount": "5000.00", "refund_key": ""}, "a-b"),
    ],
    ids=str,
)
def test_a_refund_without_a_key(entry: Any, expected: str) -> None:
    """One of the dashboard's goes by Midtrans' number."""
    charge = standing(transaction_status="partial_refund", refunds=[entry])
    assert (PARTLY, [expected]) == (charge.status, [one.reference for one in charge.refunds])


@pytest.mark.parametrize(
    "refunds",
    [
        [{"refund_amount": "5000.00"}],
        [{"refund_key": "R-1", "refund_amount": 5000}],
        [{"refund_key": "R-1", "refund_amount": "5000.0"}],
        [{"refund_key": "R-1", "refund_amount": "Rp5000.00"}],
        [{"refund_key": "R-1"}],
        [*TWO, {"refund_key": "R-3"}],
        ["R-1"],
        "R-1",
        TWO[0],
    ],
    ids=str,
)
def test_a_refund_that_cannot_be_read(refunds: Any) -> None:
    """It is not left out: a merchant who misses it might give the money back again."""
    with pytest.raises(OutcomeUnknown):
        standing(transaction_status="partial_refund", refunds=refunds)


@pytest.mark.parametrize("none", [[], None, "", {}], ids=repr)
def test_no_refunds(none: Any) -> None:
    """Nothing in their place is none."""
    assert () == ended(adapter_of().query(ref()), told() | {"refunds": none}).refunds


@pytest.mark.parametrize("confirmed", [None, "", 1, True, {}], ids=repr)
def test_a_refund_is_not_done_before_it_is_confirmed(confirmed: Any) -> None:
    """Only a time of the bank's confirmation makes it done."""
    charge = standing(transaction_status="refund", refunds=[TWO[1] | {"bank_confirmed_at": confirmed}])
    assert [RefundStatus.PENDING] == [one.status for one in charge.refunds]
