"""Refunds in the journal: once for each reference, over processes; unknown ones are asked about first."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest

from paygate import (
    Charge,
    ChargeRef,
    ChargeStatus,
    DuplicateReference,
    Flow,
    Money,
    OutcomeUnknown,
    Qris,
    Refund,
    RefundRequest,
    RefundStatus,
    StateConflict,
    Unreachable,
    for_methods,
    hookimpl,
    in_part_for,
    read,
)
from paygate.errors import ReferenceTaken
from paygate.store.entries import Source, Step
from paygate.store.schema import refunds
from tests.databases import Laid
from tests.provider import Provider, opened, order, tiny
from tests.store.tills import GRACE, HEADER, LEASE, SHELLS, Numbered, Till, rows_of, waited
from tests.test_gateway import LOST

WHOLE: Final = RefundRequest(reference="R-1", reason="the cake was cold")
PART: Final = RefundRequest(reference="R-2", reason="the cake was cold", amount=Money.idr(10_000))
PAID: Final = Charge(
    gateway="main",
    reference="INV-1",
    status=ChargeStatus.PAID,
    method=Qris(),
    amount=Money.idr(25_000),
    paid_amount=Money.idr(25_000),
)
STATUSES: Final = {
    "paid": ChargeStatus.PAID,
    "part": ChargeStatus.PARTIALLY_REFUNDED,
    "back": ChargeStatus.REFUNDED,
}


class Told(msgspec.Struct, frozen=True):
    """What Returning's provider answers: each refund's amount and status."""

    status: str
    refunds: dict[str, tuple[str, RefundStatus]] = {}


decoder: Final = msgspec.json.Decoder(Told)


class Returning(Numbered):
    """Gives QRIS back, in parts too."""

    @hookimpl
    @for_methods(Qris)
    @in_part_for(Qris)
    def refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        reply = yield httpx.Request("POST", "https://tiny.example/refund", json={"key": refund.reference})
        if reply.status_code == 412:
            raise StateConflict("not paid")
        if reply.status_code == 409:
            raise DuplicateReference("it is there")
        return self._given(charge, reply)

    @hookimpl
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        return self._given(charge, (yield httpx.Request("GET", "https://tiny.example/")))

    def _given(self, charge: ChargeRef, reply: httpx.Response) -> Charge:
        answer = read(reply, decoder)
        found = tuple(
            Refund(reference=key, amount=Money(amount), status=status)
            for key, (amount, status) in answer.refunds.items()
        )
        done = [one.amount.amount for one in found if one.status is RefundStatus.DONE]
        return Charge(
            gateway=self._gateway,
            reference=charge.reference,
            status=STATUSES[answer.status],
            method=charge.method,
            refunded_amount=Money(sum(done)) if done else None,
            refunds=found,
        )


def back(status: str = "back", **given: str) -> httpx.Response:
    """An answer about the charge: each refund as "25000 done"."""
    told = {key.replace("_", "-"): value.split() for key, value in given.items()}
    return httpx.Response(200, json={"status": status, "refunds": told})


DONE: Final = back(R_1="25000 done")
NONE: Final = back("paid")


class Desk:
    """A paid charge, and processes that give it back."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.provider = Provider()

    def paid(self) -> "Desk":
        """Make the charge, and have it paid."""
        self.till.one(Provider(opened("INV-1")), "create_charge", order())
        with self.till.store() as store:
            store.history.learn(PAID, Source.CALLBACK)
        return self

    def refund(self, *answers: Any, refund: RefundRequest = WHOLE, charge: Any = PAID, **options: Any) -> Any:
        """Ask for a refund in a new process, whose provider gives these answers."""
        self.provider.answers[:] = [*answers] or [AssertionError("nobody is to be asked")]
        return self.till.one(self.provider, "refund", charge, refund, adapter=Returning, **options)

    def numbers(self) -> set[str | None]:
        """The numbers that the history tells."""
        return {number for note in self.till.notes() for number in (note.before, note.external_id)}

    def reconcile(self, *answers: Any) -> None:
        """Ask about what is due, in a new process."""
        self.provider.answers[:] = [*answers]

        def due(store: Any) -> Any:
            return store.agenda.take(10)

        with self.till.store() as store:
            entries = due(store)
        for entry in entries:
            self.till.one(self.provider, "query", entry.charge, adapter=Returning)

    @property
    def asked(self) -> list[str]:
        """What the provider was asked."""
        return [{"POST": "refund", "GET": "query"}[one.method] for one in self.provider.requests]

    def row(self, reference: str = "R-1") -> dict[str, Any]:
        """The refund's row."""
        [row] = [one for one in self.till.rows(refunds) if one["reference"] == reference]
        return row

    @property
    def stands(self) -> tuple[ChargeStatus, Money | None]:
        """How the charge stands in the journal."""
        with self.till.store() as store:
            charge = store.journal.find(PAID)
            assert charge is not None
            return charge.status, charge.refunded_amount


@pytest.fixture
def url(laid: Laid, tmp_path: Path) -> str:
    """The address of an empty SQLite file."""
    return laid.url("sqlite", tmp_path)


@pytest.fixture(params=SHELLS)
def desk(request: pytest.FixtureRequest, url: str) -> Desk:
    """A desk with a paid charge, in each shell."""
    return Desk(Till(url, request.param)).paid()


def test_a_refund_is_written_down_before_it_leaves(desk: Desk) -> None:
    """Charge, amount, X-EXTERNAL-ID and attempt; the charge is due, in case nobody comes back."""
    seen: list[dict[str, Any]] = []
    provider = Provider()

    def prepare(store: Any) -> None:
        def look(request: httpx.Request) -> httpx.Response:
            [row] = rows_of(store, refunds)
            seen.append({**row, "header": request.headers[HEADER], "due_at": rows_of(store)[0]["due_at"]})
            return back("part", R_2="10000 done")

        provider.answers[:] = [look]

    desk.till.run(provider, prepare, ("refund", PAID, PART), adapter=Returning)
    [row] = seen
    assert ("INV-1", "R-2", "10000.00", "sending", 1) == tuple(
        row[k] for k in ("charge_reference", "reference", "amount", "state", "attempt")
    )
    assert row["header"] == row["external_id"]
    assert row["lease_until"] == row["due_at"]
    assert "known" == desk.row("R-2")["state"]
    assert (ChargeStatus.PARTIALLY_REFUNDED, Money.idr(10_000)) == desk.stands


def test_the_same_refund_is_made_once(desk: Desk) -> None:
    """Asked for again, in this process or the next, the charge comes back as it stands; nobody is asked."""
    first = desk.refund(DONE)
    again = desk.refund()
    assert ChargeStatus.REFUNDED is first.status is again.status
    assert Money.idr(25_000) == again.refunded_amount
    assert ["refund"] == desk.asked
    assert [] == desk.till.flags()


def test_refunds_of_threads_at_once_are_one(store_url: str) -> None:
    """On every database: eight clerks give the same refund, and one request leaves."""
    desk, may_answer, provider = Desk(Till(store_url, connections=8)).paid(), threading.Event(), Provider()

    def slow(_: httpx.Request) -> httpx.Response:
        assert may_answer.wait(10)
        return DONE

    provider.answers[:] = [slow]
    with ThreadPoolExecutor(6) as pool:
        each = [
            pool.submit(desk.till.one, provider, "refund", PAID, WHOLE, adapter=Returning) for _ in range(6)
        ]
        waited(lambda: bool(provider.requests))
        may_answer.set()
        assert {ChargeStatus.REFUNDED} == {one.result(30).status for one in each}
    assert 1 == len(provider.requests)
    assert ("known", 1) == (desk.row()["state"], desk.row()["attempt"])


@pytest.mark.parametrize("first", [DONE, LOST, httpx.Response(412)], ids=["done", "unknown", "refused"])
@pytest.mark.parametrize(
    ("other", "charge", "words"),
    [
        (PART, PAID, "is that of a refund of the whole charge"),
        (WHOLE, msgspec.structs.replace(PAID, reference="INV-2"), "is that of a refund of charge INV-1"),
    ],
    ids=["amount", "charge"],
)
def test_another_refund_of_the_reference_is_refused(
    desk: Desk, first: Any, other: RefundRequest, charge: Charge, words: str
) -> None:
    """Whatever became of the first: the provider may know it by this reference."""
    desk.refund(first)
    failure = desk.refund(refund=msgspec.structs.replace(other, reference="R-1"), charge=charge)
    assert isinstance(failure, ReferenceTaken)
    assert ("refund.reference", words) == (failure.field, failure.why)
    assert ["refund"] == desk.asked


def test_an_unknown_refund_is_asked_about_and_found(desk: Desk) -> None:
    """The answer was lost; the charge tells it: nothing is sent again."""
    assert isinstance(desk.refund(LOST), OutcomeUnknown)
    assert ("unknown", 0) == (desk.row()["state"], desk.row()["lease_until"])
    assert desk.till.clock() * 1e6 == desk.till.row()["due_at"]
    told = desk.refund(DONE)
    assert ChargeStatus.REFUNDED is told.status
    assert ["refund", "query"] == desk.asked
    assert "known" == desk.row()["state"]
    assert [] == desk.till.flags(), "it was asked for here"


def test_an_unknown_refund_that_is_not_told_is_sent_again_after_the_grace_time(desk: Desk) -> None:
    """Before, it may still turn up. The X-EXTERNAL-ID is new, the refund's reference is not."""
    desk.refund(LOST)
    desk.till.clock.move(GRACE - 1)
    early = desk.refund(NONE)
    assert type(early) is OutcomeUnknown
    assert "does not tell of it yet" in early.what
    assert ("main", "refund", "INV-1") == (early.gateway, early.operation, early.reference)
    desk.till.clock.move(1)
    assert ChargeStatus.REFUNDED is desk.refund(NONE, DONE).status
    assert ["refund", "query", "query", "refund"] == desk.asked
    sent = [one for one in desk.provider.requests if one.method == "POST"]
    assert sent[0].content == sent[1].content
    assert sent[0].headers[HEADER] != sent[1].headers[HEADER]
    assert {one.headers[HEADER] for one in sent} <= desk.numbers()


def test_an_answer_about_a_refund_counts_from_when_it_was_asked_for(desk: Desk) -> None:
    """Who sleeps after it was told of no refund believes nothing."""
    desk.refund(LOST)

    def slept(_: httpx.Request) -> httpx.Response:
        desk.till.clock.move(GRACE * 2)
        return NONE

    assert type(desk.refund(slept)) is OutcomeUnknown
    assert 1 == desk.asked.count("refund")


@pytest.mark.parametrize("answer", [LOST, httpx.Response(500), httpx.ConnectError("refused")])
def test_asking_about_a_refund_in_vain_leaves_it_unknown(desk: Desk, answer: Any) -> None:
    """Never NotSent: an earlier call may have given the money back."""
    desk.refund(LOST)
    desk.till.clock.move(GRACE * 3)
    assert type(desk.refund(answer)) is OutcomeUnknown
    assert ("unknown", 0) == (desk.row()["state"], desk.row()["lease_until"])
    assert 1 == desk.asked.count("refund")


def test_a_refund_that_was_not_sent_or_was_refused_may_be_asked_for_again(desk: Desk) -> None:
    """It is free: the same refund is sent as a new attempt."""
    for end, kind in ((httpx.ConnectError("refused"), Unreachable), (httpx.Response(412), StateConflict)):
        assert isinstance(desk.refund(end), kind)
        assert "free" == desk.row()["state"]
    assert ChargeStatus.REFUNDED is desk.refund(DONE).status


def test_a_repeated_refund_has_its_number_written_down_before_it_leaves(desk: Desk) -> None:
    """After a failure to connect: the history tells both numbers."""
    desk.refund(httpx.ConnectError("refused"), DONE)
    numbers = [one.headers[HEADER] for one in desk.provider.requests]
    assert 2 == len(set(numbers))
    assert numbers[1] == desk.row()["external_id"]
    assert {*numbers} <= desk.numbers()


def test_a_refund_that_the_provider_has_already_is_asked_about(desk: Desk) -> None:
    """A duplicate is no "nothing was done": the next call finds it, and sends nothing."""
    assert isinstance(desk.refund(httpx.Response(409)), DuplicateReference)
    assert "unknown" == desk.row()["state"]
    assert ChargeStatus.REFUNDED is desk.refund(DONE).status
    assert ["refund", "query"] == desk.asked


def test_a_refund_that_failed_may_be_made_again(desk: Desk) -> None:
    """The provider says that it failed, at once or later: the same reference is sent once more."""
    told = desk.refund(back("paid", R_1="25000 failed"))
    assert RefundStatus.FAILED is told.refund("R-1").status
    assert "free" == desk.row()["state"]
    pending = desk.refund(back("paid", R_1="25000 pending"))
    assert RefundStatus.PENDING is pending.refund("R-1").status
    for state in ("known", "free"):  # it may be the first attempt that is told, for a while
        desk.till.one(Provider(back("paid", R_1="25000 failed")), "query", PAID, adapter=Returning)
        assert state == desk.row()["state"]
        desk.till.clock.move(GRACE)
    assert "free" == desk.row()["state"]
    assert ChargeStatus.REFUNDED is desk.refund(DONE).status
    assert ["refund"] * 3 == desk.asked


def test_a_refund_that_is_done_is_not_free_for_being_told_as_failed(desk: Desk) -> None:
    """A stale telling contradicts it: it is flagged, and nothing is given back twice."""
    desk.refund(DONE)
    desk.till.one(Provider(back("paid", R_1="25000 failed")), "query", PAID, adapter=Returning)
    assert (ChargeStatus.REFUNDED, Money.idr(25_000)) == desk.stands
    assert ["regression"] == desk.till.flags()
    assert "known" == desk.row()["state"]
    desk.refund()
    assert ["refund"] == desk.asked


def test_an_old_failure_is_not_that_of_the_attempt_under_way(desk: Desk) -> None:
    """A second attempt was sent and lost; "failed" may be the first's yet, until the grace time is over."""
    desk.refund(back("paid", R_1="25000 failed"))
    assert type(desk.refund(LOST)) is OutcomeUnknown
    failed = back("paid", R_1="25000 failed")
    assert type(desk.refund(failed)) is OutcomeUnknown
    desk.till.one(Provider(failed), "query", PAID, adapter=Returning)
    assert "unknown" == desk.row()["state"]
    assert type(desk.refund(failed)) is OutcomeUnknown
    assert 2 == desk.asked.count("refund")
    desk.till.clock.move(GRACE + 1)
    assert ChargeStatus.REFUNDED is desk.refund(failed, DONE).status
    assert 3 == desk.asked.count("refund")


def test_an_old_failure_frees_no_attempt_that_is_under_way(url: str) -> None:
    """While a second attempt waits for its answer, a query still tells the first as failed."""
    desk = Desk(Till(url)).paid()
    failed = back("paid", R_1="25000 failed")
    desk.refund(failed)

    def slow(_: httpx.Request) -> httpx.Response:
        desk.till.one(Provider(failed), "query", PAID, adapter=Returning)
        assert "sending" == desk.row()["state"]
        return DONE

    assert ChargeStatus.REFUNDED is desk.refund(slow).status
    assert "known" == desk.row()["state"]


def test_refunds_add_up(desk: Desk) -> None:
    """Totals, not increments: two parts, each told alone, are their sum; a repeat changes nothing."""
    desk.refund(back("part", R_2="10000 done"), refund=PART)
    second = RefundRequest(reference="R-3", reason="more", amount=Money.idr(15_000))
    told = desk.refund(back("part", R_3="15000 done"), refund=second)
    assert (Money.idr(25_000), ChargeStatus.REFUNDED) == (told.refunded_amount, told.status)
    desk.till.one(
        Provider(back("back", R_2="10000 done", R_3="15000 done")), "query", PAID, adapter=Returning
    )
    assert (ChargeStatus.REFUNDED, Money.idr(25_000)) == desk.stands
    assert [] == desk.till.flags()


def test_a_refund_from_the_dashboard_is_flagged(desk: Desk) -> None:
    """Nobody had asked for it here; the one that was is no matter."""
    desk.refund(back("part", R_2="10000 done"), refund=PART)
    told = desk.till.one(
        Provider(back("back", R_2="10000 done", D_1="15000 done")), "query", PAID, adapter=Returning
    )
    assert ChargeStatus.REFUNDED is told.status
    assert ["outside"] == desk.till.flags()


def test_a_refund_that_was_refused_explains_nothing(desk: Desk) -> None:
    """It was refused here, and then made at the dashboard: that is from outside."""
    desk.refund(httpx.Response(412))
    desk.till.one(Provider(back("back")), "query", PAID, adapter=Returning)
    assert ["outside"] == desk.till.flags()


def test_a_refund_of_a_charge_that_the_journal_does_not_have(desk: Desk) -> None:
    """It is made once all the same, and the charge is taken in; told again, it is no stranger's."""
    other = msgspec.structs.replace(PAID, reference="INV-9")
    told = desk.refund(DONE, charge=other)
    assert ChargeStatus.REFUNDED is told.status
    assert ("known", 0) == (desk.row()["state"], desk.row()["lease_until"])
    assert ChargeStatus.REFUNDED is desk.refund(charge=other).status
    assert ["refund"] == desk.asked
    assert [] == desk.till.flags()


def test_a_refund_of_an_unknown_charge_is_no_strangers_when_it_is_told_later(desk: Desk) -> None:
    """Its answer named no refund; a query does: it was asked for here."""
    other = msgspec.structs.replace(PAID, reference="INV-9")
    desk.refund(NONE, charge=other)
    desk.till.one(Provider(DONE), "query", other, adapter=Returning)
    assert [] == desk.till.flags()
    assert "known" == desk.row()["state"]


def test_a_refund_of_a_charge_that_the_journal_does_not_have_is_asked_about(desk: Desk) -> None:
    """Its answer was lost: found at once, and not waited for again."""
    other = msgspec.structs.replace(PAID, reference="INV-9")
    assert type(desk.refund(LOST, charge=other)) is OutcomeUnknown
    assert ChargeStatus.REFUNDED is desk.refund(DONE, charge=other).status
    assert ("known", 0) == (desk.row()["state"], desk.row()["lease_until"])


def test_a_refund_whose_outcome_is_unknown_stays_due(desk: Desk) -> None:
    """The provider does not tell it yet: its charge is asked about again, until it does."""
    desk.refund(LOST)
    desk.till.clock.move(10)
    desk.reconcile(NONE)
    due = desk.till.row()["due_at"]
    assert due is not None
    assert due > desk.till.clock() * 1e6
    desk.till.clock.move(due / 1e6 - desk.till.clock() + 1)
    desk.reconcile(DONE)
    assert "known" == desk.row()["state"]
    assert desk.till.row()["due_at"] is None
    assert ["refund", "query", "query"] == desk.asked


def test_the_answer_to_one_refund_leaves_another_due(desk: Desk) -> None:
    """One is unknown while the next is made: it is not forgotten."""
    desk.refund(LOST, refund=PART)
    second = RefundRequest(reference="R-3", reason="more", amount=Money.idr(15_000))
    desk.refund(back("part", R_3="15000 done"), refund=second)
    assert desk.till.row()["due_at"] is not None


def test_a_sleeper_does_not_send_a_refund_that_was_taken_over(desk: Desk) -> None:
    """Another has asked, and sent it: money is given back once."""
    adapter = tiny(kind=Returning)
    other = Desk(Till(desk.till.settings.url.reveal(), clock=desk.till.clock))
    flow = adapter.refund

    class Sleepy(Returning):
        """Sleeps before it sends."""

        @hookimpl
        @for_methods(Qris)
        @in_part_for(Qris)
        def refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
            desk.till.clock.move(GRACE + LEASE)
            assert isinstance(other.refund(NONE, DONE), Charge)
            made: Charge = yield from flow(charge, refund)
            return made

    provider = Provider(DONE)
    failure = desk.till.one(provider, "refund", PAID, WHOLE, adapter=Sleepy)
    assert type(failure) is OutcomeUnknown
    assert [] == provider.requests
    assert 1 == other.asked.count("refund")


def test_a_refund_that_a_dead_process_left_is_waited_for_and_asked_about(desk: Desk) -> None:
    """Its lease lives for a while; then the provider is asked."""
    with desk.till.store() as store:
        assert Step.SEND is store.refunds.begin(PAID, WHOLE, "1" * 33).step
        assert Step.WAIT is store.refunds.begin(PAID, WHOLE, "2" * 33).step
        desk.till.clock.move(LEASE)
        assert Step.ASK is store.refunds.begin(PAID, WHOLE, "3" * 33).step
        assert Step.WAIT is store.refunds.begin(PAID, WHOLE, "4" * 33).step
    desk.till.clock.move(LEASE)
    assert ChargeStatus.REFUNDED is desk.refund(DONE).status
    assert ["query"] == desk.asked
