"""How long to wait before something is tried again: the rules, in seconds, and the waiting."""

import random
import time
from collections.abc import Iterator
from typing import Final

MANY: Final = 64
"""Doubled so often, any first pause is beyond any longest one; a float could not hold many more."""

SHORTEST_LOOK: Final = 0.01
LONGEST_LOOK: Final = 0.25


def doubling(failures: int, first: float, longest: float) -> float:
    """After the first failure `first`, after each further one twice as long, never more than `longest`."""
    return min(first * 2.0 ** min(failures - 1, MANY), longest)


def growing(waited: float, shortest: float, longest: float) -> float:
    """Half as long as it has been waited for already, within bounds."""
    return min(max(waited / 2, shortest), longest)


def jittered(seconds: float) -> float:
    """A quarter more or less, by chance, so that those who began together do not go on together."""
    return seconds * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


def chosen(most: int) -> int:
    """A number from one to `most`, by chance."""
    return random.randint(1, most)  # noqa: S311 - no secret


def scattered(seconds: float) -> float:
    """Anything up to `seconds`, by chance, for those who are to keep out of each other's way."""
    return random.uniform(0, seconds)  # noqa: S311 - no secret


def pauses(lease_seconds: float) -> Iterator[float]:
    """Pauses before looking again whether another caller is done, longer each time.

    They end when any lease has ended that was there in the beginning, whatever the clocks say.
    """
    seconds, total = SHORTEST_LOOK, 0.0
    while total <= lease_seconds:
        yield seconds
        total += seconds
        seconds = min(seconds * 1.5, LONGEST_LOOK)


def pause(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


async def pause_async(seconds: float) -> None:
    """Wait, and let others run."""
    import anyio

    await anyio.sleep(seconds)
