"""Both applications over a gateway with a store: they store, acknowledge, and leave the rest to workers."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from paygate import AsyncPaygate, Callback, CallbackRequest, Paygate, StoreUnavailable
from paygate.callbacks import AsgiCallbacks, WsgiCallbacks
from paygate.worker import Worker
from tests.callbacks.doors import ASYNC_DOORS, DOORS, Conversation, Door, Handler, asgi_scope, sealed, told
from tests.provider import CANARY, Provider

GATEWAYS: Final = {"main": {"adapter": "tiny", "api_key": CANARY}}


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Door:
    """Each of the applications."""
    return Door(request.param)


def document(folder: Path) -> dict[str, Any]:
    """One gateway of Tiny's with a store."""
    return {"gateways": GATEWAYS, "store": {"url": f"sqlite:///{folder / 'paygate.db'}"}}


@pytest.fixture
def paygate(tmp_path: Path) -> Iterator[Paygate]:
    """A paygate with a store."""
    with Paygate.from_mapping(document(tmp_path), transport=Provider()) as one:
        yield one


def app_of(door: Door, paygate: Any, *functions: Any, **options: Any) -> Any:
    """The application over its gateway."""
    kind: Any = WsgiCallbacks if door.kind == "wsgi" else AsgiCallbacks
    return kind(paygate.gateway("main"), *functions, **options)


def test_a_call_is_acknowledged_and_the_worker_tells_the_handler(door: Door, paygate: Paygate) -> None:
    """Not the application: it needs no handler."""
    handler, app = Handler(), app_of(door, paygate)
    assert [(200, b"OK")] * 3 == [door.tell(app)[0::2] for _ in range(3)]
    assert [] == handler.given
    assert 1 == Worker(paygate, handler).run_once()
    assert 1 == len(handler.given)


def test_one_that_a_framework_received_is_stored_as_well(door: Door, paygate: Paygate) -> None:
    """By `answer`."""
    body = told()
    reply = door.answer(app_of(door, paygate), CallbackRequest("POST", "/", sealed(body), body))
    assert (200, 1) == (reply.status, Worker(paygate, Handler()).run_once())


@pytest.mark.parametrize("kind", ASYNC_DOORS)
def test_an_async_gateway_stores_outside_the_loop(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others run while the disk is waited for."""
    turns: list[str] = []

    async def run() -> None:
        async with AsyncPaygate.from_mapping(document(tmp_path), transport=Provider()) as paygate:
            assert paygate.store is not None
            app = AsgiCallbacks(paygate.gateway("main"))
            inbox = paygate.store.blocking.inbox
            receive = inbox.receive
            begun, ended = anyio.Event(), anyio.Event()

            def slow(*arguments: Any) -> bool:
                anyio.from_thread.run_sync(begun.set)
                anyio.from_thread.run(ended.wait)
                turns.append("stored")
                return receive(*arguments)

            monkeypatch.setattr(inbox, "receive", slow)
            conversation = Conversation([told()])
            scope = asgi_scope(headers=sealed(told()))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(app, scope, *conversation.both)
                await begun.wait()
                turns.append("another")
                assert [] == conversation.sent
                ended.set()
            assert 200 == conversation.answer().status

    anyio.run(run, backend=kind)
    assert ["another", "stored"] == turns


def test_a_forged_call_is_turned_away(door: Door, paygate: Paygate, caplog: pytest.LogCaptureFixture) -> None:
    """And logged in the same word as without a store."""
    forged = [pair if pair[0] != "x-mac" else ("x-mac", "0" * 64) for pair in sealed(told())]
    assert 401 == door.call(app_of(door, paygate), [told()], forged).status
    assert ["paygate: a call to gateway main was turned away: signature"] == caplog.messages
    assert 0 == Worker(paygate, Handler()).run_once()


@pytest.mark.parametrize("error", [StoreUnavailable("the store does not answer"), KeyError("Siti")])
def test_what_is_not_stored_is_not_acknowledged(
    door: Door,
    paygate: Paygate,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever went wrong, the provider is to call again; the next call is stored."""
    caplog.set_level(logging.ERROR, "paygate")
    assert paygate.store is not None

    def broken(*_: object) -> bool:
        raise error

    app = app_of(door, paygate)
    with monkeypatch.context() as patch:
        patch.setattr(paygate.store.inbox, "receive", broken)
        assert 500 == door.tell(app).status
    [message] = caplog.messages
    assert "main" in message
    assert "stor" in message
    assert "Siti" not in message
    assert (0, 200) == (Worker(paygate, Handler()).run_once(), door.tell(app).status)
    assert 1 == Worker(paygate, Handler()).run_once()


def test_a_handler_belongs_to_a_worker_where_there_is_a_store(door: Door, paygate: Paygate) -> None:
    """It would not be called here, and a look-up is not asked."""
    for functions, options in (((Handler(),), {}), ((), {"known": lambda _: None})):
        with pytest.raises(TypeError, match="give the handler to a Worker"):
            app_of(door, paygate, *functions, **options)


def test_without_a_store_there_must_be_a_handler(door: Door) -> None:
    """Else nobody would hear of the money."""
    with Paygate.from_mapping({"gateways": GATEWAYS}, transport=Provider()) as bare:
        with pytest.raises(TypeError, match="give the handler"):
            app_of(door, bare)


def test_the_handler_of_both_ways_is_the_same(door: Door, paygate: Paygate) -> None:
    """One who has a store later changes nothing in it."""
    handler, charges = Handler(), []
    door.tell(door.made(handler))
    door.tell(app_of(door, paygate))
    Worker(paygate, handler).run_once()
    for callback in handler.given:
        assert Callback is type(callback)
        told_ones = [*callback.charges, *(one.told for one in callback.conflicts)]
        charges.append([(one.reference, one.status, one.paid_amount) for one in told_ones])
    assert charges[0] == charges[1]
