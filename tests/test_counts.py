"""What must happen once, at start, and never per charge: counted, not timed."""

import ssl
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import Any

import anyio
import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import AsyncPaygate, ChargeRequest, Money, Paygate, Qris, adapters
from paygate.sandbox import AsyncSimulatorTransport, SimulatorTransport
from paygate.sandbox.host import serve
from paygate.snap import keys

Configured = Callable[..., dict[str, Any]]


def charge(number: int) -> ChargeRequest:
    return ChargeRequest(reference=f"N-{number}", amount=Money.idr(10_000), method=Qris())


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the dear things: keys parsed, SSL contexts made, entry points scanned, transports made."""
    counts: Counter[str] = Counter()

    def count(owner: Any, name: str, what: str) -> None:
        original = getattr(owner, name)

        def counted(*args: Any, **named: Any) -> Any:
            counts[what] += 1
            return original(*args, **named)

        monkeypatch.setattr(owner, name, counted)

    count(serialization, "load_pem_private_key", "keys")
    count(serialization, "load_pem_public_key", "keys")
    count(keys, "load_pem_private_key", "keys")
    count(keys, "load_pem_public_key", "keys")
    count(httpx, "create_ssl_context", "contexts")
    count(ssl, "create_default_context", "contexts")
    count(metadata, "entry_points", "scans")
    count(adapters, "_distributions", "scans")
    return counts


def test_a_thousand_charges_repeat_nothing_of_the_start(
    dear: Counter[str], simulator: AyolinxSimulator, configured: Configured
) -> None:
    """After start no key is parsed, no SSL context made and no entry point scanned; one login serves all."""
    adapters._scan.cache_clear()
    with Paygate.from_mapping(configured(simulator), transport=SimulatorTransport(simulator)) as paygate:
        assert {"keys": 2, "scans": 1} == {key: dear[key] for key in ("keys", "scans")}
        dear.clear()
        for number in range(1000):
            paygate.create_charge(charge(number))
    assert {} == dict(dear)
    assert (1, 1000) == (simulator.door.logins, len(simulator.ledger.charges))


def test_a_thousand_async_charges_repeat_nothing_of_the_start(
    dear: Counter[str], simulator: AyolinxSimulator, configured: Configured
) -> None:
    """The same holds for the async shell, with all charges at once."""

    async def run() -> None:
        transport = AsyncSimulatorTransport(simulator)
        async with AsyncPaygate.from_mapping(configured(simulator), transport=transport) as paygate:
            dear.clear()
            async with anyio.create_task_group() as group:
                for number in range(1000):
                    group.start_soon(paygate.create_charge, charge(number))

    anyio.run(run)
    assert {} == dict(dear)
    assert (1, 1000) == (simulator.door.logins, len(simulator.ledger.charges))


def test_many_threads_on_one_gateway_lose_nothing_over_real_http(
    simulator: AyolinxSimulator, configured: Configured
) -> None:
    """Fifty threads share a gateway: every charge is made once, with one login."""
    with serve(simulator) as provider:
        with Paygate.from_mapping(configured(simulator, provider.url)) as paygate:
            with ThreadPoolExecutor(50) as threads:
                made = list(threads.map(paygate.create_charge, map(charge, range(1000))))
    assert {1} == set(simulator.ledger.counts().values())
    assert (1, 1000) == (simulator.door.logins, len(made))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_many_tasks_on_one_gateway_lose_nothing_over_real_http(
    backend: str, simulator: AyolinxSimulator, configured: Configured
) -> None:
    """A thousand tasks at once share a gateway: none fails, and one login serves all."""

    async def run(url: str) -> None:
        async with AsyncPaygate.from_mapping(configured(simulator, url)) as paygate:
            async with anyio.create_task_group() as group:
                for number in range(1000):
                    group.start_soon(paygate.create_charge, charge(number))

    with serve(simulator) as provider:
        anyio.run(run, provider.url, backend=backend)
    assert {1} == set(simulator.ledger.counts().values())
    assert (1, 1000) == (simulator.door.logins, len(simulator.ledger.charges))
