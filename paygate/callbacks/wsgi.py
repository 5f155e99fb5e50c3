"""Callbacks through WSGI, as in Flask, Django, Pyramid or Bottle."""

from collections.abc import Callable, Collection, Iterable
from http import HTTPStatus
from inspect import isawaitable
from typing import TYPE_CHECKING, Final, TypeVar

from paygate.callback import Callback, CallbackReply, CallbackRequest
from paygate.callbacks.reception import (
    BAD_LENGTH,
    JSON_ONLY,
    NO_LENGTH,
    Intake,
    Reception,
    TurnedAway,
    encoded,
    headers_of,
)
from paygate.desk import LARGEST_CALLBACK
from paygate.errors import CallbackRejected
from paygate.gateway import AsyncGateway, Gateway
from paygate.handlers import is_async
from paygate.model import Charge

if TYPE_CHECKING:
    from wsgiref.types import InputStream, StartResponse, WSGIEnvironment

A = TypeVar("A")
R = TypeVar("R")
PIECE: Final = 64 * 1024
PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


class WsgiCallbacks:
    """A WSGI application that receives one gateway's callbacks.

    The arguments are those of AsgiCallbacks, but `handle` and `known` are plain functions, called in the
    thread of the request. Raises TypeError for a coroutine function or an AsyncGateway.
    """

    def __init__(
        self,
        gateway: Gateway,
        handle: Callable[[Callback], None] | None = None,
        *,
        known: Callable[[Charge], Charge | None] | None = None,
        largest_body: int = LARGEST_CALLBACK,
        content_types: Collection[str] = JSON_ONLY,
    ) -> None:
        given: object = gateway
        if isinstance(given, AsyncGateway):
            raise TypeError(
                "WSGI awaits nothing: use a gateway of Paygate, not of AsyncPaygate; or AsgiCallbacks"
            )
        self._reception = Reception(gateway, (handle, known), largest_body, content_types)
        self._handle = _called(handle) if handle is not None else None
        self._known = _called(known) if known is not None else None
        self._confirm = gateway.confirm
        self._receive = gateway.receive

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Serve one request, as WSGI says."""
        reply = self._received(environ)
        start_response(f"{reply.status} {PHRASES.get(reply.status, 'Status')}", headers_of(reply))
        return [reply.body]

    def answer(self, request: CallbackRequest) -> CallbackReply:
        """Answer a call that your framework has received: for where no application can be mounted."""
        try:
            intake = self._reception.admit(request)
            intake.add(request.body)
            return self._told(intake.whole())
        except TurnedAway as turned:
            return turned.reply

    def _received(self, environ: "WSGIEnvironment") -> CallbackReply:
        try:
            intake = self._reception.admit(_head(environ))
            if intake.length is None and not environ.get("wsgi.input_terminated"):
                raise self._reception.turned_away("no length", NO_LENGTH)  # who reads on may wait for ever
            try:
                _read(environ["wsgi.input"], intake)
            except OSError:  # the caller has gone away: nobody will read this
                return BAD_LENGTH
            return self._told(intake.whole())
        except TurnedAway as turned:
            return turned.reply

    def _told(self, request: CallbackRequest) -> CallbackReply:
        if self._reception.is_stored:
            try:
                return self._receive(request)
            except CallbackRejected as rejected:
                raise self._reception.rejected(rejected) from None
            except Exception as error:  # noqa: BLE001 - whatever it is, the provider must call again
                return self._reception.unstored(error)
        callback = self._reception.parsed(request)
        try:
            if callback.confirm:
                callback = self._confirm(callback)
            if self._known is not None and callback.charges:
                known = [self._known(charge) for charge in callback.charges]
                callback = self._reception.compared(callback, known)
            if self._handle is not None and (callback.charges or callback.conflicts):
                self._handle(callback)
        except Exception as error:  # noqa: BLE001 - whatever it is, the provider must call again
            return self._reception.failed(callback, error)
        return callback.reply


def _called(function: Callable[[A], R]) -> Callable[[A], R]:
    """A merchant's function, which must have done its work when it returns."""
    if is_async(function):
        raise TypeError("WSGI awaits nothing: use a plain function, or AsgiCallbacks")

    def called(argument: A) -> R:
        result = function(argument)
        if isawaitable(result):  # a decorator can hide a coroutine function; nothing has been done yet
            getattr(result, "close", lambda: None)()
            raise TypeError("WSGI awaits nothing: use a plain function, or AsgiCallbacks")
        return result

    return called


def _head(environ: "WSGIEnvironment") -> CallbackRequest:
    """The call without its body."""
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return CallbackRequest(environ["REQUEST_METHOD"], encoded(path.encode("latin-1")), headers, b"")


def _read(stream: "InputStream", intake: Intake) -> None:
    while (wanted := min(PIECE, intake.wanted)) and (piece := stream.read(wanted)):
        intake.add(piece)
