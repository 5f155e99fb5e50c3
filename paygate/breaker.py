"""When a gateway gets no new charges for a while: after several failures in a row. The only circuitbreaker.

The library is taken in at the first failure: a gateway that works pays nothing for it.
"""

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from paygate.errors import CircuitOpen, OutcomeUnknown, PaygateError, Refused, Unreachable

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
    and any answer to them closes it too.
    """

    def __init__(self, gateway: str, failures: int = FAILURES, rest_seconds: float = REST_SECONDS) -> None:
        self.failures = failures
        self.rest_seconds = rest_seconds
        self._gateway = gateway
        self._circuit: CircuitBreaker | None = None
        self._tried_at = 0.0

    @property
    def state(self) -> str:
        """How it stands: "closed", "open" or "half_open"."""
        return str(self._circuit.state) if self._circuit is not None else "closed"

    def admit(self, reference: str) -> None:
        """Let a new charge through; raise CircuitOpen where it is not to be sent."""
        circuit = self._circuit
        if circuit is None or circuit.closed:
            return
        now = time.monotonic()
        if circuit.opened or now < self._tried_at + self.rest_seconds:
            raise CircuitOpen(
                f"the last {circuit.failure_count} operations of this gateway got no answer",
                retry_after=max(circuit.open_remaining, self._tried_at + self.rest_seconds - now, 0.0),
                gateway=self._gateway,
                operation="create_charge",
                reference=reference,
            )
        self._tried_at = now

    def saw(self, failure: PaygateError | None) -> None:
        """Take note of how an operation ended; None is a success, and a refusal is an answer too."""
        if isinstance(failure, (Unreachable, OutcomeUnknown)):
            self._count()
        elif self._circuit is not None and (failure is None or isinstance(failure, Refused)):
            if not self._circuit.closed:
                log.warning("paygate: gateway %s answers again", self._gateway)
            self._circuit.reset()

    def _count(self) -> None:
        if self._circuit is None:
            from circuitbreaker import CircuitBreaker

            self._circuit = CircuitBreaker(self.failures, self.rest_seconds, _Down, self._gateway)
        was_closed = self._circuit.closed
        with suppress(_Down), self._circuit:
            raise _Down
        if was_closed and not self._circuit.closed:
            log.warning(
                "paygate: gateway %s gets no new charges for %g s: %d operations in a row got no answer",
                self._gateway,
                self.rest_seconds,
                self._circuit.failure_count,
            )
