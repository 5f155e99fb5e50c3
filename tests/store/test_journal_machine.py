"""Two callers in any interleaving, with crashes, cancellations and jumps of the clock: no charge is made twice.

The real async code is driven by hand, from one `await` to the next: the store's work and the provider's answers
come in whatever order chance likes. The provider is careless: each request that arrives makes one more charge.
`PAYGATE_LONG=1` runs fifty times as many.
"""

import contextlib
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Coroutine, Generator, Iterator
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from paygate_tiny import Key

from paygate import (
    AsyncGateway,
    Charge,
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
from paygate.store.schema import metadata
from paygate.store.store import Store
from paygate.store.threads import InThreads
from paygate.store_settings import StoreSettings
from tests.databases import lay_out
from tests.provider import CANARY, opened, order, tiny
from tests.store.callers import Clock
from tests.store.tills import GRACE, LEASE, rows_of

SLOWEST: Final = 60.0
"""How long a request may be under way at most; with half a lease it is less than the grace time."""

LONG: Final = bool(os.environ.get("PAYGATE_LONG"))
TASKS: Final = ("INV-1", "INV-1", "INV-1", "INV-2", "reconcile")
ENDS: Final = ("lost", "lost", "lost", "made", "vanished", "refused", "unreachable")
WORK: Final = st.sampled_from(TASKS)
SENDINGS: Final = st.sampled_from(ENDS)
DELAYS: Final = st.sampled_from([0.0, 1.0, SLOWEST])
WAITS: Final = st.sampled_from([1.0, LEASE / 2, LEASE + 1, GRACE + 1])


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
        for part in ("journal", "outcomes", "history", "refunds", "agenda"):
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

    @property
    def has_ended(self) -> bool:
        """Whether it has nothing to do."""
        return self.work is None

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


class World:
    """Two processes over one store, and the provider."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.provider = Careless(clock)
        self.processes = [self._process(), self._process()]
        self.known_paid: set[str] = set()

    def _process(self) -> Process:
        return Process(self.store, self.provider, self.clock)

    def go_on(self, who: int, turns: int, end: str, delay: float, what: str) -> None:
        """Let one of them go on for a while; one that has nothing to do begins something."""
        process = self.processes[who]
        self.provider.ends[:] = [(end, delay)]
        if process.work is None:
            reconciles = what == "reconcile"
            gateway = process.gateway
            process.work = process.reconciler.run(2) if reconciles else gateway.create_charge(order(what))
        for _ in range(turns):
            if process.has_ended:
                break
            self._look(process.step())

    def crash(self, who: int) -> None:
        """Kill one of them; another is started."""
        self.processes[who].crash()
        self.processes[who] = self._process()

    def cancel(self, who: int) -> None:
        """Cancel a task that waits for the provider, or for another."""
        process = self.processes[who]
        work = process.work
        assert work is not None
        self._look(process.step(lambda: work.throw(Cancelled())))

    def wait(self, seconds: float) -> None:
        """Let time go by, as for a process that sleeps."""
        self.clock.move(seconds)
        self.provider.arrive()

    def pay(self, reference: str, calls: bool) -> None:
        """The payer pays, and the provider calls, or not."""
        self.provider.paid.add(reference)
        told = Charge(
            gateway="main",
            reference=reference,
            status=ChargeStatus.PAID,
            method=Qris(),
            paid_amount=Money.idr(25_000),
        )
        if calls:
            self.store.history.learn(told, Source.CALLBACK)

    def busy(self, *places: str) -> list[int]:
        """Those that are at work, at some places or anywhere."""
        return [
            number
            for number, one in enumerate(self.processes)
            if one.work is not None and (not places or one.where in places)
        ]

    def payable(self) -> list[str]:
        """The references that have a charge."""
        return sorted(reference for reference, count in self.provider.made.items() if count)

    def check(self) -> None:
        """Nothing was made twice, however careless the provider; and what was paid stays paid."""
        assert all(count <= 1 for count in self.provider.made.values()), dict(self.provider.made)
        paid = {row["reference"] for row in rows_of(self.store) if row["status"] == "paid"}
        assert self.known_paid <= paid
        self.known_paid = paid

    def end(self) -> None:
        """Everybody dies; one reconciles: the journal is the provider's ledger."""
        for process in self.processes:
            process.crash()
        gateway = Gateway("main", tiny(), transport=self.provider, store=self.store, clock=self.clock)
        for _ in range(4):
            self.wait(10_000)
            Reconciler(self.store, {"main": gateway}).run(100)
        self.check()
        rows = {row["reference"]: row for row in rows_of(self.store)}
        assert set(self.payable()) <= set(rows)
        for reference, row in rows.items():
            assert ("known" if self.provider.made[reference] else "free") == row["state"], reference
            assert (reference in self.provider.paid) is (row["status"] == "paid"), reference

    def _look(self, outcome: Any) -> None:
        if isinstance(outcome, Charge):
            assert self.provider.made[outcome.reference], "nobody is given a charge that is not there"


@contextlib.contextmanager
def worlds() -> Iterator[Callable[[], World]]:
    """Worlds, one after the other, over a file that is emptied for each."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        url, clock = f"sqlite:///{Path(folder) / 'paygate.db'}", Clock()
        lay_out(url)
        with Store(StoreSettings(url=Secret(url)), clock) as store:

            def fresh() -> World:
                with store.database.writing(durable=False) as connection:
                    for table in metadata.sorted_tables:
                        connection.execute(table.delete())
                return World(store, clock)

            patch.setattr(async_bookkeeping, "pause_async", _waited)
            yield fresh


@pytest.fixture(scope="module", autouse=True)
def fresh() -> Iterator[Callable[[], World]]:
    """Makes worlds."""
    with worlds() as make:
        Callers.fresh = make
        yield make


class Callers(RuleBasedStateMachine):
    """A world as hypothesis moves it."""

    fresh: ClassVar[Any] = None

    @initialize()
    def begin(self) -> None:
        self.world: World = Callers.fresh()

    @rule(who=st.integers(0, 1), turns=st.integers(1, 8), end=SENDINGS, delay=DELAYS, what=WORK)
    def go_on(self, **how: Any) -> None:
        self.world.go_on(**how)

    @precondition(lambda self: self.world.busy())
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        self.world.crash(data.draw(st.sampled_from(self.world.busy())))

    @precondition(lambda self: self.world.busy("provider", "pause"))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.world.cancel(data.draw(st.sampled_from(self.world.busy("provider", "pause"))))

    @rule(seconds=WAITS)
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @precondition(lambda self: self.world.payable())
    @rule(data=st.data(), calls=st.booleans())
    def pay(self, data: st.DataObject, calls: bool) -> None:
        self.world.pay(data.draw(st.sampled_from(self.world.payable())), calls)

    @invariant()
    def all_is_well(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.end()


Callers.TestCase.settings = settings(
    max_examples=1_000 if LONG else 15, stateful_step_count=60 if LONG else 30, deadline=None
)
TestCallers = Callers.TestCase


@pytest.mark.parametrize("seed", range(1_000 if LONG else 8))
def test_no_walk_by_chance_makes_a_charge_twice(fresh: Callable[[], World], seed: int) -> None:
    """Ten walks of forty steps for each seed: longer ways than hypothesis goes."""
    chance = Random(seed)
    for _ in range(10):
        world = fresh()
        for _ in range(40):
            walk(world, chance)
            world.check()
        world.end()


def walk(world: World, chance: Random) -> None:
    """One step by chance."""
    step = chance.choices(["go on", "wait", "crash", "cancel", "pay"], [10, 4, 1, 1, 0.5])[0]
    if step == "wait":
        world.wait(chance.choice([1.0, LEASE / 2, LEASE + 1, GRACE + 1]))
    elif step == "crash" and world.busy():
        world.crash(chance.choice(world.busy()))
    elif step == "cancel" and world.busy("provider", "pause"):
        world.cancel(chance.choice(world.busy("provider", "pause")))
    elif step == "pay" and world.payable():
        world.pay(chance.choice(world.payable()), chance.random() < 0.5)
    else:
        end = chance.choice(ENDS), chance.choice([0.0, 1.0, SLOWEST])
        world.go_on(chance.randint(0, 1), chance.randint(1, 8), *end, chance.choice(TASKS))


def test_the_worlds_are_moved_by_the_real_code(fresh: Callable[[], World]) -> None:
    """A charge by hand: written down, sent, answered, written down; each turn is one to be interrupted at."""
    world = fresh()
    turns = []
    for _ in range(6):
        world.go_on(0, 1, "made", 0.0, "INV-1")
        turns.append(world.processes[0].where)
    assert ["store", "store", "provider", "store", "store"] == turns[:-1]
    assert ([], {"INV-1": 1}) == (world.busy(), world.provider.made)
    world.end()
