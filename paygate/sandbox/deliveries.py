"""Callbacks on their way to the merchant, with the provider's retries, and a tester's hand on them."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from msgspec import Struct

from paygate.flow import Conversation, Flow

Post = Callable[[httpx.Request], httpx.Response]
Telling = Callable[[], Flow[bool]]
"""How one callback is delivered: requests in turn, in the end whether the merchant took it."""


class Attempt(Struct, frozen=True):
    """One try to deliver: when, and the HTTP status, or None where nobody answered."""

    at: float
    status: int | None
    accepted: bool
    reply: str = ""


class Delivery(Struct, kw_only=True):
    """One callback: how it is told, when next, and what came of it.

    `waits` are the seconds after a failed attempt until the next; when they are used up, it is given up.
    """

    number: int
    reference: str
    tell: Telling
    waits: Sequence[float]
    due: float
    attempts: list[Attempt] = []
    under_way: bool = False
    done: bool = False

    def request(self) -> httpx.Request:
        """The first request of an attempt."""
        talk = Conversation(self.tell())
        request = talk.request
        talk.close()
        assert request is not None
        return request

    def summary(self) -> dict[str, Any]:
        """What a person wants to see of it, as plain data."""
        return {
            "reference": self.reference,
            "attempts": [attempt.status for attempt in self.attempts],
            "delivered": any(attempt.accepted for attempt in self.attempts),
            "done": self.done,
        }


class Deliveries:
    """All callbacks of a simulator; somebody else does the posting."""

    def __init__(self, pace: float = 1.0, clock: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        self._pace = pace
        self._clock = clock
        self._all: list[Delivery] = []

    def add(self, reference: str, tell: Telling, waits: Sequence[float]) -> None:
        """Send a callback as soon as somebody asks what is due."""
        with self._lock:
            delivery = Delivery(
                number=len(self._all) + 1,
                reference=reference,
                tell=tell,
                waits=waits,
                due=self._clock(),
            )
            self._all.append(delivery)

    def take(self) -> list[Delivery]:
        """Take the deliveries whose time has come; each must be given to `record` afterwards."""
        now = self._clock()
        with self._lock:
            due = [one for one in self._all if not (one.done or one.under_way) and one.due <= now]
            for one in due:
                one.under_way = True
            return due

    def record(self, delivery: Delivery, response: httpx.Response | None, *, accepted: bool) -> None:
        """Write down what an attempt brought, and when the next one is due."""
        now = self._clock()
        status = None if response is None else response.status_code
        reply = "" if response is None else response.text[:1000]
        with self._lock:
            delivery.under_way = False
            tries = len(delivery.attempts)
            delivery.attempts.append(Attempt(now, status, accepted, reply))
            delivery.done = accepted or tries >= len(delivery.waits)
            if not delivery.done:
                delivery.due = now + delivery.waits[tries] / self._pace

    def run(self, post: Post) -> None:
        """Deliver all that is due, through `post`: for a test without a network."""
        for delivery in self.take():
            response: httpx.Response | None = None
            accepted = False
            # A merchant's answer may be anything, and its address may be wrong: then it was not accepted.
            with contextlib.suppress(Exception):
                talk = Conversation(delivery.tell())
                while talk.request is not None:
                    response = None
                    response = post(talk.request)
                    talk.answer(response)
                accepted = talk.result
            self.record(delivery, response, accepted=accepted)

    @property
    def all(self) -> tuple[Delivery, ...]:
        """Every delivery, in the order they were begun."""
        with self._lock:
            return tuple(self._all)
