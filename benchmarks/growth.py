"""What each piece of work costs in a journal of a thousand charges, and in ones of ever more.

All databases are open at once, and each round does the same work in each of them in turn: what slows the
machine down for a while slows all down, so a round's ratio can be trusted where its times cannot.
"""

import gc
import itertools
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import event

from benchmarks.filling import DAYS, GATEWAY, answer, kinds, order, paid, references
from benchmarks.rounds import Broken
from paygate import ChargeStatus
from paygate.store import Store, retention
from paygate.store.deliveries import Delivery
from paygate.store.entries import Step
from paygate.store.moments import MICRO
from paygate.store.status import status_of
from paygate.store.telling import Telling

BLOCK: Final = 20
"""How often a piece of work is done in a turn."""

BATCH: Final = 10
PAGES: Final = 4
DUE: Final = 10
PURGED: Final = 20
"""How many charges' bodies more each purge finds old."""


class Spent(Struct, frozen=True):
    """What one piece of work took, in seconds: of the CPU, here and at the server; of the clock."""

    cpu: float
    wall: float


class World:
    """A store with so many charges, and what the last pieces of work left for the next ones."""

    def __init__(self, store: Store, size: int) -> None:
        self.store = store
        self.size = size
        self.began: list[tuple[str, str]] = []
        self.ready: list[Delivery] = []
        self.taken: list[Delivery] = []
        self.chance = random.Random(size)
        self.new = references(os.getpid() * 1_000 + size % 997)
        lots = zip(itertools.islice(references(1), size), itertools.cycle(kinds(1)), strict=False)
        self.old = [one for (one, _), kind in lots if kind not in ("refused", "unknown")]
        self.telling = Telling(store.database, lambda _, __: None)
        self.purges = 0
        self._clock = _stopwatch(store)
        self._make_due()

    def _make_due(self) -> None:
        """Some of the charges that nobody has paid are overdue."""
        change = (
            "UPDATE paygate_charges SET due_at = %d WHERE id IN (SELECT id FROM paygate_charges "
            "WHERE due_at IS NOT NULL AND state = 'known' ORDER BY due_at LIMIT %d)"
        )
        with self.store.database.writing() as connection:
            connection.exec_driver_sql(change % (round((time.time() - 3_600) * MICRO), DUE))

    def timed(self, job: Callable[["World"], Iterator[None]], count: int) -> Spent:
        """Do a job so many times; what comes after its `yield` is not counted."""
        cpu = wall = 0.0
        for _ in range(count):
            steps = job(self)
            began, at = self._clock(), time.perf_counter()
            next(steps, None)
            wall += time.perf_counter() - at
            cpu += self._clock() - began
            next(steps, None)
        return Spent(cpu / count, wall / count)

    def some(self) -> str:
        """The reference of any charge that was there from the beginning, and is known to be."""
        return self.chance.choice(self.old)


Job: TypeAlias = Callable[[World], Iterator[None]]


def _charge(world: World) -> Iterator[None]:
    reference, number = next(world.new)
    entry = world.store.journal.begin(GATEWAY, order(reference), f"{world.chance.getrandbits(100):033d}")
    world.store.outcomes.answered(entry, answer(reference, number, time.time()), None)
    yield
    if entry.step is not Step.SEND:
        raise Broken(f"a new charge was there already: {reference}")
    world.began.append((reference, number))


def _again(world: World) -> Iterator[None]:
    reference = world.some()
    entry = world.store.journal.begin(GATEWAY, order(reference), f"{world.chance.getrandbits(100):033d}")
    yield
    if entry.step is not Step.TAKE:
        raise Broken(f"a charge was not found: {reference}")


def _receive(world: World) -> Iterator[None]:
    callback, request = paid(*world.began.pop(), time.time())
    is_new = world.store.inbox.receive(callback, request)
    yield
    if not is_new:
        raise Broken("a callback was there already")


def _take(world: World) -> Iterator[None]:
    found = world.store.inbox.take(BATCH, [GATEWAY])
    yield
    if len(found) != BATCH:
        raise Broken(f"{len(found)} callbacks were due")
    world.taken += found


def _learn(world: World) -> Iterator[None]:
    applied = world.store.inbox.apply(world.taken.pop())
    yield
    if applied.ready is None or not applied.learnt[0].is_news:
        raise Broken("a callback told nothing new")
    world.ready.append(applied.ready)


def _tell(world: World) -> Iterator[None]:
    is_told = world.telling.tell(world.ready.pop())
    yield
    if not is_told:
        raise Broken("a charge moved meanwhile")


def _look(world: World) -> Iterator[None]:
    found = world.store.inbox.take(BATCH, [GATEWAY])
    yield
    if found:
        raise Broken("a callback was left")


def _due(world: World) -> Iterator[None]:
    found = world.store.agenda.take(BATCH)
    yield
    if len(found) != BATCH:
        raise Broken(f"{len(found)} charges were due")
    world.store.agenda.release(found)


def _page(**asked: Any) -> Job:
    def job(world: World) -> Iterator[None]:
        found = world.store.listing.charges(limit=50, **asked)
        yield
        if not found:
            raise Broken(f"no charge is listed: {asked}")

    return job


def _middle(world: World) -> Iterator[None]:
    found = world.store.listing.charges(limit=50, after=world.size // 2)
    yield
    if not found:
        raise Broken("no page is in the middle")


def _history(world: World) -> Iterator[None]:
    one = world.store.listing.one(world.some())
    lines = world.store.listing.history(one.id) if one is not None else ()
    yield
    if not lines:
        raise Broken("a charge has no history")


def _purge(world: World) -> Iterator[None]:
    """The next few of the oldest charges lose their bodies: a batch each of facts and of callbacks."""
    world.purges += 1
    seconds = DAYS * 86_400 * world.purges * PURGED / world.size
    days = DAYS - seconds / 86_400
    purged = retention.purge(world.store.database, days, batch=5 * PURGED)
    yield
    if not purged.bodies:
        raise Broken("no body was old")


JOBS: Final[Mapping[str, tuple[Job, int]]] = {
    "a new charge: begin, and its answer": (_charge, BLOCK),
    "the same reference again": (_again, BLOCK),
    "a callback received": (_receive, BLOCK),
    f"{BATCH} callbacks taken by a worker": (_take, BLOCK // BATCH),
    "a paid callback applied to the journal": (_learn, BLOCK),
    "the handler told, in the same transaction": (_tell, BLOCK),
    "a worker's look where nothing is due": (_look, BLOCK),
    f"{BATCH} due charges taken by reconcile": (_due, PAGES),
    "the 50 newest charges listed": (_page(), PAGES),
    "50 from the middle": (_middle, PAGES),
    "50 that are flagged": (_page(flagged=True), PAGES),
    "50 that are unsettled": (_page(unsettled=True), PAGES),
    "one charge and its history": (_history, PAGES),
    "a batch purged": (_purge, 1),
}
"""Each piece of work, and how often a turn does it; each leaves to the next what that needs."""


def _status(store: Store) -> object:
    return status_of(store.database)


def _rare(store: Store) -> object:
    return store.listing.charges(status=ChargeStatus.FAILED)


REPORTS: Final[Mapping[str, Callable[[Store], object]]] = {
    "`paygate reconcile`'s last line (counts of what is open)": lambda store: store.listing.counts(),
    "`paygate store status`": _status,
    "`paygate charges --status failed`, where none is": _rare,
    "`paygate store purge`, where nothing is old": lambda store: retention.purge(store.database, 10_000),
    "`paygate store purge --dry-run` of all that is older than 30 days": lambda store: retention.purge(
        store.database, 30, dry_run=True
    ),
}
"""What people ask for now and then: once each."""


def grown(worlds: Sequence[World], rounds: int) -> dict[str, list[list[Spent]]]:
    """Do each piece of work in each world in turn, so many rounds; by its name, a list for each world."""
    found: dict[str, list[list[Spent]]] = {name: [[] for _ in worlds] for name in JOBS}
    for number in range(-2, rounds):
        gc.collect()
        for name, (job, count) in JOBS.items():
            first = number % len(worlds)
            for place in (*range(first, len(worlds)), *range(first)):
                spent = worlds[place].timed(job, count)
                if number >= 0:
                    found[name][place].append(spent)
    return found


def reported(worlds: Sequence[World]) -> dict[str, list[float]]:
    """The wall time of each report in each world."""
    return {name: [_wall(report, world.store) for world in worlds] for name, report in REPORTS.items()}


def _wall(report: Callable[[Store], object], store: Store) -> float:
    began = time.perf_counter()
    report(store)
    return time.perf_counter() - began


def ratio(many: Sequence[Spent], few: Sequence[Spent]) -> float:
    """How much more CPU it costs: the median of the rounds' ratios."""
    return statistics.median(ours.cpu / theirs.cpu for ours, theirs in zip(many, few, strict=True))


def whole(many: Sequence[Spent], few: Sequence[Spent]) -> float:
    """The same of all rounds together, with what comes but now and then, such as a checkpoint."""
    return sum(one.cpu for one in many) / sum(one.cpu for one in few)


def plans(world: World) -> dict[str, list[str]]:
    """How the database goes about each statement of each piece of work, in its own words."""
    found = {}
    with _heard() as heard:
        for name, (job, count) in JOBS.items():
            heard.clear()
            world.timed(job, count)
            found[name] = [*heard]
    with world.store.database.reading() as connection:
        return {
            name: [
                line
                for statement, values in {one[0]: one for one in statements}.values()
                for line in _plan(connection, statement, values)
            ]
            for name, statements in found.items()
        }


@contextmanager
def _heard() -> Iterator[list[tuple[str, Any]]]:
    """What is asked of any database meanwhile."""
    heard: list[tuple[str, Any]] = []

    def hear(_: object, __: object, statement: str, values: Any, ___: object, ____: object) -> None:
        if statement.split(maxsplit=1)[0] in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            heard.append((statement, values))

    event.listen(sa.Engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(sa.Engine, "before_cursor_execute", hear)


def _plan(connection: sa.Connection, statement: str, values: Any) -> list[str]:
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        return [row[3] for row in rows]
    rows = connection.exec_driver_sql(f"EXPLAIN (COSTS OFF) {statement}", values).all()
    return [row[0].strip().removeprefix("->").strip() for row in rows]


def _stopwatch(store: Store) -> Callable[[], float]:
    """CPU seconds so far, of this process and, where it is one of this machine, the server's for it."""
    if store.database.dialect == "sqlite":
        return time.process_time
    with store.database.reading() as connection:
        number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    file = Path(f"/proc/{number}/schedstat")
    if not file.exists():
        return time.process_time

    def spent() -> float:
        return time.process_time() + int(file.read_text().split()[0]) / 1e9

    return spent
