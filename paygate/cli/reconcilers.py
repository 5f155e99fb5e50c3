"""What the threads of one `paygate reconcile` do: they ask about what is due, each charge by one of them."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from paygate.cli.stopping import Threads
from paygate.errors import (
    ChargeNotFound,
    ConfigurationError,
    PaygateError,
    StoreUnavailable,
    UnsupportedOperation,
)
from paygate.pauses import doubling, jittered
from paygate.reconciliation import BATCH, Reconciled, Reconciler
from paygate.redaction import place_of
from paygate.routing import Paygate

if TYPE_CHECKING:
    from paygate.store.entries import Entry
    from paygate.store.store import Store

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
ANSWERS: Final = (ChargeNotFound, UnsupportedOperation, ConfigurationError)
"""What stands in the way though the provider answers, or is not asked."""


class Reconcilers:
    """Threads that settle what is due; `so_far` is what they came to, `reasons` why some is not settled.

    With `every`, in seconds, they look again after that where nothing is due, and go on until they are
    stopped, also where the store or a provider is away: `say` hears of that once, and once that it is back.
    Without, they end where nothing is due any more or `budget` charges were asked about, and with the error
    where the store is away.
    """

    def __init__(
        self,
        paygate: Paygate,
        store: "Store",
        *,
        threads: int,
        budget: int | None,
        every: float | None,
        say: Callable[[str], None],
    ) -> None:
        self.threads = Threads(self._work, self.stop, count=threads)
        self.reasons: dict[str, str] = {}
        self._done = Reconciled()
        self._reconciler = Reconciler(store, paygate.gateways)
        self._budget = budget
        self._batch = BATCH if budget is None else max(1, min(BATCH, -(-budget // threads)))
        self._every = every
        self._say = say
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._silent: Counter[str] = Counter()
        self._is_store_away = False

    def stop(self) -> None:
        """Let each end after the charge that it is asking about."""
        self._stopped.set()

    def so_far(self) -> Reconciled:
        """What they came to until now."""
        with self._lock:
            return Reconciled(self._done.asked, self._done.settled, dict(self._done.unsettled))

    def _work(self) -> None:
        """What each thread does."""
        failures = 0
        while not self._stopped.is_set():
            try:
                is_any = self._some()
            except StoreUnavailable as away:
                if self._every is None:
                    raise
                failures += 1
                self._away(away)
                self._pause(doubling(failures, FIRST_PAUSE, LONGEST_PAUSE))
                continue
            failures = 0
            if not is_any:
                if self._every is None:
                    return
                self._pause(self._every)

    def _some(self) -> bool:
        """Ask about some of what is due; whether there was any."""
        with self._lock:
            count = self._batch if self._budget is None else min(self._batch, self._budget)
            self._spend(count)
        if not count:
            return False
        asked = 0

        def hear(entry: "Entry", failure: Exception | None) -> bool:
            nonlocal asked
            asked += 1
            self._back()
            self._count(entry.gateway, failure)
            return not self._stopped.is_set()

        try:
            taken = self._reconciler.some(count, hear)
        finally:
            with self._lock:
                self._spend(asked - count)
        self._back()
        return bool(taken)

    def _spend(self, count: int) -> None:
        if self._budget is not None:
            self._budget -= count

    def _count(self, gateway: str, failure: Exception | None) -> None:
        with self._lock:
            self._done.add(failure)
            if isinstance(failure, PaygateError):
                self.reasons[type(failure).__name__] = failure.what
            elif failure is not None:  # an adapter's own mistake, which tells nothing of its provider
                self.reasons[type(failure).__name__] = place_of(failure)
                return
            self._heard(gateway, failure)

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

    def _pause(self, seconds: float) -> None:
        self._stopped.wait(jittered(seconds))
