"""The unsettled and the overdue, settled by asking: in bounded batches, by any number of callers at once."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from paygate.errors import ConfigurationError, PaygateError, StoreUnavailable
from paygate.gateway import AsyncGateway, Gateway
from paygate.settlement import mistaken

if TYPE_CHECKING:
    from paygate.store.entries import Entry
    from paygate.store.store import Store
    from paygate.store.threads import AsyncStore

BATCH: Final = 10
"""How many charges are taken at a time: as many as one caller can ask about before their lease ends."""


class Reconciled(Struct):
    """What a pass of `reconcile` came to: how many charges were asked about, and what became of them.

    `settled` got an answer, which is written down; `unsettled` are to be asked about again later, counted by
    the kind of error that stands in the way.
    """

    asked: int = 0
    settled: int = 0
    unsettled: dict[str, int] = {}

    def add(self, failure: Exception | None) -> None:
        """Count one charge."""
        self.asked += 1
        if failure is None:
            self.settled += 1
        else:
            kind = type(failure).__name__
            self.unsettled[kind] = self.unsettled.get(kind, 0) + 1


def gone(entry: "Entry") -> ConfigurationError:
    """The error of a charge whose gateway is no longer configured."""
    return ConfigurationError(
        f"gateway {entry.gateway!r} made this charge and is no longer configured: put it back until its "
        "charges are settled",
        reference=entry.reference,
    )


class Reconciler:
    """Asks the providers about what is due in a store; blocking."""

    def __init__(
        self, store: "Store", gateways: Mapping[str, Gateway], clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._gateways = gateways
        self._clock = clock

    def run(self, limit: int) -> Reconciled:
        """Ask about what is due now, at most `limit` charges."""
        done = Reconciled()

        def hear(_: "Entry", failure: Exception | None) -> bool:
            done.add(failure)
            return True

        while done.asked < limit and self.some(min(BATCH, limit - done.asked), hear):
            pass
        return done

    def some(self, count: int, hear: "Callable[[Entry, Exception | None], bool]") -> int:
        """Take up to `count` charges that are due, and ask about each; how many were taken.

        `hear` is told of each, and what stands in the way where it is not settled; it says whether to go on.
        What is not asked about, whatever ends this, is given back: anybody may take it at once. Half of the
        lease is for the answer. Raises StoreUnavailable.
        """
        ends = self._clock() + self._store.settings.lease_seconds / 2
        left: list[Entry] = self._store.agenda.take(count)
        taken = len(left)
        try:
            while left and self._clock() < ends:
                entry = left.pop(0)
                if not hear(entry, self.settle(entry)):
                    break
        finally:
            if left:
                with suppress(StoreUnavailable):
                    self._store.agenda.release(left)
        return taken

    def settle(self, entry: "Entry") -> Exception | None:
        """Ask about one charge that was taken; what stands in the way, if anything does.

        Raises what the store raises. An adapter's own mistake is logged, and stands in the way of one charge.
        """
        gateway = self._gateways.get(entry.gateway)
        if gateway is None or gateway.books is None:
            failure = gone(entry)
            self._store.outcomes.unsettled(entry, failure)
            return failure
        try:
            return gateway.books.settle(entry)
        except PaygateError:
            raise
        except Exception as error:  # noqa: BLE001 - an adapter may raise anything
            mistaken(entry.gateway, entry.reference, error)
            return error


class AsyncReconciler:
    """The same, async (asyncio or trio)."""

    def __init__(
        self,
        store: "AsyncStore",
        gateways: Mapping[str, AsyncGateway],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._gateways = gateways
        self._clock = clock

    async def run(self, limit: int) -> Reconciled:
        """As Reconciler.run."""
        done = Reconciled()

        def hear(_: "Entry", failure: Exception | None) -> bool:
            done.add(failure)
            return True

        while done.asked < limit and await self.some(min(BATCH, limit - done.asked), hear):
            pass
        return done

    async def some(self, count: int, hear: "Callable[[Entry, Exception | None], bool]") -> int:
        """As Reconciler.some."""
        ends = self._clock() + self._store.settings.lease_seconds / 2
        left: list[Entry] = await self._store.agenda.take(count)
        taken = len(left)
        try:
            while left and self._clock() < ends:
                entry = left.pop(0)
                if not hear(entry, await self.settle(entry)):
                    break
        finally:
            if left:
                with suppress(StoreUnavailable):
                    await self._store.agenda.release(left)
        return taken

    async def settle(self, entry: "Entry") -> Exception | None:
        """As Reconciler.settle."""
        gateway = self._gateways.get(entry.gateway)
        if gateway is None or gateway.books is None:
            failure = gone(entry)
            await self._store.outcomes.unsettled(entry, failure)
            return failure
        try:
            return await gateway.books.settle(entry)
        except PaygateError:
            raise
        except Exception as error:  # noqa: BLE001 - an adapter may raise anything
            mistaken(entry.gateway, entry.reference, error)
            return error
