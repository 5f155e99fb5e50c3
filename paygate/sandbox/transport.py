"""A simulator inside the test's own process: an httpx transport without sockets.

Faults of the connection become the exceptions that httpx raises for them over a real network.
"""

import time

import anyio
import httpx

from paygate.sandbox.faults import Fault
from paygate.sandbox.simulator import SLOW_SECONDS, Played, Simulator, play


class SimulatorTransport(httpx.BaseTransport):
    """Blocking: hands each request to the simulator at once."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the simulator does, or fail as the network would."""
        request.read()
        played = play(self._simulator, request)
        if played.fault is Fault.SLOW:
            time.sleep(SLOW_SECONDS)
        return _ended(played, request)


class AsyncSimulatorTransport(httpx.AsyncBaseTransport):
    """Async: the same without blocking the loop."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the simulator does, or fail as the network would."""
        await request.aread()
        played = play(self._simulator, request)
        await anyio.sleep(SLOW_SECONDS if played.fault is Fault.SLOW else 0)
        return _ended(played, request)


def _ended(played: Played, request: httpx.Request) -> httpx.Response:
    fault = played.fault
    if fault is Fault.HANG:
        raise httpx.ReadTimeout("the simulator does not answer", request=request)
    if fault in (Fault.LOSE, Fault.CLOSE, Fault.CUT):
        raise httpx.RemoteProtocolError("the simulator closed the connection", request=request)
    assert played.reply is not None
    return played.reply
