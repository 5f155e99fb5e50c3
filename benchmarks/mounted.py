"""One callback through the ASGI and the WSGI application, without a server, beside `parse_callback` alone."""

import asyncio
import io
from collections.abc import Callable
from typing import Any, Final

from benchmarks.callback import BODY, GATEWAY, signed_headers
from benchmarks.charge import CALLBACK_PATH, NOWHERE, RUPIAH, configuration
from benchmarks.rounds import Broken, Comparison, Row, Run, alternate, repeated, repeated_async
from paygate import Callback, CallbackRequest, Money, Paygate
from paygate.callbacks import AsgiCallbacks, WsgiCallbacks

NOTE: Final = (
    "from a server's scope or environ and the body in one piece to a handler that does nothing, and back"
)
BASELINE: Final = "Paygate.parse_callback"


class Told:
    """A handler that keeps the last callback, to see that there was one."""

    def __init__(self) -> None:
        self.last: Callback | None = None

    def plain(self, callback: Callback) -> None:
        """As a plain function."""
        self.last = callback

    async def awaited(self, callback: Callback) -> None:
        """As a coroutine function."""
        self.last = callback


def asgi(rounds: int) -> Row:
    """With a handler that is awaited, all in one task of a loop that runs."""
    told = Told()
    return Row(
        name="callback-asgi",
        subject="AsgiCallbacks",
        baseline=BASELINE,
        bar=1.75,
        result=_by_asgi(told.awaited, told, rounds),
        note=NOTE,
    )


def asgi_in_thread(rounds: int) -> Row:
    """With a plain handler, which goes to a thread."""
    told = Told()
    return Row(
        name="callback-asgi-thread",
        subject="AsgiCallbacks, plain handler",
        baseline=BASELINE,
        bar=6.50,
        result=_by_asgi(told.plain, told, rounds),
        note=f"{NOTE}; asyncio's way to a thread and back is nearly all of the difference",
    )


def wsgi(rounds: int) -> Row:
    """With a plain handler, in the thread of the request."""
    told = Told()
    headers = signed_headers()
    with Paygate.from_mapping(configuration(NOWHERE)) as paygate:
        app = WsgiCallbacks(paygate.gateway(GATEWAY), told.plain)
        environ = _environ(headers)
        statuses: list[str] = []

        def start_response(status: str, *_: object) -> Callable[[bytes], object]:
            statuses[:] = [status]
            return lambda _: None

        def call() -> None:
            app({**environ, "wsgi.input": io.BytesIO(BODY)}, start_response)

        call()
        _prove(told, statuses == ["200 OK"])
        result = alternate(repeated(call), _parsing(paygate, headers), rounds)
    return Row(
        name="callback-wsgi",
        subject="WsgiCallbacks",
        baseline=BASELINE,
        bar=1.75,
        result=result,
        note=NOTE,
    )


def _by_asgi(handle: Callable[[Callback], Any], told: Told, rounds: int) -> Comparison:
    headers = signed_headers()
    with Paygate.from_mapping(configuration(NOWHERE)) as paygate, asyncio.Runner() as runner:
        app = AsgiCallbacks(paygate.gateway(GATEWAY), handle)
        scope = _scope(headers)
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": BODY, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        async def call() -> None:
            sent.clear()
            await app(dict(scope), receive, send)

        runner.run(call())
        _prove(told, sent[0]["status"] == 200)
        subject = repeated_async(call, runner.run)
        return alternate(subject, _parsing(paygate, headers), rounds)


def _parsing(paygate: Paygate, headers: dict[str, str]) -> Run:
    return repeated(
        lambda: paygate.parse_callback(GATEWAY, CallbackRequest("POST", CALLBACK_PATH, headers, BODY))
    )


def _prove(told: Told, is_good: bool) -> None:
    if not is_good or told.last is None or told.last.charges[0].paid_amount != Money.idr(RUPIAH):
        raise Broken("a true callback was not taken")


def _scope(headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": CALLBACK_PATH,
        "raw_path": CALLBACK_PATH.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


def _environ(headers: dict[str, str]) -> dict[str, Any]:
    given = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        given[name] = given.pop(f"HTTP_{name}")
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": CALLBACK_PATH,
        "QUERY_STRING": "",
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input_terminated": True,
        **given,
    }
