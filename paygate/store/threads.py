"""The store for async programs: each piece of work in a thread, so that no event loop waits for a disk.

Threads and not an async driver: they serve asyncio and trio alike, and SQLite has nothing else.
"""

import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
from anyio import to_thread

from paygate.store.store import Store

log = logging.getLogger("paygate")


class AsyncStore:
    """A store whose parts are awaited: each call runs in a thread, with the same arguments.

    No more run at a time than the database has connections. What has begun is done to its end, also where
    its caller is cancelled meanwhile: a charge that was sent is to be written down.
    """

    def __init__(self, blocking: Store) -> None:
        self.blocking = blocking
        self.settings = blocking.settings
        self.journal = InThreads(blocking.journal, self.run)
        self.outcomes = InThreads(blocking.outcomes, self.run)
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
        work = _Once(partial(function, *arguments, **named))
        with anyio.CancelScope(shield=True):
            try:
                return await to_thread.run_sync(work, limiter=self._limiter)
            except anyio.get_cancelled_exc_class():  # asyncio's own, which no scope holds back
                await _ended(work, self._limiter)
                raise

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


class _Once:
    """A piece of work that is done once, however often it is called; later calls wait for its end."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._turn = threading.Lock()
        self._has_ended = threading.Event()
        self._failure: Exception | None = None

    def __call__(self) -> Any:
        if not self._turn.acquire(blocking=False):
            self._has_ended.wait()
            if self._failure is not None:
                raise self._failure
            return None
        try:
            return self._work()
        except Exception as failure:
            self._failure = failure
            raise
        finally:
            self._has_ended.set()


async def _ended(work: _Once, limiter: anyio.CapacityLimiter) -> None:
    """See that work is done, be it that it had not begun; one cancellation more does not stop it either."""
    import asyncio

    async def run() -> None:
        await to_thread.run_sync(work, limiter=limiter)

    task = asyncio.ensure_future(run())
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task])
    if not task.cancelled() and task.exception() is not None:
        log.error("paygate: what a cancelled task had begun failed (%s)", type(task.exception()).__name__)
