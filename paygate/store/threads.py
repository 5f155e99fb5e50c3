"""The store for async programs: each piece of work in a thread, so that no event loop waits for a disk.

Threads and not an async driver: they serve asyncio and trio alike, and SQLite has nothing else.
"""

import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

import anyio
from anyio import to_thread

from paygate.store.inbox import Inbox
from paygate.store.store import Store

log = logging.getLogger("paygate")

P = ParamSpec("P")
R = TypeVar("R")
Waiting: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]
"""Coroutines and not awaitables: a type checker sees where nobody awaits one."""


class AsyncStore:
    """A store whose parts are awaited: each call runs in a thread, with the same arguments.

    No more run at a time than the database has connections. What has begun is done to its end, also where
    its caller is cancelled meanwhile: a charge that was sent is to be written down.
    `database` and the inbox's `bell` are the blocking store's own.
    """

    def __init__(self, blocking: Store) -> None:
        self.blocking = blocking
        self.settings = blocking.settings
        self.database = blocking.database
        self.journal = InThreads(blocking.journal, self.run)
        self.outcomes = InThreads(blocking.outcomes, self.run)
        self.history = InThreads(blocking.history, self.run)
        self.refunds = InThreads(blocking.refunds, self.run)
        self.agenda = InThreads(blocking.agenda, self.run)
        self.listing = InThreads(blocking.listing, self.run)
        self.inbox = InboxInThreads(blocking.inbox, self.run)
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        """Call a blocking function in a thread, and return what it returns."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self.settings.connections)
        work = _Once(partial(function, *arguments, **named))
        with anyio.CancelScope(shield=True):
            try:
                await to_thread.run_sync(work, limiter=self._limiter)
            except anyio.get_cancelled_exc_class():  # asyncio's own, which no scope holds back
                await _ended(work, self._limiter)
                raise
        return work()  # it is done: this is its outcome

    async def close(self) -> None:
        """Close the connections."""
        await self.run(self.blocking.close)


class InThreads:
    """A part of the store whose methods are awaited; what is no method is there as it is."""

    def __init__(self, owner: object, run: Waiting) -> None:
        self._owner = owner
        self._run = run

    def __getattr__(self, name: str) -> Waiting:
        found: Waiting = getattr(self._owner, name)
        if callable(found):
            found = partial(self._run, found)
            setattr(self, name, found)
        return found


class InboxInThreads(InThreads):
    """The inbox, with its records awaited too, and the bell that both kinds of workers hear."""

    def __init__(self, inbox: Inbox, run: Waiting) -> None:
        super().__init__(inbox, run)
        self.bell = inbox.bell
        self.records = InThreads(inbox.records, run)


class _Once(Generic[R]):
    """A piece of work that is done once, however often it is called; later calls wait for its outcome."""

    def __init__(self, work: Callable[[], R]) -> None:
        self._work = work
        self._turn = threading.Lock()
        self._outcome: Future[R] = Future()

    def __call__(self) -> R:
        if self._turn.acquire(blocking=False):
            try:
                self._outcome.set_result(self._work())
            except BaseException as failure:  # noqa: BLE001 - it is raised below, to every caller
                self._outcome.set_exception(failure)
        return self._outcome.result()


async def _ended(work: _Once[Any], limiter: anyio.CapacityLimiter) -> None:
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
