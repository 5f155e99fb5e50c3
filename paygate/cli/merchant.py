"""The merchant of the demo: a tiny program that receives callbacks."""

import queue
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

from paygate.callback import Callback, CallbackReply, CallbackRequest
from paygate.errors import CallbackRejected, PaygateError
from paygate.model import ChargeStatus
from paygate.routing import Paygate


class Merchant:
    """Listens on 127.0.0.1 for callbacks, verifies them and answers as paygate says."""

    paygate: Paygate

    def __init__(self, path: str) -> None:
        self._results: queue.SimpleQueue[Callback | CallbackRejected] = queue.SimpleQueue()
        merchant = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                if self.path != path and not self.path.startswith(f"{path}/"):
                    self.send_error(404)
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = CallbackRequest("POST", self.path, self.headers.items(), body)
                reply = merchant.taken(request)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """The timeline tells the story."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def taken(self, request: CallbackRequest) -> CallbackReply:
        """Verify a callback, ask how its charges stand where it does not prove it, and put it where `wait` finds it.

        With a store it is stored instead, and `wait` finds nothing: a worker does the rest.
        """
        try:
            if self.paygate.store is not None:
                return self.paygate.gateway("main").receive(request)
            callback = self.paygate.parse_callback("main", request)
        except CallbackRejected as rejected:
            self._results.put(rejected)
            reply: CallbackReply = rejected.reply
            return reply
        try:
            callback = self.paygate.confirm(callback)
        except PaygateError:
            return callback.again
        self._results.put(callback)
        return callback.reply

    @contextmanager
    def served_by(self, other: Paygate) -> Iterator[None]:
        """Have callbacks taken by another Paygate for a while."""
        before, self.paygate = self.paygate, other
        try:
            yield
        finally:
            self.paygate = before

    def wait(self, seconds: float) -> Callback | CallbackRejected | None:
        """The next callback, or its rejection; None where none comes in time."""
        try:
            return self._results.get(timeout=seconds)
        except queue.Empty:
            return None

    def wait_for_news(self, seconds: float) -> Callback | None:
        """The next callback by which a charge is no longer open; some providers tell of open ones, too."""
        while isinstance(result := self.wait(seconds), Callback):
            if any(one.status is not ChargeStatus.PENDING for one in result.charges):
                return result
        if result is not None:
            raise result
        return None

    def wait_for_refusal(self, seconds: float) -> CallbackRejected | None:
        """The next callback that was refused; whatever else comes is passed over."""
        while isinstance(result := self.wait(seconds), Callback):
            pass
        return result

    def post(self, url: str, body: bytes) -> int:
        """Post something as an outsider would; return the HTTP status."""
        request = urllib.request.Request(  # noqa: S310 - only ever this machine
            url, body, {"Content-Type": "application/json"}
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=10) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
