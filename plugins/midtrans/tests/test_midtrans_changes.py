"""What Midtrans' answers to a cancellation and to a refund mean, without a client."""

from typing import Any

import pytest

from paygate import (
    AlreadyPaid,
    AmountRejected,
    Charge,
    ChargeStatus,
    DuplicateReference,
    EWallet,
    Money,
    OutcomeUnknown,
    Refund,
    RefundRequest,
    RefundStatus,
    StateConflict,
    VirtualAccount,
)
from tests.flows import ended
from tests.midtrans import METHODS, NUMBER, adapter_of, error, ref, told

UNCHANGEABLE = "Merchant cannot modify the status of the transaction"
PART = RefundRequest(reference="R-1", reason="Barang habis", amount=Money.idr(5_000))
WHOLE = RefundRequest(reference="R-1", reason="Barang habis")
OURS = Refund(reference="R-1", amount=Money.idr(5_000), status=RefundStatus.PENDING)


def cancelled(kind: str = "qris", way: str = "cancel", status: int = 200, **other: Any) -> Charge:
    """What is made of an answer to a cancellation."""
    right = {"status_code": "200", "transaction_status": "cancel", "settlement_time": None}
    return ended(adapter_of(cancel_by=way).cancel(ref(kind)), told(kind, **{**right, **other}), status)


def refunded(refund: RefundRequest = PART, kind: str = "gopay", **other: Any) -> Charge:
    """What is made of an answer to a refund."""
    right = {
        "transaction_status": "partial_refund",
        "refund_chargeback_id": 1,
        "refund_amount": "5000.00",
        "refund_key": "R-1",
    }
    return ended(adapter_of().refund(ref(kind), refund), told(kind, **{**right, **other}))


@pytest.mark.parametrize("kind", METHODS)
def test_a_charge_is_cancelled(kind: str) -> None:
    """An open charge of every method ends."""
    charge = cancelled(kind)
    assert (ChargeStatus.CANCELLED, "INV-1", NUMBER) == (
        charge.status,
        charge.reference,
        charge.provider_reference,
    )
    assert (None, None, METHODS[kind]) == (charge.paid_amount, charge.instructions, charge.method)


@pytest.mark.parametrize("status", [200, 407])
def test_407_is_the_success_of_expire(status: int) -> None:
    """By that way a charge ends as expired; 200 is no success there, and 407 none of a cancellation."""
    charge = cancelled(way="expire", status=status, status_code="407", transaction_status="expire")
    assert ChargeStatus.EXPIRED is charge.status
    with pytest.raises(OutcomeUnknown):
        cancelled(way="expire", transaction_status="expire")
    with pytest.raises(OutcomeUnknown):
        cancelled(status_code="407", transaction_status="expire")


@pytest.mark.parametrize("way", ["cancel", "expire"])
@pytest.mark.parametrize("status", ["settlement", "pending", "expire", "cancel", "refund", "void", "", None])
def test_a_cancellation_that_tells_another_status(way: str, status: str | None) -> None:
    """A success that does not say what was asked for is of unknown outcome."""
    code = {"cancel": "200", "expire": "407"}[way]
    if status == way:
        assert "INV-1" == cancelled(way=way, status_code=code, transaction_status=status).reference
    else:
        with pytest.raises(OutcomeUnknown):
            cancelled(way=way, status_code=code, transaction_status=status)


@pytest.mark.parametrize("way", ["cancel", "expire"])
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, StateConflict),
        ({"transaction_status": "settlement"}, AlreadyPaid),
        ({"transaction_status": "SETTLEMENT"}, AlreadyPaid),
        ({"transaction_status": "cancel"}, StateConflict),
        ({"transaction_status": 7}, StateConflict),
    ],
    ids=str,
)
def test_it_is_too_late_to_cancel(way: str, more: dict[str, Any], expected: type[Exception]) -> None:
    """412 is a conflict; where Midtrans says beside it that the charge is settled, it is paid."""
    with pytest.raises(expected) as refused:
        ended(adapter_of(cancel_by=way).cancel(ref()), error("412", UNCHANGEABLE, **more))
    assert type(refused.value) is expected


@pytest.mark.parametrize("operation", ["cancel", "refund"])
def test_a_change_of_another_transaction(operation: str) -> None:
    """Where Midtrans' own number is known, a success under another one is not ours."""
    known = ref("gopay", provider_reference=NUMBER)
    adapter = adapter_of()
    flow = adapter.cancel(known) if operation == "cancel" else adapter.refund(known, PART)
    status = "cancel" if operation == "cancel" else "partial_refund"
    with pytest.raises(OutcomeUnknown):
        ended(flow, told("gopay", transaction_status=status, transaction_id=NUMBER[:-1] + "2"))


def test_a_part_is_given_back() -> None:
    """The answer is the charge, with this refund in it: approved, and not confirmed yet."""
    charge = refunded()
    assert (ChargeStatus.PARTIALLY_REFUNDED, (OURS,)) == (charge.status, charge.refunds)
    assert (Money.idr(5_000), Money.idr(25_000)) == (charge.refunded_amount, charge.amount)
    assert Money.idr(25_000) == charge.paid_amount


@pytest.mark.parametrize("amount", [Money.idr(25_000), None])
def test_the_whole_is_given_back(amount: Money | None) -> None:
    """All of it, whether the amount was known or not."""
    adapter = adapter_of()
    reply = told(transaction_status="refund", refund_amount="25000.00", refund_key="R-1")
    charge = ended(adapter.refund(ref(amount=amount), WHOLE), reply)
    assert (ChargeStatus.REFUNDED, Money.idr(25_000)) == (charge.status, charge.refunded_amount)
    assert [Money.idr(25_000)] == [one.amount for one in charge.refunds]


def test_a_refund_in_an_answer_that_lists_it() -> None:
    """Where the answer lists the refunds, it is told as it stands there, once."""
    listed = {"refund_key": "R-1", "refund_amount": "5000.00", "bank_confirmed_at": "2026-01-03 02:30:20"}
    charge = refunded(
        refunds=[{"refund_key": "R-0", "refund_amount": "1000.00"}, listed], refund_amount="6000.00"
    )
    assert ["R-0", "R-1"] == [one.reference for one in charge.refunds]
    assert charge.refunds[1].status is RefundStatus.DONE
    assert Money.idr(6_000) == charge.refunded_amount
    others = refunded(refunds=[{"refund_key": "R-0", "refund_amount": "1000.00"}], refund_amount="6000.00")
    assert ["R-0", "R-1"] == [one.reference for one in others.refunds]


@pytest.mark.parametrize("status", ["settlement", "partial_refund"])
def test_a_refund_that_waits_for_the_bank(status: str) -> None:
    """201 is no "no": it is pending, whatever the charge is told as meanwhile."""
    charge = refunded(status_code="201", transaction_status=status, refund_amount=None)
    assert (OURS,) == charge.refunds
    assert {"settlement": ChargeStatus.PAID}.get(status, ChargeStatus.PARTIALLY_REFUNDED) is charge.status


def test_what_midtrans_sums_up_is_all_refunds() -> None:
    """The amount in the answer is all that was given back so far: ours is the part that was asked for."""
    charge = refunded(refund_amount="12000.00")
    assert ((OURS,), Money.idr(12_000)) == (charge.refunds, charge.refunded_amount)


@pytest.mark.parametrize(
    "other",
    [
        {"refund_key": "R-2"},
        {"refund_key": 1},
        {"refund_amount": "4999.00"},
        {"refund_amount": "25001.00"},
        {"transaction_status": "settlement"},
        {"transaction_status": "pending"},
        {"transaction_status": "cancel"},
        {"transaction_status": None},
        {"status_code": "407"},
    ],
    ids=str,
)
def test_an_answer_to_another_refund(other: dict[str, Any]) -> None:
    """A success that does not fit what was asked for is of unknown outcome."""
    with pytest.raises(OutcomeUnknown):
        refunded(**other)


def test_a_refund_of_nobody_knows_how_much() -> None:
    """Without any amount, nobody knows what was given back."""
    reply = told(transaction_status="refund", refund_key="R-1", gross_amount=None)
    with pytest.raises(OutcomeUnknown):
        ended(adapter_of().refund(ref(amount=None), WHOLE), reply)


@pytest.mark.parametrize("status", ["settlement", "partial_refund", "refund"])
def test_a_refund_of_which_midtrans_says_neither(status: str) -> None:
    """202 is in no table of refunds: taken for a "no", the money might be given back twice."""
    with pytest.raises(OutcomeUnknown) as unknown:
        refunded(status_code="202", transaction_status=status, status_message="denied")
    assert "202" == unknown.value.provider_code


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"refund_amount": "5000.00"}, (ChargeStatus.PARTIALLY_REFUNDED, Money.idr(5_000))),
        ({"refund_amount": "24999.99"}, (ChargeStatus.PARTIALLY_REFUNDED, Money("24999.99"))),
        ({"refund_amount": "25000.00"}, (ChargeStatus.REFUNDED, Money.idr(25_000))),
        (
            {
                "refund_amount": "5000.00",
                "refunds": [
                    {"refund_key": "R-0", "refund_amount": "20000.00"},
                    {"refund_key": "R-1", "refund_amount": "5000.00"},
                ],
            },
            (ChargeStatus.REFUNDED, Money.idr(25_000)),
        ),
    ],
    ids=["part", "almost", "whole", "listed"],
)
def test_no_more_is_given_back_than_is_told(
    other: dict[str, Any], expected: tuple[ChargeStatus, Money]
) -> None:
    """A "refund" that tells less than the whole charge is told as the part that it tells."""
    charge = refunded(transaction_status="refund", **other)
    assert expected == (charge.status, charge.refunded_amount)
    assert charge.refund("R-1") == OURS


@pytest.mark.parametrize(
    ("code", "expected"), [("412", StateConflict), ("414", AmountRejected), ("406", DuplicateReference)]
)
def test_a_refund_that_was_refused(code: str, expected: type[Exception]) -> None:
    """The state does not allow it, there is not so much, or the reference was used: nothing was given back."""
    with pytest.raises(expected) as refused:
        ended(adapter_of().refund(ref(), PART), error(code, UNCHANGEABLE, transaction_status="settlement"))
    assert type(refused.value) is expected


def test_what_can_be_refunded() -> None:
    """QRIS and GoPay in part, ShopeePay in whole only, virtual accounts not at all."""
    from paygate.capabilities import of_adapter

    served = of_adapter(type(adapter_of()))
    for kind, method in METHODS.items():
        assert (kind in ("qris", "gopay", "shopeepay")) == (method in served["refund"])
        assert (kind in ("qris", "gopay")) == (method in served["partial_refund"])
        assert all(method in served[name] for name in ("create_charge", "query", "cancel"))
    for other in (EWallet("dana"), VirtualAccount("danamon")):
        assert not any(other in one for name, one in served.items() if name != "parse_callback")
