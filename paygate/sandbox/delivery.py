"""One callback on its way to the merchant: how it is told, what came of it, and how to spoil it."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import httpx
from msgspec import Struct

from paygate.flow import Conversation, Flow
from paygate.sandbox.addresses import origin_of

Telling = Callable[[], Flow[bool]]
"""How one callback is delivered: requests in turn, in the end whether the merchant took it."""
Waits = Sequence[float] | Callable[[int | None], Sequence[float]]
"""The seconds between attempts, or how they follow from the HTTP status of the merchant's last answer.

None stands for no answer. Where each status has a plan of its own, the last answer says which one holds.
"""
LONGEST_REPLY: Final = 1000
DIGITS: Final = b"0123456789"


class Exchange(Struct, frozen=True):
    """One request of an attempt and its answer: the HTTP status, or None where nobody answered.

    `reply` is the beginning of the answer's body, or why there is none.
    """

    request: httpx.Request
    status: int | None = None
    reply: str = ""

    @classmethod
    def answered(cls, request: httpx.Request, response: httpx.Response) -> "Exchange":
        """A request with the answer it got; of a long one only the beginning is kept."""
        return cls(request, response.status_code, response.text[:LONGEST_REPLY])

    @classmethod
    def unanswered(cls, request: httpx.Request, error: Exception) -> "Exchange":
        """A request that nobody answered, with the reason as a person would say it."""
        where = origin_of(request.url)
        if isinstance(error, httpx.ConnectError):
            return cls(request, None, f"nobody listens at {where}")
        if isinstance(error, httpx.TimeoutException):
            return cls(request, None, f"{where} took too long")
        return cls(request, None, f"{where} broke the connection off ({type(error).__name__})")


class Attempt(Struct, frozen=True):
    """One try to deliver: when it ended, whether the merchant took it, and all that was said."""

    at: float
    accepted: bool
    exchanges: tuple[Exchange, ...] = ()

    @property
    def status(self) -> int | None:
        """The HTTP status of the last answer, or None where nobody answered."""
        return self.exchanges[-1].status if self.exchanges else None

    @property
    def reply(self) -> str:
        """What the merchant said last."""
        return self.exchanges[-1].reply if self.exchanges else ""


class Delivery(Struct, kw_only=True):
    """One callback: how it is told, when next, and what came of it.

    `waits` are the seconds after each failed attempt until the next; when they are used up, it is given up.
    `copy_of` is the number of the one that it repeats; a `corrupted` copy is one to be refused.
    """

    number: int
    reference: str
    tell: Telling
    waits: Waits
    due: float
    attempts: list[Attempt] = []
    under_way: bool = False
    done: bool = False
    copy_of: int | None = None
    corrupted: bool = False

    def request(self) -> httpx.Request:
        """The first request of an attempt."""
        talk = Conversation(self.tell())
        request = talk.request
        talk.close()
        assert request is not None
        return request

    def is_due(self, now: float) -> bool:
        """Whether its time has come, and nobody delivers it yet."""
        return not (self.done or self.under_way) and self.due <= now

    def next_wait(self) -> float | None:
        """The seconds from the last attempt, a failed one, until the next; None where it is given up."""
        last = self.attempts[-1].status if self.attempts else None
        waits = self.waits(last) if callable(self.waits) else self.waits
        tried = len(self.attempts)
        return waits[tried - 1] if tried <= len(waits) else None

    @property
    def accepted(self) -> bool:
        """Whether the merchant has taken it, at any attempt."""
        return any(attempt.accepted for attempt in self.attempts)

    def summary(self) -> dict[str, Any]:
        """What a person wants to see of it, as plain data."""
        return {
            "reference": self.reference,
            "attempts": [attempt.status for attempt in self.attempts],
            "delivered": self.accepted,
            "done": self.done,
        }


def corrupted(tell: Telling) -> Telling:
    """The same callback with the last digit of each body changed after it was signed.

    It stays readable, so that nothing but its signature gives it away. A login that comes first holds
    no digit: it succeeds, and the callback itself is what must be refused.
    """

    def told() -> Flow[bool]:
        talk = Conversation(tell())
        while talk.request is not None:
            talk.answer((yield _changed(talk.request)))
        return talk.result

    return told


def _changed(request: httpx.Request) -> httpx.Request:
    body = bytearray(request.read())
    place = max(body.rfind(digit) for digit in DIGITS)
    if place >= 0:
        body[place] ^= 1  # 0 and 1 change places, 2 and 3, …, 8 and 9
    return httpx.Request(request.method, request.url, headers=request.headers, content=bytes(body))
