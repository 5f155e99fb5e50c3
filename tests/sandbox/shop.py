"""A merchant's server that receives callbacks, and answers them as a test wants."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from paygate import CallbackRequest
from tests.sandbox.waiting import PATIENCE

PATH: Final = "/callbacks/main"
SUCCESS: Final = (200, b'{"responseCode":"2005200","responseMessage":"Successful"}')
Answer = tuple[int, bytes]


class Shop:
    """Where it is, and what has arrived."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.arrived: queue.Queue[CallbackRequest] = queue.Queue()

    def next(self) -> CallbackRequest:
        """The next callback; queue.Empty after a long while without one."""
        return self.arrived.get(timeout=PATIENCE)


@contextmanager
def shop(answer: Callable[[CallbackRequest], Answer] = lambda _: SUCCESS) -> Iterator[Shop]:
    """Open a shop on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = CallbackRequest("POST", self.path, self.headers.items(), body)
            opened.arrived.put(request)
            status, reply = answer(request)
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def do_GET(self) -> None:
            """Where a payer's browser comes back to."""
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><html lang=en><title>Shop</title><h1>Thank you</h1>")

        def log_message(self, *_: object) -> None: ...

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A caller who has gone away is what some tests are about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    opened = Shop(f"http://127.0.0.1:{server.server_port}{PATH}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
