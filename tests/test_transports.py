import gzip
import os
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import anyio
import httpx
import pytest

from paygate import ConfigurationError, OutcomeUnknown, Unreachable
from paygate.reading import LARGEST_REPLY
from paygate.transports import (
    AsyncPool,
    Pool,
    failure_of,
    ssl_context,
    timeouts,
)
from tests.server import loopback


def request(url: str, patience: float = 5) -> httpx.Request:
    """A request that waits so many seconds for a free connection."""
    extensions = {"timeout": {**timeouts(5), "pool": patience}}
    return httpx.Request("POST", url, content=b"{}", extensions=extensions)


def short(handler: BaseHTTPRequestHandler) -> bytes:
    return b"ok"


class Shell:
    """Sends `count` requests at once through a pool of either kind."""

    def __init__(self, name: str) -> None:
        self.name = name

    def send(
        self, url: str, *, limit: int = 100, count: int = 1, rounds: int = 1, patience: float = 5
    ) -> list[httpx.Response | Exception]:
        if self.name == "blocking":
            return self._threads(url, limit, count, rounds, patience)
        return anyio.run(self._tasks, url, limit, count, rounds, patience, backend=self.name)

    def _threads(
        self, url: str, limit: int, count: int, rounds: int, patience: float
    ) -> list[httpx.Response | Exception]:
        with Pool(limit) as pool, ThreadPoolExecutor(count) as threads:

            def one(_: int) -> httpx.Response | Exception:
                try:
                    return pool.handle_request(request(url, patience))
                except Exception as error:
                    return error

            return [got for _ in range(rounds) for got in threads.map(one, range(count))]

    async def _tasks(
        self, url: str, limit: int, count: int, rounds: int, patience: float
    ) -> list[httpx.Response | Exception]:
        got: list[httpx.Response | Exception] = []
        async with AsyncPool(limit) as pool:

            async def one() -> None:
                try:
                    got.append(await pool.handle_async_request(request(url, patience)))
                except Exception as error:
                    got.append(error)

            for _ in range(rounds):
                async with anyio.create_task_group() as group:
                    for _ in range(count):
                        group.start_soon(one)
        return got


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def shell(request: pytest.FixtureRequest) -> Shell:
    return Shell(request.param)


def test_one_connection_serves_one_request_after_another(shell: Shell) -> None:
    """A hundred charges in a row cost one connection."""
    with loopback(short) as seen:
        got = shell.send(seen.url, rounds=100)
    assert (100, 1) == (seen.requests, len(seen.connections))
    assert [b"ok"] * 100 == [one.content for one in got if isinstance(one, httpx.Response)]


def test_no_more_requests_are_in_flight_than_the_limit(shell: Shell) -> None:
    """The rest wait, and all are answered."""
    gate = threading.Barrier(4, timeout=10)

    def meet(handler: BaseHTTPRequestHandler) -> bytes:
        gate.wait()
        return b"ok"

    with loopback(meet) as seen:
        got = shell.send(seen.url, limit=4, count=20)
    assert (20, 4) == (seen.requests, seen.most_in_flight)
    assert len(seen.connections) <= 4
    assert 20 == sum(isinstance(one, httpx.Response) for one in got)


def test_waiting_for_a_free_connection_has_an_end_and_nothing_was_sent(shell: Shell) -> None:
    """Who waits longer than the timeout gets PoolTimeout, which is "not sent"."""
    done = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> bytes:
        done.wait(10)
        return b"ok"

    with loopback(slow) as seen:
        threading.Timer(0.5, done.set).start()
        got = shell.send(seen.url, limit=1, count=2, patience=0.1)
    kinds = {type(one) for one in got}
    assert httpx.PoolTimeout in kinds
    assert 1 == seen.requests
    assert isinstance(failure_of(next(e for e in got if isinstance(e, httpx.PoolTimeout))), Unreachable)


# httpx leaves its nested generators to the collector, at which trio complains.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_reply_beyond_all_measure_is_given_up(shell: Shell) -> None:
    """A provider gone mad cannot fill the memory; what it did is unknown."""
    with loopback(lambda _: b"x" * (LARGEST_REPLY + 1)) as seen:
        (got,) = shell.send(seen.url)
    assert isinstance(got, OutcomeUnknown)


def test_nobody_listening_is_not_sent(shell: Shell) -> None:
    """A refused connection never left this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        (got,) = shell.send(url)
    assert isinstance(got, httpx.ConnectError)
    failure = failure_of(got)
    assert isinstance(failure, Unreachable)
    assert f"no connection to {url.removeprefix('http://')} (ConnectError" in failure.what


@pytest.mark.parametrize(
    ("url", "tried"),
    [
        ("https://me:hunter2@pay.example/secret/path?token=abc#part", "pay.example:443"),
        ("http://pay.example", "pay.example:80"),
        ("http://[::1]:8700/x", "[::1]:8700"),
        ("gopher://pay.example", "pay.example"),
    ],
)
def test_an_unreachable_provider_is_named_by_host_and_port_alone(url: str, tried: str) -> None:
    """Neither path, query nor user stands in the text; where nothing is known, none is named."""
    error = httpx.ConnectError("refused", request=httpx.Request("POST", url))
    assert f"no connection to {tried} (ConnectError: refused)" == failure_of(error).what
    assert "no connection to the provider (ConnectError: x)" == failure_of(httpx.ConnectError("x")).what


def test_no_tls_on_the_other_side_is_not_sent(shell: Shell) -> None:
    """A TLS handshake that fails comes before the request."""
    with loopback(short) as seen:
        (got,) = shell.send(seen.url.replace("http:", "https:"))
    assert isinstance(got, Exception)
    assert isinstance(failure_of(got), Unreachable)


@contextmanager
def dropping(after: bytes) -> Iterator[str]:
    """A server that reads a request, writes `after` and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(after)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.mark.parametrize("after", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"junk\r\n\r\n"])
def test_a_connection_cut_after_the_request_is_unknown(shell: Shell, after: bytes) -> None:
    """Nothing, half a reply or rubbish: the request may have been carried out."""
    with dropping(after) as url:
        (got,) = shell.send(url)
    assert isinstance(got, Exception)
    assert isinstance(failure_of(got), OutcomeUnknown)


def test_a_failed_transport_is_not_used_again(shell: Shell) -> None:
    """After a cut the next request has a new connection."""
    cuts = iter([True, False, False])

    def cut_first(handler: BaseHTTPRequestHandler) -> bytes:
        if next(cuts):
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        return b"ok"

    with loopback(cut_first) as seen:
        got = shell.send(seen.url, rounds=3)
    assert [False, True, True] == [isinstance(one, httpx.Response) for one in got]
    assert 2 == len(seen.connections)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_request_gives_its_place_back(backend: str) -> None:
    """Cancelling in the middle of an exchange neither leaks a place nor reuses the connection."""
    arrived, go = threading.Event(), threading.Event()

    def wait(handler: BaseHTTPRequestHandler) -> bytes:
        arrived.set()
        go.wait(10)
        return b"ok"

    async def run(url: str) -> bytes:
        async with AsyncPool(1) as pool:
            async with anyio.create_task_group() as group:
                group.start_soon(pool.handle_async_request, request(url))
                while not arrived.is_set():
                    await anyio.sleep(0.001)
                group.cancel_scope.cancel()
            go.set()
            return (await pool.handle_async_request(request(url))).content

    with loopback(wait) as seen:
        assert b"ok" == anyio.run(run, seen.url, backend=backend)
    assert 2 == len(seen.connections)


def test_proxies_come_from_the_environment_once_and_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """HTTP_PROXY counts at start, NO_PROXY and loopback go direct, later changes do not matter."""
    targets = []

    def proxy(handler: BaseHTTPRequestHandler) -> bytes:
        targets.append(handler.path)
        return b"proxied"

    with loopback(proxy) as seen, loopback(short) as direct:
        monkeypatch.setenv("http_proxy", seen.url)
        monkeypatch.setenv("no_proxy", "internal.example")
        with Pool(1) as pool:
            monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
            assert b"proxied" == pool.handle_request(request("http://tiny.example/x")).content
            assert b"ok" == pool.handle_request(request(direct.url)).content
            with pytest.raises(httpx.ConnectError):
                pool.handle_request(request("http://internal.example/"))
    assert ["http://tiny.example/x"] == targets


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_leaves_its_parents_connections_alone() -> None:
    """After a fork the child opens its own connection, and the parent's still works."""
    with loopback(short) as seen, Pool(2) as pool:
        pool.handle_request(request(seen.url))
        child = os.fork()
        if child == 0:
            try:
                ok = pool.handle_request(request(seen.url)).content == b"ok"
            except BaseException:
                ok = False
            os._exit(0 if ok else 1)
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        pool.handle_request(request(seen.url))
        assert (3, 2) == (seen.requests, len(seen.connections))


def test_connections_idle_too_long_are_closed_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a burst, the connections that nobody needs any more are given up one by one."""
    now = [0.0]
    monkeypatch.setattr("paygate.transports.time.monotonic", lambda: now[0])
    gate = threading.Barrier(3, timeout=10)
    together = [True]

    def meet(handler: BaseHTTPRequestHandler) -> bytes:
        if together[0]:
            gate.wait()
        return b"ok"

    with loopback(meet) as seen, Pool(3) as pool, ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: pool.handle_request(request(seen.url)), range(3)))
        together[0] = False
        now[0] = 60.0
        for _ in range(3):
            pool.handle_request(request(seen.url))
        left = list(pool._idle.drain())
        for transport in left:
            transport.close()
    assert 1 == len(left)


def test_there_is_one_ssl_context() -> None:
    """All pools of a process share it."""
    assert ssl_context() is ssl_context()


# As above: httpx's generators and trio.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_small_reply_that_unpacks_beyond_all_measure_is_given_up(shell: Shell) -> None:
    """The limit counts what a compressed reply becomes."""
    packed = gzip.compress(b"x" * (LARGEST_REPLY * 8))

    def bomb(handler: BaseHTTPRequestHandler) -> bytes:
        handler.gzipped = True  # type: ignore[attr-defined]
        return packed

    with loopback(bomb) as seen:
        (got,) = shell.send(seen.url)
    assert isinstance(got, OutcomeUnknown)


def test_a_compressed_reply_is_read_like_any_other(shell: Shell) -> None:
    """We do not ask for compression; a provider that compresses all the same is understood."""

    def compress(handler: BaseHTTPRequestHandler) -> bytes:
        handler.gzipped = True  # type: ignore[attr-defined]
        return gzip.compress(b"ok")

    with loopback(compress) as seen:
        (got,) = shell.send(seen.url)
    assert isinstance(got, httpx.Response)
    assert (b"ok", None) == (got.content, got.headers.get("Content-Encoding"))


@pytest.mark.parametrize("address", ["proxy.example:3128", "http://me:word@proxy.example:3128"])
def test_a_proxy_may_be_named_with_or_without_its_scheme(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both usual forms are taken."""
    monkeypatch.setenv("https_proxy", address)
    with Pool(1) as pool:
        assert "proxy.example" == pool._idle._proxies["https"].url.host


@pytest.mark.parametrize("address", ["gopher://me:hunter2@proxy.example", "http://[::1"])
def test_a_proxy_that_is_none_is_found_at_start_and_not_shown(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is named; its value may hold a password."""
    monkeypatch.setenv("https_proxy", address)
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as refused:
        Pool(1)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_proxy_that_cannot_be_used_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package for socks nothing leaves, and the error says what to install."""
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")
    with Pool(1) as pool, pytest.raises(ConfigurationError, match="socks"):
        pool.handle_request(request("http://tiny.example/"))


def test_a_connection_given_back_after_closing_is_closed() -> None:
    """`close` may come while a request is in flight; its connection does not stay open."""
    arrived, go = threading.Event(), threading.Event()

    def wait(handler: BaseHTTPRequestHandler) -> bytes:
        arrived.set()
        go.wait(10)
        return b"ok"

    with loopback(wait) as seen, ThreadPoolExecutor(1) as threads:
        pool = Pool(1)
        flying = threads.submit(pool.handle_request, request(seen.url))
        assert arrived.wait(10)
        pool.close()
        go.set()
        assert b"ok" == flying.result(10).content
        assert [] == list(pool._idle.drain())
