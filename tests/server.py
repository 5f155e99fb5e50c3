"""A small HTTP server on loopback for tests: a handler per request, connections counted."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Loopback:
    """What happened to a server."""

    def __init__(self) -> None:
        self.url = ""
        self.requests = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.connections: set[object] = set()
        self.lock = threading.Lock()


@contextmanager
def loopback(answer: Callable[[BaseHTTPRequestHandler], bytes]) -> Iterator[Loopback]:
    """Serve HTTP/1.1 with keep-alive on a free port; `answer` returns the body of a 200."""
    seen = Loopback()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            seen.connections.add(self.client_address)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            with seen.lock:
                seen.requests += 1
                seen.in_flight += 1
                seen.most_in_flight = max(seen.most_in_flight, seen.in_flight)
            try:
                body = answer(self)
            finally:
                with seen.lock:
                    seen.in_flight -= 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            if getattr(self, "gzipped", False):
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A cut connection is what some tests are about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    seen.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
