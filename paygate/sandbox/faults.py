"""What can go wrong between a merchant and a provider, on demand."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Fault(StrEnum):
    """A fault of one exchange. All but the first four happen after the work is done."""

    LOSE = "lose"
    """The connection is closed before the request is read: nothing is done."""
    RATE_LIMIT = "rate-limit"
    """Too many requests, with Retry-After: nothing is done."""
    REVOKE = "revoke"
    """Every token is revoked before its time: the request is refused for that."""
    SLOW = "slow"
    """The answer comes late, and is right."""
    HANG = "hang"
    """No answer ever comes."""
    CLOSE = "close"
    """The connection is closed before the reply."""
    CUT = "cut"
    """The connection is closed in the middle of the reply."""
    ERROR = "error"
    """HTTP 500."""
    GARBAGE = "garbage"
    """HTTP 200 with a body that nobody can read."""
    STATUS_DISAGREES = "status-disagrees"
    """The body tells of success, the HTTP status of a refusal."""
    CODE_DISAGREES = "code-disagrees"
    """The HTTP status tells of success, the body of a refusal; nothing where refusals come so anyway."""


ALL: Final = tuple(Fault)


class Planned(Struct, frozen=True):
    """A fault waiting for the n-th request of an operation, counted from 1."""

    fault: Fault
    operation: str
    nth: int


class Faults:
    """Which exchange suffers which fault: planned ones first, then those drawn at random."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[Planned] = []
        self._seen: Counter[str] = Counter()
        self._random = random.Random(0)
        self._rate = 0.0
        self._kinds: Sequence[Fault] = ALL

    def plan(self, fault: Fault, operation: str = "create_charge", nth: int = 1) -> None:
        """Let the n-th request from now on, of this operation, suffer this fault, and no other."""
        if nth < 1:
            raise ValueError(f"nth: requests are counted from 1, and {nth} is less")
        with self._lock:
            planned = Planned(fault, operation, self._seen[operation] + nth)
            place = (planned.operation, planned.nth)
            self._planned = [p for p in self._planned if (p.operation, p.nth) != place]
            self._planned.append(planned)

    def draw(self, rate: float, seed: int, kinds: Sequence[Fault] = ALL) -> None:
        """Let every request suffer a fault with probability `rate`, drawn from `kinds`."""
        with self._lock:
            self._random = random.Random(seed)
            self._rate = rate
            self._kinds = kinds

    def clear(self) -> None:
        """Forget all faults, planned and drawn."""
        with self._lock:
            self._planned.clear()
            self._rate = 0.0

    def next(self, operation: str) -> Fault | None:
        """The fault of the request that has just come in, if any."""
        with self._lock:
            self._seen[operation] += 1
            here = (operation, self._seen[operation])
            for planned in self._planned:
                if (planned.operation, planned.nth) == here:
                    self._planned.remove(planned)
                    return planned.fault
            if self._rate and self._random.random() < self._rate:
                return self._random.choice(self._kinds)
            return None

    def ahead(self, planned: Planned) -> int:
        """Which of the next requests of its operation will suffer it, counted from 1."""
        with self._lock:
            return planned.nth - self._seen[planned.operation]

    @property
    def planned(self) -> tuple[Planned, ...]:
        """The faults still waiting."""
        with self._lock:
            return tuple(self._planned)
