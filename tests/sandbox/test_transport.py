from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace

import anyio
import anyio.lowlevel
import httpx
import pytest
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate.sandbox import AsyncSimulatorTransport, Fault, SimulatorTransport
from paygate.sandbox.simulator import SLOW_SECONDS
from tests.sandbox.orders import SUFFERED, Suffered, login, order, told

URL = "https://ayolinx.example"
CASES = pytest.mark.parametrize("case", SUFFERED, ids=lambda case: case.fault.value)
LOOPS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


def ordered(simulator: AyolinxSimulator, account: SandboxAccount) -> httpx.Request:
    """A signed order for INV-1, after a login."""
    reply = simulator.handle(login(account, URL))
    return order(account, URL, reply.json()["accessToken"], "INV-1")


def test_every_fault_is_in_the_table() -> None:
    """No fault is forgotten by the tests of the transports and of the host."""
    assert set(Fault) == {case.fault for case in SUFFERED}


@CASES
def test_a_blocking_client_sees_each_fault(
    simulator: AyolinxSimulator, account: SandboxAccount, case: Suffered
) -> None:
    """Faults of the connection are httpx's own exceptions, the others replies; the books are right."""
    request = ordered(simulator, account)
    simulator.faults.plan(case.fault)
    with httpx.Client(transport=SimulatorTransport(simulator)) as client:
        try:
            seen = told(client.send(request))
        except httpx.HTTPError as error:
            seen = told(error)
    assert case.seen == seen
    assert case.charges == simulator.ledger.count("INV-1")
    assert () == simulator.faults.planned


@LOOPS
@CASES
def test_an_async_client_sees_each_fault(
    simulator: AyolinxSimulator, account: SandboxAccount, case: Suffered, backend: str
) -> None:
    """The same on both event loops."""

    async def send() -> str:
        async with httpx.AsyncClient(transport=AsyncSimulatorTransport(simulator)) as client:
            try:
                return told(await client.send(request))
            except httpx.HTTPError as error:
                return told(error)

    request = ordered(simulator, account)
    simulator.faults.plan(case.fault)
    assert case.seen == anyio.run(send, backend=backend)
    assert case.charges == simulator.ledger.count("INV-1")
    assert () == simulator.faults.planned


@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.HANG, Fault.CLOSE, Fault.CUT])
def test_an_exception_names_its_request(
    simulator: AyolinxSimulator, account: SandboxAccount, fault: Fault
) -> None:
    """Like those of httpx, it knows the request that failed."""
    request = ordered(simulator, account)
    simulator.faults.plan(fault)
    with (
        httpx.Client(transport=SimulatorTransport(simulator)) as client,
        pytest.raises(httpx.TransportError) as failed,
    ):
        client.send(request)
    assert request is failed.value.request


def test_without_a_fault_the_reply_is_the_simulators(
    simulator: AyolinxSimulator, account: SandboxAccount
) -> None:
    """An order passes, and so does a path that the provider does not have."""
    request = ordered(simulator, account)
    with httpx.Client(transport=SimulatorTransport(simulator)) as client:
        assert "200 2004700" == told(client.send(request))
        assert "404 4040000" == told(client.get(f"{URL}/nowhere"))


def test_a_request_for_no_operation_suffers_no_fault(simulator: AyolinxSimulator) -> None:
    """Even where every request would: a path that the provider does not have has no faults either."""
    simulator.faults.draw(1.0, 1, [Fault.CLOSE])
    with httpx.Client(transport=SimulatorTransport(simulator)) as client:
        assert "404 4040000" == told(client.get(f"{URL}/nowhere"))


def test_too_many_requests_says_when_to_come_back(
    simulator: AyolinxSimulator, account: SandboxAccount
) -> None:
    """The reply to a limited request has a Retry-After in seconds."""
    request = ordered(simulator, account)
    simulator.faults.plan(Fault.RATE_LIMIT)
    with httpx.Client(transport=SimulatorTransport(simulator)) as client:
        assert "1" == client.send(request).headers["Retry-After"]


def test_a_revoked_token_stays_revoked(simulator: AyolinxSimulator, account: SandboxAccount) -> None:
    """The next request with it is refused as well, and a new login helps."""
    request = ordered(simulator, account)
    token = request.headers["Authorization"].removeprefix("Bearer ")
    simulator.faults.plan(Fault.REVOKE)
    with httpx.Client(transport=SimulatorTransport(simulator)) as client:
        client.send(request)
        assert "401 4014701" == told(client.send(order(account, URL, token, "INV-1")))
        assert "200 2004700" == told(client.send(ordered(simulator, account)))


def test_the_slow_answer_of_the_blocking_transport_sleeps_before_it_returns(
    simulator: AyolinxSimulator, account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait is the documented one, and only the slow request waits."""
    slept: list[float] = []
    monkeypatch.setattr("paygate.sandbox.transport.time", SimpleNamespace(sleep=slept.append))
    request = ordered(simulator, account)
    simulator.faults.plan(Fault.SLOW)
    with httpx.Client(transport=SimulatorTransport(simulator)) as client:
        client.send(request)
        client.get(f"{URL}/nowhere")
    assert [SLOW_SECONDS] == slept


@LOOPS
def test_a_slow_answer_does_not_block_the_loop(
    simulator: AyolinxSimulator, account: SandboxAccount, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another task gets its answer while the slow one waits."""
    monkeypatch.setattr("paygate.sandbox.transport.SLOW_SECONDS", 3600)
    done: list[str] = []

    async def send(client: httpx.AsyncClient, request: httpx.Request) -> None:
        done.append(told(await client.send(request)))

    async def main() -> None:
        async with (
            httpx.AsyncClient(transport=AsyncSimulatorTransport(simulator)) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(send, client, slow)
            while not simulator.ledger.count("INV-1"):
                await anyio.lowlevel.checkpoint()
            await send(client, httpx.Request("GET", f"{URL}/nowhere"))
            group.cancel_scope.cancel()

    slow = ordered(simulator, account)
    simulator.faults.plan(Fault.SLOW)
    anyio.run(main, backend=backend)
    assert ["404 4040000"] == done


def streamed() -> Iterator[bytes]:
    yield from (b'{"a":', b"1}")


async def streamed_async() -> AsyncIterator[bytes]:
    yield b'{"a":'
    yield b"1}"


@pytest.fixture
def bodies(simulator: AyolinxSimulator) -> list[bytes]:
    """The bodies that reach the simulator."""
    found: list[bytes] = []
    handle: Callable[[httpx.Request], httpx.Response] = simulator.handle

    def watched(request: httpx.Request) -> httpx.Response:
        found.append(request.content)
        return handle(request)

    simulator.handle = watched  # type: ignore[method-assign]
    return found


def test_a_streamed_body_is_read_before_the_simulator_sees_it(
    simulator: AyolinxSimulator, bodies: list[bytes]
) -> None:
    """A simulator can look at the whole body, however it is sent."""
    with httpx.Client(transport=SimulatorTransport(simulator)) as client:
        client.post(f"{URL}/nowhere", content=streamed())
    assert [b'{"a":1}'] == bodies


@LOOPS
def test_a_streamed_body_is_read_in_the_loop(
    simulator: AyolinxSimulator, bodies: list[bytes], backend: str
) -> None:
    """The same for a body that comes from an async generator."""

    async def main() -> None:
        async with httpx.AsyncClient(transport=AsyncSimulatorTransport(simulator)) as client:
            await client.post(f"{URL}/nowhere", content=streamed_async())

    anyio.run(main, backend=backend)
    assert [b'{"a":1}'] == bodies
