"""The program of examples/switch between a pretend provider and its callbacks, over real HTTP."""

import queue
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, Final

import anyio.from_thread
import anyio.to_thread
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from paygate import AsyncPaygate, CallbackReply, CallbackRequest, Paygate, adapters
from paygate.sandbox import PayerAction, Simulator
from paygate.sandbox.host import serve
from paygate.sandbox.server import Server
from tests.callbacks.processes import ROOT
from tests.sandbox.waiting import PATIENCE
from tests.watch import CANARIES

SWITCH: Final = ROOT / "examples" / "switch"
PATH: Final = "/callbacks/main-7d1c40"
FAST: Final = 1e6


class Door:
    """The merchant's public address: each call waits here until the program has taken it."""

    def __init__(self) -> None:
        self.calls: queue.Queue[tuple[CallbackRequest, Future[CallbackReply]]] = queue.Queue()
        self.application = Starlette(routes=[Route(PATH, self._come_in, methods=["POST"])])

    async def _come_in(self, request: Request) -> Response:
        call = CallbackRequest(request.method, PATH, request.headers.items(), await request.body())
        reply: Future[CallbackReply] = Future()
        self.calls.put((call, reply))
        told = await anyio.to_thread.run_sync(reply.result, PATIENCE)
        return Response(told.body, told.status, dict(told.headers))


class Town:
    """One provider, one program, and a buyer. The program's methods are called the same in every shell."""

    def __init__(self, till: Any, simulator: Simulator, door: Door, portal: Any) -> None:
        self.simulator = simulator
        self.till = till
        self._door = door
        self._portal = portal

    def do(self, name: str, *arguments: Any) -> Any:
        """Have the program do something."""
        method = getattr(self.till, name)
        return self._portal.call(method, *arguments) if iscoroutinefunction(method) else method(*arguments)

    def pay(self, reference: str, action: PayerAction = PayerAction.PAY) -> None:
        """Let the buyer act; the program takes the call that follows."""
        self.simulator.act(reference, action)
        self.take(reference)

    def take(self, reference: str) -> None:
        """Let the program take the provider's calls until all about an order are done."""
        calls = [one for one in self.simulator.deliveries.all if one.reference == reference]
        assert calls
        while not all(one.done for one in calls):
            try:
                call, reply = self._door.calls.get(timeout=0.02)
            except queue.Empty:
                continue
            reply.set_result(self.do("receive", "main", call))
        assert all(one.accepted for one in calls)


def environment_of(file: Path, settings: Mapping[str, Any]) -> dict[str, str]:
    """The variables that a configuration names, with the values that a simulator has for them."""
    [gateway] = tomllib.loads(file.read_text())["gateways"].values()
    named = {
        key: value["env"] for key, value in gateway.items() if isinstance(value, dict) and "env" in value
    }
    return {variable: str(settings[key]) for key, variable in named.items()}


@contextmanager
def town(provider: str, shell: str, switch: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The program with the configuration of a provider, "blocking" or in an event loop."""
    door = Door()
    with ExitStack() as stack:
        shop = stack.enter_context(Server(door.application))
        simulator: Simulator = adapters.find(provider).load().simulator(shop.url + PATH, FAST)
        host = stack.enter_context(serve(simulator))
        settings = {"callback_path": PATH, "callback_url": shop.url + PATH, **simulator.settings}
        file = SWITCH / f"{provider}.toml"
        for variable, value in environment_of(file, {**settings, "base_url": host.url}).items():
            monkeypatch.setenv(variable, value)
        CANARIES.update(
            str(value)
            for key, value in simulator.settings.items()
            if "secret" in key or key.endswith("server_key") or key == "api_key"
        )
        if shell == "blocking":
            paygate = stack.enter_context(Paygate.from_file(file))
            yield Town(switch.Till(paygate), simulator, door, None)
            return
        portal = stack.enter_context(anyio.from_thread.start_blocking_portal(shell))
        shared = portal.call(partial(_opened, file))
        stack.callback(portal.call, shared.close)
        yield Town(switch.AsyncTill(shared), simulator, door, portal)


async def _opened(file: Path) -> AsyncPaygate:
    return AsyncPaygate.from_file(file)
