"""What stands before each request of a charge: nothing leaves that the journal does not know of."""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from paygate.external_ids import NEXT_EXTERNAL_ID
from paygate.store.moments import MICRO

if TYPE_CHECKING:
    import httpx

    from paygate.store.entries import Entry
    from paygate.store.refunds import RefundEntry

E = TypeVar("E", bound="Entry | RefundEntry")


class Lookout(Generic[E]):
    """One charge or refund that is being sent, and the number that its first request takes."""

    def __init__(self, entry: E, clock: Callable[[], float]) -> None:
        self.entry = entry
        self._clock = clock
        self._begun_at = time.monotonic()
        self._is_first = True

    def number(self, request: "httpx.Request") -> None:
        """Let the first request take the number that is written down for it."""
        if self._is_first:
            request.extensions[NEXT_EXTERNAL_ID] = self.entry.external_id

    def _is_known(self, external_id: str | None) -> bool:
        """Whether the journal knows of what leaves now, and this caller has time left for it.

        A process may have slept since, and a clock been set back: half of its time is for the answer.
        """
        was_first, self._is_first = self._is_first, False
        now = self._clock() * MICRO
        is_in_time = now < (self.entry.sent_at + self.entry.lease_until) / 2
        if time.monotonic() - self._begun_at > (self.entry.lease_until - self.entry.sent_at) / MICRO / 2:
            is_in_time, self._begun_at = False, time.monotonic()
        return is_in_time and (was_first or external_id in (None, self.entry.external_id))


class Guard(Lookout[E]):
    """Asked before each request leaves; `again` writes down that one does which is not written down yet."""

    def __init__(self, again: Callable[[E, str | None], E], entry: E, clock: Callable[[], float]) -> None:
        super().__init__(entry, clock)
        self._again = again

    def leaves(self, external_id: str | None) -> None:
        """Write down that a request leaves which the journal does not know of; raise where it must not."""
        if not self._is_known(external_id):
            self.entry = self._again(self.entry, external_id)


class AsyncGuard(Lookout[E]):
    """The same, async."""

    def __init__(
        self, again: Callable[[E, str | None], Awaitable[E]], entry: E, clock: Callable[[], float]
    ) -> None:
        super().__init__(entry, clock)
        self._again = again

    async def leaves(self, external_id: str | None) -> None:
        """As Guard.leaves."""
        if not self._is_known(external_id):
            self.entry = await self._again(self.entry, external_id)
