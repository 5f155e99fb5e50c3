"""Callbacks on their way to the merchant, with the provider's retries, and a tester's hand on them."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence

import httpx

from paygate.flow import Conversation
from paygate.sandbox.delivery import Attempt, Delivery, Exchange, Telling, Waits, corrupted

Post = Callable[[httpx.Request], httpx.Response]


class Deliveries:
    """All callbacks of a simulator; somebody else does the posting.

    A tester names one by its number. KeyError where there is none such; ValueError where it is just being
    delivered, and what was asked for has to wait for that.
    """

    def __init__(self, pace: float = 1.0, clock: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        self._pace = pace
        self._clock = clock
        self._all: list[Delivery] = []
        self._line: list[int] = []  # those that go one after another, each when the one before has ended
        self._held = False

    def add(self, reference: str, tell: Telling, waits: Waits) -> None:
        """Send a callback as soon as somebody asks what is due."""
        with self._lock:
            self._append(reference, tell, waits)

    def take(self) -> list[Delivery]:
        """Take the deliveries whose time has come; each must be given to `record` afterwards."""
        now = self._clock()
        with self._lock:
            if self._held:
                return []
            behind = set(self._line[1:])
            due = [one for one in self._all if one.is_due(now) and one.number not in behind]
            for one in due:
                one.under_way = True
            return due

    def record(self, delivery: Delivery, exchanges: Sequence[Exchange], *, accepted: bool) -> None:
        """Write down what an attempt brought, and when the next one is due."""
        now = self._clock()
        with self._lock:
            self._leave_line(delivery)
            delivery.under_way = False
            delivery.attempts.append(Attempt(now, accepted, tuple(exchanges)))
            wait = None if accepted else delivery.next_wait()
            delivery.done = wait is None
            if wait is not None:
                delivery.due = now + wait / self._pace

    def run(self, post: Post) -> None:
        """Deliver all that is due, through `post`: for a test without a network."""
        due = self.take()
        while due:
            for delivery in due:
                self._attempt(delivery, post)
            due = self.take() if self._line else []

    def resend(self, number: int) -> Delivery:
        """Send one now, though it has been accepted or given up, or its next attempt is not due yet."""
        with self._lock:
            delivery = self._at_rest(number)
            delivery.due = self._clock()
            delivery.done = False
            return delivery

    def delay(self, number: int, seconds: float) -> Delivery:
        """Let one wait so much longer; one that is done is sent again after that time."""
        now = self._clock()
        with self._lock:
            delivery = self._at_rest(number)
            delivery.due = (now if delivery.done else max(delivery.due, now)) + seconds
            delivery.done = False
            self._leave_line(delivery)
            return delivery

    def duplicate(self, number: int) -> Delivery:
        """Send one twice at the same time: itself, and a copy, which is returned."""
        with self._lock:
            delivery = self._numbered(number)
            if not delivery.under_way:
                delivery.due = self._clock()
                delivery.done = False
            copy = self._append(delivery.reference, delivery.tell, delivery.waits)
            copy.copy_of = number
            copy.corrupted = delivery.corrupted
            return copy

    def corrupt(self, number: int) -> Delivery:
        """Send a copy that was changed after it was signed, once; it is returned."""
        with self._lock:
            delivery = self._numbered(number)
            tell = delivery.tell if delivery.corrupted else corrupted(delivery.tell)
            copy = self._append(delivery.reference, tell, waits=())
            copy.copy_of = number
            copy.corrupted = True
            return copy

    def hold(self) -> None:
        """Let nothing go until it is released; what is under way arrives."""
        with self._lock:
            self._held = True

    def release(self, *, newest_first: bool = False) -> None:
        """End the hold. What has waited for it goes one after another, so that the order is certain."""
        now = self._clock()
        with self._lock:
            self._held = False
            waiting = [one.number for one in self._all if one.is_due(now)]
            self._line = waiting[::-1] if newest_first else waiting

    def send_now(self) -> None:
        """End the hold and every wait: all that is not done goes at once, side by side."""
        now = self._clock()
        with self._lock:
            self._held = False
            self._line = []
            for one in self._all:
                one.due = min(one.due, now)

    def find(self, number: int) -> Delivery:
        """The delivery with this number; KeyError where there is none."""
        with self._lock:
            return self._numbered(number)

    @property
    def all(self) -> tuple[Delivery, ...]:
        """Every delivery, in the order they were begun."""
        with self._lock:
            return tuple(self._all)

    @property
    def held(self) -> bool:
        """Whether callbacks wait until they are released."""
        return self._held

    @property
    def busy(self) -> bool:
        """Whether one is being delivered, or about to be."""
        now = self._clock()
        with self._lock:
            return any(one.under_way or (one.is_due(now) and not self._held) for one in self._all)

    def wait(self, delivery: Delivery) -> float:
        """The seconds until its next attempt; none where it is due."""
        return max(0.0, delivery.due - self._clock())

    def _append(self, reference: str, tell: Telling, waits: Waits) -> Delivery:
        number = len(self._all) + 1
        delivery = Delivery(number=number, reference=reference, tell=tell, waits=waits, due=self._clock())
        self._all.append(delivery)
        return delivery

    def _attempt(self, delivery: Delivery, post: Post) -> None:
        exchanges: list[Exchange] = []
        accepted = False
        # A merchant's answer may be anything, and its address may be wrong: then it was not accepted.
        with contextlib.suppress(Exception):
            talk = Conversation(delivery.tell())
            while talk.request is not None:
                exchanges.append(Exchange(talk.request))
                try:
                    response = post(talk.request)
                except httpx.HTTPError as error:
                    exchanges[-1] = Exchange.unanswered(talk.request, error)
                    raise
                exchanges[-1] = Exchange.answered(talk.request, response)
                talk.answer(response)
            accepted = talk.result
        self.record(delivery, exchanges, accepted=accepted)

    def _numbered(self, number: int) -> Delivery:
        if not 1 <= number <= len(self._all):
            raise KeyError(number)
        return self._all[number - 1]

    def _at_rest(self, number: int) -> Delivery:
        delivery = self._numbered(number)
        if delivery.under_way:
            raise ValueError(f"callback {number} is on its way: wait for the answer")
        return delivery

    def _leave_line(self, delivery: Delivery) -> None:
        if delivery.number in self._line:
            self._line.remove(delivery.number)
