"""Thousands of charges over two providers that fail in every way: none is ever collected by both.

PAYGATE_FAULT_CALLS is the number of charges. Both providers are careless: they charge a reference again
when they are asked again. The merchant does what the pages say: after OutcomeUnknown the error's gateway is
asked, and only one who is told "no such charge" calls `create_charge` again.
"""

import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import anyio
import httpx
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator
from paygate_midtrans.simulator import MidtransSimulator

from paygate import (
    AsyncGateway,
    AsyncPaygate,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Customer,
    DuplicateReference,
    Gateway,
    Method,
    Money,
    OutcomeUnknown,
    Paygate,
    PaygateError,
    Qris,
    Retry,
    VirtualAccount,
)
from paygate.sandbox import AsyncSimulatorTransport, Fault, SimulatorTransport
from tests.watch import CANARIES, RAISED, leaks, told_by

pytestmark = pytest.mark.slow

CALLS: Final = int(os.environ.get("PAYGATE_FAULT_CALLS", "400"))
RATE: Final = 0.3
THREADS: Final = 16
TASKS: Final = 100
PATIENCE: Final = 0.01
LIVE: Final = (ChargeStatus.PENDING, ChargeStatus.PAID)
METHODS: Final[tuple[Method, ...]] = (Qris(), VirtualAccount("bni"), VirtualAccount("bri"))
CUSTOMER: Final = Customer(name="Siti Rahayu", email="siti@mail.example", phone="+6281234567890")
HASTY: Final = Retry(attempts=2, first_wait_seconds=0.001, longest_wait_seconds=0.002, deadline_seconds=0.1)
FAULTS: Final = tuple(fault for fault in Fault if fault is not Fault.SLOW)
Simulators = Mapping[str, Any]


class Lines(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """The lines to both providers; each is down for some requests in a row, now and then."""

    def __init__(self, simulators: Simulators) -> None:
        self._ways = {
            name: (SimulatorTransport(one), AsyncSimulatorTransport(one)) for name, one in simulators.items()
        }
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.are_mended = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._ways[self._dialled(request)][0].handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._ways[self._dialled(request)][1].handle_async_request(request)

    def _dialled(self, request: httpx.Request) -> str:
        name = request.url.host.split(".")[0]
        with self._lock:
            self._seen[name] += 1
            is_down = not self.are_mended and (self._seen[name] // 24) % 3 == 2
        if is_down:
            raise httpx.ConnectError("refused", request=request)
        return name


class Counting(logging.Handler):
    """How often a charge went on to the other gateway, and how often a breaker opened."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        for kind in ("goes on", "gets no new charges", "answers again"):
            self.counts[kind] += kind in record.getMessage()


@pytest.fixture
def simulators(make_simulator: Callable[..., AyolinxSimulator]) -> Simulators:
    """Two pretend providers that share nothing, both careless."""
    midtrans = MidtransSimulator("https://shop.example/callbacks/backup", refuse_duplicates=False)
    CANARIES.add(midtrans.server_key)
    both: dict[str, Any] = {"main": make_simulator(refuse_duplicates=False), "backup": midtrans}
    for seed, simulator in enumerate(both.values()):
        simulator.faults.draw(RATE, seed=20_261_125 + seed, kinds=FAULTS)
    return both


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """What the log tells in these hours; and no long waits between attempts."""
    for kind in (Gateway, AsyncGateway):
        monkeypatch.setitem(kind.__init__.__kwdefaults__, "retry", HASTY)  # type: ignore[arg-type]
    handler = Counting()
    log = logging.getLogger("paygate")
    log.addHandler(handler)
    yield handler.counts
    log.removeHandler(handler)


def configuration(simulators: Simulators) -> dict[str, Any]:
    """Both gateways; one comes first for QRIS, the other for bank transfers."""
    gateways = {
        name: {**one.settings, "base_url": f"https://{name}.example", "breaker_seconds": 0.02}
        for name, one in simulators.items()
    }
    routes = {"qris": ["main", "backup"], "virtual_account": ["backup", "main"]}
    return {"gateways": gateways, "routes": routes}


def order(number: int) -> ChargeRequest:
    """The n-th charge."""
    return ChargeRequest(
        reference=f"INV-{number}",
        amount=Money.idr(10_000 + number),
        method=METHODS[number % len(METHODS)],
        customer=CUSTOMER,
    )


def next_step(request: ChargeRequest, failure: PaygateError, asked: ChargeRef | None) -> ChargeRef | None:
    """What the pages say to do after an error: whom to ask; None is to call `create_charge` again."""
    if isinstance(failure, (OutcomeUnknown, DuplicateReference)) and failure.operation == "create_charge":
        assert failure.gateway is not None
        return ChargeRef(failure.gateway, request.reference, request.method, amount=request.amount)
    if isinstance(failure, ChargeNotFound):
        return None
    return asked  # nothing has changed: the same again


def check(simulators: Simulators, results: Mapping[int, Charge], counts: Counter[str]) -> None:
    """Each reference has one charge, at one provider, which is the one that the merchant was told."""
    assert set(range(CALLS)) == set(results), "every reference is settled"
    live = Counter(
        charge.reference
        for simulator in simulators.values()
        for charge in simulator.ledger.charges
        if charge.status in LIVE
    )
    assert {} == {reference: count for reference, count in live.items() if count != 1}
    assert {f"INV-{number}" for number in results} == set(live)
    by_gateway: Counter[str] = Counter()
    for number, charge in results.items():
        booked = simulators[charge.gateway].ledger.find(f"INV-{number}")
        assert booked is not None, "the charge is where it was told to be"
        assert (f"INV-{number}", booked.amount) == (charge.reference, order(number).amount)
        by_gateway[charge.gateway] += 1
    assert {"main", "backup"} == set(by_gateway)
    first = {number: "main" if number % len(METHODS) == 0 else "backup" for number in results}
    moved = sum(charge.gateway != first[number] for number, charge in results.items())
    assert moved, "some charges were collected by the second gateway of their route"
    assert counts["goes on"] >= moved
    assert counts["gets no new charges"]
    assert counts["answers again"]
    assert counts["unknown"]
    assert [] == leaks("\n".join(told_by(error) for error in RAISED))
    RAISED.clear()


def report(results: Mapping[int, Charge], counts: Counter[str]) -> None:
    """Say the numbers of the run, for `pytest -rP`."""
    gateways = Counter(f"charges at {charge.gateway}" for charge in results.values())
    sys.stdout.write("".join(f"{name}: {count}\n" for name, count in {**gateways, **counts}.items()))


def test_blocking(simulators: Simulators, heard: Counter[str]) -> None:
    """Sixteen threads share one paygate."""
    lines = Lines(simulators)
    with Paygate.from_mapping(configuration(simulators), transport=lines) as paygate:

        def settle(number: int) -> Charge:
            request, asked = order(number), None
            while True:
                try:
                    return paygate.query(asked) if asked is not None else paygate.create_charge(request)
                except PaygateError as failure:
                    heard["unknown"] += isinstance(failure, OutcomeUnknown)
                    asked = next_step(request, failure, asked)
                    time.sleep(PATIENCE)

        with ThreadPoolExecutor(THREADS) as pool:
            results = dict(zip(range(CALLS), pool.map(settle, range(CALLS)), strict=True))
    report(results, heard)
    check(simulators, results, heard)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async(simulators: Simulators, heard: Counter[str], backend: str) -> None:
    """So it is with a hundred tasks at a time, on either event loop."""
    lines = Lines(simulators)
    results: dict[int, Charge] = {}

    async def settle(paygate: AsyncPaygate, number: int) -> Charge:
        request, asked = order(number), None
        while True:
            try:
                if asked is not None:
                    return await paygate.query(asked)
                return await paygate.create_charge(request)
            except PaygateError as failure:
                heard["unknown"] += isinstance(failure, OutcomeUnknown)
                asked = next_step(request, failure, asked)
                await anyio.sleep(PATIENCE)

    async def run() -> None:
        limit = anyio.CapacityLimiter(TASKS)

        async def work(paygate: AsyncPaygate, number: int) -> None:
            async with limit:
                results[number] = await settle(paygate, number)

        async with (
            AsyncPaygate.from_mapping(configuration(simulators), transport=lines) as paygate,
            anyio.create_task_group() as group,
        ):
            for number in range(CALLS):
                group.start_soon(work, paygate, number)

    anyio.run(run, backend=backend)
    report(results, heard)
    check(simulators, results, heard)
