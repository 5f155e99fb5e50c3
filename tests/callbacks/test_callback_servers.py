"""Both applications under real servers: uvicorn, gunicorn, and the standard library's."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.validate import validator

import httpx
import pytest

from paygate.callbacks import WsgiCallbacks
from tests.callbacks.doors import PATH, Handler, gateway, sealed, told
from tests.callbacks.processes import GUNICORN, UVICORN, listening, serving, url_of
from tests.sandbox.waiting import PATIENCE

SERVERS: Final = {
    "uvicorn": (*UVICORN, "tests.callbacks.served:asgi"),
    "gunicorn": (*GUNICORN, "tests.callbacks.served:wsgi"),
}


class Served:
    """A server that runs, and the book that it writes."""

    def __init__(self, url: str, book: Path) -> None:
        self.url = url
        self.book = book

    @property
    def written(self) -> list[str]:
        """The references that its handler was told of."""
        return self.book.read_text().splitlines()

    def post(self, **request: Any) -> httpx.Response:
        """Send a call."""
        with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
            return client.request(request.pop("method", "POST"), self.url + PATH, **request)

    def say(self, text: bytes) -> bytes:
        """Send bytes by hand and go away at once, or after the answer where there is one."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), PATIENCE) as connection:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Each of the servers, running for all tests of this module."""
    book = tmp_path_factory.mktemp("book") / "book.txt"
    book.touch()
    with listening() as taken:
        url = url_of(taken)
        with serving(taken, SERVERS[request.param], environment={"BOOK": str(book)}):
            yield Served(url, book)


def test_a_callback_arrives_and_is_answered(served: Served) -> None:
    """The adapter's reply, its length, and the handler has been told."""
    reply = served.post(content=told("A-1"), headers=dict(sealed(told("A-1"))))
    assert (200, b"OK", "text/plain", "2") == (
        reply.status_code,
        reply.content,
        reply.headers["content-type"],
        reply.headers["content-length"],
    )
    assert "A-1" in served.written


def test_a_chunked_callback_arrives(served: Served) -> None:
    """A provider need not say how long it is."""
    body = told("B-1")
    headers = dict(sealed(body, length=False))
    reply = served.post(content=iter([body[:5], body[5:]]), headers=headers)
    assert 200 == reply.status_code
    assert "B-1" in served.written


@pytest.mark.parametrize(
    ("method", "content_type", "status"),
    [("GET", "application/json", 405), ("HEAD", "application/json", 405), ("POST", "text/plain", 415)],
)
def test_what_is_no_callback_is_turned_away(
    served: Served, method: str, content_type: str, status: int
) -> None:
    """By method and by content type; the connection serves on."""
    headers = {**dict(sealed(told("C-1"))), "content-type": content_type}
    content = told("C-1") if method == "POST" else None
    if content is None:
        del headers["content-length"]
    reply = served.post(method=method, content=content, headers=headers)
    assert status == reply.status_code
    assert ("POST" if status == 405 else None) == reply.headers.get("allow")
    assert "C-1" not in served.written


def test_a_body_too_large_is_refused_before_it_is_sent(served: Served) -> None:
    """The caller has sent nothing but its head, and has its answer."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 262145\r\n\r\n"
    assert served.say(head.encode()).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_too_large_is_refused_before_its_end(served: Served) -> None:
    """The end never comes, and the caller has its answer."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    some = b"100000\r\n" + b"x" * (256 + 4) * 1024  # of the megabyte that it announces
    assert served.say(head.encode() + some).startswith(b"HTTP/1.1 413 ")


def test_a_caller_that_goes_away_is_told_nothing(served: Served) -> None:
    """No handler hears of half a callback, and the next is served."""
    body = told("D-1")
    lines = [f"POST {PATH} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in sealed(body))]
    head = "\r\n".join([*lines, "", ""])
    assert not served.say(head.encode() + body[:-1]).startswith(b"HTTP/1.1 200")
    test_a_callback_arrives_and_is_answered(served)
    assert "D-1" not in served.written


def test_many_callbacks_at_once_are_each_told_once(served: Served) -> None:
    """Forty callers at the same time, over several workers."""

    def call(number: int) -> None:
        body = told(f"E-{number}")
        statuses.append(served.post(content=body, headers=dict(sealed(body))).status_code)

    statuses: list[int] = []
    callers = [threading.Thread(target=call, args=(number,)) for number in range(40)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert [200] * 40 == statuses
    assert sorted(f"E-{number}" for number in range(40)) == sorted(
        line for line in served.written if line.startswith("E-")
    )


def test_the_standard_librarys_server_finds_no_fault() -> None:
    """wsgiref's validator watches every call between a real server and the application."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None: ...

    handler = Handler()
    server = make_server("127.0.0.1", 0, validator(WsgiCallbacks(gateway(), handler)), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        served = Served(f"http://127.0.0.1:{server.server_port}", Path())
        headers = dict(sealed(told()))
        replies = [
            served.post(content=told(), headers=headers),
            served.post(content=told(), headers={**headers, "x-mac": "0"}),
            served.post(content=told(), headers={**headers, "content-type": "text/plain"}),
            served.post(method="GET"),
            served.post(method="HEAD"),
        ]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert [200, 401, 415, 405, 405] == [reply.status_code for reply in replies]
    assert 1 == len(handler.given)
