"""How many threads a merchant needs while a provider takes its time: charges come at random and stand in line."""

import heapq
import random
from typing import Final

from msgspec import Struct

RATES: Final = (1, 10, 100, 1_000)
"""Charges a second."""

MEANS: Final = (0.3, 3.0)
"""Seconds that a provider takes: on a good day, and on a bad one."""

SPREAD: Final = 0.5
"""Of the logarithm of what it takes: one answer in a hundred takes almost three times the mean."""

PATIENCE: Final = 0.05
"""How long one charge in a hundred may wait for a thread, in seconds."""

CHARGES: Final = 60_000
WARM: Final = 10_000
"""How many come before it is looked at."""


class Line(Struct, frozen=True):
    """What so many charges a second need: in flight on average, at most in 99.9 % of all moments, threads."""

    rate: int
    mean: float
    in_flight: float
    most: int
    threads: int


def lines() -> list[Line]:
    """A line for each rate and mean."""
    return [line(rate, mean) for mean in MEANS for rate in RATES]


def line(rate: int, mean: float) -> Line:
    """Simulate one merchant."""
    coming = _coming(rate, mean)
    counts = _in_flight(coming)
    threads = max(1, round(rate * mean))
    while _waited(coming, threads) > PATIENCE:
        threads += max(1, threads // 50)
    return Line(rate, mean, sum(counts) / len(counts), counts[round(len(counts) * 0.999) - 1], threads)


def _coming(rate: int, mean: float) -> list[tuple[float, float]]:
    """When charges come, and how long the provider takes for each."""
    chance, now, found = random.Random(rate), 0.0, []
    shift = -(SPREAD**2) / 2
    for _ in range(CHARGES):
        now += chance.expovariate(rate)
        found.append((now, mean * chance.lognormvariate(shift, SPREAD)))
    return found


def _in_flight(coming: list[tuple[float, float]]) -> list[int]:
    """How many are in flight when one comes, were there threads enough; from few to many."""
    ends: list[float] = []
    counts = []
    for at, takes in coming:
        while ends and ends[0] <= at:
            heapq.heappop(ends)
        counts.append(len(ends))
        heapq.heappush(ends, at + takes)
    return sorted(counts[WARM:])


def _waited(coming: list[tuple[float, float]], threads: int) -> float:
    """How long 99 of a hundred charges wait for one of so many threads, at most."""
    free = [0.0] * threads
    waits = []
    for at, takes in coming:
        begins = max(at, heapq.heappop(free))
        waits.append(begins - at)
        heapq.heappush(free, begins + takes)
    late = sorted(waits[WARM:])
    return late[round(len(late) * 0.99) - 1]
