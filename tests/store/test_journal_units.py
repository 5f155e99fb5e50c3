"""Each short piece of work of the journal, on every database: rows, leases, claims and due dates."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any, Final

import msgspec
import pytest

from paygate import (
    AlreadyPaid,
    Charge,
    ChargeExpired,
    ChargeNotFound,
    ChargeStatus,
    DuplicateReference,
    InvalidRequest,
    Money,
    OutcomeUnknown,
    PaygateError,
    QrCode,
    Qris,
    RateLimited,
    Refund,
    RefundRequest,
    RefundStatus,
    Secret,
    StateConflict,
    Unreachable,
)
from paygate.errors import ReferenceTaken
from paygate.held import HeldElsewhere
from paygate.store import notes
from paygate.store.entries import Entry, Source, State, Step
from paygate.store.schema import facts, flags, refunds
from paygate.store.store import Store
from paygate.store_settings import StoreSettings
from tests.provider import named, order
from tests.store.callers import START, Clock
from tests.store.tills import GRACE, LEASE, row_of, rows_of

NUMBER: Final = "7" * 33
MADE: Final = Charge(
    gateway="main",
    reference="INV-1",
    status=ChargeStatus.PENDING,
    method=Qris(),
    amount=Money.idr(25_000),
    provider_reference="P-1",
    instructions=QrCode("QR"),
    raw=b'{"told": 1}',
)
PAID: Final = msgspec.structs.replace(MADE, status=ChargeStatus.PAID, paid_amount=Money.idr(25_000))
LATER: Final = {"main": "backup", "backup": "main"}


class Book:
    """A store over one of the databases, with a clock."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.journal = store.journal
        self.outcomes = store.outcomes

    def begin(self, reference: str = "INV-1", gateway: str = "main", **named: Any) -> Entry:
        """Begin a charge."""
        routed = named.pop("routed", False)
        return self.journal.begin(gateway, order(reference, **named), NUMBER, routed=routed)

    def known(self, reference: str = "INV-1", gateway: str = "main") -> None:
        """Make a charge."""
        entry = self.begin(reference, gateway)
        told = msgspec.structs.replace(MADE, reference=reference, gateway=gateway)
        self.store.outcomes.answered(entry, told, NUMBER)

    def row(self, *names: str, gateway: str = "main") -> tuple[Any, ...]:
        """Some columns of the charge's row."""
        row = row_of(self.store, gateway=gateway)
        return tuple(row[name] for name in names)

    def after(self, seconds: float) -> float:
        """A moment so many seconds after now, as rows have it."""
        return (self.clock() + seconds) * 1e6


@pytest.fixture
def book(store_url: str) -> Iterator[Book]:
    """A book on each database."""
    clock = Clock()
    with Store(StoreSettings(url=Secret(store_url)), clock) as store:
        yield Book(store, clock)


def test_the_steps_of_a_charge(book: Book) -> None:
    """Send, wait, ask, wait for who asks, take."""
    first = book.begin()
    assert (Step.SEND, 1, NUMBER, START * 1e6) == (
        first.step,
        first.attempt,
        first.external_id,
        first.sent_at,
    )
    assert Step.WAIT is book.begin().step
    book.clock.move(LEASE)
    asking = book.begin()
    assert (Step.ASK, 1) == (asking.step, asking.attempt)
    assert Step.WAIT is book.begin().step
    book.store.history.learn(MADE, Source.QUERY)
    taken = book.begin()
    assert (Step.TAKE, False, "QR") == (taken.step, taken.is_lost, taken.charge.instructions.payload)  # type: ignore[union-attr]
    assert (State.KNOWN, "INV-1", 0) == book.row("state", "claim", "lease_until")


def test_one_of_many_at_once_is_to_send(book: Book) -> None:
    """Whoever else comes at the same moment waits."""
    start = Barrier(6)

    def begin(_: int) -> Step:
        start.wait(10)
        return book.begin().step

    with ThreadPoolExecutor(6) as pool:
        steps = [*pool.map(begin, range(6))]
    assert [Step.SEND] + [Step.WAIT] * 5 == sorted(steps, key=lambda one: one != Step.SEND)


def test_one_of_many_at_once_is_to_ask_and_one_to_send_again(book: Book) -> None:
    """The lease of the asking, and a free reference, go to one."""
    book.outcomes.failed(book.begin(), OutcomeUnknown("lost"))
    for step, then in ((Step.ASK, "absent"), (Step.SEND, None)):
        start = Barrier(5)

        def begin(_: int, start: Barrier = start) -> Entry:
            start.wait(10)
            return book.begin()

        if step is Step.ASK:
            book.clock.move(GRACE)
        with ThreadPoolExecutor(5) as pool:
            entries = [*pool.map(begin, range(5))]
        [mine] = [one for one in entries if one.step is step]
        assert 4 == sum(one.step is Step.WAIT for one in entries)
        if then is not None:
            assert book.outcomes.absent(mine)
    assert (2, State.SENDING) == book.row("attempt", "state")


def test_one_of_two_gateways_at_once_gets_the_claim(book: Book) -> None:
    """Two processes whose routes begin differently: one sends, the other is told where it is."""
    for number in range(4):
        start = Barrier(2)

        def begin(gateway: str, start: Barrier = start, number: int = number) -> str:
            start.wait(10)
            try:
                return book.begin(f"INV-{number}", gateway, routed=True).step
            except HeldElsewhere as held:
                return held.gateway

        with ThreadPoolExecutor(2) as pool:
            main, backup = pool.map(begin, ("main", "backup"))
        assert (main, backup) in {(Step.SEND, "main"), ("backup", Step.SEND)}
    assert 4 == len([row for row in rows_of(book.store) if row["claim"] is not None])


def test_a_free_reference_is_claimed_by_one_of_two_gateways_at_once(book: Book) -> None:
    """Both have refused it before, and both are asked again at the same moment."""
    for number in range(4):
        for gateway in LATER:
            entry = book.begin(f"INV-{number}", gateway, routed=True)
            book.outcomes.failed(entry, Unreachable("down"))
        start = Barrier(2)

        def begin(gateway: str, start: Barrier = start, number: int = number) -> str:
            start.wait(10)
            try:
                return book.begin(f"INV-{number}", gateway, routed=True).step
            except HeldElsewhere as held:
                return held.gateway

        with ThreadPoolExecutor(2) as pool:
            main, backup = pool.map(begin, ("main", "backup"))
        assert (main, backup) in {(Step.SEND, "main"), ("backup", Step.SEND)}


def test_a_claim_moves_with_the_charge(book: Book) -> None:
    """Given back by one that did nothing, taken by the next; the first is told of it."""
    book.outcomes.failed(book.begin(routed=True), Unreachable("down"))
    assert (State.FREE, None) == book.row("state", "claim")
    assert Step.SEND is book.begin(gateway="backup", routed=True).step
    assert ("INV-1",) == book.row("claim", gateway="backup")
    with pytest.raises(HeldElsewhere) as held:
        book.begin(routed=True)
    assert "backup" == held.value.gateway
    assert Step.SEND is book.begin().step, "named, it overrules that"
    assert (None,) == book.row("claim")


def test_a_reference_that_differs_in_case_is_another(book: Book) -> None:
    """On every database, also where text is compared without looking at case."""
    book.known("inv-1")
    assert Step.SEND is book.begin("INV-1", amount=Money.idr(1)).step
    assert 2 == len(rows_of(book.store))


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (Unreachable("down"), State.FREE),
        (InvalidRequest("wrong"), State.FREE),
        (RateLimited("busy"), State.FREE),
        (OutcomeUnknown("lost"), State.UNKNOWN),
        (DuplicateReference("there"), State.UNKNOWN),
        (AlreadyPaid("there, and paid"), State.UNKNOWN),
        (ChargeExpired("there, and over"), State.UNKNOWN),
        (StateConflict("there, and cancelled"), State.UNKNOWN),
        (None, State.UNKNOWN),
    ],
    ids=lambda one: type(one).__name__,
)
def test_how_a_sending_ended(book: Book, failure: PaygateError | None, state: State) -> None:
    """What says no leaves it free; what speaks of a charge that is there, or says nothing, leaves it unknown."""
    book.outcomes.failed(book.begin(), failure)
    free = state is State.FREE
    assert (state, 0, None if free else START * 1e6, None if free else "INV-1") == book.row(
        "state", "lease_until", "due_at", "claim"
    )
    assert (Step.SEND if free else Step.ASK) is book.begin().step
    if free:
        assert Step.WAIT is book.begin().step
    else:
        with pytest.raises(ReferenceTaken):
            book.begin(amount=Money.idr(1))


def test_the_words_of_a_failure_are_not_kept(book: Book) -> None:
    """Its kind and the provider's code are: its words may quote the payer."""
    failure = InvalidRequest("Siti's phone is wrong", provider_code="4002402", provider_message="Siti")
    book.outcomes.failed(book.begin(), failure)
    [fact] = rows_of(book.store, facts)
    assert b'{"kind":"failed","error":"InvalidRequest","code":"4002402"}' == fact["note"]


def test_a_sending_that_was_taken_over_changes_nothing_by_its_failure(book: Book) -> None:
    """Another asks, or has sent it again, or knows it: whoever comes late has no say, save by an answer."""
    late = book.begin()
    book.clock.move(LEASE)
    asking = book.begin()
    book.outcomes.failed(late, Unreachable("down"))
    assert (State.UNKNOWN, asking.lease_until) == book.row("state", "lease_until")
    book.clock.move(GRACE)
    with pytest.raises(OutcomeUnknown):
        book.outcomes.again(late, "8" * 33)
    asking = book.begin()
    assert book.outcomes.absent(asking)
    second = book.begin()
    book.outcomes.failed(late, None)
    assert (State.SENDING, 2) == book.row("state", "attempt")
    with pytest.raises(OutcomeUnknown):
        book.outcomes.again(late, "8" * 33)
    learnt = book.outcomes.answered(late, MADE, NUMBER)
    assert "QR" == learnt.charge.instructions.payload  # type: ignore[union-attr]
    assert (State.KNOWN,) == book.row("state")
    book.outcomes.failed(second, OutcomeUnknown("lost"))
    assert (State.KNOWN,) == book.row("state")


def test_a_callback_that_comes_before_the_answer(book: Book) -> None:
    """It is known then; the answer adds its instructions, and nobody is told twice."""
    entry = book.begin()
    called = book.store.history.learn(msgspec.structs.replace(PAID, instructions=None), Source.CALLBACK)
    assert (None, ()) == (called.before, called.conflicts)
    learnt = book.outcomes.answered(entry, MADE, NUMBER)
    assert (ChargeStatus.PAID, ChargeStatus.PAID) == (learnt.charge.status, learnt.before)
    assert "QR" == learnt.charge.instructions.payload  # type: ignore[union-attr]
    assert (State.KNOWN, ChargeStatus.PAID, None) == book.row("state", "status", "due_at")


def test_absence_is_believed_of_nothing_that_was_known(book: Book) -> None:
    """A provider that has lost a charge it had is asked again; the charge stays what it was."""
    book.known()
    book.clock.move(10_000)
    [entry] = book.store.agenda.take(10)
    assert not book.outcomes.absent(entry)
    state, claim, lease, due = book.row("state", "claim", "lease_until", "due_at")
    assert (State.KNOWN, "INV-1", 0) == (state, claim, lease)
    assert due > book.after(0)
    assert Step.TAKE is book.begin().step


def test_absence_is_believed_of_who_holds_the_lease(book: Book) -> None:
    """Another has taken over meanwhile: its answer counts, not this one."""
    book.outcomes.failed(book.begin(), OutcomeUnknown("lost"))
    book.clock.move(GRACE)
    slow = book.begin()
    book.clock.move(LEASE)
    quick = book.begin()
    assert Step.ASK is quick.step
    assert not book.outcomes.absent(slow)
    assert (State.UNKNOWN, quick.lease_until) == book.row("state", "lease_until")
    assert book.outcomes.absent(quick)


def test_the_agenda_gives_each_to_one(book: Book) -> None:
    """Many workers take in bounded batches, the longest due first; what is not done is due again."""
    for number in range(9):
        book.outcomes.failed(book.begin(f"INV-{number}"), None)
        book.clock.move(1)
    with ThreadPoolExecutor(3) as pool:
        batches = [*pool.map(lambda _: book.store.agenda.take(3), range(3))]
    taken = [entry.reference for batch in batches for entry in batch]
    assert len(taken) == len(set(taken))
    rest = [entry.reference for _ in range(3) for entry in book.store.agenda.take(3)]
    assert sorted(taken + rest) == [f"INV-{number}" for number in range(9)]
    assert [] == book.store.agenda.take(3)
    book.clock.move(2 * LEASE)
    assert sorted(taken + rest) == sorted(entry.reference for entry in book.store.agenda.take(9))


def test_what_is_overdue_is_asked_ever_more_seldom(book: Book) -> None:
    """After its end, then in growing pauses of at most six hours; once paid, never."""
    ends = datetime.fromtimestamp(START + 600, UTC)
    told = msgspec.structs.replace(MADE, expires_at=ends)
    book.outcomes.answered(book.begin(), told, NUMBER)
    assert (book.after(660),) == book.row("due_at")
    pauses = []
    for _ in range(12):
        [due] = book.row("due_at")
        book.clock.move(due / 1e6 - book.clock())
        [entry] = book.store.agenda.take(5)
        assert State.KNOWN == book.row("state")[0]
        book.store.history.learn(told, Source.QUERY)
        pauses.append(book.row("due_at")[0] / 1e6 - book.clock())
        assert entry.reference == "INV-1"
    assert pauses == sorted(pauses)
    assert 60 == pytest.approx(pauses[0])
    assert 1000 < pauses[-1] <= 6 * 3600
    book.store.history.learn(msgspec.structs.replace(told, status=ChargeStatus.EXPIRED), Source.QUERY)
    assert (None,) == book.row("due_at")


def test_asking_in_vain_is_repeated_ever_more_seldom(book: Book) -> None:
    """From five seconds to an hour, by how long ago it was sent; each failure stands in the history."""
    book.outcomes.failed(book.begin(), None)
    pauses = []
    for _ in range(14):
        [due] = book.row("due_at")
        book.clock.move(max(due / 1e6 - book.clock(), 0))
        [entry] = book.store.agenda.take(5)
        book.outcomes.unsettled(entry, ChargeNotFound("not yet", provider_code="404"))
        pauses.append(book.row("due_at")[0] / 1e6 - book.clock())
    assert pauses == sorted(pauses)
    assert 5 == pytest.approx(pauses[0], abs=0.01)
    assert 400 < pauses[-1] <= 3600
    told = notes.failed(ChargeNotFound("not yet", provider_code="404"))
    assert 14 == sum(notes.read(row["note"]) == told for row in rows_of(book.store, facts))


def test_a_callback_by_the_providers_own_number_finds_its_charge(book: Book) -> None:
    """Some name no reference of ours."""
    book.known()
    told = msgspec.structs.replace(PAID, reference="P-1", provider_reference="P-1")
    learnt = book.store.history.learn(told, Source.CALLBACK)
    assert ("INV-1", ChargeStatus.PAID, ()) == (
        learnt.charge.reference,
        learnt.charge.status,
        learnt.conflicts,
    )
    assert 1 == len(rows_of(book.store))


def test_charges_that_nobody_made_are_taken_in_once_though_told_at_once(book: Book) -> None:
    """Two workers are told of the same stranger at the same moment: one row, one fact, one flag."""
    start = Barrier(4)

    def learn(_: int) -> int:
        start.wait(10)
        return len(book.store.history.learn(PAID, Source.CALLBACK).conflicts)

    with ThreadPoolExecutor(4) as pool:
        assert 1 == sum(pool.map(learn, range(4)))
    assert (1, 1, 1) == tuple(
        len(rows_of(book.store, one)) for one in (facts, flags, refunds.metadata.tables["paygate_charges"])
    )


def test_one_fact_told_by_many_at_once_is_news_once(book: Book) -> None:
    """Callback and query bring the same payment together: one change."""
    book.known()
    start = Barrier(4)

    def learn(number: int) -> bool:
        start.wait(10)
        learnt = book.store.history.learn(PAID, (Source.CALLBACK, Source.QUERY)[number % 2])
        return learnt.before is not learnt.charge.status

    with ThreadPoolExecutor(4) as pool:
        assert 1 == sum(pool.map(learn, range(4)))
    assert 2 == len(rows_of(book.store, facts))


def test_refunds_and_tellings_at_once_wait_for_one_another(book: Book) -> None:
    """Refunds are begun, ended and told of from many sides: nobody is thrown out for a deadlock."""
    book.known()
    book.store.history.learn(PAID, Source.CALLBACK)
    start = Barrier(6)

    def work(number: int) -> None:
        request = RefundRequest(reference=f"R-{number % 2}", reason="x", amount=Money.idr(1_000))
        one = Refund(reference=f"R-{number % 2}", amount=Money.idr(1_000), status=RefundStatus.PENDING)
        start.wait(10)
        for _ in range(8):
            entry = book.store.refunds.begin(PAID, request, NUMBER)
            if entry.step is Step.SEND:
                book.store.refunds.ended(entry, OutcomeUnknown("lost"))
            elif entry.step is Step.ASK:
                book.store.refunds.unsettled(entry)
            book.store.history.learn(msgspec.structs.replace(PAID, refunds=(one,)), Source.QUERY)

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work, number) for number in range(6)]:
            done.result(60)
    assert {State.KNOWN} == {row["state"] for row in rows_of(book.store, refunds)}
    assert [] == rows_of(book.store, flags)


def test_a_charge_that_the_journal_does_not_have_is_none(book: Book) -> None:
    """Nor is it of another gateway."""
    book.known()
    assert book.journal.find(named("INV-2")) is None
    assert book.journal.find(msgspec.structs.replace(named(), gateway="backup")) is None
    found = book.journal.find(named())
    assert found is not None
    assert (b"", QrCode("QR")) == (found.raw, found.instructions)
