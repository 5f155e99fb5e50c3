"""OpenTelemetry's spans and metrics of what paygate does; only for who imports it (extra `otel`).

    Paygate.from_file("paygate.toml", listeners=[Telemetry()])

docs/telemetry.md lists them all. None holds a secret, a payer's values, an amount or a provider's words.
"""

import time
from collections.abc import Mapping
from contextvars import Token
from typing import Final

from paygate.callback import Callback, Conflict
from paygate.errors import NotSent, OutcomeUnknown, PaygateError, Refused
from paygate.hookspecs import Exchange, Run, hookimpl
from paygate.methods import label
from paygate.model import Charge

try:
    from opentelemetry import context, metrics, trace
except ImportError as error:
    raise ImportError(
        "paygate.telemetry needs OpenTelemetry: install paygate-core with its extra `otel`"
    ) from error

BRANCHES: Final = (
    (NotSent, "not_sent"),
    (OutcomeUnknown, "outcome_unknown"),
    (Refused, "refused"),
    (PaygateError, "error"),
    (BaseException, "broken_off"),
)
"""What an error says of the money, the most special first; the last is a call that was cancelled."""

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0)
"""Bounds of durations: those of OpenTelemetry's HTTP conventions, and one for what was repeated."""

Attributes = Mapping[str, str | int]


class Telemetry:
    """A listener that tells OpenTelemetry: a span per operation and per exchange, counters and histograms.

    The operation's span is the current one while the operation runs, in its thread or task and in the login
    that it causes. Without providers the global ones are used, also where they are set later. One Telemetry
    serves any number of gateways.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer("paygate", tracer_provider=tracer_provider)
        meter = metrics.get_meter("paygate", meter_provider=meter_provider)
        self._operations = meter.create_counter("paygate.operations", "{operation}", "Operations that ended.")
        self._operation_seconds = meter.create_histogram(
            "paygate.operation.duration",
            "s",
            "How long operations took, with all that was repeated.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._exchange_seconds = meter.create_histogram(
            "paygate.exchange.duration",
            "s",
            "How long HTTP exchanges took.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._callbacks = meter.create_counter("paygate.callbacks", "{callback}", "Verified callbacks.")
        self._conflicts = meter.create_counter(
            "paygate.conflicts", "{conflict}", "Conflicts that were found."
        )
        self._changes = meter.create_counter("paygate.charges.changed", "{charge}", "News of charges.")
        self._running: dict[Run, tuple[trace.Span, Token[context.Context]]] = {}

    @hookimpl
    def operation_started(self, run: Run) -> None:
        """Begin a span, and make it the current one of this thread or task."""
        method = run.method
        span = self._tracer.start_span(
            f"paygate.{run.operation}",
            attributes=_given(
                {
                    "paygate.gateway": run.gateway,
                    "paygate.operation": run.operation,
                    "paygate.method": label(method.kind, method.brand) if method is not None else None,
                    "paygate.reference": run.reference,
                }
            ),
        )
        self._running[run] = span, context.attach(trace.set_span_in_context(span))

    @hookimpl
    def operation_finished(
        self, run: Run, charge: Charge | None, error: BaseException | None, seconds: float
    ) -> None:
        """Measure a run and end its span. Its error is told by its class: a text may quote the provider."""
        outcome: dict[str, str] = {"paygate.outcome": charge.status.value if charge else "authorized"}
        if error is not None:
            outcome = {"paygate.outcome": _branch(error), "error.type": type(error).__name__}
        measured = {"paygate.gateway": run.gateway, "paygate.operation": run.operation, **outcome}
        try:
            # While the span is current, so that an exemplar leads to it.
            self._operations.add(1, measured)
            self._operation_seconds.record(seconds, measured)
        finally:
            begun = self._running.pop(run, None)
            if begun is not None:
                span, token = begun
                context.detach(token)
                span.set_attributes(outcome)
                if error is not None:
                    span.set_status(trace.StatusCode.ERROR, type(error).__name__)
                span.end()

    @hookimpl
    def exchanged(self, exchange: Exchange) -> None:
        """Tell of an exchange that is over, as part of the operation that is running."""
        status = exchange.status
        failure = str(status) if status is not None and status >= 400 else exchange.failure
        ended = time.time_ns()
        span = self._tracer.start_span(
            exchange.method,
            kind=trace.SpanKind.CLIENT,
            start_time=ended - round(exchange.seconds * 1e9),
            attributes=_given(
                {
                    "paygate.gateway": exchange.gateway,
                    "paygate.operation": exchange.operation,
                    "paygate.external_id": exchange.external_id,
                    "http.request.method": exchange.method,
                    "server.address": exchange.host,
                    "server.port": exchange.port,
                    "url.path": exchange.path,
                    "http.response.status_code": status,
                    "error.type": failure,
                }
            ),
        )
        if failure is not None:
            span.set_status(trace.StatusCode.ERROR, exchange.failure)
        span.end(ended)
        self._exchange_seconds.record(
            exchange.seconds,
            _given(
                {
                    "paygate.gateway": exchange.gateway,
                    "paygate.operation": exchange.operation,
                    "paygate.status_class": "none" if status is None else f"{status // 100}xx",
                    "error.type": exchange.failure,
                }
            ),
        )

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        """Count news of a charge."""
        self._changes.add(1, {"paygate.gateway": charge.gateway, "paygate.status": charge.status.value})

    @hookimpl
    def callback_received(self, callback: Callback) -> None:
        """Count a verified callback."""
        self._callbacks.add(1, {"paygate.gateway": callback.gateway})

    @hookimpl
    def conflict_found(self, conflict: Conflict) -> None:
        """Count a conflict."""
        kind = conflict.kind.value
        self._conflicts.add(1, {"paygate.gateway": conflict.told.gateway, "paygate.conflict": kind})


def _given(attributes: Mapping[str, str | int | None]) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}


def _branch(error: BaseException) -> str:
    return next(word for kind, word in BRANCHES if isinstance(error, kind))
