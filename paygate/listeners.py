"""Who hears of what happens at one gateway: announcements are broadcast, and each listener is guarded."""

import logging
import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import pluggy

from paygate.errors import PaygateError
from paygate.hookspecs import ANNOUNCEMENTS, Exchange, Run
from paygate.model import Charge
from paygate.operation import Operation
from paygate.redaction import place_of

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("paygate")

PORTS: Final = {"http": 80, "https": 443}
UNWATCHED: Final = nullcontext()


class Listeners:
    """The listeners of one gateway. What nobody hears costs a look whether anybody does."""

    def __init__(self, hook: pluggy.HookRelay) -> None:
        self._by_name = {name: getattr(hook, name).get_hookimpls() for name in ANNOUNCEMENTS}
        self._hear_exchanges = self.is_heard("exchanged")
        self._hear_operations = self.is_heard("operation_started") or self.is_heard("operation_finished")

    def is_heard(self, name: str) -> bool:
        """Whether anybody hears this announcement."""
        return bool(self._by_name[name])

    def announce(self, name: str, **news: Any) -> None:
        """Tell every listener; one that fails is logged and harms nobody."""
        for impl in self._by_name[name]:
            try:
                impl.function(*(news[argument] for argument in impl.argnames))
            except Exception as error:  # noqa: BLE001 - a listener must not touch a charge or an acknowledgement
                log.warning(
                    "paygate: listener %s failed on %s (%s)",
                    type(impl.plugin).__qualname__,
                    name,
                    place_of(error),
                )

    def watched(self, operation: Operation[Any]) -> AbstractContextManager[object]:
        """Announce that an operation begins, and at the end of the `with` how it ended."""
        return _Watch(self, operation) if self._hear_operations else UNWATCHED

    def exchanged(
        self,
        operation: Operation[Any],
        request: "httpx.Request",
        outcome: int | PaygateError,
        started: float,
    ) -> None:
        """Announce an HTTP exchange: the status that came, or the error where none did."""
        if not self._hear_exchanges:
            return
        status, failure = (outcome, None) if isinstance(outcome, int) else (None, type(outcome).__name__)
        exchange = Exchange(
            gateway=operation.gateway,
            operation=operation.name,
            method=request.method,
            path=request.url.path,
            status=status,
            seconds=time.perf_counter() - started,
            host=request.url.host,
            port=request.url.port or PORTS.get(request.url.scheme),
            failure=failure,
            external_id=operation.external_id,
            signed=request.extensions.get("signed"),
        )
        self.announce("exchanged", exchange=exchange)


class _Watch:
    """One run of an operation, announced at both ends."""

    __slots__ = ("_listeners", "_operation", "_run", "_started")

    def __init__(self, listeners: Listeners, operation: Operation[Any]) -> None:
        self._listeners = listeners
        self._operation = operation
        self._run = Run(
            gateway=operation.gateway,
            operation=operation.name,
            reference=operation.reference,
            method=operation.method,
        )

    def __enter__(self) -> None:
        self._started = time.perf_counter()
        self._listeners.announce("operation_started", run=self._run)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        result = self._operation.result
        self._listeners.announce(
            "operation_finished",
            run=self._run,
            charge=result if error is None and isinstance(result, Charge) else None,
            error=error,
            seconds=time.perf_counter() - self._started,
        )
