"""The two applications called in one way, without a server: by raw ASGI and by checked WSGI."""

import hmac
import io
import json
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, cast
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import anyio
import httpx

from paygate import Callback, Gateway
from paygate.callbacks import AsgiCallbacks, WsgiCallbacks
from tests.provider import CANARY, Provider, tiny

Pairs = Sequence[tuple[str, str]]
DOORS: Final = ("asyncio", "trio", "wsgi")
ASYNC_DOORS: Final = ("asyncio", "trio")
PATH: Final = "/callbacks/main"
OTHERS: Final = (("host", "shop.example"), ("user-agent", "tiny/1"))


class Answer(NamedTuple):
    """What the caller got; `unread` counts the pieces of its body that nobody asked for."""

    status: int
    headers: dict[str, str]
    body: bytes
    unread: int


class Handler:
    """A merchant's handler that remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[Callback] = []

    def __call__(self, callback: Callback) -> None:
        self.given.append(callback)


class AsyncHandler(Handler):
    """The same, to be awaited."""

    async def __call__(self, callback: Callback) -> None:  # type: ignore[override]
        await anyio.lowlevel.checkpoint()
        self.given.append(callback)


def gateway(adapter: Any = None, **options: Any) -> Gateway:
    """Tiny's gateway."""
    return Gateway("main", adapter or tiny(), transport=Provider(), **options)


def told(reference: str = "INV-1", status: str = "paid", amount: str = "25000", **other: str) -> bytes:
    """What Tiny's provider tells of a charge."""
    return json.dumps({"id": reference, "status": status, "amount": amount, **other}).encode()


def sealed(body: bytes, *, length: bool = True) -> list[tuple[str, str]]:
    """The headers of a true callback."""
    seal = hmac.digest(CANARY.encode(), body, "sha256").hex()
    pairs = [*OTHERS, ("content-type", "application/json"), ("x-mac", seal)]
    return [*pairs, ("content-length", str(len(body)))] if length else pairs


class Door:
    """One of the two applications in one of its loops."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.checked = True  # off for requests that no server lets through

    def made(
        self, handle: Callable[[Callback], Any], adapter: Any = None, **options: Any
    ) -> AsgiCallbacks | WsgiCallbacks:
        """The application over Tiny's gateway."""
        made: Any = WsgiCallbacks if self.kind == "wsgi" else AsgiCallbacks
        return cast("AsgiCallbacks | WsgiCallbacks", made(gateway(adapter), handle, **options))

    def tell(self, app: Any, body: bytes | None = None) -> Answer:
        """Deliver a true callback."""
        body = told() if body is None else body
        return self.call(app, [body], sealed(body))

    def call(
        self,
        app: Any,
        pieces: Sequence[bytes],
        headers: Pairs,
        method: str = "POST",
        **place: Any,
    ) -> Answer:
        """Send a request whose body comes in pieces."""
        if self.kind == "wsgi":
            return _by_wsgi(validator(app) if self.checked else app, pieces, headers, method, place)
        conversation = Conversation(pieces)
        anyio.run(app, asgi_scope(method, headers, **place), *conversation.both, backend=self.kind)
        return conversation.answer()

    def answer(self, app: Any, request: Any) -> Any:
        """Have a request answered that a framework has received."""
        return app.answer(request) if self.kind == "wsgi" else anyio.run(app.answer, request)


class Conversation:
    """The server's side of one ASGI request; the caller goes away after the pieces where it is `cut`."""

    def __init__(self, pieces: Sequence[bytes], *, cut: bool = False) -> None:
        last = len(pieces) - 1
        self.coming: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": cut or number < last}
            for number, piece in enumerate(pieces)
        ]
        self.sent: list[dict[str, Any]] = []

    @property
    def both(self) -> tuple[Any, Any]:
        """`receive` and `send`."""
        return self._receive, self._send

    async def _receive(self) -> dict[str, Any]:
        await anyio.lowlevel.checkpoint()
        return self.coming.pop(0) if self.coming else {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await anyio.lowlevel.checkpoint()
        self.sent.append(message)

    def answer(self) -> Answer:
        """What was sent, and that it was sent by the book."""
        start, body = self.sent
        assert ("http.response.start", "http.response.body") == (start["type"], body["type"])
        assert all(name == name.lower() for name, _ in start["headers"])
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        assert len(headers) == len(start["headers"])
        assert not body.get("more_body")
        return Answer(start["status"], headers, body["body"], len(self.coming))


def asgi_scope(method: str = "POST", headers: Pairs = (), **place: Any) -> dict[str, Any]:
    """A scope as uvicorn makes it, unless told otherwise."""
    return {
        "type": "http",
        "method": method,
        "path": PATH,
        "raw_path": place.get("path", PATH).encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        **place,
    }


class Stream(io.RawIOBase):
    """A request's body that comes in pieces; the last read may be an error."""

    def __init__(self, pieces: Sequence[bytes], error: Exception | None = None) -> None:
        self.coming = [piece for piece in pieces if piece]
        self._error = error

    def read(self, size: int = -1) -> bytes:
        if not self.coming:
            if self._error is not None:
                raise self._error
            return b""
        piece = self.coming.pop(0)
        if 0 <= size < len(piece):
            self.coming.insert(0, piece[size:])
            piece = piece[:size]
        return piece


def wsgi_environ(stream: Stream, method: str = "POST", headers: Pairs = (), **place: Any) -> dict[str, Any]:
    """An environ as gunicorn makes it, unless told otherwise."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": PATH,
        "QUERY_STRING": "",
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ.update(place)
    setup_testing_defaults(environ)
    return environ


def _by_wsgi(app: Any, pieces: Sequence[bytes], headers: Pairs, method: str, place: Any) -> Answer:
    stream = Stream(pieces)
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        started.append((status, headers))
        return lambda _: None

    result = app(wsgi_environ(stream, method, headers, **place), start_response)
    body = b"".join(result)
    getattr(result, "close", lambda: None)()
    [(status, sent)] = started
    names = [name.lower() for name, _ in sent]
    assert len(set(names)) == len(names)
    phrase = httpx.codes.get_reason_phrase(int(status[:3]))
    assert status[4:] in (phrase, "Content Too Large", "Status")
    given = {name.lower(): value for name, value in sent}
    return Answer(int(status[:3]), given, body, len(stream.coming))
