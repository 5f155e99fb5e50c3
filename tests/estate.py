"""Several gateways of Tiny's behind one paygate, in both shells; each has a provider of its own."""

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

import anyio
import httpx
import pytest
from paygate_tiny import Tiny

from paygate import (
    AsyncGateway,
    AsyncPaygate,
    Charge,
    ChargeRequest,
    Flow,
    Gateway,
    NotSent,
    Paygate,
    PaygateError,
    hookimpl,
)
from paygate.errors import CallbackRejected, InvalidCharge
from tests.provider import CANARY, QUICK, Provider, opened

NAMES: Final = ("main", "backup", "third")
ROUTE: Final = {"qris": list(NAMES)}


def made(request: httpx.Request) -> httpx.Response:
    """What Tiny answers when all is well, about the charge that was asked for."""
    path = request.url.path.rsplit("/", 1)[1]
    return opened(json.loads(request.content)["id"] if request.content else path)


class Providers(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """One transport to all of them, by the first part of the host: the gateway's name."""

    def __init__(self, **by_name: Provider) -> None:
        self.by_name = {name: by_name.get(name, Provider(made)) for name in NAMES}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.by_name[request.url.host.split(".")[0]].handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        return self.handle_request(request)

    def asked(self) -> dict[str, int]:
        """How many requests each has got, of those that got any."""
        return {name: len(one.requests) for name, one in self.by_name.items() if one.requests}


def document(routes: Mapping[str, Any] = ROUTE, names: tuple[str, ...] = NAMES, **own: Any) -> dict[str, Any]:
    """A configuration of some gateways."""
    gateways = {
        name: {"adapter": "tiny", "api_key": CANARY, "base_url": f"https://{name}.example", **own}
        for name in names
    }
    return {"gateways": gateways, "routes": dict(routes)}


def made_of(kind: type[PaygateError]) -> PaygateError:
    """An error of any kind."""
    if issubclass(kind, (InvalidCharge, CallbackRejected)):
        return kind("amount", "is not right")
    return kind("it is not right")


def failing(kind: type[PaygateError], *, steps: int = 1) -> type[Tiny]:
    """A Tiny that fails in one way on a new charge: before sending, or after an answer or more."""

    class Failing(Tiny):
        @hookimpl
        def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
            for _ in range(0 if issubclass(kind, NotSent) else steps):
                yield httpx.Request("POST", f"{self._settings.base_url}/charges")
            raise made_of(kind)

    return Failing


class Estate:
    """All gateways in one of the two shells, called the same way."""

    def __init__(self, shell: str, patch: pytest.MonkeyPatch) -> None:
        self.shell = shell
        self._patch = patch
        for kind in (Gateway, AsyncGateway):
            patch.setitem(kind.__init__.__kwdefaults__, "retry", QUICK)  # type: ignore[arg-type]

    def adapters(self, **kinds: type[Any]) -> None:
        """Have another adapter than Tiny for some gateways."""

        def find(_: str, gateway: str) -> Any:
            return SimpleNamespace(load=lambda: kinds.get(gateway, Tiny), source="a test")

        self._patch.setattr("paygate.assembly.adapters.find", find)

    def calls(
        self, configuration: Mapping[str, Any], providers: Providers, *steps: Any, **options: Any
    ) -> list[Any]:
        """Call several operations, and return their results and errors; a step may be a function of paygate."""
        outcomes: list[Any] = []
        if self.shell == "blocking":
            with Paygate.from_mapping(configuration, transport=providers, **options) as paygate:
                outcomes += [_tried(paygate, step) for step in steps]
            return outcomes

        async def run() -> None:
            async with AsyncPaygate.from_mapping(configuration, transport=providers, **options) as paygate:
                for step in steps:
                    try:
                        result = _tried(paygate, step)
                        outcomes.append(await result if hasattr(result, "__await__") else result)
                    except PaygateError as error:
                        outcomes.append(error)

        anyio.run(run, backend=self.shell)
        return outcomes


def _tried(paygate: Any, step: Any) -> Any:
    if isinstance(step, Callable):  # type: ignore[arg-type]
        return step(paygate)
    operation, *arguments = step
    named = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
    try:
        return getattr(paygate, operation)(*arguments, **named)
    except PaygateError as error:
        return error
