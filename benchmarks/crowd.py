"""How many charges, and callbacks, several processes write down in a second, at once, in one database."""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from benchmarks import inbox
from benchmarks.callback import GATEWAY as RECEIVER
from benchmarks.charge import NOWHERE, configuration
from benchmarks.filling import GATEWAY, answer, order, paid, references
from benchmarks.rounds import Broken
from paygate import Paygate
from paygate.redaction import Secret
from paygate.store import Store, StoreSettings
from paygate.store.telling import Telling

SECONDS: Final = 3.0
MOST: Final = 3_000
"""More than all processes receive in a second; each is signed before, which takes a millisecond."""

Work: TypeAlias = Callable[[], object]
Worker: TypeAlias = Callable[[str, int], Work]
"""Gets ready to work on a store, so many times at most."""


def charging(url: str, _: int) -> Work:
    """A charge is begun and answered; no provider lies between."""
    store, new = _opened(url)

    def work() -> None:
        reference, number = next(new)
        entry = store.journal.begin(GATEWAY, order(reference), number)
        store.outcomes.answered(entry, answer(reference, number, time.time()), None)

    return work


def receiving(url: str, most: int) -> Work:
    """A callback is verified, stored and acknowledged."""
    paygate = Paygate.from_mapping(configuration(NOWHERE) | {"store": {"url": url}})
    gateway = paygate.gateway(RECEIVER)
    calls = iter([inbox.call() for _ in range(most)])

    def work() -> None:
        if gateway.receive(next(calls)).status != 200:
            raise Broken("a true callback was not acknowledged")

    return work


def living(url: str, _: int) -> Work:
    """A charge from its beginning to the merchant's handler: begun, answered, called about, applied, told."""
    store, new = _opened(url)
    telling = Telling(store.database, lambda _, __: None)

    def work() -> None:
        reference, number = next(new)
        entry = store.journal.begin(GATEWAY, order(reference), number)
        store.outcomes.answered(entry, answer(reference, number, time.time()), None)
        store.inbox.receive(*paid(reference, number, time.time()))
        for taken in store.inbox.take(1, [GATEWAY]):
            ready = store.inbox.apply(taken).ready
            if ready is not None:
                telling.tell(ready)

    return work


JOBS: Final[Mapping[str, Worker]] = {
    "charges begun and answered": charging,
    "callbacks received": receiving,
    "charges from begin to handler": living,
}


class Pace(tuple[float, float]):
    """How many were done in a second, and how much of the machine's CPU time that took (1 is all of it)."""

    __slots__ = ()


def paced(worker: Worker, url: str, processes: int, seconds: float = SECONDS) -> Pace:
    """Let so many processes do it at once, for so long."""
    context = multiprocessing.get_context("spawn")
    most = max(round(MOST * seconds / processes), 2_500)
    start = context.Barrier(processes + 1)
    counts: Any = context.Queue()
    crew = [
        context.Process(target=_run, args=(worker, url, most, start, counts, seconds))
        for _ in range(processes)
    ]
    for one in crew:
        one.start()
    try:
        start.wait(60)
        before = _busy()
        found = [counts.get(timeout=60 + seconds) for _ in crew]
        spent = _busy() - before
    finally:
        for one in crew:
            one.join(10)
            one.kill()
    took = max(ended for _, _, ended in found) - min(began for _, began, _ in found)
    return Pace((sum(count for count, _, _ in found) / took, spent / took / (os.cpu_count() or 1)))


def crowded(worker: Worker, url: str, numbers: Sequence[int], rounds: int) -> list[list[Pace]]:
    """A job by each number of processes, one number after the other, so many rounds."""
    found: list[list[Pace]] = [[] for _ in numbers]
    for _ in range(rounds):
        for place, number in enumerate(numbers):
            found[place].append(paced(worker, url, number))
    return found


def syncs(folder: Path, seconds: float = 2.0) -> float:
    """How often in a second this disk takes a page for good: what a lone writer cannot go beyond."""
    file = folder / "syncs"
    handle = os.open(file, os.O_CREAT | os.O_WRONLY)
    try:
        os.write(handle, bytes(4096 * 2_000))
        os.fsync(handle)
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            os.pwrite(handle, os.urandom(4096), 4096 * (count % 2_000))
            os.fdatasync(handle)
            count += 1
        return count / (time.perf_counter() - began)
    finally:
        os.close(handle)
        file.unlink()


def _opened(url: str) -> tuple[Store, Any]:
    return Store(StoreSettings(url=Secret(url))), references(os.getpid() ^ time.time_ns())


def _run(worker: Worker, url: str, most: int, start: Any, counts: Any, seconds: float) -> None:
    work = worker(url, most)
    work()
    start.wait(60)
    began, count = time.perf_counter(), 0
    while (now := time.perf_counter()) - began < seconds:
        work()
        count += 1
    counts.put((count, began, now))


def _busy() -> float:
    """CPU seconds that all of the machine has worked since it was started."""
    file = Path("/proc/stat")
    if not file.exists():
        return 0.0
    user, nice, system, _, _, irq, soft, *_ = map(int, file.read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")
