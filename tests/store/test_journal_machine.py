"""Two callers in any interleaving, with crashes, cancellations and jumps of the clock: no charge is made twice.

The real async code is driven by hand, from one `await` to the next: the store's work and the provider's answers
come in whatever order hypothesis likes. The provider is careless: each request that arrives makes one more charge.
`PAYGATE_LONG=1` runs a hundred times as many.
"""

import contextlib
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Generator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from paygate_tiny import Key

from paygate import (
    AsyncGateway,
    Charge,
    ChargeRequest,
    ChargeStatus,
    Gateway,
    Money,
    PaygateError,
    Qris,
    Retry,
    Secret,
    async_bookkeeping,
)
from paygate.reconciliation import AsyncReconciler, Reconciler
from paygate.store.entries import Source
from paygate.store.store import Store
from paygate.store.threads import InThreads
from paygate.store_settings import StoreSettings
from tests.databases import lay_out
from tests.provider import CANARY, opened, order, tiny
from tests.store.callers import Clock
from tests.store.tills import GRACE, LEASE, rows_of

REFERENCES: Final = ("INV-1", "INV-2")
SLOWEST: Final = 60.0
"""How long a request may be under way at most; with half a lease it is less than the grace time."""

LONG: Final = bool(os.environ.get("PAYGATE_LONG"))
SENDINGS: Final = st.sampled_from(["made", "lost", "vanished", "refused", "unreachable"])


class Crash(BaseException):
    """The process is gone: whatever would run now does not."""


class Cancelled(BaseException):
    """The task is cancelled."""


class Turn:
    """Somewhere to be interrupted."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __await__(self) -> Generator[str, None, None]:
        yield self.where


class Careless(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """A provider that makes a charge for each request that arrives, and tells the truth when asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: list[tuple[float, str]] = []
        self.made: dict[str, int] = defaultdict(int)
        self.paid: set[str] = set()
        self.ends: list[tuple[str, float]] = []

    def arrive(self) -> None:
        """Let the requests arrive whose time has come."""
        now = self._clock()
        for one in [one for one in self._under_way if one[0] <= now]:
            self._under_way.remove(one)
            self.made[one[1]] += 1

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            answer = self.handle_request(request)
            await Turn("provider")
            return answer
        end, delay = self.ends.pop() if self.ends else ("made", 0.0)
        reference = request.read().decode().split('"')[3]
        if end == "unreachable":
            raise httpx.ConnectError("refused")
        if end == "refused":
            return httpx.Response(400, json={"error": "amount"})
        if end != "vanished":
            self._under_way.append((self._clock() + (delay if end == "lost" else 0.0), reference))
            self.arrive()
        await Turn("provider")
        if end != "made":
            raise httpx.ReadTimeout("no answer")
        return opened(reference)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert request.method == "GET", "reconcile sends nothing"
        self.arrive()
        reference = request.url.path.rsplit("/", 1)[1]
        if not self.made[reference]:
            return httpx.Response(404, json={"error": "unknown"})
        told = {"id": reference, "status": "paid" if reference in self.paid else "open", "amount": "25000"}
        return httpx.Response(200, json=told)


class Process:
    """One process: a gateway over the store, and what it is doing."""

    def __init__(self, store: Store, provider: Careless, clock: Clock) -> None:
        self.settings = store.settings
        self.is_dead = False
        for part in ("journal", "history", "refunds", "agenda"):
            setattr(self, part, InThreads(getattr(store, part), self.run))
        own: Any = self
        self.gateway = AsyncGateway(
            "main",
            tiny(),
            transport=provider,
            store=own,
            clock=clock,
            retry=Retry(attempts=1),
            breaker_failures=1_000_000,
        )
        self.gateway._driver.credentials._held = Key(CANARY)
        self.reconciler = AsyncReconciler(own, {"main": self.gateway})
        self.work: Coroutine[Any, Any, Any] | None = None
        self.where = ""

    async def run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """A piece of work, whole, with somewhere to be interrupted before and after."""
        await self._turn()
        done = function(*arguments, **named)
        await self._turn()
        return done

    async def _turn(self) -> None:
        if self.is_dead:
            raise Crash
        await Turn("store")

    def step(self, move: Callable[[], Any] | None = None) -> Any:
        """Go on to the next turn; what comes of the work where it has ended, else None."""
        assert self.work is not None
        try:
            self.where = move() if move is not None else self.work.send(None)
        except StopIteration as end:
            self.work = None
            return end.value
        except (PaygateError, Cancelled) as end:
            self.work = None
            return end
        return None

    def crash(self) -> None:
        """Die where it stands."""
        self.is_dead = True
        if self.work is not None:
            with contextlib.suppress(Crash):
                self.work.close()
            self.work = None


async def _waited(_: float) -> None:
    await Turn("pause")


class Callers(RuleBasedStateMachine):
    """Two processes, two references, one provider."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(template(), self.folder / "paygate.db")
        self.clock = Clock()
        self.provider = Careless(self.clock)
        self.store = Store(StoreSettings(url=Secret(f"sqlite:///{self.folder / 'paygate.db'}")), self.clock)
        self.pause = async_bookkeeping.pause_async
        async_bookkeeping.pause_async = _waited
        self.processes = [self._process(), self._process()]
        self.known_paid: set[str] = set()

    def _process(self) -> Process:
        return Process(self.store, self.provider, self.clock)

    @rule(who=st.integers(0, 1), reference=st.sampled_from(REFERENCES))
    def create(self, who: int, reference: str) -> None:
        """Ask for a charge."""
        process = self.processes[who]
        if process.work is None:
            process.work = process.gateway.create_charge(order(reference))

    @rule(who=st.integers(0, 1))
    def reconcile(self, who: int) -> None:
        """Ask about what is due."""
        process = self.processes[who]
        if process.work is None:
            process.work = process.reconciler.run(2)

    @rule(who=st.integers(0, 1), turns=st.integers(1, 6), end=SENDINGS, delay=st.floats(0, SLOWEST))
    def go_on(self, who: int, turns: int, end: str, delay: float) -> None:
        """Let one of them go on for a while."""
        process = self.processes[who]
        self.provider.ends[:] = [(end, delay)]
        for _ in range(turns):
            if process.work is None:
                break
            self._look(process.step())

    @rule(who=st.integers(0, 1))
    def crash(self, who: int) -> None:
        """Kill one of them; another is started."""
        self.processes[who].crash()
        self.processes[who] = self._process()

    @rule(who=st.integers(0, 1))
    def cancel(self, who: int) -> None:
        """Cancel a task that waits for the provider, or for another."""
        process = self.processes[who]
        work = process.work
        if work is not None and process.where in ("provider", "pause"):
            self._look(process.step(lambda: work.throw(Cancelled())))

    @rule(seconds=st.sampled_from([1.0, LEASE / 2, LEASE + 1, GRACE + 1, 1_000.0]))
    def wait(self, seconds: float) -> None:
        """Let time go by, as for a process that sleeps."""
        self.clock.move(seconds)
        self.provider.arrive()

    @rule(reference=st.sampled_from(REFERENCES))
    def pay(self, reference: str) -> None:
        """The payer pays, if there is something to pay."""
        if self.provider.made[reference]:
            self.provider.paid.add(reference)

    @precondition(lambda self: self.provider.paid)
    @rule(data=st.data())
    def call_back(self, data: st.DataObject) -> None:
        """The provider calls."""
        reference = data.draw(st.sampled_from(sorted(self.provider.paid)))
        told = Charge(
            gateway="main",
            reference=reference,
            status=ChargeStatus.PAID,
            method=Qris(),
            paid_amount=Money.idr(25_000),
        )
        self.store.history.learn(told, Source.CALLBACK)

    def _look(self, outcome: Any) -> None:
        if isinstance(outcome, Charge):
            assert self.provider.made[outcome.reference], "nobody is given a charge that is not there"
            assert outcome.status is ChargeStatus.PAID or outcome.reference not in self.known_paid

    @invariant()
    def nothing_is_made_twice(self) -> None:
        """However careless the provider."""
        assert all(count <= 1 for count in self.provider.made.values()), dict(self.provider.made)

    @invariant()
    def paid_stays_paid(self) -> None:
        """In the journal too."""
        paid = {row["reference"] for row in rows_of(self.store) if row["status"] == "paid"}
        assert self.known_paid <= paid
        self.known_paid = paid

    def teardown(self) -> None:
        """Everybody dies; one reconciles: the journal is the provider's ledger."""
        if not hasattr(self, "store"):
            return
        async_bookkeeping.pause_async = self.pause
        try:
            for process in self.processes:
                process.crash()
            gateway = Gateway("main", tiny(), transport=self.provider, store=self.store, clock=self.clock)
            for _ in range(4):
                self.clock.move(10_000)
                self.provider.arrive()
                Reconciler(self.store, {"main": gateway}).run(100)
            self.nothing_is_made_twice()
            rows = {row["reference"]: row for row in rows_of(self.store)}
            assert {one for one, count in self.provider.made.items() if count} <= set(rows)
            for reference, row in rows.items():
                assert ("known" if self.provider.made[reference] else "free") == row["state"], reference
                assert (reference in self.provider.paid) is (row["status"] == "paid"), reference
        finally:
            self.store.close()
            shutil.rmtree(self.folder)


_template: list[Path] = []


def template() -> Path:
    """An empty SQLite file with the tables in it, made once."""
    if not _template:
        folder = Path(tempfile.mkdtemp())
        lay_out(f"sqlite:///{folder / 'template.db'}")
        _template.append(folder / "template.db")
    return _template[0]


@pytest.fixture(scope="module", autouse=True)
def _no_template_is_left() -> Generator[None, None, None]:
    yield
    for file in _template:
        shutil.rmtree(file.parent)


Callers.TestCase.settings = settings(
    max_examples=3_000 if LONG else 30, stateful_step_count=60 if LONG else 40, deadline=None
)
TestCallers = Callers.TestCase


def test_the_machine_is_driven_by_the_real_code() -> None:
    """A charge by hand: written down, sent, answered, written down; each turn is one to be interrupted at."""
    machine = Callers()
    machine.begin()
    process = machine.processes[0]
    work: Callable[[ChargeRequest], Awaitable[Charge]] = process.gateway.create_charge
    process.work = work(order())  # type: ignore[assignment]
    turns = []
    while process.work is not None:
        outcome = process.step()
        turns.append(process.where)
    assert isinstance(outcome, Charge)
    assert ["store", "store", "provider", "store", "store"] == turns[:-1]
    assert {"INV-1": 1} == machine.provider.made
    machine.teardown()
