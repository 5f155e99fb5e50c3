"""The workers of one `paygate reconcile`: threads that ask about what is due, each charge by one of them."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from paygate.errors import (
    ChargeNotFound,
    ConfigurationError,
    PaygateError,
    StoreUnavailable,
    UnsupportedOperation,
)
from paygate.reconciliation import Reconciled, Reconciler
from paygate.redaction import place_of
from paygate.routing import Paygate

if TYPE_CHECKING:
    from paygate.store.entries import Entry
    from paygate.store.store import Store

MOST: Final = 10
"""How many charges a worker takes at a time."""

LONGEST_PAUSE: Final = 30.0
ANSWERS: Final = (ChargeNotFound, UnsupportedOperation, ConfigurationError)
"""What stands in the way though the provider answers, or is not asked."""


class Crew:
    """Workers that settle what is due; `so_far` is what they came to.

    With `every`, in seconds, they look again after that where nothing is due, and go on until they are
    stopped, also where the store or a provider is away: `say` hears of that once, and once that it is back.
    Without, they end where nothing is due any more or `budget` charges were asked about, and with the error
    where the store is away. `error` is why they ended before their time, if they did.
    """

    def __init__(
        self,
        paygate: Paygate,
        store: "Store",
        *,
        workers: int,
        budget: int | None,
        every: float | None,
        say: Callable[[str], None],
    ) -> None:
        self._done = Reconciled()
        self.error: Exception | None = None
        self.reasons: dict[str, str] = {}
        self._store = store
        self._reconciler = Reconciler(store, paygate.gateways)
        self._budget = budget
        self._batch = MOST if budget is None else max(1, min(MOST, -(-budget // workers)))
        self._every = every
        self._say = say
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._silent: Counter[str] = Counter()
        self._is_store_away = False
        self._threads = [
            threading.Thread(target=self._work, name=f"paygate-reconcile-{number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Let them begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each end after the charge that it is asking about."""
        self._stopped.set()

    def so_far(self) -> Reconciled:
        """What they came to until now."""
        with self._lock:
            return Reconciled(self._done.asked, self._done.settled, dict(self._done.unsettled))

    def wait(self, seconds: float) -> bool:
        """Wait for their end, no longer than that; whether all have ended."""
        ends = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            try:
                is_any = self._some()
                failures = 0
            except StoreUnavailable as away:
                if self._every is None:
                    self._end(away)
                    return
                failures += 1
                self._away(away)
                self._pause(min(2.0 ** (failures - 1), LONGEST_PAUSE))
                continue
            except Exception as error:  # noqa: BLE001 - told by whoever waits for the workers
                self._end(error)
                return
            if not is_any:
                if self._every is None:
                    return
                self._pause(self._every)

    def _some(self) -> bool:
        """Take some of what is due, and ask about each; whether there was any."""
        with self._lock:
            count = self._batch if self._budget is None else min(self._batch, self._budget)
            self._spend(count)
        left: list[Entry] = []
        asked = 0
        try:
            left = self._store.agenda.take(count) if count else []
            self._back()
            is_any = bool(left)
            while left and not self._stopped.is_set():
                if not self._store.agenda.is_held(left[0]):
                    break
                asked += 1
                self._settle(left.pop(0))
        finally:
            with self._lock:
                self._spend(asked - count)
            if left:
                with suppress(StoreUnavailable):
                    self._store.agenda.release(left)
        return is_any

    def _spend(self, count: int) -> None:
        if self._budget is not None:
            self._budget -= count

    def _settle(self, entry: "Entry") -> None:
        try:
            failure = self._reconciler.settle(entry)
        except PaygateError:  # of the store: nothing was learnt, or it could not be written down
            raise
        except Exception as error:  # noqa: BLE001 - an adapter's own mistake, noted in the charge's history
            with self._lock:
                self._count(type(error).__name__, place_of(error))
            return
        with self._lock:
            if failure is None:
                self._done.add(None)
            else:
                self._count(type(failure).__name__, failure.what, failure)
            self._heard(entry.gateway, failure)

    def _count(self, kind: str, why: str, failure: PaygateError | None = None) -> None:
        if failure is not None:
            self._done.add(failure)
        else:
            self._done.asked += 1
            self._done.unsettled[kind] = self._done.unsettled.get(kind, 0) + 1
        self.reasons[kind] = why

    def _heard(self, gateway: str, failure: PaygateError | None) -> None:
        """Say once that a gateway gives no answers, and once that it does again."""
        if failure is None or isinstance(failure, ANSWERS):
            if self._silent.pop(gateway, 0):
                self._say(f"gateway {gateway} answers again")
            return
        self._silent[gateway] += 1
        if self._silent[gateway] == 1 and self._every is not None:
            kind = type(failure).__name__
            self._say(f"gateway {gateway} gives no answer ({kind}: {failure.what}); it is asked again later")

    def _away(self, away: StoreUnavailable) -> None:
        with self._lock:
            was_away, self._is_store_away = self._is_store_away, True
            if not was_away:
                self._say(f"{away.what}; it is looked for again")

    def _back(self) -> None:
        with self._lock:
            was_away, self._is_store_away = self._is_store_away, False
            if was_away:
                self._say("the store answers again")

    def _end(self, error: Exception) -> None:
        with self._lock:
            if self.error is None:
                self.error = error
        self.stop()

    def _pause(self, seconds: float) -> None:
        self._stopped.wait(seconds * random.uniform(0.75, 1.25))  # noqa: S311 - it keeps workers apart
