import subprocess
import sys
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from paygate import Charge, ChargeStatus, Gateway, Money, PaygateError
from tests.provider import Both, Provider, named, opened, order, tiny
from tests.telemetry.collected import Collected, Guarded, guarded
from tests.test_desk import SIGNED, callback

OURS = {"paygate.gateway": "main"}


def test_operations_are_counted_and_timed_by_how_they_ended(both: Both) -> None:
    """A status where one was told; else what the error says of the money, and its class."""
    collected = Collected()
    answers = (opened(), opened(status="paid"), httpx.Response(409, json={"error": "exists"}))
    steps = (("create_charge", order()), ("query", named()), ("create_charge", order()))
    both.calls(Provider(*answers), *steps, listeners=[collected.telemetry])
    expected = [
        ({"paygate.operation": "authorize", "paygate.outcome": "authorized"}, 1),
        ({"paygate.operation": "create_charge", "paygate.outcome": "pending"}, 1),
        ({"paygate.operation": "query", "paygate.outcome": "paid"}, 1),
        (
            {
                "paygate.operation": "create_charge",
                "paygate.outcome": "refused",
                "error.type": "DuplicateReference",
            },
            1,
        ),
    ]
    metrics = collected.metrics()
    for name in ("paygate.operations", "paygate.operation.duration"):
        assert [({**OURS, **attributes}, count) for attributes, count in expected] == metrics[name]


def test_exchanges_are_timed_by_operation_and_class_of_status(both: Both) -> None:
    """One that had no answer says so, and whether it may have arrived."""
    collected = Collected()
    answers = (httpx.ConnectError("refused"), httpx.ReadTimeout("lost"), httpx.Response(502), opened())
    steps = (("query", named()), ("query", named()))
    both.calls(guarded(*answers), *steps, adapter=tiny(kind=Guarded), listeners=[collected.telemetry])
    points = collected.metrics()["paygate.exchange.duration"]
    assert [
        ({**OURS, "paygate.operation": "authorize", "paygate.status_class": "2xx"}, 1),
        (
            {
                **OURS,
                "paygate.operation": "query",
                "paygate.status_class": "none",
                "error.type": "Unreachable",
            },
            1,
        ),
        (
            {
                **OURS,
                "paygate.operation": "query",
                "paygate.status_class": "none",
                "error.type": "OutcomeUnknown",
            },
            1,
        ),
        ({**OURS, "paygate.operation": "query", "paygate.status_class": "5xx"}, 1),
        ({**OURS, "paygate.operation": "query", "paygate.status_class": "2xx"}, 1),
    ] == points


def test_callbacks_news_and_conflicts_are_counted() -> None:
    """A verified call counts, one that was turned away does not; news by status, conflicts by kind."""
    collected = Collected()
    cancelled = Charge(
        gateway="main",
        reference="INV-1",
        status=ChargeStatus.CANCELLED,
        method=named().method,
        amount=Money.idr(25_000),
    )
    with Gateway("main", tiny(), transport=Provider(), listeners=[collected.telemetry]) as gateway:
        told = gateway.parse_callback(callback())
        with pytest.raises(PaygateError):
            gateway.parse_callback(callback(key=b"another"))
        gateway.compare(gateway.parse_callback(callback(SIGNED)), [cancelled])
        gateway.compare(told, [None])
        gateway.query(named())
    metrics = collected.metrics()
    assert [(OURS, 2)] == metrics["paygate.callbacks"]
    assert [({**OURS, "paygate.status": "pending"}, 1)] == metrics["paygate.charges.changed"]
    assert [
        ({**OURS, "paygate.conflict": "late"}, 1),
        ({**OURS, "paygate.conflict": "unknown"}, 1),
    ] == metrics["paygate.conflicts"]


def test_durations_are_seconds_with_bounds_that_fit_them() -> None:
    """The SDK's own bounds are for milliseconds; a charge of 80 ms must not fall into its first bucket."""
    collected = Collected()
    with Gateway("main", tiny(), transport=Provider(), listeners=[collected.telemetry]) as gateway:
        gateway.create_charge(order())
    data = collected.reader.get_metrics_data()
    assert data is not None
    histograms: list[Any] = [
        metric
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        if metric.name.endswith(".duration")
    ]
    assert ["s", "s"] == [metric.unit for metric in histograms]
    for metric in histograms:
        bounds = metric.data.data_points[0].explicit_bounds
        assert sum(bound <= 1 for bound in bounds) >= 8
        assert max(bounds) >= 30


def test_an_exemplar_leads_from_a_measurement_to_its_trace() -> None:
    """Durations of operations are recorded while their span is current."""
    collected = Collected()
    with Gateway("main", tiny(), transport=Provider(), listeners=[collected.telemetry]) as gateway:
        gateway.create_charge(order())
    [charge] = collected.named("paygate.create_charge")
    assert charge.context is not None
    reader: InMemoryMetricReader = collected.reader
    data = reader.get_metrics_data()
    assert data is not None
    exemplars = [
        exemplar.span_id
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        if metric.name == "paygate.operation.duration"
        for point in metric.data.data_points
        for exemplar in point.exemplars
    ]
    assert charge.context.span_id in exemplars


def test_providers_that_are_set_later_are_used() -> None:
    """A Telemetry without providers takes the global ones, at whatever time the program sets them."""
    code = """
from opentelemetry import metrics, trace
from paygate.telemetry import Telemetry
telemetry = Telemetry()
from tests.telemetry.collected import Collected
collected = Collected()
trace.set_tracer_provider(collected.tracer_provider)
metrics.set_meter_provider(collected.meter_provider)
from paygate import Gateway
from tests.provider import Provider, order, tiny
with Gateway("main", tiny(), transport=Provider(), listeners=[telemetry]) as gateway:
    gateway.create_charge(order())
print(len(collected.named("paygate.create_charge")), len(collected.metrics()["paygate.operations"]))
"""
    assert "1 2" == _printed(code)


def test_without_opentelemetry_the_module_says_what_to_install() -> None:
    """The error names the extra; paygate itself works."""
    code = """
import sys
sys.modules["opentelemetry"] = None
import paygate
try:
    import paygate.telemetry
except ImportError as error:
    print(error)
"""
    assert "install paygate-core with its extra `otel`" in _printed(code)


def test_a_paygate_without_telemetry_never_imports_opentelemetry() -> None:
    """Not even when a charge has been made and other listeners hear of it."""
    code = """
import sys
from paygate import Gateway
from tests.provider import Provider, order, tiny
from tests.test_desk import Ear
with Gateway("main", tiny(), transport=Provider(), listeners=[Ear()]) as gateway:
    gateway.create_charge(order())
print(*[name for name in sys.modules if name.startswith(("opentelemetry", "paygate.telemetry"))])
"""
    assert "" == _printed(code)


def _printed(code: str) -> str:
    """What a program prints in an interpreter of its own."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, '')\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
