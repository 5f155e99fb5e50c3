"""What telemetry must never tell: secrets, the payer's values, a provider's words."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import msgspec
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator
from paygate_midtrans.simulator import MidtransSimulator
from paygate_tiny import Tiny

from paygate import (
    AsyncGateway,
    AsyncPaygate,
    Charge,
    ChargeRef,
    ChargeRequest,
    Customer,
    Flow,
    Gateway,
    Method,
    Money,
    Paygate,
    PaygateError,
    Qris,
    RefundRequest,
    Refused,
    Retry,
    VirtualAccount,
    hookimpl,
)
from paygate.sandbox import AsyncSimulatorTransport, Fault, SimulatorTransport
from tests.provider import Both, Provider, order, tiny
from tests.telemetry.collected import Collected, told
from tests.watch import CANARIES, leaks

NAME: Final = "Siti Nurhaliza Kencana"
CUSTOMER: Final = Customer(name=NAME, email="siti.kencana@mail.example", phone="+6281298765432")
REASON: Final = "the payer Siti changed her mind"
PERSONAL: Final = (*CUSTOMER.values, "Kencana", "081298765432", REASON)
CHARGES: Final = 60
METHODS: Final[tuple[Method, ...]] = (Qris(), VirtualAccount("bni"), VirtualAccount("bri"))
HASTY: Final = Retry(attempts=2, first_wait_seconds=0.001, longest_wait_seconds=0.002, deadline_seconds=0.1)
PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "telemetry.md"
Simulators = Mapping[str, Any]


@pytest.fixture
def simulators(
    make_simulator: Callable[..., AyolinxSimulator], monkeypatch: pytest.MonkeyPatch
) -> Simulators:
    """Two pretend providers that fail in every way, and no long waits between attempts."""
    for kind in (Gateway, AsyncGateway):
        monkeypatch.setitem(kind.__init__.__kwdefaults__, "retry", HASTY)  # type: ignore[arg-type]
    midtrans = MidtransSimulator("https://shop.example/callbacks/backup")
    CANARIES.add(midtrans.server_key)
    both: dict[str, Any] = {"main": make_simulator(), "backup": midtrans}
    for seed, simulator in enumerate(both.values()):
        kinds = tuple(fault for fault in Fault if fault is not Fault.SLOW)
        simulator.faults.draw(0.3, seed=20_270_101 + seed, kinds=kinds)
    return both


class Lines(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """The lines to both, by the first part of the host; any other host is not there."""

    def __init__(self, simulators: Simulators) -> None:
        self._simulators = simulators

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return SimulatorTransport(self._of(request)).handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await AsyncSimulatorTransport(self._of(request)).handle_async_request(request)

    def _of(self, request: httpx.Request) -> Any:
        try:
            return self._simulators[request.url.host.split(".")[0]]
        except KeyError:
            raise httpx.ConnectError("no such host", request=request) from None


def configuration(simulators: Simulators) -> dict[str, Any]:
    """Both gateways, each first for some methods, and one whose provider is away."""
    gateways = {
        name: {**one.settings, "base_url": f"https://{name}.example", "breaker_failures": 1000}
        for name, one in [*simulators.items(), ("away", simulators["backup"])]
    }
    return {"gateways": gateways, "routes": {"qris": ["main", "backup"], "virtual_account": ["backup"]}}


def steps(number: int) -> list[tuple[str, Any]]:
    """What is done with the n-th charge; some of it fails."""
    method = METHODS[number % len(METHODS)]
    request = ChargeRequest(
        reference=f"INV-{number}",
        amount=Money.idr(1_234_500 + number),
        method=method,
        customer=CUSTOMER,
        description=f"an order of {NAME}",
    )
    ref = ChargeRef("main" if number % 3 == 0 else "backup", f"INV-{number}", method, None, request.amount)
    refund = RefundRequest(reference=f"R-{number}", reason=REASON)
    return [
        ("create_charge", (request,)),
        ("query", (ref,)),
        ("query", (msgspec.structs.replace(ref, gateway="away"),)),
        ("cancel", (ref,)),
        ("refund", (ref, refund)),
    ]


def check(collected: Collected) -> None:
    """Much was told, of success and failure, and none of it is anybody's business."""
    outcomes = {told(span).get("paygate.outcome") for span in collected.spans}
    assert {"pending", "outcome_unknown", "refused", "not_sent"} <= outcomes
    assert {"main", "backup", "away"} == {told(span)["paygate.gateway"] for span in collected.spans}
    everything = collected.everything()
    assert len(collected.spans) > 2 * CHARGES
    assert [] == leaks(everything)
    assert [] == [value for value in PERSONAL if value.lower() in everything.lower()]
    values = [told(span) | {"paygate.external_id": "a number drawn at random"} for span in collected.spans]
    assert "12345" not in str(values), "amounts begin with that"
    page = PAGE.read_text()
    for span in collected.spans:
        assert [] == [name for name in told(span) if f"`{name}`" not in page]
    for name, points in collected.metrics().items():
        assert f"`{name}`" in page
        assert [] == [key for attributes, _ in points for key in attributes if f"`{key}`" not in page]
        assert "INV-" not in str(points), "no metric has a series for each charge"
        assert len(points) < 60


def test_two_providers_that_fail_in_every_way_leave_nothing_secret_in_telemetry_in_threads(
    simulators: Simulators,
) -> None:
    """Keys, tokens, the payer's values, reasons of refunds and amounts are in no span and no metric."""
    collected = Collected()
    with (
        Paygate.from_mapping(
            configuration(simulators), transport=Lines(simulators), listeners=[collected.telemetry]
        ) as paygate,
        ThreadPoolExecutor(8) as pool,
    ):

        def trade(number: int) -> None:
            for operation, arguments in steps(number):
                try:
                    getattr(paygate, operation)(*arguments)
                except PaygateError:
                    continue

        list(pool.map(trade, range(CHARGES)))
    check(collected)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_two_providers_that_fail_in_every_way_leave_nothing_secret_in_telemetry_in_tasks(
    simulators: Simulators, backend: str
) -> None:
    """So it is on either event loop."""
    collected = Collected()

    async def trade(paygate: AsyncPaygate, number: int) -> None:
        for operation, arguments in steps(number):
            try:
                await getattr(paygate, operation)(*arguments)
            except PaygateError:
                continue

    async def run() -> None:
        async with (
            AsyncPaygate.from_mapping(
                configuration(simulators), transport=Lines(simulators), listeners=[collected.telemetry]
            ) as paygate,
            anyio.create_task_group() as group,
        ):
            for number in range(CHARGES):
                group.start_soon(trade, paygate, number)

    anyio.run(run, backend=backend)
    check(collected)


class Quoting(Tiny):
    """Refuses with words that no log should have, and one that an adapter did not expect."""

    words = f"{NAME} has 0 rupiah, key was canary"
    is_expected = True

    @hookimpl
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        yield httpx.Request("POST", "https://tiny.example/charges?name=Siti%20Nurhaliza%20Kencana")
        if self.is_expected:
            raise Refused(self.words, provider_code=NAME, provider_message=self.words)
        raise ValueError(self.words)


class Stumbling(Quoting):
    is_expected = False


@pytest.mark.parametrize("kind", [Quoting, Stumbling])
def test_a_providers_words_are_in_no_span(both: Both, kind: type[Any]) -> None:
    """Neither an error's text, the provider's code, a query of an address nor a stack is told."""
    collected = Collected()
    with pytest.raises(PaygateError):
        both.call(Provider(), "create_charge", order(), tiny(kind=kind), [collected.telemetry])
    everything = collected.everything()
    assert "paygate.create_charge" in everything
    assert [] == [word for word in ("Siti", "Kencana", "rupiah", "canary", "Traceback") if word in everything]


def test_every_metric_and_outcome_is_on_the_page() -> None:
    """docs/telemetry.md names all that can be told, also what the runs above do not bring about."""
    from paygate.telemetry import BRANCHES

    page = PAGE.read_text()
    names = ["paygate.callbacks", "paygate.conflicts", "paygate.charges.changed", "paygate.conflict"]
    for name in [*names, "paygate.status", *(word for _, word in BRANCHES)]:
        assert f"`{name}`" in page, name
