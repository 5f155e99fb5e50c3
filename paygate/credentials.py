"""Who holds the credential: one login for everybody who needs one, never one each.

A provider may keep only the newest token alive, so a second login would break the first one's callers. Where
the credential is shared by all processes (`paygate.sharing`), one thread or task of each asks for it.
"""

import contextvars
import copy
import os
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from paygate.errors import PaygateError, Unreachable
from paygate.flow import Credential
from paygate.sharing import POLL_SECONDS, SharedCredential

if TYPE_CHECKING:
    from concurrent.futures import Future

Clock = Callable[[], float]

MOST_RENEWALS: Final = 8
"""How often one request is signed again where other processes may log in in between; else it is once."""

PATIENCE: Final = 120.0
"""Seconds to wait for somebody else's login, which has timeouts of its own."""


class Credentials:
    """Keeps a credential, and renews it once however many threads ask."""

    def __init__(
        self, login: Callable[[], Credential], clock: Clock, shared: SharedCredential | None = None
    ) -> None:
        self._login = login
        self._clock = clock
        self._shared = shared
        self.most_renewals = MOST_RENEWALS if shared is not None else 1
        self._held: Credential | None = None
        self._flight: Future[Credential] | None = None
        self._lock = threading.Lock()
        self._process = os.getpid()

    def good(self) -> Credential | None:
        """The credential at hand, unless it has expired."""
        held = self._held
        return held if held is not None and held.expires_at > self._clock() else None

    def fresh(self, stale: Credential | None = None, renewals: int = 0) -> Credential:
        """The credential; a new one where it has expired or is the `stale` one.

        `renewals` is how many have not helped the caller's request so far.
        """
        if self._process != os.getpid():
            # A login that was under way at the fork goes on in the parent alone.
            self._lock, self._flight, self._process = threading.Lock(), None, os.getpid()
        with self._lock:
            held = self.good()
            if held is not None and held is not stale:
                return held
            self._held = None
            flight = self._flight
            leading = flight is None
            if flight is None:
                flight = self._flight = _future()
        return self._flown(flight, stale, renewals) if leading else self._joined(flight)

    def _flown(self, flight: "Future[Credential]", stale: Credential | None, renewals: int) -> Credential:
        try:
            credential = self._held = self._renewed(stale, renewals)
        except PaygateError as error:
            flight.set_exception(error)
            raise copy.copy(error) from error
        except BaseException:
            flight.set_exception(Unreachable("the login was broken off"))
            raise
        else:
            flight.set_result(credential)
        finally:
            self._flight = None
        return credential

    def _renewed(self, stale: Credential | None, renewals: int) -> Credential:
        """Another process's credential, or what a login brings."""
        if self._shared is None:
            return self._login()
        with closing(self._shared.visit(stale, renewals)) as visit:
            found = visit.look()
            while visit.waits:
                time.sleep(POLL_SECONDS)
                found = visit.look()
            if found is not None:
                return found
            time.sleep(visit.pause)
            brought = None
            try:
                credential = brought = self._login()
            finally:
                visit.leave(brought)
            return credential

    def _joined(self, flight: "Future[Credential]") -> Credential:
        try:
            error = flight.exception(PATIENCE)
        except TimeoutError:
            raise Unreachable(f"the login took more than {PATIENCE:.0f} seconds") from None
        if error is not None:
            # Each caller adds its own reference to its error, so each gets a copy.
            raise copy.copy(error) from error
        return flight.result()


class AsyncCredentials:
    """Keeps a credential, and renews it once however many tasks ask.

    The login runs in a task of its own: cancelling one caller disturbs neither it nor the others.
    """

    def __init__(
        self, login: Callable[[], Awaitable[Credential]], clock: Clock, shared: SharedCredential | None = None
    ) -> None:
        self._login = login
        self._clock = clock
        self._shared = shared
        self.most_renewals = MOST_RENEWALS if shared is not None else 1
        self._held: Credential | None = None
        self._flight: _Flight | None = None

    def good(self) -> Credential | None:
        """The credential at hand, unless it has expired."""
        held = self._held
        return held if held is not None and held.expires_at > self._clock() else None

    async def fresh(self, stale: Credential | None = None, renewals: int = 0) -> Credential:
        """As Credentials.fresh."""
        held = self.good()
        if held is not None and held is not stale:
            return held
        self._held = None
        flight = self._flight
        if flight is None:
            flight = self._flight = _Flight(stale, renewals)
            flight.task = _detach(self._fly, flight)
        await flight.landed.wait()
        if flight.credential is None:
            raise copy.copy(flight.error) from flight.error
        return flight.credential

    async def _fly(self, flight: "_Flight") -> None:
        try:
            flight.credential = self._held = await self._renewed(flight.stale, flight.renewals)
        except PaygateError as error:
            flight.error = error
        finally:
            self._flight = None
            flight.landed.set()

    async def _renewed(self, stale: Credential | None, renewals: int) -> Credential:
        """As Credentials._renewed; what blocks is done in a thread that nobody else waits for."""
        if self._shared is None:
            return await self._login()
        import anyio
        from anyio.to_thread import run_sync

        threads = anyio.CapacityLimiter(1)
        with closing(self._shared.visit(stale, renewals)) as visit:
            found = await run_sync(visit.look, limiter=threads)
            while visit.waits:
                await anyio.sleep(POLL_SECONDS)
                found = await run_sync(visit.look, limiter=threads)
            if found is not None:
                return found
            await anyio.sleep(visit.pause)
            brought = None
            try:
                credential = brought = await self._login()
            finally:
                with anyio.CancelScope(shield=True):
                    await run_sync(visit.leave, brought, limiter=threads)
            return credential


def _future() -> "Future[Credential]":
    from concurrent.futures import Future

    return Future()


class _Flight:
    """A login under way, and how it ended."""

    def __init__(self, stale: Credential | None, renewals: int) -> None:
        import anyio

        self.stale = stale
        self.renewals = renewals
        self.landed = anyio.Event()
        self.credential: Credential | None = None
        self.error: PaygateError = Unreachable("the login was broken off")
        self.task: Any = None


def _detach(work: Callable[[_Flight], Awaitable[None]], flight: _Flight) -> Any:
    """Run `work` in a task that outlives its starter, with its context variables, on either event loop.

    Keep what is returned, or it may be collected.
    """
    import sniffio

    if sniffio.current_async_library() == "trio":
        import trio

        return trio.lowlevel.spawn_system_task(work, flight, context=contextvars.copy_context())
    import asyncio

    return asyncio.ensure_future(work(flight))
