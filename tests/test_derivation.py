"""How a journal derives a charge's standing: whatever comes in whatever order, nothing regresses or is lost unflagged."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import (
    Charge,
    ChargeStatus,
    ConflictKind,
    Money,
    PaymentLink,
    QrCode,
    Qris,
    Redirect,
    Refund,
    RefundStatus,
)
from paygate.conflicts import contradiction, learnt
from paygate.derivation import Derived, derived

PENDING, PAID, FAILED, EXPIRED, CANCELLED, REFUNDED, PARTIALLY = ChargeStatus
UNKNOWN, AMOUNT, REGRESSION, LATE, TWICE, OUTSIDE = ConflictKind
NOW: Final = datetime(2026, 9, 14, 3, 15, tzinfo=UTC)
ASKED, LESS = Money.idr(25_000), Money.idr(24_000)
RANKS: Final = {PENDING: 0, FAILED: 1, EXPIRED: 1, CANCELLED: 1, PAID: 2, PARTIALLY: 3, REFUNDED: 4}
HAS_PAID: Final = {PAID, PARTIALLY, REFUNDED}


def known(status: ChargeStatus = PENDING, **other: Any) -> Charge:
    """A charge as the journal has it."""
    rest: dict[str, Any] = {"gateway": "main", "reference": "INV-1", "method": Qris(), "amount": ASKED}
    return Charge(status=status, **(rest | other))


def told(status: ChargeStatus = PAID, **other: Any) -> Charge:
    """What is told of it."""
    rest: dict[str, Any] = {"gateway": "main", "reference": "INV-1", "method": None, "raw": b"news"}
    if status is PAID:
        rest |= {"paid_amount": ASKED, "paid_at": NOW, "provider_reference": "P-1"}
    return Charge(status=status, **(rest | other))


def paid(**other: Any) -> Charge:
    """A charge that was paid, as the journal has it."""
    return derived(known(), told(**other)).charge


def back(status: ChargeStatus = PARTIALLY, total: int | None = None, **refunds: tuple[int, str]) -> Charge:
    """News of refunds: their sum, and each with its amount and status."""
    return told(
        status,
        refunded_amount=None if total is None else Money.idr(total),
        refunds=tuple(
            Refund(reference=name, amount=Money.idr(amount), status=RefundStatus(state))
            for name, (amount, state) in refunds.items()
        ),
    )


# Every order of seven events --------------------------------------------------------------------------------

EVENTS: Final = {
    "pending": told(PENDING),
    "paid": told(),
    "paid again": told(provider_reference="P-2"),
    "other amount": told(paid_amount=LESS),
    "expired": told(EXPIRED),
    "cancelled": told(CANCELLED),
    "refunded": told(REFUNDED, refunded_amount=ASKED),
}
PAYMENTS: Final = {"paid", "paid again", "other amount"}
ENDS: Final = {"expired", "cancelled"}


def flags(before: tuple[str, ...], event: str) -> set[str]:
    """What a person has to be told of an event after others, said in words of the events alone."""
    came_in = [one for one in before if one in PAYMENTS]
    has_money = bool(came_in) or "refunded" in before
    brings_money = event in PAYMENTS or event == "refunded"
    found = set()
    if brings_money and not has_money and ENDS & {*before}:
        found.add("late")
    if event == "refunded" and "refunded" not in before:
        found.add("outside")
    if event == "pending" and {*before} - {"pending"}:
        found.add("regression")
    if event in ENDS and has_money:
        found.add("regression")
    if event in PAYMENTS:
        first = came_in[0] if came_in else "paid"
        if (event == "other amount") != (first == "other amount"):
            found.add("amount")
        if came_in and (event == "paid again") != (first == "paid again"):
            found.add("twice")
        elif "refunded" in before:
            found.add("regression")
    return found


def walk(
    ours: Charge, names: tuple[str, ...] = (), depth: int = 5
) -> Iterator[tuple[tuple[str, ...], Charge, Derived]]:
    """Each order of events up to a length: its names, the charge before the last one, and what came of it."""
    for name, event in EVENTS.items():
        after = derived(ours, event)
        yield (*names, name), ours, after
        if depth > 1:
            yield from walk(after.charge, (*names, name), depth - 1)


def test_every_order_of_seven_events() -> None:
    """To length 5, 19,607 of them: no step back, nothing paid is forgotten, and exactly what contradicts is flagged."""
    count = 0
    for names, before, after in walk(known(raw=b"sent")):
        count += 1
        charge, earlier = after.charge, names[:-1]
        assert flags(earlier, names[-1]) == {kind.value for kind in after.conflicts}, names
        assert RANKS[charge.status] == max(RANKS[EVENTS[name].status] for name in names), names
        assert RANKS[before.status] <= RANKS[charge.status]
        assert before.status not in HAS_PAID or charge.status in HAS_PAID
        given = (before.refunded_amount or Money.idr(0), charge.refunded_amount or Money.idr(0))
        assert given[0].amount <= given[1].amount == (25_000 if "refunded" in names else 0)
        payments = [EVENTS[name] for name in names if name in PAYMENTS]
        first = payments[0] if payments else told(PENDING)
        assert (first.paid_amount, first.provider_reference, first.paid_at) == (
            charge.paid_amount,
            charge.provider_reference,
            charge.paid_at,
        ), names
        assert (ASKED, Qris(), "INV-1") == (charge.amount, charge.method, charge.reference)
        ends = [EVENTS[name].status for name in names if name in ENDS]
        assert charge.status in HAS_PAID or [charge.status] == (ends[:1] or [PENDING])
    assert 7 + 49 + 343 + 2_401 + 16_807 == count


# Whatever comes -----------------------------------------------------------------------------------------------

amounts = st.sampled_from([None, ASKED, LESS, Money.idr(26_000), Money(25_000, "USD")])
numbers = st.sampled_from([None, "P-1", "P-2"])
sources = st.sampled_from(["reply", "callback", "query"])
refunds = st.dictionaries(
    st.sampled_from(["R1", "R2", "R3"]),
    st.tuples(st.sampled_from([1_000, 2_000, 5_000]), st.sampled_from(["pending", "done", "failed"])),
    max_size=3,
)
asking = st.sets(st.sampled_from(["R1", "R2", "R3"]))


@st.composite
def tellings(draw: st.DrawFn) -> Charge:
    """Anything that a provider may tell of the charge."""
    status = draw(st.sampled_from(ChargeStatus))
    total = draw(st.sampled_from([None, 1_000, 8_000])) if status in {REFUNDED, PARTIALLY} else None
    one = back(status, total, **(draw(refunds) if status in HAS_PAID else {}))
    return msgspec.structs.replace(
        one,
        provider_reference=draw(numbers),
        paid_amount=draw(amounts) if status in HAS_PAID else None,
        paid_at=draw(st.sampled_from([None, NOW, NOW + timedelta(hours=1)])) if status in HAS_PAID else None,
        raw=draw(st.sampled_from([b"", b"one", b"other"])),
    )


steps = st.lists(st.tuples(tellings(), sources), max_size=8)


def after(run: list[tuple[Charge, str]], asked: Any = ()) -> Charge:
    """The charge after some news."""
    charge = known()
    for news, source in run:
        charge = derived(charge, news, asked=asked, source=source).charge
    return charge


def done(charge: Charge) -> set[str]:
    """The refunds that are through."""
    return {one.reference for one in charge.refunds if one.status is RefundStatus.DONE}


@given(run=steps, news=tellings(), source=sources, asked=asking, made=st.sampled_from([None, "R1", "R9"]))
def test_told_twice_is_told_once(
    run: list[tuple[Charge, str]], news: Charge, source: str, asked: set[str], made: str | None
) -> None:
    """The charge is the same, and nothing more is flagged; but a part is old news where the whole is known."""
    once = derived(after(run, asked), news, asked=asked, source=source, made=made)
    again = derived(once.charge, news, asked=asked, source=source, made=made)
    assert once.charge == again.charge
    now, then = once.charge.refunded_amount, news.refunded_amount
    is_part = RANKS[news.status] < RANKS[once.charge.status] or (now and then and then.amount < now.amount)
    assert {*again.conflicts} <= {*once.conflicts, *([REGRESSION] if is_part else [])}
    assert not {LATE, OUTSIDE} & {*again.conflicts}


@given(run=steps, news=tellings(), source=sources, asked=asking)
def test_nothing_goes_back_or_is_lost(
    run: list[tuple[Charge, str]], news: Charge, source: str, asked: set[str]
) -> None:
    """Rank, sums given back and refunds only grow; what was known stays, and what is flagged is sorted, each once."""
    ours = after(run, asked)
    then = derived(ours, news, asked=asked, source=source)
    charge = then.charge
    assert max(RANKS[ours.status], RANKS[news.status]) <= RANKS[charge.status]
    sums = [one.refunded_amount.amount if one.refunded_amount else 0 for one in (ours, news, charge)]
    assert max(sums[:2]) <= sums[2]
    assert {one.reference for one in (*ours.refunds, *news.refunds)} == {
        one.reference for one in charge.refunds
    }
    assert done(ours) | done(news) == done(charge)
    if ours.status in HAS_PAID:
        for name in ("provider_reference", "paid_at", "paid_amount"):
            assert getattr(ours, name) in (None, getattr(charge, name))
    assert tuple(sorted({*then.conflicts})) == then.conflicts
    assert UNKNOWN not in then.conflicts
    assert charge.status in HAS_PAID or (charge.paid_amount is None and charge.refunds == ())


@given(run=steps, data=st.data())
def test_the_order_does_not_matter_to_how_far_a_charge_has_gone(
    run: list[tuple[Charge, str]], data: st.DataObject
) -> None:
    """Any other order of the same news ends at the same rank, with the same refunds through."""
    mixed = data.draw(st.permutations(run))
    one, other = after(run), after(mixed)
    assert RANKS[one.status] == RANKS[other.status]
    assert done(one) == done(other)


# One example for each rule --------------------------------------------------------------------------------------


def test_plain_news_is_applied() -> None:
    """What was asked for stays; what is told is filled in, and nothing is flagged."""
    ours = known(instructions=QrCode("QR"), expires_at=NOW, raw=b"old")
    expected = msgspec.structs.replace(
        ours, status=PAID, paid_at=NOW, paid_amount=ASKED, provider_reference="P-1", raw=b"news"
    )
    assert Derived(expected, ()) == derived(ours, told())


@pytest.mark.parametrize("end", [FAILED, EXPIRED, CANCELLED])
@pytest.mark.parametrize("amount", [ASKED, LESS])
def test_paid_after_the_end_is_paid(end: ChargeStatus, amount: Money) -> None:
    """The money is there: applied and flagged, also for another amount at once."""
    result = derived(known(end), told(paid_amount=amount))
    assert (PAID, amount) == (result.charge.status, result.charge.paid_amount)
    assert ((LATE,) if amount == ASKED else (AMOUNT, LATE)) == result.conflicts


def test_given_back_after_the_end_was_paid_after_the_end() -> None:
    """Nobody told the payment: the refund proves it."""
    assert (LATE, OUTSIDE) == derived(known(EXPIRED), back(REFUNDED)).conflicts
    assert (LATE,) == derived(known(EXPIRED), back(REFUNDED, R1=(25_000, "done")), asked=["R1"]).conflicts


def test_paid_a_second_time() -> None:
    """Under another number: all that is known of the first payment stays, and its own lack is not filled in."""
    ours = paid(paid_at=None)
    second = told(provider_reference="P-2", paid_at=NOW, paid_amount=LESS)
    assert Derived(ours, (AMOUNT, TWICE)) == derived(ours, second)
    gone = derived(ours, back(REFUNDED)).charge
    assert Derived(gone, (TWICE,)) == derived(gone, told(provider_reference="P-2", paid_at=None))


def test_a_refund_has_a_number_of_its_own() -> None:
    """It does not take the place of the payment's, so that the payment told again is no second one."""
    gone = derived(paid(), msgspec.structs.replace(back(REFUNDED), provider_reference="R-9")).charge
    assert "P-1" == gone.provider_reference
    early = derived(known(provider_reference="P-1"), told(REFUNDED, provider_reference="R-9")).charge
    assert "P-1" == early.provider_reference
    assert (REGRESSION,) == derived(gone, told()).conflicts


def test_another_amount_is_paid_all_the_same() -> None:
    """Flagged once: afterwards it is what was paid. Yet another one, told later, is not applied."""
    first = derived(known(), told(paid_amount=LESS))
    assert (PAID, LESS, (AMOUNT,)) == (first.charge.status, first.charge.paid_amount, first.conflicts)
    assert Derived(first.charge, ()) == derived(first.charge, told(paid_amount=LESS))
    assert Derived(first.charge, (AMOUNT,)) == derived(first.charge, told(paid_amount=ASKED))
    assert (AMOUNT,) == derived(known(), told(paid_amount=Money(25_000, "USD"))).conflicts


def test_an_amount_that_cannot_be_compared() -> None:
    """A callback that tells none, or where nobody knows what was asked for: flagged, once. An answer is not."""
    for ours, news in ((known(), told(paid_amount=None)), (known(amount=None), told())):
        first = derived(ours, news)
        assert (PAID, (AMOUNT,)) == (first.charge.status, first.conflicts)
        assert () == derived(first.charge, news).conflicts
        assert () == derived(ours, news, source="query").conflicts


def test_an_amount_that_is_told_later_is_compared_then() -> None:
    """Paid was known, and how much was not."""
    ours = derived(known(), told(paid_amount=None), source="query").charge
    result = derived(ours, told(paid_amount=LESS))
    assert (LESS, (AMOUNT,)) == (result.charge.paid_amount, result.conflicts)
    assert () == derived(ours, told()).conflicts


@pytest.mark.parametrize("source", ["reply", "query"])
def test_an_answer_may_tell_another_number(source: str) -> None:
    """It is about the charge that was asked about; the number that was told first stays, and so does the status."""
    for ours in (paid(), derived(paid(), back(REFUNDED)).charge):
        result = derived(ours, told(provider_reference="Q-9"), source=source)
        assert (ours, () if ours.status is PAID else (REGRESSION,)) == (result.charge, result.conflicts)
    assert (AMOUNT,) == derived(
        paid(), told(provider_reference="Q-9", paid_amount=LESS), source=source
    ).conflicts


def test_a_query_under_another_number_takes_no_refund_back_without_a_journal_either() -> None:
    """`learnt` keeps the charge as given back, and says that the answer is old."""
    gone = derived(paid(), back(REFUNDED)).charge
    charge, conflict = learnt(told(provider_reference="Q-9"), gone)
    assert (gone, REGRESSION) == (charge, conflict and conflict.kind)
    assert None is contradiction(told(provider_reference="Q-9"), paid())


@pytest.mark.parametrize("ours", [known(), known(PAID)])
def test_what_is_told_of_an_open_charge_is_no_payment(ours: Charge) -> None:
    """An amount or a time beside it is not how the charge was paid."""
    charge = derived(ours, told(PENDING, paid_amount=LESS, paid_at=NOW)).charge
    assert (None, None) == (charge.paid_amount, charge.paid_at)


@pytest.mark.parametrize("old", [PENDING, FAILED, EXPIRED, CANCELLED])
def test_old_news_after_newer(old: ChargeStatus) -> None:
    """Flagged, and what it knows besides is filled in; what is known already stays, and the newer message."""
    ours = paid(provider_reference=None)
    late = told(old, provider_reference="P-7", expires_at=NOW, instructions=QrCode("QR"), raw=b"late")
    filled = msgspec.structs.replace(
        ours, provider_reference="P-7", expires_at=NOW, instructions=QrCode("QR")
    )
    assert Derived(filled, (REGRESSION,)) == derived(ours, late)
    other = msgspec.structs.replace(
        late, expires_at=NOW + timedelta(days=1), instructions=Redirect("https://x.example"), paid_amount=LESS
    )
    assert Derived(filled, (REGRESSION,)) == derived(filled, other)


def test_the_payment_told_after_its_refund() -> None:
    """Old news, but when and how much was paid is new."""
    gone = derived(known(), back(REFUNDED)).charge
    assert None is gone.paid_amount
    result = derived(gone, told(paid_amount=LESS))
    assert (REFUNDED, LESS, NOW, "P-1") == (
        result.charge.status,
        result.charge.paid_amount,
        result.charge.paid_at,
        result.charge.provider_reference,
    )
    assert (AMOUNT, REGRESSION) == result.conflicts


@pytest.mark.parametrize(("first", "second"), [*itertools.permutations([FAILED, EXPIRED, CANCELLED], 2)])
def test_of_two_ends_the_first_stays(first: ChargeStatus, second: ChargeStatus) -> None:
    """Stock is given free once: the second changes nothing, and nobody has to look at it, for no money came."""
    ours = derived(known(), told(first, raw=b"first")).charge
    assert Derived(ours, ()) == derived(ours, told(second))
    assert b"first" == derived(ours, told(second, expires_at=NOW)).charge.raw


def test_refunds_are_totals() -> None:
    """Told again they do not add up twice; a smaller total is old news; all parts are the whole."""
    asked = ["R1", "R2"]
    one = derived(paid(), back(PARTIALLY, 5_000, R1=(5_000, "done")), asked=asked)
    same = derived(one.charge, back(PARTIALLY, 5_000, R1=(5_000, "done")), asked=asked)
    assert (PARTIALLY, Money.idr(5_000), ()) == (one.charge.status, one.charge.refunded_amount, one.conflicts)
    assert Derived(one.charge, ()) == same
    two = derived(one.charge, back(PARTIALLY, 20_000, R2=(20_000, "done")), asked=asked)
    assert (REFUNDED, ASKED, ()) == (two.charge.status, two.charge.refunded_amount, two.conflicts)
    assert Derived(two.charge, (REGRESSION,)) == derived(two.charge, back(PARTIALLY, 5_000), asked=asked)


def test_the_whole_is_what_was_paid() -> None:
    """Also where how much it was is told after its refunds; how it stands does not hang on that order."""
    parts = [back(PARTIALLY, 12_000, **{name: (12_000, "done")}) for name in ("R1", "R2")]
    for news in itertools.permutations([told(paid_amount=LESS), *parts]):
        charge = known()
        for one in news:
            charge = derived(charge, one).charge
        assert (REFUNDED, LESS, LESS) == (charge.status, charge.paid_amount, charge.refunded_amount)


def test_a_refund_that_was_done_stays_done() -> None:
    """Told as failed it is flagged, for a person to look at."""
    ours = derived(paid(), back(PARTIALLY, 5_000, R1=(5_000, "done")), asked=["R1"]).charge
    assert Derived(ours, (REGRESSION,)) == derived(
        ours, back(PARTIALLY, 5_000, R1=(5_000, "failed")), asked=["R1"]
    )


def test_the_answer_to_a_refund_is_never_behind() -> None:
    """Some tell the charge as paid until the refund is through, and name no other."""
    ours = derived(paid(), back(PARTIALLY, 5_000, R1=(5_000, "done")), asked=["R1"]).charge
    answer = msgspec.structs.replace(back(PAID, R2=(7_000, "pending")), paid_amount=None)
    result = derived(ours, answer, made="R2", asked=["R1"], source="reply")
    assert (PARTIALLY, Money.idr(5_000), ()) == (
        result.charge.status,
        result.charge.refunded_amount,
        result.conflicts,
    )
    assert ["R1", "R2"] == [one.reference for one in result.charge.refunds]


@pytest.mark.parametrize(
    ("news", "asked", "is_outside"),
    [
        (back(REFUNDED), [], True),
        (back(REFUNDED, 25_000), [], True),
        (back(PARTIALLY), [], True),
        (back(PARTIALLY, 5_000), [], True),
        (back(PARTIALLY, 5_000, R1=(5_000, "done")), [], True),
        (back(PARTIALLY, 5_000, R1=(5_000, "done")), ["R1"], False),
        (back(PARTIALLY, 5_001, R1=(5_000, "done")), ["R1"], True),
        (back(PARTIALLY, 5_000, R1=(5_000, "pending")), ["R1"], False),
        (back(PARTIALLY, 5_000, R1=(5_000, "failed")), ["R1"], True),
        (back(PARTIALLY, None, R1=(5_000, "done")), ["R1"], False),
        (back(PARTIALLY, 9_000, R1=(5_000, "done"), X=(4_000, "done")), ["R1"], True),
        (back(PAID, None, X=(4_000, "pending")), ["R1"], True),
        (back(PAID, None, X=(4_000, "failed")), ["R1"], False),
        (back(REFUNDED, None, R1=(25_000, "done")), ["R1"], False),
        (back(REFUNDED, None, R1=(5_000, "done")), ["R1"], True),
        (back(REFUNDED), ["R1"], False),
        (back(REFUNDED, None, R1=(5_000, "done")), ["R1", "R2"], False),
    ],
)
def test_given_back_without_having_been_asked_for_here(
    news: Charge, asked: list[str], is_outside: bool
) -> None:
    """A refund of another reference, or more than the refunds that were asked for explain: applied and flagged."""
    news = msgspec.structs.replace(news, paid_amount=None)
    result = derived(paid(), news, asked=asked, source="query")
    assert ((OUTSIDE,) if is_outside else ()) == result.conflicts
    assert (news.status, {*news.refunds}) == (result.charge.status, {*result.charge.refunds})
    assert OUTSIDE not in derived(result.charge, news, asked=asked).conflicts


def test_what_is_outside_is_told_when_there_is_more_of_it() -> None:
    """Once for what is known; again when the rest follows, and when a refund that had failed is through."""
    part = derived(paid(), back(PARTIALLY, 5_000)).charge
    assert () == derived(part, back(PARTIALLY, 5_000)).conflicts
    assert (OUTSIDE,) == derived(part, back(PARTIALLY, 6_000)).conflicts
    assert (OUTSIDE,) == derived(part, back(REFUNDED)).conflicts
    failed = derived(paid(), back(PAID, None, X=(5_000, "failed"))).charge
    assert (OUTSIDE,) == derived(failed, back(PARTIALLY, 5_000, X=(5_000, "done"))).conflicts
    both = derived(part, back(PARTIALLY, 10_000, R1=(5_000, "done")), asked=["R1"])
    assert () == both.conflicts
    assert (OUTSIDE,) == derived(both.charge, back(PARTIALLY, 13_000), asked=["R1"]).conflicts
    begun = derived(paid(), back(PAID, None, R1=(5_000, "pending")), asked=["R1"]).charge
    assert () == derived(begun, back(PARTIALLY, 5_000, R1=(5_000, "done")), asked=["R1"]).conflicts
    counted = derived(paid(), back(PARTIALLY, 5_000, R1=(5_000, "pending")), asked=["R1"]).charge
    assert () == derived(counted, back(PARTIALLY, 5_000, R1=(5_000, "failed")), asked=["R1"]).conflicts


@pytest.mark.parametrize(("amount", "is_outside"), [(24_000, False), (25_000, False), (30_000, True)])
def test_the_whole_that_was_paid_is_what_a_refund_explains(amount: int, is_outside: bool) -> None:
    """Not what was asked for; where that is told after the refund, it does not make the refund another."""
    payment, given = told(paid_amount=Money.idr(amount)), min(amount, 25_000)
    refund = back(REFUNDED, None, R1=(given, "done"))
    ours = derived(known(), payment).charge
    assert is_outside is (OUTSIDE in derived(ours, refund, asked=["R1"]).conflicts)
    gone = derived(known(), back(REFUNDED, None, R1=(25_000, "done")), asked=["R1"])
    assert () == gone.conflicts
    assert OUTSIDE not in derived(gone.charge, payment, asked=["R1"]).conflicts


def test_what_was_asked_for_and_how_to_pay_stays() -> None:
    """Instructions and end are ours unless there are none; the message is the newest that told something."""
    ours = known(instructions=QrCode("QR"), expires_at=NOW, provider_reference="P-1", raw=b"sent")
    other = told(
        PENDING, instructions=QrCode("other"), expires_at=NOW + timedelta(hours=1), provider_reference="P-2"
    )
    assert Derived(ours, ()) == derived(ours, other)
    assert b"news" == derived(known(), told(PENDING)).charge.raw
    assert msgspec.structs.replace(other, method=Qris(), amount=ASKED) == derived(known(), other).charge
    assert "P-2" == derived(ours, told(provider_reference="P-2")).charge.provider_reference


def test_a_charge_may_be_told_by_the_providers_number() -> None:
    """Ours keeps its reference; another charge is a mistake of the caller's."""
    ours = known(provider_reference="LINK", method=PaymentLink())
    assert "INV-1" == derived(ours, told(reference="LINK", provider_reference="LINK")).charge.reference
    for other in (told(reference="INV-2"), told(gateway="second")):
        with pytest.raises(ValueError, match="another charge"):
            derived(ours, other)
