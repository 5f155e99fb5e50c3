"""The store goes away at each point of a charge's life: what is told is true, and nothing is sent twice for it."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
import sqlalchemy as sa

from paygate import (
    AsyncGateway,
    Charge,
    ChargeStatus,
    InstructionsLost,
    OutcomeUnknown,
    Paygate,
    Refused,
)
from paygate.errors import AmountRejected, StoreUnavailable
from paygate.store.schema import refunds
from paygate.store.store import Store
from paygate.store.threads import AsyncStore
from tests.databases import Laid
from tests.provider import QUICK, Provider, named, opened, order, tiny
from tests.store.test_journal_refunds import DONE, NONE, PAID, WHOLE, Desk, Returning
from tests.store.test_journal_unknown import BARE, NOWHERE
from tests.store.tills import GRACE, LEASE, SHELLS, Cancelling, Numbered, Till, row_of
from tests.test_gateway import LOST

REFUSED: Final = httpx.Response(400, json={"error": "amount"})


class Flaky:
    """Lets some pieces of work of a database fail, counted from one: before they begin, as one that is away."""

    def __init__(self, store: Store, *failing: int) -> None:
        self._writing = store.database.writing
        self._failing = failing
        self.count = 0
        store.database.writing = self.writing  # type: ignore[method-assign]

    @contextmanager
    def writing(self, **options: Any) -> Iterator[sa.Connection]:
        self.count += 1
        if self.count in self._failing or (0 in self._failing and self.count >= self._failing[-1]):
            raise StoreUnavailable("the store does not answer: a test took it away")
        with self._writing(**options) as connection:
            yield connection


@pytest.fixture
def url(laid: Laid, tmp_path: Path) -> str:
    """The address of an empty SQLite file."""
    return laid.url("sqlite", tmp_path)


@pytest.fixture(params=SHELLS)
def till(request: pytest.FixtureRequest, url: str) -> Till:
    """A till in each shell."""
    return Till(url, request.param)


def without(till: Till, provider: Provider, failing: int, *step: Any, adapter: Any = Numbered) -> Any:
    """Do a step in a process whose store is away for its n-th piece of work."""
    _, outcome = till.run(provider, lambda store: Flaky(store, failing), step, adapter=adapter)
    return outcome


def test_where_nothing_can_be_written_nothing_is_sent(till: Till) -> None:
    """The error says so; once the store is back the charge is made."""
    provider = Provider()
    failure = without(till, provider, 1, "create_charge", order())
    assert isinstance(failure, StoreUnavailable)
    assert ("main", "create_charge", "INV-1") == (failure.gateway, failure.operation, failure.reference)
    assert [] == provider.requests
    assert [] == till.rows()
    assert isinstance(till.one(provider, "create_charge", order()), Charge)


def test_an_answer_that_cannot_be_written_down_is_given_all_the_same(
    till: Till, caplog: pytest.LogCaptureFixture
) -> None:
    """The payer waits for the QR. The log says what reconcile will do; the row stands, and is asked about."""
    provider = Provider()
    charge = without(till, provider, 2, "create_charge", order())
    assert "QR" == charge.instructions.payload
    [line] = [one for one in caplog.messages if "INV-1" in one]
    assert "could not be written down" in line
    assert "`paygate reconcile` will ask" in line
    assert logging.ERROR == caplog.records[-1].levelno
    assert "sending" == till.row()["state"]
    till.clock.move(LEASE)
    provider.answers[:] = [BARE]
    lost = till.one(provider, "create_charge", order())
    assert isinstance(lost, InstructionsLost)
    assert ["POST", "GET"] == [one.method for one in provider.requests]


def test_what_a_query_told_and_nobody_will_ask_about_is_to_be_queried_again(
    till: Till, caplog: pytest.LogCaptureFixture
) -> None:
    """The journal does not have that charge: the log does not promise that reconcile will ask."""
    told = without(till, Provider(opened("INV-1")), 1, "query", named())
    assert "INV-1" == told.reference
    [line] = [one for one in caplog.messages if "INV-1" in one]
    assert "could not be written down" in line
    assert "query it again" in line
    assert "reconcile" not in line
    assert [] == till.rows()


@pytest.mark.parametrize(
    ("end", "kind", "later"), [(REFUSED, AmountRejected, NOWHERE), (LOST, OutcomeUnknown, BARE)]
)
def test_a_failure_that_cannot_be_written_down_is_raised_all_the_same(
    till: Till, end: Any, kind: type, later: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """What happened to the money is more than what happened to the store."""
    provider = Provider(end)
    assert kind is type(without(till, provider, 2, "create_charge", order()))
    assert "could not be written down" in caplog.text
    assert "sending" == till.row()["state"]
    till.clock.move(GRACE)
    provider.answers[:] = [later, opened()]
    till.one(provider, "create_charge", order())
    assert (2 if kind is AmountRejected else 1) == provider.creates


@pytest.mark.parametrize(
    "answer", [opened("INV-1"), NOWHERE, httpx.Response(500)], ids=["found", "absent", "failed"]
)
def test_what_asking_brought_and_cannot_be_written_down_leaves_it_unknown(till: Till, answer: Any) -> None:
    """An earlier call has sent it: the error is never that nothing was sent."""
    provider = Provider(LOST)
    till.one(provider, "create_charge", order())
    provider.answers[:] = [answer]
    till.clock.move(GRACE)
    failure = without(till, provider, 3, "create_charge", order())
    assert type(failure) is OutcomeUnknown
    assert "INV-1" == failure.reference
    assert 1 == provider.creates
    assert "unknown" == till.row()["state"]
    till.clock.move(LEASE)
    provider.answers[:] = [opened("INV-1")]
    assert isinstance(till.one(provider, "create_charge", order()), Charge)


def test_a_repeated_request_that_cannot_be_written_down_does_not_leave(till: Till) -> None:
    """The first did not leave either; nobody would know of the second's number."""
    provider = Provider(httpx.ConnectError("refused"), opened())
    failure = without(till, provider, 2, "create_charge", order())
    assert isinstance(failure, StoreUnavailable)
    assert 1 == len(provider.requests)
    assert "free" == till.row()["state"]


def test_an_answer_to_a_query_is_given_all_the_same(till: Till, caplog: pytest.LogCaptureFixture) -> None:
    """And is held against what the caller knows, as without a store."""
    provider = Provider()
    charge = till.one(provider, "create_charge", order())
    provider.answers[:] = [httpx.Response(200, json={"id": "INV-1", "status": "paid", "amount": "25000"})]
    told = without(till, provider, 1, "query", charge)
    assert ChargeStatus.PAID is told.status
    assert "could not be written down" in caplog.text
    assert "pending" == till.row()["status"]


def test_a_cancel_that_cannot_be_written_down_is_not_sent(till: Till) -> None:
    """Its intent comes first; the answer is given all the same."""
    provider = Provider()
    charge = till.one(provider, "create_charge", order(), adapter=Cancelling)
    assert isinstance(without(till, provider, 1, "cancel", charge, adapter=Cancelling), StoreUnavailable)
    assert 1 == len(provider.requests)
    assert isinstance(without(till, provider, 2, "cancel", charge, adapter=Cancelling), Charge)
    row = till.row()
    assert (till.clock() + LEASE) * 1e6 == row["due_at"], "it is asked about, for nobody knows"


def test_a_cancel_that_was_broken_off_is_asked_about(till: Till) -> None:
    """Whatever became of it: the charge is due when the lease of the caller is over."""
    provider = Provider()
    charge = till.one(provider, "create_charge", order(), adapter=Cancelling)
    provider.answers[:] = [LOST]
    assert isinstance(till.one(provider, "cancel", charge, adapter=Cancelling), OutcomeUnknown)
    with till.store() as store:
        assert [] == store.agenda.take(10)
        till.clock.move(LEASE)
        [entry] = store.agenda.take(10)
    assert "INV-1" == entry.reference


@pytest.mark.parametrize("failing", [1, 2], ids=["intent", "answer"])
def test_refunds_without_a_store(till: Till, failing: int, caplog: pytest.LogCaptureFixture) -> None:
    """Not sent without its intent; given without its answer, and found later."""
    desk = Desk(till).paid()
    provider = Provider(DONE)
    outcome = without(till, provider, failing, "refund", PAID, WHOLE, adapter=Returning)
    if failing == 1:
        assert isinstance(outcome, StoreUnavailable)
        assert ([], []) == (provider.requests, till.rows(refunds))
        return
    assert ChargeStatus.REFUNDED is outcome.status
    assert "could not be written down" in caplog.text
    till.clock.move(LEASE)
    assert ChargeStatus.REFUNDED is desk.refund(DONE).status
    assert ["query"] == desk.asked
    assert "known" == desk.row()["state"]


@pytest.mark.parametrize("failing", [3, 4], ids=["telling", "absence"])
def test_asking_about_a_refund_without_a_store_leaves_it_unknown(till: Till, failing: int) -> None:
    """Never that nothing was sent."""
    desk = Desk(till).paid()
    desk.refund(LOST)
    till.clock.move(GRACE)
    provider = Provider(NONE if failing == 4 else httpx.Response(500))
    outcome = without(till, provider, failing, "refund", PAID, WHOLE, adapter=Returning)
    assert type(outcome) is OutcomeUnknown
    assert "this refund" in outcome.what
    assert {"GET"} == {one.method for one in provider.requests}


def test_reconcile_without_a_store_says_so(url: str) -> None:
    """And asks about the rest when it is back."""
    till = Till(url)
    till.run(Provider(LOST), *[("create_charge", order(f"INV-{number}")) for number in range(3)])
    provider = Provider(lambda request: opened(request.url.path.rsplit("/", 1)[1]))
    document = {
        "gateways": {"main": {"adapter": "tiny", "api_key": "k" * 20}},
        "store": {"url": url},
    }
    with Paygate.from_mapping(document, transport=provider, clock=till.clock) as paygate:
        assert paygate.store is not None
        Flaky(paygate.store, 3)
        with pytest.raises(StoreUnavailable):
            paygate.reconcile()
    assert 1 == sum(row["state"] == "known" for row in till.rows())
    till.clock.move(2 * LEASE)
    with Paygate.from_mapping(document, transport=provider, clock=till.clock) as paygate:
        done = paygate.reconcile()
    assert (2, 2, {}) == (done.asked, done.settled, done.unsettled)
    assert {"known"} == {row["state"] for row in till.rows()}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_task_that_is_cancelled_while_it_asks_without_a_store_is_cancelled(url: str, backend: str) -> None:
    """A store that is away swallows no cancellation."""
    till = Till(url, backend)
    till.one(Provider(LOST), "create_charge", order())
    ended: list[str] = []

    class Slow(Provider):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await anyio.sleep_forever()
            raise AssertionError

    async def run() -> None:
        with till.store() as store:
            Flaky(store, 3)
            async with AsyncGateway(
                "main", tiny(kind=Numbered), transport=Slow(), store=AsyncStore(store), clock=till.clock
            ) as gateway:
                with anyio.move_on_after(0.2) as scope:
                    try:
                        await gateway.create_charge(order())
                    except anyio.get_cancelled_exc_class():
                        ended.append("cancelled")
                        raise
                assert scope.cancelled_caught

    anyio.run(run, backend=backend)
    assert ["cancelled"] == ended


class Slowly:
    """Work of the store that takes until it is let go."""

    def __init__(self, store: Store, name: str) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()
        self._work = getattr(store.outcomes, name)
        setattr(store.outcomes, name, self)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.began.set()
        assert self.may_end.wait(10)
        return self._work(*arguments, **named)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("how", ["scope", "task"])
def test_a_cancellation_while_the_answer_is_written_down_waits_for_it(
    url: str, backend: str, how: str
) -> None:
    """Cancelled by a scope, or as asyncio does it: when the caller goes on, the row stands."""
    if (backend, how) == ("trio", "task"):
        how = "scope"
    till = Till(url, backend)

    async def run() -> None:
        with till.store() as store:
            slowly = Slowly(store, "answered")
            async with AsyncGateway(
                "main", tiny(kind=Numbered), transport=Provider(), store=AsyncStore(store), clock=till.clock
            ) as gateway:

                async def ended() -> None:
                    while not slowly.began.is_set():
                        await anyio.sleep(0.001)

                if how == "task":
                    task = asyncio.ensure_future(gateway.create_charge(order()))
                    await ended()
                    task.cancel()
                    await anyio.sleep(0.05)
                    assert not task.done(), "it is being written down"
                    slowly.may_end.set()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                else:
                    async with anyio.create_task_group() as group:
                        group.start_soon(gateway.create_charge, order())
                        await ended()
                        group.cancel_scope.cancel()
                        slowly.may_end.set()
                assert "known" == row_of(store)["state"]

    anyio.run(run, backend=backend)


def test_work_that_waits_for_its_turn_is_done_though_its_task_is_cancelled(url: str) -> None:
    """Asyncio's own cancellation finds it in line for a thread: what was sent is written down all the same."""
    till = Till(url, "asyncio", connections=1)

    async def run() -> None:
        with till.store() as store:
            own = AsyncStore(store)
            async with AsyncGateway(
                "main", tiny(kind=Numbered), transport=Provider(), store=own, clock=till.clock, retry=QUICK
            ) as gateway:
                free, taken = threading.Event(), threading.Event()

                def occupy() -> None:
                    taken.set()
                    assert free.wait(10)

                real = store.outcomes.answered
                busy: list[Any] = []
                run = own.run

                async def late(function: Any, *arguments: Any, **named: Any) -> Any:
                    if function == real:
                        busy.append(asyncio.ensure_future(run(occupy)))
                        while not taken.is_set():
                            await asyncio.sleep(0.001)
                    return await run(function, *arguments, **named)

                own.outcomes._run = late
                task = asyncio.ensure_future(gateway.create_charge(order()))
                while not busy or not taken.is_set():
                    await asyncio.sleep(0.001)
                await asyncio.sleep(0.02)
                task.cancel()
                await asyncio.sleep(0.02)
                free.set()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert "known" == row_of(store)["state"]

    asyncio.run(run())


def test_what_is_refused_is_a_refusal(till: Till) -> None:
    """With the store in order, for comparison."""
    assert isinstance(till.one(Provider(REFUSED), "create_charge", order()), Refused)
    assert "free" == till.row()["state"]
