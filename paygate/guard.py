"""What stands before each request of a charge: nothing leaves that the journal does not know of."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from paygate.numbers import NUMBER
from paygate.operation import Operation

if TYPE_CHECKING:
    import httpx

    from paygate.store.entries import Entry
    from paygate.store.refunds import RefundEntry

MICRO = 1_000_000


class Lookout:
    """One charge or refund that is being sent, and the number that its first request takes."""

    entry: Any

    def __init__(self, book: Any, entry: "Entry | RefundEntry", clock: Callable[[], float]) -> None:
        self.entry = entry
        self._book = book
        self._clock = clock
        self._is_first = True

    def number(self, request: "httpx.Request") -> None:
        """Let the first request take the number that is written down for it."""
        if self._is_first:
            request.extensions[NUMBER] = self.entry.external_id

    def _is_known(self, operation: Operation[Any]) -> bool:
        """Whether the journal knows of what leaves now, and this caller has time left for it.

        A process may have slept since: half of its time is for the answer.
        """
        was_first, self._is_first = self._is_first, False
        now = self._clock() * MICRO
        is_in_time = now < (self.entry.sent_at + self.entry.lease_until) / 2
        return is_in_time and (was_first or operation.external_id in (None, self.entry.external_id))


class Guard(Lookout):
    """Asked before each request leaves."""

    def leaves(self, operation: Operation[Any]) -> None:
        """Write down that a request leaves which the journal does not know of; raise where it must not."""
        if not self._is_known(operation):
            self.entry = self._book.again(self.entry, operation.external_id)


class AsyncGuard(Lookout):
    """The same, async."""

    async def leaves(self, operation: Operation[Any]) -> None:
        """As Guard.leaves."""
        if not self._is_known(operation):
            self.entry = await self._book.again(self.entry, operation.external_id)
