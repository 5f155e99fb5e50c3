"""The unsettled and the overdue, settled by asking: in bounded batches, by any number of workers at once."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from paygate.errors import ConfigurationError, PaygateError
from paygate.gateway import AsyncGateway, Gateway

if TYPE_CHECKING:
    from paygate.store.entries import Entry
    from paygate.store.store import Store
    from paygate.store.threads import AsyncStore

BATCH: Final = 50
"""How many charges are taken at a time: as many as one worker can ask about before its lease ends."""


class Reconciled(Struct):
    """What a pass of `reconcile` came to: how many charges were asked about, and what became of them.

    `settled` got an answer, which is written down; `unsettled` are to be asked about again later, counted by
    the kind of error that stands in the way.
    """

    asked: int = 0
    settled: int = 0
    unsettled: dict[str, int] = {}

    def add(self, failure: PaygateError | None) -> None:
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
    """Asks the providers about what is due in a store."""

    def __init__(self, store: "Store", gateways: Mapping[str, Gateway]) -> None:
        self._store = store
        self._gateways = gateways

    def run(self, limit: int) -> Reconciled:
        """Ask about what is due now, at most `limit` charges."""
        done = Reconciled()
        while done.asked < limit:
            entries = self._store.agenda.take(min(BATCH, limit - done.asked))
            if not entries:
                break
            for number, entry in enumerate(entries):
                if not self._store.agenda.is_held(entry):
                    self._store.agenda.release(entries[number:])
                    break
                done.add(self.settle(entry))
        return done

    def settle(self, entry: "Entry") -> PaygateError | None:
        """Ask about one charge that was taken; what stands in the way, if anything does."""
        gateway = self._gateways.get(entry.gateway)
        if gateway is None or gateway.books is None:
            failure = gone(entry)
            self._store.outcomes.unsettled(entry, failure)
            return failure
        return gateway.books.settle(entry)


class AsyncReconciler:
    """The same, async (asyncio or trio)."""

    def __init__(self, store: "AsyncStore", gateways: Mapping[str, AsyncGateway]) -> None:
        self._store = store
        self._gateways = gateways

    async def run(self, limit: int) -> Reconciled:
        """As Reconciler.run."""
        done = Reconciled()
        while done.asked < limit:
            entries = await self._store.agenda.take(min(BATCH, limit - done.asked))
            if not entries:
                break
            for number, entry in enumerate(entries):
                if not await self._store.agenda.is_held(entry):
                    await self._store.agenda.release(entries[number:])
                    break
                done.add(await self.settle(entry))
        return done

    async def settle(self, entry: "Entry") -> PaygateError | None:
        """As Reconciler.settle."""
        gateway = self._gateways.get(entry.gateway)
        if gateway is None or gateway.books is None:
            failure = gone(entry)
            await self._store.outcomes.unsettled(entry, failure)
            return failure
        return await gateway.books.settle(entry)
