"""The host of a simulator: its provider's own paths, and `/_sandbox` to look in and to play the payer.

Needs the extra `sandbox`.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

import anyio
import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from paygate.flow import Conversation
from paygate.sandbox import checkout, control, pages
from paygate.sandbox.addresses import HOME
from paygate.sandbox.delivery import Delivery, Exchange
from paygate.sandbox.faults import Fault
from paygate.sandbox.guard import Guard
from paygate.sandbox.server import Connections, Server
from paygate.sandbox.simulator import SLOW_SECONDS, Simulator, play
from paygate.transports import ssl_context

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
            Mount(
                "/_sandbox",
                routes=[*control.routes(simulator), *pages.routes(simulator), *checkout.routes(simulator)],
                middleware=[Middleware(Guard)],
            ),
            Route("/_sandbox", _home),
            Mount("/", app=_Provider(simulator, connections)),
        ],
        exception_handlers={HTTPException: pages.not_here},
        lifespan=lifespan,
    )


class _Provider:
    """Passes every request to the simulator, and lets its fault happen to the connection."""

    def __init__(self, simulator: Simulator, connections: Connections) -> None:
        self._simulator = simulator
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _received(Request(scope, receive))
        if _is_looking_around(request) and self._simulator.operation(request) is None:
            return await pages.see(HOME)(scope, receive, send)
        played = play(self._simulator, request)
        if played.fault is Fault.HANG:
            while (await receive())["type"] != "http.disconnect":
                pass
            return None
        if played.fault is Fault.SLOW:
            await anyio.sleep(SLOW_SECONDS)
        if played.fault is Fault.CUT and played.reply is not None:
            await _send_half(played.reply, send)
        if played.fault in CUTS:
            self._connections.cut(scope["client"])
            return None
        assert played.reply is not None
        response = Response(played.reply.content, played.reply.status_code)
        response.raw_headers = list(played.reply.headers.raw)
        return await response(scope, receive, send)


def _is_looking_around(request: httpx.Request) -> bool:
    """Whether somebody has typed the host's address into a browser."""
    return (
        request.method == "GET"
        and request.url.raw_path == b"/"
        and "text/html" in request.headers.get("Accept", "")
    )


async def _home(_: Request) -> Response:
    return pages.see(HOME)


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
    exchanges: list[Exchange] = []
    accepted = False
    # A merchant's answer may be anything: whatever a flow makes of it ends no other callback.
    with contextlib.suppress(Exception):
        talk = Conversation(delivery.tell())
        while talk.request is not None:
            exchanges.append(Exchange(talk.request))
            try:
                response = await client.send(talk.request)
            except httpx.HTTPError as error:
                exchanges[-1] = Exchange.unanswered(talk.request, error)
                raise
            exchanges[-1] = Exchange.answered(talk.request, response)
            talk.answer(response)
        accepted = talk.result
    simulator.deliveries.record(delivery, exchanges, accepted=accepted)
