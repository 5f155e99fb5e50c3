import contextvars
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode

from paygate import (
    AsyncGateway,
    ChargeStatus,
    DuplicateReference,
    Gateway,
    InvalidCharge,
    NotAuthorized,
    OutcomeUnknown,
    Unreachable,
    VirtualAccount,
    hookimpl,
)
from paygate.hookspecs import Run
from tests.estate import made
from tests.provider import QUICK, Both, Provider, named, opened, order, tiny
from tests.telemetry.collected import Collected, Guarded, guarded, number, told

TASKS = 50


def test_an_operation_is_a_span_with_its_exchange_and_the_login_it_caused_within(both: Both) -> None:
    """The tree of a first charge, with OpenTelemetry's names for HTTP and ours for the rest."""
    collected = Collected()
    both.call(guarded(), "create_charge", order(), tiny(kind=Guarded), [collected.telemetry])
    [charge] = collected.named("paygate.create_charge")
    [login] = collected.named("paygate.authorize")
    assert ["paygate.authorize", "POST"] == collected.within(charge)
    assert ["POST"] == collected.within(login)
    assert charge.parent is None
    assert {
        "paygate.gateway": "main",
        "paygate.operation": "create_charge",
        "paygate.method": "qris",
        "paygate.reference": "INV-1",
        "paygate.outcome": "pending",
    } == told(charge)
    assert {
        "paygate.gateway": "main",
        "paygate.operation": "authorize",
        "paygate.outcome": "authorized",
    } == told(login)
    exchange = collected.named("POST")[-1]
    assert {
        "paygate.gateway": "main",
        "paygate.operation": "create_charge",
        "http.request.method": "POST",
        "server.address": "tiny.example",
        "server.port": 443,
        "url.path": "/charges",
        "http.response.status_code": 200,
    } == told(exchange)
    assert [SpanKind.CLIENT, SpanKind.INTERNAL] == [exchange.kind, charge.kind]
    assert {StatusCode.UNSET} == {span.status.status_code for span in collected.spans}


def test_a_second_operation_has_no_login_and_is_a_trace_of_its_own(both: Both) -> None:
    """What the first left is no parent of the second; nothing stays current afterwards."""
    collected = Collected()
    steps = [("create_charge", order()), ("query", named()), lambda _: trace.get_current_span()]
    *_, current = both.calls(guarded(), *steps, adapter=tiny(kind=Guarded), listeners=[collected.telemetry])
    [query] = collected.named("paygate.query")
    assert ["GET"] == collected.within(query)
    assert query.parent is None
    assert trace.INVALID_SPAN is current


def test_exchanges_lie_within_their_operation_in_time(both: Both) -> None:
    """Spans of exchanges are made afterwards; they begin and end where the exchanges did."""
    collected = Collected()
    both.call(Provider(), "create_charge", order(), None, [collected.telemetry])
    [charge], [exchange] = collected.named("paygate.create_charge"), collected.named("POST")
    assert exchange.start_time is not None
    assert exchange.end_time is not None
    assert charge.start_time is not None
    assert charge.end_time is not None
    assert charge.start_time <= exchange.start_time < exchange.end_time <= charge.end_time


def test_retries_are_several_exchanges_of_one_operation(both: Both) -> None:
    """Two that failed and one that did not stand side by side under one span that is well."""
    collected = Collected()
    lucky = Provider(httpx.ConnectError("refused"), httpx.ConnectError("refused"), opened())
    both.call(lucky, "create_charge", order(), None, [collected.telemetry])
    [charge] = collected.named("paygate.create_charge")
    assert ["paygate.authorize", "POST", "POST", "POST"] == collected.within(charge)
    assert StatusCode.UNSET is charge.status.status_code
    failed, _, good = collected.named("POST")
    assert (StatusCode.ERROR, "Unreachable") == (failed.status.status_code, failed.status.description)
    assert "Unreachable" == told(failed)["error.type"]
    assert "http.response.status_code" not in told(failed)
    assert "error.type" not in told(good)


def test_a_rejected_credential_is_renewed_within_the_operation_that_met_it(both: Both) -> None:
    """The refused exchange, the login and the exchange that went through are children of one span."""
    collected = Collected()
    provider = guarded(opened(), httpx.Response(401), opened())
    both.calls(
        provider,
        ("create_charge", order()),
        ("query", named()),
        adapter=tiny(kind=Guarded),
        listeners=[collected.telemetry],
    )
    [query] = collected.named("paygate.query")
    assert ["GET", "paygate.authorize", "GET"] == collected.within(query)
    refused = collected.named("GET")[0]
    assert (StatusCode.ERROR, None) == (refused.status.status_code, refused.status.description)
    assert "401" == told(refused)["error.type"]


@pytest.mark.parametrize(
    ("answer", "kind", "branch"),
    [
        (httpx.ConnectError("refused"), Unreachable, "not_sent"),
        (httpx.ReadTimeout("lost"), OutcomeUnknown, "outcome_unknown"),
        (httpx.Response(500), OutcomeUnknown, "outcome_unknown"),
        (httpx.Response(409, json={"error": "exists"}), DuplicateReference, "refused"),
    ],
)
def test_an_error_is_told_by_its_class_and_what_it_says_of_the_money(
    both: Both, answer: Any, kind: type[Exception], branch: str
) -> None:
    """No text, no stack and no event: those may quote the provider."""
    collected = Collected()
    with pytest.raises(kind):
        both.call(Provider(answer), "create_charge", order(), None, [collected.telemetry])
    [charge] = collected.named("paygate.create_charge")
    assert (branch, kind.__name__) == (told(charge)["paygate.outcome"], told(charge)["error.type"])
    assert (StatusCode.ERROR, kind.__name__) == (charge.status.status_code, charge.status.description)
    assert [()] * len(collected.spans) == [tuple(span.events) for span in collected.spans]


def test_a_failed_login_is_an_error_of_both(both: Both) -> None:
    """The login's span has the error, and so has the operation that was never sent."""

    class LockedOut(Guarded):
        @hookimpl
        def authorize(self) -> Any:
            yield httpx.Request("POST", "https://tiny.example/login")
            raise NotAuthorized("wrong key")

    collected = Collected()
    with pytest.raises(NotAuthorized):
        both.call(guarded(), "create_charge", order(), tiny(kind=LockedOut), [collected.telemetry])
    [charge], [login] = collected.named("paygate.create_charge"), collected.named("paygate.authorize")
    assert [("not_sent", "NotAuthorized")] * 2 == [
        (told(span)["paygate.outcome"], told(span)["error.type"]) for span in (charge, login)
    ]
    assert ["paygate.authorize"] == collected.within(charge)


def test_what_is_refused_before_it_begins_is_no_operation(both: Both) -> None:
    """A charge that could never be right makes no span."""
    collected = Collected()
    with pytest.raises(InvalidCharge):
        both.call(Provider(), "create_charge", "INV-1", None, [collected.telemetry])
    assert () == collected.spans


def test_a_method_is_told_with_its_brand() -> None:
    """As the routes and errors write it."""
    collected = Collected()
    run = Run(gateway="main", operation="query", reference="INV-1", method=VirtualAccount("bni"))
    collected.telemetry.operation_started(run)
    collected.telemetry.operation_finished(run, None, None, 0.1)
    assert "virtual_account bni" == told(collected.spans[0])["paygate.method"]


def test_an_operation_belongs_to_the_merchants_own_span_and_is_current_while_it_runs() -> None:
    """An adapter's log line, or a listener, finds the operation's span; the merchant's is its parent."""
    collected = Collected()
    seen: list[Any] = []

    def answer(_: httpx.Request) -> httpx.Response:
        seen.append(trace.get_current_span())
        return opened()

    tracer = collected.tracer_provider.get_tracer("shop")
    with tracer.start_as_current_span("checkout") as checkout:
        with Gateway("main", tiny(), transport=Provider(answer), listeners=[collected.telemetry]) as gateway:
            gateway.create_charge(order())
        assert checkout is trace.get_current_span()
    [charge] = collected.named("paygate.create_charge")
    assert [charge.context] == [span.get_span_context() for span in seen]
    assert charge.parent == checkout.get_span_context()


def check(collected: Collected) -> None:
    """Each order's span has its charge's, which has that one's exchange; one login in all."""
    orders = {number(span): span for span in collected.spans if span.name.startswith("order")}
    charges = {number(span): span for span in collected.named("paygate.create_charge")}
    exchanges = [span for span in collected.named("POST") if told(span)["url.path"] == "/charges"]
    assert [TASKS, TASKS, TASKS] == [len(orders), len(charges), len(exchanges)]
    parents = set()
    for charge in charges.values():
        assert charge.parent is not None
        assert f"order {told(charge)['paygate.reference']}" == orders[charge.parent.span_id].name
    for exchange in exchanges:
        assert exchange.parent is not None
        parents.add(exchange.parent.span_id)
    assert set(charges) == parents
    [login] = collected.named("paygate.authorize")
    assert login.parent is not None
    assert login.parent.span_id in charges
    assert ["POST"] == collected.within(login)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_fifty_tasks_at_once_have_fifty_trees(backend: str) -> None:
    """No task's exchange is another's, though all are under way together; one of them logs in."""
    collected = Collected()
    tracer = collected.tracer_provider.get_tracer("shop")
    waiting = anyio.Event()
    count = 0

    class Slow(Provider):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal count
            if request.url.path == "/charges":
                count += 1
                if count == TASKS:
                    waiting.set()
                await waiting.wait()
            return self.handle_request(request)

    async def run() -> None:
        transport = Slow(
            lambda request: httpx.Response(200) if request.url.path == "/login" else made(request)
        )

        async def buy(gateway: AsyncGateway, reference: str) -> None:
            with tracer.start_as_current_span(f"order {reference}"):
                await gateway.create_charge(order(reference))

        with anyio.fail_after(20):
            async with (
                AsyncGateway(
                    "main", tiny(kind=Guarded), transport=transport, listeners=[collected.telemetry]
                ) as gateway,
                anyio.create_task_group() as group,
            ):
                for one in range(TASKS):
                    group.start_soon(buy, gateway, f"INV-{one}")

    anyio.run(run, backend=backend)
    check(collected)


def test_fifty_threads_at_once_have_fifty_trees() -> None:
    """So it is with threads, which meet at a barrier while their exchanges are under way."""
    collected = Collected()
    tracer = collected.tracer_provider.get_tracer("shop")
    barrier = threading.Barrier(TASKS)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/login":
            return httpx.Response(200)
        barrier.wait(20)
        return made(request)

    with (
        Gateway(
            "main", tiny(kind=Guarded), transport=Provider(answer), listeners=[collected.telemetry]
        ) as gateway,
        ThreadPoolExecutor(TASKS) as pool,
    ):

        def buy(reference: str) -> None:
            with tracer.start_as_current_span(f"order {reference}"):
                gateway.create_charge(order(reference))

        list(pool.map(buy, [f"INV-{one}" for one in range(TASKS)]))
    check(collected)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_call_ends_its_span(backend: str) -> None:
    """It is told as broken off, and what was current before is current again."""
    collected = Collected()
    current: list[Any] = []

    class Silent(Provider):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await anyio.sleep_forever()
            raise AssertionError

    async def run() -> None:
        async with AsyncGateway(
            "main", tiny(), transport=Silent(), listeners=[collected.telemetry]
        ) as gateway:
            with anyio.move_on_after(0.01):
                await gateway.create_charge(order())
            current.append(trace.get_current_span())

    anyio.run(run, backend=backend)
    [charge] = collected.named("paygate.create_charge")
    assert "broken_off" == told(charge)["paygate.outcome"]
    assert StatusCode.ERROR is charge.status.status_code
    assert [trace.INVALID_SPAN] == current


class Failing(SpanExporter):
    """An exporter whose collector is away."""

    def export(self, spans: Any) -> SpanExportResult:
        raise ConnectionError("the collector is away")


class Breaking(SpanProcessor):
    """A processor that fails at one end of a span, or at both."""

    def __init__(self, *ends: str) -> None:
        self._ends = ends

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        if "start" in self._ends:
            raise RuntimeError("broken")

    def on_end(self, span: ReadableSpan) -> None:
        if "end" in self._ends:
            raise RuntimeError("broken")


@pytest.mark.parametrize(
    "processor",
    [SimpleSpanProcessor(Failing()), Breaking("start"), Breaking("end"), Breaking("start", "end")],
    ids=["exporter", "start", "end", "both"],
)
def test_what_fails_in_telemetry_does_not_touch_a_charge(
    both: Both, processor: SpanProcessor, caplog: pytest.LogCaptureFixture
) -> None:
    """The charge is made once and comes back; nothing stays current; measurements go on."""
    collected = Collected()
    collected.tracer_provider.add_span_processor(processor)
    provider = guarded()
    charge, current = both.calls(
        provider,
        ("create_charge", order()),
        lambda _: trace.get_current_span(),
        adapter=tiny(kind=Guarded),
        listeners=[collected.telemetry],
        retry=QUICK,
    )
    assert ChargeStatus.PENDING is charge.status
    assert 2 == provider.creates, "the login and the charge"
    assert trace.INVALID_SPAN is current
    assert 2 == len(collected.metrics()["paygate.operations"])
    assert caplog.records, "it is logged"
    assert {logging.WARNING, logging.ERROR} >= {record.levelno for record in caplog.records}


def test_a_run_that_telemetry_saw_no_beginning_of_has_no_span() -> None:
    """An end without a beginning is measured, and takes nobody else's span."""
    collected = Collected()
    collected.telemetry.operation_started(outer := Run(gateway="main", operation="create_charge"))
    collected.telemetry.operation_finished(Run(gateway="main", operation="create_charge"), None, None, 0.1)
    assert () == collected.spans
    collected.telemetry.operation_finished(outer, None, None, 0.2)
    assert 1 == len(collected.named("paygate.create_charge"))


def test_nothing_stays_behind_a_run() -> None:
    """A hundred runs leave neither runs nor context."""
    collected = Collected()
    before = contextvars.copy_context()
    with Gateway("main", tiny(), transport=Provider(made), listeners=[collected.telemetry]) as gateway:
        for one in range(100):
            gateway.create_charge(order(f"INV-{one}"))
    assert {} == collected.telemetry._running
    assert [*before.items()] == [*contextvars.copy_context().items()]
