"""Thousands of charges over HTTP while everything goes wrong: no charge twice, and no lie about any.

PAYGATE_FAULT_CALLS is the number of calls, by all methods in turn. The provider is careless: it charges a
reference again when it is asked again, so its books show every request that was sent a second time.
"""

import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import anyio
import httpx
import pytest
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    AsyncGateway,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    CircuitOpen,
    DuplicateReference,
    Gateway,
    Method,
    Money,
    NotSent,
    OutcomeUnknown,
    PaygateError,
    PaymentLink,
    Refused,
    Retry,
    VirtualAccount,
)
from paygate.sandbox import Fault
from paygate.sandbox.host import serve
from paygate.settings import from_mapping
from tests.ayolinx import KINDS, METHODS
from tests.ayolinx import order as an_order
from tests.watch import RAISED, leaks, told_by

pytestmark = pytest.mark.slow

CALLS: Final = int(os.environ.get("PAYGATE_FAULT_CALLS", "400"))
RATE: Final = 0.3
THREADS: Final = 16
TASKS: Final = 100
OPTIONS: Final[dict[str, Any]] = {
    "retry": Retry(attempts=2, first_wait_seconds=0.01, longest_wait_seconds=0.05),
    "timeout_seconds": 0.8,
    "max_in_flight": 2 * TASKS,
    "breaker_seconds": 0.02,
}
PRODUCTS: Final = [
    [METHODS["qris"]],
    [METHODS["dana"]],
    [METHODS[bank] for bank in ("bni", "bri", "cimb", "mandiri")],
    [METHODS[store] for store in ("alfamart", "alfamidi", "dandan", "pegadaian", "pos_indonesia")],
    [METHODS["link"]],
]
PATHS: Final = (
    "/v1.0/qr/qr-mpm-generate",
    "/direct-debit/core/v1/debit/payment-host-to-host",
    "/v1.0/transfer-va/create-va",
    "/v1.0/retail/create",
    "/v1.0/payment-link/create",
)
Result = Charge | PaygateError


@pytest.fixture
def simulator(make_simulator: Callable[..., AyolinxSimulator]) -> AyolinxSimulator:
    """A careless pretend Ayolinx; faults of a new charge go by its path, so each method can have its own."""
    simulator = make_simulator(refuse_duplicates=False)
    named = simulator.operation

    def operation(request: httpx.Request) -> str | None:
        return request.url.path if request.url.path in PATHS else named(request)

    simulator.operation = operation  # type: ignore[method-assign]
    return simulator


@pytest.fixture
def adapter(simulator: AyolinxSimulator) -> Iterator[Ayolinx]:
    """An adapter for it, as long as it is served over HTTP."""
    with serve(simulator) as server:
        own = from_mapping({"gateways": {"main": {**simulator.settings, "base_url": server.url}}})
        yield Ayolinx("main", own.gateways["main"].fitted(Ayolinx.settings_type))


def method(number: int) -> Method:
    """How the n-th charge is paid: products in turn, and their brands; every other time by a number of ours."""
    turn, product = divmod(number, len(PRODUCTS))
    brand = PRODUCTS[product][turn % len(PRODUCTS[product])]
    if brand == VirtualAccount("bni") and turn % 8:
        return VirtualAccount("bni", f"98829172{number:012}")
    return brand


def order(number: int) -> ChargeRequest:
    """The n-th charge."""
    return an_order(method(number), f"INV-{number}", amount=Money.idr(1000 + number))


def ref(number: int) -> ChargeRef:
    """The n-th charge by its name."""
    return ChargeRef("main", f"INV-{number}", method(number))


def plan_the_first(simulator: AyolinxSimulator) -> None:
    """Plan the faults of the first two calls, so that nothing is left to chance but which call suffers what.

    The first one never logs in. The second one is told twice that the provider is busy.
    """
    for number in (1, 2):
        simulator.faults.plan(Fault.CLOSE, "authorize", number)
        simulator.faults.plan(Fault.RATE_LIMIT, PATHS[1], number)


def draw_the_rest(simulator: AyolinxSimulator) -> None:
    """Draw the faults of all other calls; and let each method suffer each fault at least once."""
    simulator.faults.draw(RATE, seed=20_260_914)
    for path in PATHS:
        for number, fault in enumerate(Fault):
            simulator.faults.plan(fault, path, number + 1)


def check(simulator: AyolinxSimulator, results: dict[int, Result]) -> list[int]:
    """Compare each result with the books; return the calls of unknown outcome."""
    assert set(range(CALLS)) == set(results), "each call ended by a charge or an error of paygate's"
    counts = simulator.ledger.counts()
    assert {reference for reference, count in counts.items() if count > 1} == set()
    assert {planned.operation for planned in simulator.faults.planned} & set(PATHS) == set()
    kinds: Counter[str] = Counter()
    products: dict[str, set[str]] = {kind: set() for kind in KINDS}
    unknown = []
    for number, result in results.items():
        booked = counts.get(f"INV-{number}", 0)
        if isinstance(result, Charge):
            kind = "Charge"
            assert 1 == booked, "a charge was returned that does not exist"
            charge = simulator.ledger.find(f"INV-{number}")
            assert charge is not None
            assert (charge.reference, charge.amount) == (result.reference, result.amount)
            assert (charge.instructions, method(number)) == (result.instructions, result.method)
            assert ChargeStatus.PENDING is result.status
        elif isinstance(result, OutcomeUnknown):
            kind = "OutcomeUnknown"
            unknown.append(number)
        else:
            kind = "NotSent" if isinstance(result, NotSent) else "Refused"
            assert isinstance(result, (NotSent, Refused))
            assert not isinstance(result, DuplicateReference), "something was sent twice"
            assert 0 == booked, f"{type(result).__name__}, and done all the same"
        kinds[kind] += 1
        products[KINDS[number % len(KINDS)]].add(kind)
    assert {"Charge", "OutcomeUnknown", "NotSent", "Refused"} == set(kinds)
    assert all({"Charge", "OutcomeUnknown"} <= seen for seen in products.values()), products
    # The watch for secrets looks at what is left over at the end; this much is looked at here.
    assert [] == leaks(
        "\n".join(told_by(error) for error in results.values() if isinstance(error, PaygateError))
    )
    RAISED.clear()
    return unknown


def askable(unknown: list[int]) -> list[int]:
    """Those that can be asked about. Nobody can ask about a link: of those the books were enough."""
    return [number for number in unknown if not isinstance(method(number), PaymentLink)]


def check_settled(simulator: AyolinxSimulator, settled: dict[int, Result]) -> None:
    """Compare what the queries said with the books: found if and only if it is there."""
    counts = simulator.ledger.counts()
    for number, result in settled.items():
        if counts.get(f"INV-{number}", 0):
            assert isinstance(result, Charge)
            assert (f"INV-{number}", ChargeStatus.PENDING) == (result.reference, result.status)
        else:
            assert isinstance(result, ChargeNotFound)


def in_threads(ask: Callable[[int], Charge], numbers: list[int]) -> dict[int, Result]:
    """Ask for many numbers from many threads; anything but an error of paygate's is missing from the results."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in numbers:
        waiting.put(number)
    results: dict[int, Result] = {}

    def work() -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                results[number] = ask(number)
            except PaygateError as error:
                results[number] = error

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_blocking(adapter: Ayolinx, simulator: AyolinxSimulator) -> None:
    """Sixteen threads share one gateway: no charge is made twice, and each outcome is what the books say."""
    with Gateway("main", adapter, **OPTIONS) as gateway:

        def create(number: int) -> Charge:
            while True:
                try:
                    return gateway.create_charge(order(number))
                except CircuitOpen:  # nothing was sent: every call is to meet its fault, so it is made later
                    time.sleep(gateway.breaker.rest_seconds)

        plan_the_first(simulator)
        results = {**in_threads(create, [0]), **in_threads(create, [1])}
        draw_the_rest(simulator)
        results |= in_threads(create, [*range(2, CALLS)])
        unknown = askable(check(simulator, results))
        simulator.faults.clear()
        check_settled(simulator, in_threads(lambda number: gateway.query(ref(number)), unknown))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async(adapter: Ayolinx, simulator: AyolinxSimulator, backend: str) -> None:
    """So it is with a hundred tasks at a time, on either event loop."""

    async def in_tasks(ask: Callable[[int], Any], numbers: list[int]) -> dict[int, Result]:
        results: dict[int, Result] = {}
        limit = anyio.CapacityLimiter(TASKS)

        async def work(number: int) -> None:
            async with limit:
                try:
                    results[number] = await ask(number)
                except PaygateError as error:
                    results[number] = error

        async with anyio.create_task_group() as group:
            for number in numbers:
                group.start_soon(work, number)
        return results

    async def run() -> None:
        async with AsyncGateway("main", adapter, **OPTIONS) as gateway:

            async def create(number: int) -> Charge:
                while True:
                    try:
                        return await gateway.create_charge(order(number))
                    except CircuitOpen:
                        await anyio.sleep(gateway.breaker.rest_seconds)

            async def query(number: int) -> Charge:
                return await gateway.query(ref(number))

            plan_the_first(simulator)
            results = {**await in_tasks(create, [0]), **await in_tasks(create, [1])}
            draw_the_rest(simulator)
            results |= await in_tasks(create, [*range(2, CALLS)])
            unknown = askable(check(simulator, results))
            simulator.faults.clear()
            check_settled(simulator, await in_tasks(query, unknown))

    anyio.run(run, backend=backend)
