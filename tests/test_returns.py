"""Refunds held against what is known: none that a provider accepted is lost, and their sum is told right."""

from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paygate_tiny import Tiny

from paygate import (
    Callback,
    CallbackReply,
    Charge,
    ChargeRef,
    ChargeStatus,
    ConflictKind,
    DuplicateReference,
    Flow,
    Gateway,
    InvalidCharge,
    InvalidRequest,
    Money,
    Qris,
    Refund,
    RefundRequest,
    RefundStatus,
    hookimpl,
    in_part_for,
)
from paygate.flow import answered
from tests.provider import Both, Provider, tiny
from tests.test_refunds import DONE, FAILED, PAID, PENDING, Listener, refunded

PART, WHOLE = ChargeStatus.PARTIALLY_REFUNDED, ChargeStatus.REFUNDED
SECOND: Final = RefundRequest(reference="R2", reason="the cake was cold", amount=Money.idr(7_000))
FIRST: Final = refunded(R1=(5_000, DONE))


def standing(
    status: ChargeStatus, *, total: int | None = None, **refunds: tuple[int, RefundStatus]
) -> Charge:
    """What an adapter read from an answer: a status, refunds, and perhaps a sum."""
    told = msgspec.structs.replace(refunded(**refunds), status=status)
    return msgspec.structs.replace(told, refunded_amount=None if total is None else Money.idr(total))


def telling(charge: Charge | Exception) -> Any:
    """Tiny whose provider tells a charge so, whatever it is asked."""

    class Telling(Tiny):
        @hookimpl
        @in_part_for(Qris)
        def refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
            return self._told()

        @hookimpl
        def query(self, charge: ChargeRef) -> Flow[Charge]:
            return self._told()

        def _told(self) -> Flow[Charge]:
            yield from answered(None)
            if isinstance(charge, Exception):
                raise charge
            return charge

    return tiny(kind=Telling)


def give(both: Both, told: Charge | Exception, ours: Any = FIRST, refund: RefundRequest = SECOND) -> Any:
    """What a refund brings, and what was announced."""
    listener = Listener()
    [outcome] = both.calls(Provider(), ("refund", ours, refund), adapter=telling(told), listeners=[listener])
    return outcome, listener.heard


def stands(charge: Charge) -> tuple[Any, ...]:
    """Status, sum and refunds."""
    total = charge.refunded_amount
    return (
        charge.status,
        None if total is None else int(total.amount),
        {one.reference: one.status for one in charge.refunds},
    )


def test_a_second_refund_that_was_accepted_is_told(both: Both) -> None:
    """The provider tells the charge as paid, for the second is pending and it names no other."""
    charge, heard = give(both, standing(ChargeStatus.PAID, R2=(7_000, PENDING)))
    assert (PART, 5_000, {"R1": DONE, "R2": PENDING}) == stands(charge)
    assert [] == heard


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (standing(PART, total=20_000, R2=(20_000, DONE)), (WHOLE, 25_000, {"R1": DONE, "R2": DONE})),
        (standing(PART, total=7_000, R2=(7_000, DONE)), (PART, 12_000, {"R1": DONE, "R2": DONE})),
        (standing(PART, R2=(7_000, DONE)), (PART, 12_000, {"R1": DONE, "R2": DONE})),
        (standing(PART, total=12_000), (PART, 12_000, {"R1": DONE})),
        (
            standing(WHOLE, total=25_000, R1=(5_000, DONE), R2=(20_000, DONE)),
            (WHOLE, 25_000, {"R1": DONE, "R2": DONE}),
        ),
        (standing(PART, R2=(7_000, FAILED)), (PART, 5_000, {"R1": DONE, "R2": FAILED})),
        (standing(PART, R1=(5_000, PENDING)), (PART, 5_000, {"R1": DONE})),
    ],
)
def test_a_refund_is_added_to_those_before(both: Both, told: Charge, expected: Any) -> None:
    """Whether the provider tells all, the new one alone, or their sum."""
    assert expected == stands(give(both, told)[0])


def test_a_refund_that_failed_may_be_asked_again(both: Both) -> None:
    """Its answer is news of it; a late query or callback is not."""
    ours = msgspec.structs.replace(PAID, refunds=refunded(R2=(7_000, FAILED)).refunds)
    told = standing(ChargeStatus.PAID, R2=(7_000, PENDING))
    assert {"R2": PENDING} == stands(give(both, told, ours)[0])[2]
    [asked] = both.calls(Provider(), ("query", ours), adapter=telling(told))
    assert {"R2": FAILED} == stands(asked)[2]


def test_a_bare_reference_has_nothing_to_add(both: Both) -> None:
    """The answer comes as it is."""
    told = standing(PART, total=7_000, R2=(7_000, DONE))
    assert told is give(both, told, PAID.ref)[0]


@pytest.mark.parametrize("status", [ChargeStatus.PAID, PART])
@pytest.mark.parametrize("more", [{}, {"R2": (7_000, PENDING)}, {"R2": (7_000, DONE)}], ids=list)
def test_a_query_loses_no_refund_either(both: Both, status: ChargeStatus, more: Any) -> None:
    """One that is behind leaves ours, with what is new in it; one that lists none takes none away."""
    listener = Listener()
    told = standing(status, **more)
    [charge] = both.calls(Provider(), ("query", FIRST), adapter=telling(told), listeners=[listener])
    done = more.get("R2", (0, PENDING))[1] is DONE
    kept = {"R1": DONE} | {name: one for name, (_, one) in more.items()}
    assert (PART, 12_000 if done else 5_000, kept) == stands(charge)
    assert [ConflictKind.REGRESSION] * (status is ChargeStatus.PAID) == listener.heard


def test_a_refund_that_was_done_and_is_told_as_failed_is_a_conflict(both: Both) -> None:
    """Also beside another one; ours stays, for a person to look at."""
    listener = Listener()
    told = standing(PART, total=7_000, R1=(5_000, FAILED), R2=(7_000, DONE))
    [charge] = both.calls(Provider(), ("query", FIRST), adapter=telling(told), listeners=[listener])
    assert (PART, 12_000, {"R1": DONE, "R2": DONE}) == stands(charge)
    assert [ConflictKind.REGRESSION] == listener.heard


def test_a_sum_beyond_all_measure_is_no_failure(both: Both) -> None:
    """What was sent is never called "not sent", whatever the provider tells."""
    most = 99_999_999_999_999
    two = standing(WHOLE, R2=(most, DONE)).refunds + standing(WHOLE, R3=(most, DONE)).refunds
    charge, _ = give(both, msgspec.structs.replace(standing(WHOLE), refunds=two))
    assert (WHOLE, most, {"R1": DONE, "R2": DONE, "R3": DONE}) == stands(charge)


def test_a_callback_that_names_the_second_alone_is_added() -> None:
    """Its sum and status are of that one; the charge has both."""
    told = standing(PART, total=20_000, R2=(20_000, DONE))
    callback = Callback(gateway="main", charges=(told,), reply=CallbackReply(200, {}, b""), sent_at=None)
    with Gateway("main", tiny(), transport=Provider()) as gateway:
        [charge] = gateway.compare(callback, [FIRST]).charges
    assert (WHOLE, 25_000, {"R1": DONE, "R2": DONE}) == stands(charge)


states = st.sampled_from(RefundStatus)
some = st.dictionaries(
    st.sampled_from(["R1", "R2", "R3"]),
    st.tuples(st.sampled_from([5_000, 8_000, 25_000]), states),
    max_size=3,
)


@given(ours=some, told=some, status=st.sampled_from([ChargeStatus.PAID, PART, WHOLE]))
def test_no_answer_takes_a_refund_away(ours: Any, told: Any, status: ChargeStatus) -> None:
    """Whatever the provider tells: all refunds of both are there, none that is done is undone."""
    before = msgspec.structs.replace(refunded(**ours), status=status)
    answer = standing(PART, **told)
    with Gateway("main", telling(answer), transport=Provider()) as gateway:
        for after in (gateway.refund(before, of(1, "R9")), gateway.query(before)):
            assert {*ours, *told} == {one.reference for one in after.refunds}
            done = [one for one in after.refunds if one.status is DONE]
            assert {name for name, (_, one) in ours.items() if one is DONE} <= {one.reference for one in done}
            assert sum(one.amount.amount for one in done) <= (after.refunded_amount or Money.idr(0)).amount


def of(amount: int | None, reference: str = "R1") -> RefundRequest:
    """A refund of an amount."""
    return RefundRequest(
        reference=reference, reason="sorry", amount=None if amount is None else Money.idr(amount)
    )


@pytest.mark.parametrize(
    ("ours", "refund", "fits"),
    [
        (FIRST, of(5_000), True),
        (FIRST, of(6_000), False),
        (FIRST, of(4_999), False),
        (FIRST, of(None), False),
        (FIRST, of(6_000, "R2"), True),
        (refunded(R1=(25_000, DONE)), of(None), True),
        (refunded(R1=(25_000, DONE)), of(25_000), True),
        (refunded(R1=(5_000, DONE), R2=(20_000, PENDING)), of(None, "R2"), True),
        (refunded(R1=(5_000, DONE), R2=(20_000, PENDING)), of(25_000, "R2"), False),
        (refunded(R1=(5_000, FAILED)), of(6_000), False),
        (msgspec.structs.replace(FIRST, amount=None, paid_amount=None), of(None), True),
    ],
)
def test_a_refund_keeps_its_amount(both: Both, ours: Charge, refund: RefundRequest, fits: bool) -> None:
    """The same reference with another amount is another refund, and nothing is sent."""
    outcome, _ = give(both, standing(PART), ours, refund)
    assert fits is isinstance(outcome, Charge)
    if not fits:
        assert (InvalidCharge, "refund.amount", "INV-1") == (
            type(outcome),
            outcome.field,
            outcome.reference,
        )
        assert f"refund {refund.reference} is one of IDR" in str(outcome)


def test_the_reason_is_nobodys_business(both: Both) -> None:
    """It may name the payer: a refusal that quotes it does not show it, and neither does the request."""
    refund = RefundRequest(reference="R2", reason="Siti Rahma moved", amount=Money.idr(7_000))
    error = InvalidRequest("reason: siti rahma moved", provider_message='bad "Siti Rahma moved"')
    failure, _ = give(both, error, FIRST, refund)
    assert "rahma" not in f"{failure} {failure.provider_message} {refund!r} {refund}".lower()
    assert "RefundRequest(reference='R2', reason=***, amount=Money" in repr(refund)


def test_a_refund_that_is_there_already_has_advice_of_its_own(both: Both) -> None:
    """The charge exists, of course; it is the refund that was not made twice."""
    failure, _ = give(both, DuplicateReference("R2 is taken"))
    assert str(failure).startswith("Query the charge: the provider has a refund of this reference already")
    assert failure.message("id").startswith("Periksa tagihan ini (query): refund dengan referensi ini")
    assert str(DuplicateReference("x")).startswith("Query this reference: its charge exists already")


def test_a_known_refund_is_found_by_its_reference() -> None:
    """As the provider told it."""
    assert Refund(reference="R1", amount=Money.idr(5_000), status=DONE) == FIRST.refund("R1")
