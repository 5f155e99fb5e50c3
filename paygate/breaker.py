"""When a gateway gets no new charges for a while: after several failures in a row. The only circuitbreaker.

The library is taken in at the first failure: a gateway that works pays nothing for it.
"""

import logging
import math
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from paygate.errors import CircuitOpen, NotAuthorized, OutcomeUnknown, PaygateError, Refused, Unreachable

if TYPE_CHECKING:
    from circuitbreaker import CircuitBreaker

log = logging.getLogger("paygate")

FAILURES: Final = 5
REST_SECONDS: Final = 30.0


class _Down(Exception):
    """One more failure."""


class Breaker:
    """A gateway's circuit breaker.

    It is "closed" while all is well. After `failures` operations in a row that got no answer (Unreachable,
    OutcomeUnknown) it is "open" for `rest_seconds`, and new charges are refused before anything is sent.
    Then it is "half_open": one new charge is let through, and the next after another rest, until an answer
    closes it. Query, cancel and refund are about charges that nobody else can answer for: they always go,
    and any answer to them closes it too. A refusal is an answer. What was never tried, as a request that
    could not be right, is neither.
    """

    def __init__(self, gateway: str, failures: int = FAILURES, rest_seconds: float = REST_SECONDS) -> None:
        if failures < 1 or rest_seconds <= 0:
            raise ValueError("a breaker needs at least one failure, and a rest of more than zero seconds")
        self.failures = failures
        self.rest_seconds = rest_seconds
        self._gateway = gateway
        self._circuit: CircuitBreaker | None = None
        self._tried_at = -math.inf
        self._lock = threading.Lock()

    @property
    def state(self) -> str:
        """How it stands: "closed", "open" or "half_open"."""
        return str(self._circuit.state) if self._circuit is not None else "closed"

    def admit(self, reference: str) -> None:
        """Let a new charge through; raise CircuitOpen where it is not to be sent."""
        circuit = self._circuit
        if circuit is None or circuit.closed:
            return
        with self._lock:
            now = time.monotonic()
            rest = max(circuit.open_remaining, self._tried_at + self.rest_seconds - now)
            if rest <= 0 or circuit.closed:
                self._tried_at = now
                return
            count = circuit.failure_count
        raise CircuitOpen(
            f"the last {count} operations of this gateway got no answer",
            retry_after=rest,
            gateway=self._gateway,
            operation="create_charge",
            reference=reference,
        )

    def saw(self, failure: PaygateError | None) -> None:
        """Take note of how an operation ended; None is a success."""
        if isinstance(failure, (Unreachable, OutcomeUnknown)):
            self._count()
        elif self._circuit is not None and (failure is None or isinstance(failure, (Refused, NotAuthorized))):
            with self._lock:
                was_closed = self._circuit.closed
                self._circuit.reset()
            if not was_closed:
                log.warning("paygate: gateway %s answers again", self._gateway)

    def _count(self) -> None:
        with self._lock:
            if self._circuit is None:
                from circuitbreaker import CircuitBreaker

                self._circuit = CircuitBreaker(self.failures, self.rest_seconds, _Down, self._gateway)
            was_closed = self._circuit.closed
            down = _Down()
            with suppress(_Down), self._circuit:
                raise down
            # The library keeps it, and it must not keep the charge that failed.
            down.__traceback__ = down.__context__ = None
            opened = was_closed and not self._circuit.closed
        if opened:
            log.warning(
                "paygate: gateway %s gets no new charges for %g s: %d operations in a row got no answer",
                self._gateway,
                self.rest_seconds,
                self.failures,
            )
