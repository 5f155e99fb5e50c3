"""The store for async programs: each piece of work in a thread, so that no event loop waits for a disk.

Threads and not an async driver: they serve asyncio and trio alike, and SQLite has nothing else.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
from anyio import to_thread

from paygate.store.store import Store


class AsyncStore:
    """A store whose parts are awaited: each call runs in a thread, with the same arguments.

    No more run at a time than the database has connections. What has begun is done to its end, also where
    its caller is cancelled meanwhile: a charge that was sent is to be written down.
    """

    def __init__(self, blocking: Store) -> None:
        self.blocking = blocking
        self.settings = blocking.settings
        self.journal = InThreads(blocking.journal, self.run)
        self.history = InThreads(blocking.history, self.run)
        self.refunds = InThreads(blocking.refunds, self.run)
        self.agenda = InThreads(blocking.agenda, self.run)
        self.listing = InThreads(blocking.listing, self.run)
        self.inbox = InThreads(blocking.inbox, self.run)
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call a blocking function in a thread, and return what it returns."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self.settings.connections)
        with anyio.CancelScope(shield=True):
            return await to_thread.run_sync(partial(function, *arguments, **named), limiter=self._limiter)

    async def close(self) -> None:
        """Close the connections."""
        await self.run(self.blocking.close)


class InThreads:
    """A part of the store whose methods are awaited."""

    def __init__(self, owner: object, run: Callable[..., Awaitable[Any]]) -> None:
        self._owner = owner
        self._run = run

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = partial(self._run, getattr(self._owner, name))
        setattr(self, name, method)
        return method
