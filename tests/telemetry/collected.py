"""What OpenTelemetry's own SDK got to see, and a Tiny that has to log in."""

from typing import Any

import httpx
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from paygate_tiny import Key, Tiny

from paygate import Credential, Flow, Unreachable, hookimpl
from paygate.telemetry import Telemetry
from tests.provider import Provider, opened


class Collected:
    """A Telemetry over the real SDK, and all that it was told."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self.reader], shutdown_on_exit=False)
        self.telemetry = Telemetry(self.tracer_provider, self.meter_provider)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """All spans that have ended, in that order."""
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of one name."""
        return [span for span in self.spans if span.name == name]

    def within(self, parent: ReadableSpan) -> list[str]:
        """The names of the children of a span, in the order of their beginning."""
        children = [
            span for span in self.spans if span.parent is not None and span.parent.span_id == number(parent)
        ]
        return [span.name for span in sorted(children, key=lambda span: span.start_time or 0)]

    def metrics(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        """Each metric's points: attributes, and the sum of a counter or the count of a histogram."""
        data = self.reader.get_metrics_data()
        points: dict[str, list[tuple[dict[str, Any], Any]]] = {}
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points[metric.name] = [
                        (dict(point.attributes or {}), getattr(point, "value", getattr(point, "count", None)))
                        for point in metric.data.data_points
                    ]
        return points

    def everything(self) -> str:
        """All that was exported, as text: attributes, events, states, resources, measurements, exemplars."""
        data = self.reader.get_metrics_data()
        return "\n".join([*(span.to_json() for span in self.spans), data.to_json() if data else ""])


def number(span: ReadableSpan) -> int:
    """A span's number."""
    assert span.context is not None
    return int(span.context.span_id)


def told(span: ReadableSpan) -> dict[str, Any]:
    """A span's attributes."""
    return dict(span.attributes or {})


class Passing(Key, frozen=True):
    """A key that a provider may turn away."""

    def rejected_by(self, response: httpx.Response) -> bool:
        return response.status_code == 401


class Guarded(Tiny):
    """A Tiny with a login of one request."""

    @hookimpl
    def authorize(self) -> Flow[Credential]:
        reply = yield httpx.Request("POST", f"{self._settings.base_url}/login")
        if reply.status_code != 200:
            raise Unreachable("no login")
        return Passing(self._settings.api_key.reveal())


def guarded(*answers: httpx.Response | Exception) -> Provider:
    """A provider that lets everybody log in, and gives these answers to what is not a login."""
    left = list(answers) or [opened()]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/login":
            return httpx.Response(200)
        following = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(following, Exception):
            raise following
        return httpx.Response(following.status_code, content=following.content)

    return Provider(answer)
