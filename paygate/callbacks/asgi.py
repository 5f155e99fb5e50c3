"""Callbacks through ASGI, as in Starlette, FastAPI, Litestar or the async side of Django."""

import contextlib
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from inspect import isawaitable
from typing import Any, TypeAlias, TypeVar, cast

from anyio import to_thread

from paygate.callback import Callback, CallbackReply, CallbackRequest
from paygate.callbacks.reception import JSON_ONLY, Reception, TurnedAway, encoded, headers_of
from paygate.desk import LARGEST_CALLBACK
from paygate.errors import CallbackRejected
from paygate.gateway import AsyncGateway, Gateway
from paygate.handlers import is_async
from paygate.model import Charge

A = TypeVar("A")
R = TypeVar("R")
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class AsgiCallbacks:
    """An ASGI application that receives one gateway's callbacks, for asyncio and trio.

    `handle` gets each verified callback that is about charges; one that raises makes the provider call
    again. `known` tells what you know of a charge, None for nothing: then `callback.charges` may be acted
    upon, and what contradicts yours stands in `callback.conflicts`. Both are coroutine functions, or plain
    ones, which are run in a thread. A body of more than `largest_body` bytes, or of none of
    `content_types`, is turned away. Where the gateway has a store, give neither of the two functions: each
    call is stored, then acknowledged, and a Worker tells the handler. Raises TypeError for functions that do
    not fit, UnsupportedOperation where the gateway reads no callbacks.
    """

    def __init__(
        self,
        gateway: Gateway | AsyncGateway,
        handle: Callable[[Callback], Awaitable[None] | None] | None = None,
        *,
        known: Callable[[Charge], Awaitable[Charge | None] | Charge | None] | None = None,
        largest_body: int = LARGEST_CALLBACK,
        content_types: Collection[str] = JSON_ONLY,
    ) -> None:
        self._reception = Reception(gateway, (handle, known), largest_body, content_types)
        self._handle = _awaited(handle) if handle is not None else None
        self._known = _awaited(known) if known is not None else None
        self._confirm: Callable[[Callback], Awaitable[Callback]] = _awaited(gateway.confirm)
        self._receive: Callable[[CallbackRequest], Awaitable[CallbackReply]] = _awaited(gateway.receive)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI says."""
        if scope["type"] == "http":
            reply = await self._received(scope, receive)
            if reply is not None:
                await _send(reply, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            raise NotImplementedError(f"callbacks come by HTTP, not by {scope['type']}")

    async def answer(self, request: CallbackRequest) -> CallbackReply:
        """Answer a call that your framework has received: for where no application can be mounted."""
        try:
            intake = self._reception.admit(request)
            intake.add(request.body)
            return await self._told(intake.whole())
        except TurnedAway as turned:
            return turned.reply

    async def _received(self, scope: Scope, receive: Receive) -> CallbackReply | None:
        """Receive a call and answer it; None where the caller has gone away before its end."""
        try:
            intake = self._reception.admit(_head(scope))
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                intake.add(message.get("body", b""))
                more = message.get("more_body", False)
            return await self._told(intake.whole())
        except TurnedAway as turned:
            return turned.reply

    async def _told(self, request: CallbackRequest) -> CallbackReply:
        if self._reception.is_stored:
            try:
                return await self._receive(request)
            except CallbackRejected as rejected:
                raise self._reception.rejected(rejected) from None
            except Exception as error:  # noqa: BLE001 - whatever it is, the provider must call again
                return self._reception.unstored(error)
        callback = self._reception.parsed(request)
        try:
            if callback.confirm:
                callback = await self._confirm(callback)
            if self._known is not None and callback.charges:
                known = [await self._known(charge) for charge in callback.charges]
                callback = self._reception.compared(callback, known)
            if self._handle is not None and (callback.charges or callback.conflicts):
                await self._handle(callback)
        except Exception as error:  # noqa: BLE001 - whatever it is, the provider must call again
            return self._reception.failed(callback, error)
        return callback.reply


def _awaited(function: Callable[[A], Awaitable[R] | R]) -> Callable[[A], Awaitable[R]]:
    """A merchant's function as one to await: a plain one is called in a thread, for it may block."""
    if is_async(function):
        return cast("Callable[[A], Awaitable[R]]", function)

    async def called(argument: A) -> R:
        [result] = await to_thread.run_sync(lambda: [function(argument)])  # as trio hands over no coroutine
        if isawaitable(result):  # a decorator can hide a coroutine function
            return await cast("Awaitable[R]", result)
        return result

    return called


def _head(scope: Scope) -> CallbackRequest:
    """The call without its body."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    return CallbackRequest(scope["method"], _path(scope), headers, b"")


def _path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    if raw:
        return raw.partition(b"?")[0].decode("latin-1")
    root, path = scope.get("root_path", "").rstrip("/"), scope["path"]
    # Servers and frameworks do not agree on whether `path` begins with `root_path`.
    is_full = path == root or path.startswith(f"{root}/")
    return encoded((path if is_full else root + path).encode())


async def _send(reply: CallbackReply, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers_of(reply)]
    with contextlib.suppress(OSError):  # the caller has gone away: it will ask again
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})


async def _live(receive: Receive, send: Send) -> None:
    """Start and end with the server: there is nothing to prepare."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
