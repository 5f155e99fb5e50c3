"""The merchant of the demo: a tiny program that receives callbacks."""

import queue
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

from paygate.callback import Callback, CallbackRequest
from paygate.errors import CallbackRejected
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
                result = merchant.taken(request)
                reply = result.reply
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

    def taken(self, request: CallbackRequest) -> Callback | CallbackRejected:
        """Verify a callback and put it where `wait` finds it."""
        try:
            result: Callback | CallbackRejected = self.paygate.parse_callback("main", request)
        except CallbackRejected as rejected:
            result = rejected
        self._results.put(result)
        return result

    def wait(self, seconds: float) -> Callback | CallbackRejected | None:
        """The next callback, or its rejection; None where none comes in time."""
        try:
            return self._results.get(timeout=seconds)
        except queue.Empty:
            return None

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
