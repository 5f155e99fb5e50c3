"""The host of a simulator: its provider's own paths, and `/_sandbox` to look in and to play the payer.

Needs the extra `sandbox`.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import anyio
import httpx
import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from paygate.errors import PaygateError
from paygate.flow import Conversation
from paygate.sandbox.deliveries import Delivery
from paygate.sandbox.faults import Fault
from paygate.sandbox.server import Connections, Server
from paygate.sandbox.simulator import SLOW_SECONDS, PayerAction, Simulator, play
from paygate.transports import ssl_context


class _Wanted(Struct, forbid_unknown_fields=True):
    """A fault as it is asked for."""

    fault: Fault
    operation: Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,40}$")] = "create_charge"
    nth: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


_fault: Final = msgspec.json.Decoder(_Wanted)
TICK: Final = 0.02
POST_TIMEOUT: Final = 5.0
CUTS: Final = (Fault.LOSE, Fault.CLOSE, Fault.CUT)


def serve(simulator: Simulator, port: int = 0) -> Server:
    """Run a simulator on 127.0.0.1, at a free port unless one is named."""
    connections = Connections()
    return Server(application(simulator, connections), port=port, connections=connections)


def application(simulator: Simulator, connections: Connections) -> Starlette:
    """The ASGI application of a simulator."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with (
            httpx.AsyncClient(timeout=POST_TIMEOUT, trust_env=False, verify=ssl_context()) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(_deliver, simulator, client)
            yield
            group.cancel_scope.cancel()

    return Starlette(
        routes=[
            Mount("/_sandbox", routes=_control(simulator)),
            Mount("/", app=_Provider(simulator, connections)),
        ],
        lifespan=lifespan,
    )


class _Provider:
    """Passes every request to the simulator, and lets its fault happen to the connection."""

    def __init__(self, simulator: Simulator, connections: Connections) -> None:
        self._simulator = simulator
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        played = play(self._simulator, await _received(Request(scope, receive)))
        if played.fault is Fault.HANG:
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        if played.fault is Fault.SLOW:
            await anyio.sleep(SLOW_SECONDS)
        if played.fault is Fault.CUT and played.reply is not None:
            await _send_half(played.reply, send)
        if played.fault in CUTS:
            self._connections.cut(scope["client"])
            return
        assert played.reply is not None
        response = Response(played.reply.content, played.reply.status_code)
        response.raw_headers = list(played.reply.headers.raw)
        await response(scope, receive, send)


async def _received(request: Request) -> httpx.Request:
    raw = request.scope["raw_path"]
    target = raw + b"?" + request.scope["query_string"] if request.scope["query_string"] else raw
    url = httpx.URL(str(request.base_url)).copy_with(raw_path=target)
    return httpx.Request(request.method, url, headers=request.headers.raw, content=await request.body())


async def _send_half(reply: httpx.Response, send: Send) -> None:
    head = {"type": "http.response.start", "status": reply.status_code}
    await send({**head, "headers": [*reply.headers.raw]})
    half = reply.content[: len(reply.content) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


async def _deliver(simulator: Simulator, client: httpx.AsyncClient) -> None:
    """Post every callback that is due, each on its own, so that a slow merchant delays no other."""
    async with anyio.create_task_group() as group:
        while True:
            for delivery in simulator.deliveries.take():
                group.start_soon(_post, simulator, client, delivery)
            await anyio.sleep(TICK)


async def _post(simulator: Simulator, client: httpx.AsyncClient, delivery: Delivery) -> None:
    response: httpx.Response | None = None
    accepted = False
    with contextlib.suppress(httpx.HTTPError, PaygateError):
        talk = Conversation(delivery.tell())
        while talk.request is not None:
            response = None
            response = await client.send(talk.request)
            talk.answer(response)
        accepted = talk.result
    simulator.deliveries.record(delivery, response, accepted=accepted)


def _control(simulator: Simulator) -> list[Route]:
    async def charges(_: Request) -> JSONResponse:
        return JSONResponse([charge.summary() for charge in simulator.ledger.charges])

    async def count(request: Request) -> JSONResponse:
        reference = request.path_params["reference"]
        return JSONResponse({"reference": reference, "count": simulator.ledger.count(reference)})

    async def act(request: Request) -> JSONResponse:
        reference = request.path_params["reference"]
        action = request.path_params["action"]
        if action not in list(PayerAction):
            return _problem(404, f"a payer can {', '.join(PayerAction)}")
        try:
            charge = simulator.act(reference, PayerAction(action))
        except KeyError:
            return _problem(404, f"no charge has the reference {reference!r}")
        except ValueError as error:
            return _problem(409, str(error))
        return JSONResponse(charge.summary())

    async def callbacks(_: Request) -> JSONResponse:
        return JSONResponse([delivery.summary() for delivery in simulator.deliveries.all])

    async def faults(request: Request) -> JSONResponse:
        if request.method == "DELETE":
            simulator.faults.clear()
        elif request.method == "POST":
            try:
                wanted = _fault.decode(await request.body())
                simulator.faults.plan(wanted.fault, wanted.operation, wanted.nth)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                known = ", ".join(Fault)
                return _problem(400, f'send {{"fault": …, "operation": …, "nth": …}}; faults: {known}')
        waiting: list[dict[str, Any]] = [
            {"fault": one.fault.value, "operation": one.operation, "nth": one.nth}
            for one in simulator.faults.planned
        ]
        return JSONResponse(waiting)

    return [
        Route("/charges", charges),
        Route("/charges/{reference:path}/count", count),
        Route("/charges/{reference:path}/{action}", act, methods=["POST"]),
        Route("/callbacks", callbacks),
        Route("/faults", faults, methods=["GET", "POST", "DELETE"]),
    ]


def _problem(status: int, what: str) -> JSONResponse:
    return JSONResponse({"error": what}, status)
