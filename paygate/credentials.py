"""Who holds the credential: one login for everybody who needs one, never one each.

A provider may keep only the newest token alive, so a second login would break the first one's callers.
"""

import copy
import os
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from paygate.errors import PaygateError, Unreachable
from paygate.flow import Credential

if TYPE_CHECKING:
    from concurrent.futures import Future

Clock = Callable[[], float]

PATIENCE: Final = 120.0
"""Seconds to wait for somebody else's login, which has timeouts of its own."""


class Credentials:
    """Keeps a credential, and renews it once however many threads ask."""

    def __init__(self, login: Callable[[], Credential], clock: Clock) -> None:
        self._login = login
        self._clock = clock
        self._held: Credential | None = None
        self._flight: Future[Credential] | None = None
        self._lock = threading.Lock()
        self._process = os.getpid()

    def good(self) -> Credential | None:
        """The credential at hand, unless it has expired."""
        held = self._held
        return held if held is not None and held.expires_at > self._clock() else None

    def fresh(self, stale: Credential | None = None) -> Credential:
        """The credential; a new one where it has expired or is the `stale` one."""
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
        return self._flown(flight) if leading else self._joined(flight)

    def _flown(self, flight: "Future[Credential]") -> Credential:
        try:
            credential = self._held = self._login()
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

    def __init__(self, login: Callable[[], Awaitable[Credential]], clock: Clock) -> None:
        self._login = login
        self._clock = clock
        self._held: Credential | None = None
        self._flight: _Flight | None = None

    def good(self) -> Credential | None:
        """The credential at hand, unless it has expired."""
        held = self._held
        return held if held is not None and held.expires_at > self._clock() else None

    async def fresh(self, stale: Credential | None = None) -> Credential:
        """The credential; a new one where it has expired or is the `stale` one."""
        held = self.good()
        if held is not None and held is not stale:
            return held
        self._held = None
        flight = self._flight
        if flight is None:
            flight = self._flight = _Flight()
            flight.task = _detach(self._fly, flight)
        await flight.landed.wait()
        if flight.credential is None:
            raise copy.copy(flight.error) from flight.error
        return flight.credential

    async def _fly(self, flight: "_Flight") -> None:
        try:
            flight.credential = self._held = await self._login()
        except PaygateError as error:
            flight.error = error
        finally:
            self._flight = None
            flight.landed.set()


def _future() -> "Future[Credential]":
    from concurrent.futures import Future

    return Future()


class _Flight:
    """A login under way, and how it ended."""

    def __init__(self) -> None:
        import anyio

        self.landed = anyio.Event()
        self.credential: Credential | None = None
        self.error: PaygateError = Unreachable("the login was broken off")
        self.task: Any = None


def _detach(work: Callable[[_Flight], Awaitable[None]], flight: _Flight) -> Any:
    """Run `work` in a task that outlives its starter; keep what is returned, or it may be collected."""
    import sniffio

    if sniffio.current_async_library() == "trio":
        import trio

        return trio.lowlevel.spawn_system_task(work, flight)
    import asyncio

    return asyncio.ensure_future(work(flight))
