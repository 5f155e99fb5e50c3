"""How two ways of doing one job are compared on a machine that others use as well.

Both run in turns, in many short rounds, and each round gives one ratio. What slows the machine down for a
while slows both sides down, so the ratio of a round can be trusted where a time cannot.
"""

import gc
import os
import statistics
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Struct

Sample: TypeAlias = Callable[[], float]
"""Does a job some times and returns the CPU seconds that one took."""

Run: TypeAlias = Callable[[int], None]
"""Does a job that many times."""

SECONDS: Final = 0.008
"""CPU time of one side's turn: long beside the clock's grain, short beside a neighbour's burst."""

TURNS: Final = 6
"""Turns of each side in a round."""


class Broken(Exception):
    """What was to be measured did not work."""


class Comparison(Struct, frozen=True):
    """The CPU seconds per operation of both sides, round by round."""

    subject: list[float]
    baseline: list[float]

    @property
    def ratios(self) -> list[float]:
        """Each round's ratio, subject to baseline."""
        return [ours / theirs for ours, theirs in zip(self.subject, self.baseline, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios: what is held against the bar."""
        return statistics.median(self.ratios)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Where the middle half of the rounds' ratios lies."""
        if len(self.ratios) < 2:
            return self.ratio, self.ratio
        low, _, high = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return low, high

    @property
    def best_ratio(self) -> float:
        """The ratio of each side's best round: the least disturbed, if only one sample of each."""
        return min(self.subject) / min(self.baseline)


class Row(Struct, frozen=True, kw_only=True):
    """A line of the table: what against what, and how much it may cost."""

    name: str
    subject: str
    baseline: str
    bar: float
    result: Comparison
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the bar is kept."""
        return self.result.ratio <= self.bar


class Benchmark(Protocol):
    """Measures one row in that many rounds; raises Broken where something does not work at all."""

    def __call__(self, rounds: int) -> Row: ...


def interleave(subject: Sample, baseline: Sample, rounds: int, turns: int = 1) -> Comparison:
    """Let both sides have their turns in each round, in the order A B B A and so on; one round warms up."""
    result = Comparison([], [])
    for number in range(-1, rounds):
        if number == 0:
            gc.collect()
        ours, theirs = [], []
        for turn in range(turns):
            if (number + turn) % 2:
                theirs.append(baseline())
                ours.append(subject())
            else:
                ours.append(subject())
                theirs.append(baseline())
        if number >= 0:
            result.subject.append(statistics.fmean(ours))
            result.baseline.append(statistics.fmean(theirs))
    return result


def alternate(subject: Run, baseline: Run, rounds: int) -> Comparison:
    """Interleave two jobs that take microseconds: many short turns in each round."""
    return interleave(_turn(subject), _turn(baseline), rounds, TURNS)


def _turn(run: Run) -> Sample:
    """A sample that repeats `run` for about SECONDS of CPU time."""
    run(3)
    count = 1
    while (spent := _cpu(run, count) * count) < SECONDS / 4:
        count *= 2
    count = max(1, round(count * SECONDS / spent))
    return lambda: _cpu(run, count)


def _cpu(run: Run, count: int) -> float:
    started = time.process_time()
    run(count)
    return (time.process_time() - started) / count


def repeated(job: Callable[[], object]) -> Run:
    """A blocking job, again and again."""

    def run(count: int) -> None:
        for _ in range(count):
            job()

    return run


def repeated_async(
    job: Callable[[], Coroutine[Any, Any, object]],
    until_done: Callable[[Coroutine[Any, Any, None]], None],
) -> Run:
    """An async job, again and again in one task; `until_done` runs that in the loop."""

    async def work(count: int) -> None:
        for _ in range(count):
            await job()

    return lambda count: until_done(work(count))


def pin(cpu: int) -> None:
    """Keep this process, and those it starts, on one CPU where there are several to choose from."""
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {cpu})
