"""What is ASGI's own: threads and loops, other scopes, callers that have gone away."""

import threading
from functools import partial, wraps
from typing import Any

import anyio
import pytest

from paygate import Callback
from paygate.callbacks import AsgiCallbacks
from tests.callbacks.doors import ASYNC_DOORS, Conversation, Door, Handler, asgi_scope, gateway, sealed, told

PATIENCE = 30.0


@pytest.fixture(params=ASYNC_DOORS)
def door(request: pytest.FixtureRequest) -> Door:
    """The application on each kind of loop."""
    return Door(request.param)


def run(door: Door, app: Any, scope: dict[str, Any], *messages: str) -> list[dict[str, Any]]:
    """Serve a scope that receives these messages; what was sent."""
    coming = [{"type": message} for message in messages]
    sent = []

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    anyio.run(app, scope, receive, send, backend=door.kind)
    assert [] == coming
    return sent


def test_a_plain_handler_blocks_no_loop(door: Door) -> None:
    """While it waits the loop goes on, and so lets it end."""
    threads: set[int] = set()

    async def serve() -> None:
        release = threading.Event()
        entered = threading.Event()

        def handle(_: Callback) -> None:
            threads.add(threading.get_ident())
            entered.set()
            assert release.wait(PATIENCE)

        conversation = Conversation([told()])
        app = AsgiCallbacks(gateway(), handle)
        async with anyio.create_task_group() as group:
            group.start_soon(app, asgi_scope(headers=sealed(told())), *conversation.both)
            while not entered.is_set():
                await anyio.sleep(0.001)
            release.set()
        assert 200 == conversation.answer().status

    anyio.run(serve, backend=door.kind)
    assert 1 == len(threads - {threading.get_ident()})


def test_an_async_handler_runs_in_the_loop(door: Door) -> None:
    """In the server's own thread, where its other tasks are."""
    threads: list[int] = []

    async def handle(where: str, _: Callback) -> None:
        threads.append(threading.get_ident())

    assert 200 == door.tell(AsgiCallbacks(gateway(), partial(handle, "here"))).status
    assert [threading.get_ident()] == threads


def test_a_coroutine_function_in_plain_clothes_is_awaited(door: Door) -> None:
    """A decorator may hide what it is; it is not lost, and nor is its failure."""
    done: list[Callback] = []

    async def handle(callback: Callback) -> None:
        await anyio.lowlevel.checkpoint()
        done.append(callback)
        if len(done) == 2:
            raise RuntimeError

    @wraps(handle)
    def hidden(callback: Callback) -> Any:
        return handle(callback)

    app = AsgiCallbacks(gateway(), hidden)
    assert [200, 500] == [door.tell(app).status for _ in range(2)]
    assert 2 == len(done)


def test_a_cancelled_handler_answers_nothing(door: Door) -> None:
    """A server that stops is no failure of the merchant's: the provider hears nothing, and calls again."""
    conversation = Conversation([told()])

    async def serve() -> None:
        entered = anyio.Event()

        async def handle(_: Callback) -> None:
            entered.set()
            await anyio.sleep_forever()

        async with anyio.create_task_group() as group:
            scope = asgi_scope(headers=sealed(told()))
            group.start_soon(AsgiCallbacks(gateway(), handle), scope, *conversation.both)
            await entered.wait()
            group.cancel_scope.cancel()

    anyio.run(serve, backend=door.kind)
    assert [] == conversation.sent


def test_a_caller_that_has_gone_away_at_the_end_does_no_harm(door: Door) -> None:
    """The handler has run; that nobody hears the answer is no error of the program's."""
    handler = Handler()
    conversation = Conversation([told()])
    receive, _ = conversation.both

    async def send(_: Any) -> None:
        raise BrokenPipeError

    anyio.run(
        AsgiCallbacks(gateway(), handler),
        asgi_scope(headers=sealed(told())),
        receive,
        send,
        backend=door.kind,
    )
    assert 1 == len(handler.given)


def test_it_starts_and_stops_with_its_server(door: Door) -> None:
    """Mounted as the whole program, it answers the server's lifespan."""
    messages = ("lifespan.startup", "lifespan.shutdown")
    sent = run(door, AsgiCallbacks(gateway(), Handler()), {"type": "lifespan"}, *messages)
    assert [f"{message}.complete" for message in messages] == [message["type"] for message in sent]


def test_a_websocket_is_closed(door: Door) -> None:
    """Before it is accepted, so the server answers 403."""
    sent = run(door, AsgiCallbacks(gateway(), Handler()), {"type": "websocket"})
    assert [{"type": "websocket.close", "code": 1000}] == sent


def test_any_other_scope_is_an_error(door: Door) -> None:
    """As ASGI asks of an application that does not know one."""
    with pytest.raises(NotImplementedError, match="not by mqtt"):
        run(door, AsgiCallbacks(gateway(), Handler()), {"type": "mqtt"})
