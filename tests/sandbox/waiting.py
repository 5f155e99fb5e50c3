"""Waiting for what another thread brings about, with a bound."""

import time
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 30.0


def until(condition: Callable[[], bool]) -> None:
    """Return as soon as it is so; fail where it does not become so for a long while."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
