"""What a callback tells, held against what the merchant knows: no paid charge goes back, no unpaid one is believed."""

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import (
    Callback,
    CallbackReply,
    Charge,
    ChargeStatus,
    Conflict,
    ConflictKind,
    EWallet,
    Gateway,
    InvalidCharge,
    Method,
    Money,
    PaymentLink,
    QrCode,
    Qris,
    VirtualAccount,
    hookimpl,
)
from tests.provider import Provider, tiny

PENDING, PAID, FAILED, EXPIRED, CANCELLED, REFUNDED, PARTIALLY = ChargeStatus
NOW = datetime(2026, 9, 14, 3, 15, tzinfo=UTC)
ASKED = Money.idr(25_000)
TAKEN = CallbackReply(200, {}, b"taken")
AGAIN = CallbackReply(500, {}, b"again")
HAS_PAID = {PAID, REFUNDED, PARTIALLY}
amounts = st.one_of(st.integers(1, 10**9).map(Money.idr), st.just(ASKED), st.just(Money(25_000, "USD")))
numbers = st.sampled_from([None, "P-1", "P-2", "INV-1"])
references = st.sampled_from(["INV-1", "INV-2", "P-1", ""])
statuses = st.sampled_from(list(ChargeStatus))


class Ear:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.changed: list[Charge] = []
        self.conflicts: list[Conflict] = []

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        self.changed.append(charge)

    @hookimpl
    def conflict_found(self, conflict: Conflict) -> None:
        self.conflicts.append(conflict)


class Deaf:
    """A listener that fails."""

    @hookimpl
    def conflict_found(self, conflict: Conflict) -> None:
        raise RuntimeError("a value that must not be logged")


@pytest.fixture
def ear() -> Ear:
    """Hears what is announced."""
    return Ear()


@pytest.fixture
def gateway(ear: Ear) -> Iterator[Gateway]:
    """A gateway "main" whose announcements are heard, and failed on."""
    with Gateway("main", tiny(), transport=Provider(), listeners=[Deaf(), ear]) as one:
        yield one


def told(status: ChargeStatus = PAID, amount: Money | None = ASKED, **other: Any) -> Charge:
    """What a callback says of a charge: no method and no amount that was asked for."""
    paid: dict[str, Any] = {"paid_amount": amount, "paid_at": NOW} if status is PAID else {}
    rest: dict[str, Any] = {"gateway": "main", "reference": "INV-1", "method": None, "raw": b"news", **paid}
    return Charge(status=status, **(rest | other))


def known(status: ChargeStatus = PENDING, **other: Any) -> Charge:
    """What the merchant knows of it."""
    rest: dict[str, Any] = {
        "gateway": "main",
        "reference": "INV-1",
        "method": Qris(),
        "amount": ASKED,
        "instructions": QrCode("QR"),
        "raw": b"old",
    }
    return Charge(status=status, **(rest | other))


def callback(*charges: Charge) -> Callback:
    """A callback about some charges."""
    return Callback(gateway="main", charges=charges, reply=TAKEN, again=AGAIN, sent_at=NOW)


def kinds(result: Callback) -> list[ConflictKind]:
    """What contradicts."""
    return [one.kind for one in result.conflicts]


RANKS = {PENDING: 0, FAILED: 1, EXPIRED: 1, CANCELLED: 1, PAID: 2, PARTIALLY: 3, REFUNDED: 4}


@pytest.mark.parametrize(("before", "after"), [*itertools.product(ChargeStatus, ChargeStatus)])
def test_every_step_from_one_status_to_another(
    gateway: Gateway, ear: Ear, before: ChargeStatus, after: ChargeStatus
) -> None:
    """Forward is news, backward a regression, and paid after the end comes late: 49 steps."""
    ours = known(before, paid_amount=ASKED if before in HAS_PAID else None)
    result = gateway.compare(callback(told(after)), [ours])
    if RANKS[after] < RANKS[before]:
        expected = [ConflictKind.REGRESSION]
    elif after is PAID and before in (FAILED, EXPIRED, CANCELLED):
        expected = [ConflictKind.LATE]
    else:
        expected = []
    assert expected == kinds(result) == [one.kind for one in ear.conflicts]
    assert TAKEN == result.reply
    assert ([] if expected else [after]) == [one.status for one in result.charges]
    assert ([] if expected or before is after else [after]) == [one.status for one in ear.changed]


@given(
    before=statuses, after=statuses, numbers=st.tuples(numbers, numbers), amounts=st.tuples(amounts, amounts)
)
def test_no_paid_charge_goes_back_and_no_unpaid_one_is_believed(
    before: ChargeStatus,
    after: ChargeStatus,
    numbers: tuple[str | None, str | None],
    amounts: tuple[Money, Money],
) -> None:
    """Whatever comes, in whatever order: the two promises about money."""
    ours = known(
        before, provider_reference=numbers[0], paid_amount=amounts[0] if before in HAS_PAID else None
    )
    news = told(after, amounts[1], provider_reference=numbers[1])
    with Gateway("main", tiny(), transport=Provider()) as gateway:
        result = gateway.compare(callback(news), [ours])
    assert 1 == len(result.charges) + len(result.conflicts)
    for one in result.charges:
        assert before not in HAS_PAID or one.status in HAS_PAID
        assert one.status is not PAID or (one.paid_amount == ASKED and before in (PENDING, PAID))
        assert one.status in HAS_PAID or one.paid_amount is None
    for conflict in result.conflicts:
        assert (news, ours) == (conflict.told, conflict.known)


@given(
    states=st.lists(st.tuples(statuses, amounts, numbers), max_size=8),
)
def test_any_run_of_callbacks_leaves_what_was_paid(
    states: list[tuple[ChargeStatus, Money, str | None]],
) -> None:
    """A merchant who stores what fits, and only that, never loses a paid charge."""
    ours = known()
    with Gateway("main", tiny(), transport=Provider()) as gateway:
        for status, amount, number in states:
            before = ours
            for one in gateway.compare(
                callback(told(status, amount, provider_reference=number)), [ours]
            ).charges:
                ours = one
            assert RANKS[before.status] <= RANKS[ours.status]
            assert before.paid_amount in (None, ours.paid_amount)
            assert before.provider_reference is None or ours.provider_reference is not None
    assert ("INV-1", Qris(), ASKED, QrCode("QR")) == (
        ours.reference,
        ours.method,
        ours.amount,
        ours.instructions,
    )


@pytest.mark.parametrize("before", [PENDING, PAID, FAILED, EXPIRED, CANCELLED])
@pytest.mark.parametrize(
    "paid",
    [Money.idr("24999.99"), Money.idr("25000.01"), Money.idr(1), Money(25_000, "USD"), None],
    ids=str,
)
def test_another_amount_is_no_payment_of_this_charge(
    gateway: Gateway, ear: Ear, before: ChargeStatus, paid: Money | None
) -> None:
    """Too little, too much, another currency or none: told to the merchant, and calling again is no help."""
    result = gateway.compare(callback(told(PAID, paid)), [known(before)])
    assert ([ConflictKind.AMOUNT], (), TAKEN) == (kinds(result), result.charges, result.reply)
    assert [] == ear.changed


def test_a_charge_whose_amount_nobody_knows_is_not_paid_by_any(gateway: Gateway) -> None:
    """What cannot be compared is not believed."""
    for paid in (ASKED, None):
        assert [ConflictKind.AMOUNT] == kinds(
            gateway.compare(callback(told(PAID, paid)), [known(amount=None)])
        )


def test_paid_again_with_another_amount(gateway: Gateway) -> None:
    """The first amount was taken by hand; the provider now tells the one that was asked for."""
    ours = known(PAID, paid_amount=Money.idr(24_000), provider_reference="P-1")
    result = gateway.compare(callback(told(provider_reference="P-1")), [ours])
    assert ([ConflictKind.AMOUNT], ()) == (kinds(result), result.charges)


@pytest.mark.parametrize("before", [PAID, PARTIALLY, REFUNDED])
def test_paid_twice(gateway: Gateway, before: ChargeStatus) -> None:
    """Another number of the provider's is another payment, also when the first one went back already."""
    ours = known(before, provider_reference="P-1", paid_amount=ASKED)
    result = gateway.compare(callback(told(provider_reference="P-2")), [ours])
    assert ([ConflictKind.TWICE], (), TAKEN) == (kinds(result), result.charges, result.reply)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (REFUNDED, []),
        (PARTIALLY, []),
        (FAILED, [ConflictKind.REGRESSION]),
        (PENDING, [ConflictKind.REGRESSION]),
    ],
)
def test_only_a_payment_is_a_second_payment(
    gateway: Gateway, after: ChargeStatus, expected: list[ConflictKind]
) -> None:
    """A refund may have a number of its own, and so may an attempt that failed."""
    ours = known(PAID, provider_reference="P-1", paid_amount=ASKED)
    assert expected == kinds(gateway.compare(callback(told(after, provider_reference="P-2")), [ours]))


@pytest.mark.parametrize("numbers", [("P-1", "P-1"), ("P-1", None), (None, "P-1"), (None, None)])
def test_a_repeat_is_answered_like_the_first(
    gateway: Gateway, ear: Ear, numbers: tuple[str | None, str | None]
) -> None:
    """The same news once more is no conflict and no change, and loses no number."""
    ours = known(PAID, provider_reference=numbers[0], paid_amount=ASKED)
    result = gateway.compare(callback(told(provider_reference=numbers[1])), [ours])
    assert ([], TAKEN) == (kinds(result), result.reply)
    assert [numbers[0] or numbers[1]] == [one.provider_reference for one in result.charges]
    assert ([], []) == (ear.changed, ear.conflicts)


@pytest.mark.parametrize("status", ChargeStatus)
def test_a_charge_that_nobody_knows(gateway: Gateway, ear: Ear, status: ChargeStatus) -> None:
    """It may be stored a moment later, so the provider is asked to call again."""
    result = gateway.compare(callback(told(status)), [None])
    assert ([Conflict(ConflictKind.UNKNOWN, told(status), None)], (), AGAIN) == (
        ear.conflicts,
        result.charges,
        result.reply,
    )


@pytest.mark.parametrize(
    "other",
    [
        {"gateway": "second"},
        {"reference": "INV-2"},
        {"reference": "INV-2", "provider_reference": "P-2"},
        {"reference": "inv-1"},
        {"reference": "INV-1 "},
    ],
    ids=str,
)
def test_a_charge_that_is_another(gateway: Gateway, other: dict[str, Any]) -> None:
    """A look-up that found the wrong order, or the right one of another gateway, makes nobody paid."""
    result = gateway.compare(callback(told(provider_reference="P-1")), [known(**other)])
    assert ([ConflictKind.UNKNOWN], (), AGAIN) == (kinds(result), result.charges, result.reply)


@given(mine=references, theirs=references, numbers=st.tuples(numbers, numbers))
def test_one_of_the_names_must_agree(mine: str, theirs: str, numbers: tuple[str | None, str | None]) -> None:
    """Your reference, or the provider's number of it; nothing else makes two charges one."""
    with Gateway("main", tiny(), transport=Provider()) as gateway:
        ours = known(reference=mine, provider_reference=numbers[0])
        news = told(reference=theirs, provider_reference=numbers[1])
        result = gateway.compare(callback(news), [ours])
    agree = mine == theirs or (numbers[0] is not None and numbers[0] in (theirs, numbers[1]))
    assert ([] if agree else [ConflictKind.UNKNOWN]) == kinds(result)
    assert [mine] * agree == [one.reference for one in result.charges]


@pytest.mark.parametrize("reference", ["INV-1", "4DrzTTeCn9Z"])
def test_a_link_comes_back_under_your_own_reference(gateway: Gateway, ear: Ear, reference: str) -> None:
    """Whichever number the notice names it by: your reference, method and amount stay."""
    ours = known(method=PaymentLink(), provider_reference="4DrzTTeCn9Z")
    news = told(reference=reference, method=PaymentLink(), provider_reference="4DrzTTeCn9Z")
    [charge] = gateway.compare(callback(news), [ours]).charges
    assert ("INV-1", PaymentLink(), ASKED, PAID) == (
        charge.reference,
        charge.method,
        charge.amount,
        charge.status,
    )
    assert [charge] == ear.changed


@pytest.mark.parametrize("method", [EWallet("dana"), VirtualAccount("bni", "98829172123")])
def test_what_the_callback_does_not_tell_stays(gateway: Gateway, method: Method) -> None:
    """Method, amount, instructions and expiry are yours; status, time, amount and bytes are the news."""
    ours = known(method=method, expires_at=NOW, provider_reference="P-1")
    [charge] = gateway.compare(callback(told()), [ours]).charges
    expected = msgspec.structs.replace(ours, status=PAID, paid_at=NOW, paid_amount=ASKED, raw=b"news")
    assert expected == charge


def test_a_refund_keeps_what_was_paid(gateway: Gateway) -> None:
    """The provider tells no amount of it; what is known stays known."""
    ours = known(PAID, paid_amount=ASKED, paid_at=NOW, provider_reference="P-1")
    [charge] = gateway.compare(callback(told(REFUNDED)), [ours]).charges
    assert (REFUNDED, ASKED, NOW, "P-1") == (
        charge.status,
        charge.paid_amount,
        charge.paid_at,
        charge.provider_reference,
    )


def test_several_charges_are_held_against_yours_in_order(gateway: Gateway, ear: Ear) -> None:
    """What fits stays, what does not is moved; one unknown is enough to ask for another call."""
    four = [told(reference=f"INV-{number}") for number in range(4)]
    ours = [
        known(reference="INV-0"),
        None,
        known(reference="INV-2", amount=Money.idr(1)),
        known(CANCELLED, reference="INV-3"),
    ]
    result = gateway.compare(callback(*four), ours)
    assert [ConflictKind.UNKNOWN, ConflictKind.AMOUNT, ConflictKind.LATE] == kinds(result)
    assert (["INV-0"], AGAIN) == ([one.reference for one in result.charges], result.reply)
    assert list(result.conflicts) == ear.conflicts
    swapped = gateway.compare(callback(*four[:2]), [known(reference="INV-1"), known(reference="INV-0")])
    assert ([ConflictKind.UNKNOWN] * 2, ()) == (kinds(swapped), swapped.charges)


@pytest.mark.parametrize("ours", [[], [None, None], [known(), known()]], ids=len)
def test_another_number_of_charges_is_a_mistake_of_yours(gateway: Gateway, ear: Ear, ours: list[Any]) -> None:
    """It is refused before anything is believed or announced."""
    with pytest.raises(InvalidCharge, match="one charge, or None") as refused:
        gateway.compare(callback(told()), ours)
    assert ("known", []) == (refused.value.field, ear.conflicts)


def test_a_callback_of_another_gateway_is_a_mistake_of_yours(gateway: Gateway) -> None:
    """Each gateway judges its own."""
    other = msgspec.structs.replace(callback(told()), gateway="second")
    with pytest.raises(InvalidCharge, match=re.escape("gateway 'second', not 'main'")):
        gateway.compare(other, [known()])


def test_a_callback_about_no_charge_has_nothing_to_compare(gateway: Gateway, ear: Ear) -> None:
    """As when the provider asks for a token."""
    result = gateway.compare(callback(), [])
    assert ((), (), TAKEN, []) == (result.charges, result.conflicts, result.reply, ear.conflicts)


def test_a_listener_that_fails_harms_no_comparison(
    gateway: Gateway, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    """The one after it hears the conflict all the same; the log names who failed, and no value."""
    gateway.compare(callback(told()), [None])
    assert 1 == len(ear.conflicts)
    assert "listener Deaf failed on conflict_found" in caplog.text
    assert "must not be logged" not in caplog.text


def test_the_callback_itself_is_left_as_it_was(gateway: Gateway) -> None:
    """Nothing is changed in place."""
    one = callback(told())
    before = msgspec.structs.replace(one)
    gateway.compare(one, [None])
    assert before == one
    assert "news" not in repr(gateway.compare(one, [None]))
