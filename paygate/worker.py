"""Workers: they take callbacks out of the inbox, apply them to the journal, and tell the merchant's handler.

Any number of them may work at once, in threads, processes and machines. A row is one worker's until its lease
ends, so what a worker leaves behind when it dies is done by another. Blocking and async say the same thing.
"""

import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from paygate.callback import Callback
from paygate.errors import ConfigurationError, StoreUnavailable
from paygate.handlers import is_async, problem_of, takes_connection
from paygate.pauses import doubling, jittered
from paygate.redaction import place_of
from paygate.routing import AsyncPaygate, Paygate

if TYPE_CHECKING:
    from paygate.async_bookkeeping import AsyncBookkeeper
    from paygate.bookkeeping import Bookkeeper
    from paygate.store.deliveries import Delivery

log = logging.getLogger("paygate")

Handler: TypeAlias = Callable[[Callback], None] | Callable[[Callback, Any], None]
AsyncHandler: TypeAlias = Handler | Callable[[Callback], Awaitable[None]]

BATCH: Final = 10
POLL_SECONDS: Final = 1.0
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
NO_STORE: Final = "a worker takes callbacks out of a store: add [store] to the configuration"


class Worker:
    """Tells a handler what the providers' callbacks say; blocking.

    `handle` is a plain function. With two arguments, the callback and a connection of SQLAlchemy's, what it
    writes there is committed together with the mark that the callback is done: exactly once in effect. With
    one argument it is called at least once. A call that raises is undone, and tried again later. Use it as
    a context manager, with `threads` of its own, as often as you like; or call `run`, or `run_once`. `batch`
    is how many callbacks are taken at a time. Where there are none, it looks again after about
    `poll_seconds`, and at once when this process has received one. Raises ConfigurationError without a
    store, TypeError for another handler.
    """

    def __init__(
        self,
        paygate: Paygate,
        handle: Handler,
        *,
        threads: int = 1,
        batch: int = BATCH,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        if paygate.store is None:
            raise ConfigurationError(NO_STORE)
        if is_async(handle):
            raise TypeError("a Worker awaits nothing: use a plain function, or AsyncWorker")
        from paygate.store.telling import Telling

        self._store = paygate.store
        self._books = {name: one.books for name, one in paygate.gateways.items() if one.books is not None}
        self._telling = Telling(self._store.database, handle)
        self._count = threads
        self._threads: list[threading.Thread] = []
        self._batch = batch
        self._poll_seconds = poll_seconds
        self._is_stopped = False

    def run_once(self) -> int:
        """Take what is due, up to a batch, and work on it; on how many it worked.

        Raises StoreUnavailable: what was not done is done later, by this worker or another.
        """
        left: list[Delivery] = []
        count = 0
        try:
            self._store.inbox.take(self._batch, self._books, left)
            count = len(left)
            while left and not self._is_stopped:
                self._done(left[0], self._books[left[0].gateway])
                del left[0]
        finally:
            if left:
                with suppress(StoreUnavailable):
                    self._store.inbox.release(left)
        return count - len(left)

    def run(self) -> None:
        """Work until `stop` is called; while the store is away, wait for it."""
        failures = 0
        while not self._is_stopped:
            heard = self._store.inbox.bell.rings
            try:
                if self.run_once():
                    failures = 0
                    continue
                seconds, failures = jittered(self._poll_seconds), 0
            except Exception as error:  # noqa: BLE001 - a worker that ends tells nobody
                failures += 1
                seconds = _pause(error, failures)
            self._wait(heard, seconds)

    def stop(self) -> None:
        """Let `run` end after the callback that it is at work on; safe in any thread."""
        self._is_stopped = True
        self._store.inbox.bell.ring()

    def __enter__(self) -> Self:
        if self._threads:
            raise RuntimeError("this worker is at work already: give it more threads, or make another one")
        self._is_stopped = False
        self._threads = [
            threading.Thread(target=self.run, name=f"paygate-worker-{number}")
            for number in range(self._count)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _done(self, taken: "Delivery", books: "Bookkeeper") -> None:
        """Take one callback as far as it goes."""
        ready: Delivery | None = taken
        try:
            if taken.is_new:
                ready = books.apply(taken)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is tried again
            self._let_end(error)
            self._store.inbox.failed(taken, problem_of(error))
            return
        if ready is None:
            return
        try:
            while not self._is_told(ready):
                pass  # a charge moved meanwhile: once more, as it stands now
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is tried again
            self._let_end(error)
            self._store.inbox.failed(ready, problem_of(error))

    def _is_told(self, ready: "Delivery") -> bool:
        return self._telling.tell(ready)

    def _let_end(self, error: BaseException) -> None:
        """Raise what is to end this worker; whatever else a handler raises is its failure."""
        if isinstance(error, KeyboardInterrupt):
            raise error

    def _wait(self, heard: int, seconds: float) -> None:
        if not self._is_stopped:
            self._store.inbox.bell.wait(heard, seconds)


class AsyncWorker:
    """Tells a handler what the providers' callbacks say; async, for asyncio and trio.

    `handle` is a coroutine function with one argument, awaited in the event loop, at least once; or a plain
    function as for Worker, called in a thread, with the connection if it takes that. The rest is as for
    Worker: `await run()` in a task of its own, as often as you want workers, and `stop` or cancel it. It is
    no context manager: the task is yours, and so is what becomes of its errors.
    """

    def __init__(
        self,
        paygate: AsyncPaygate,
        handle: AsyncHandler,
        *,
        batch: int = BATCH,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        if paygate.store is None:
            raise ConfigurationError(NO_STORE)
        from paygate.store.telling import Telling

        self._store = paygate.store
        self._books = {name: one.books for name, one in paygate.gateways.items() if one.books is not None}
        self._telling = Telling(self._store.database, handle)
        self._awaited: Callable[[Callback], Awaitable[None]] | None = None
        if is_async(handle):
            if takes_connection(handle):
                raise TypeError("a connection waits for the database: take it in a plain function")
            self._awaited = handle  # type: ignore[assignment]
        self._batch = batch
        self._poll_seconds = poll_seconds
        self._is_stopped = False

    async def run_once(self) -> int:
        """As Worker.run_once."""
        left: list[Delivery] = []
        count = 0
        try:
            await self._store.inbox.take(self._batch, self._books, left)
            count = len(left)
            while left and not self._is_stopped:
                await self._done(left[0], self._books[left[0].gateway])
                del left[0]
        finally:
            if left:
                with suppress(StoreUnavailable):
                    await self._store.inbox.release(left)
        return count - len(left)

    async def run(self) -> None:
        """As Worker.run."""
        failures = 0
        while not self._is_stopped:
            heard = self._store.inbox.bell.rings
            try:
                if await self.run_once():
                    failures = 0
                    continue
                seconds, failures = jittered(self._poll_seconds), 0
            except Exception as error:  # noqa: BLE001 - a worker that ends tells nobody
                failures += 1
                seconds = _pause(error, failures)
            await self._wait(heard, seconds)

    def stop(self) -> None:
        """As Worker.stop."""
        self._is_stopped = True
        self._store.inbox.bell.ring()

    async def _done(self, taken: "Delivery", books: "AsyncBookkeeper") -> None:
        ready: Delivery | None = taken
        try:
            if taken.is_new:
                ready = await books.apply(taken)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is tried again
            await self._let_end(error)
            await self._store.inbox.failed(taken, problem_of(error))
            return
        if ready is None:
            return
        try:
            while not await self._is_told(ready):
                pass  # a charge moved meanwhile: once more, as it stands now
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is tried again
            await self._let_end(error)
            await self._store.inbox.failed(ready, problem_of(error))

    async def _is_told(self, ready: "Delivery") -> bool:
        from anyio.lowlevel import checkpoint_if_cancelled

        await checkpoint_if_cancelled()
        if self._awaited is None:
            return await self._store.run(self._telling.tell, ready)
        told = await self._store.run(self._telling.given, ready)
        if told is None:
            return True
        if told.charges or told.conflicts:
            await self._awaited(told)
        return await self._store.run(self._telling.finish, ready, told)

    async def _let_end(self, error: BaseException) -> None:
        """As Worker's: also where this task is cancelled, whatever the handler has made of that.

        It may raise the cancellation of another task, which it awaited.
        """
        import asyncio

        from anyio import get_cancelled_exc_class
        from anyio.lowlevel import checkpoint_if_cancelled

        if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
            raise error
        cancelled = get_cancelled_exc_class()
        if cancelled is asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                await checkpoint_if_cancelled()  # a scope of anyio's knows its own cancellation only
                raise asyncio.CancelledError from error
        elif isinstance(error, cancelled) or (
            isinstance(error, BaseExceptionGroup) and error.subgroup(cancelled) is not None
        ):
            raise error

    async def _wait(self, heard: int, seconds: float) -> None:
        """Wait in a thread that is left alone where this task is cancelled."""
        from anyio import CapacityLimiter, to_thread

        if not self._is_stopped:
            wait = partial(self._store.inbox.bell.wait, heard, seconds)
            await to_thread.run_sync(wait, abandon_on_cancel=True, limiter=CapacityLimiter(1))


def _pause(error: Exception, failures: int) -> float:
    """Say that nothing can be taken, and for how many seconds to wait until it is tried again."""
    seconds = jittered(doubling(failures, FIRST_PAUSE, LONGEST_PAUSE))
    what = error.what if isinstance(error, StoreUnavailable) else place_of(error)
    log.error("paygate: a worker could not go on (%s); it looks again in %.0f s", what, seconds)
    return seconds
