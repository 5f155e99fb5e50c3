"""How requests reach the network: pools of httpx transports, each used by one request at a time.

A transport that is shared by threads can lose requests, and its pool slows down under many tasks
(docs/decisions/0002). So every request borrows a transport with one connection and gives it back.
"""

import contextlib
import functools
import os
import ssl
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

import anyio
import httpx

from paygate.addresses import LOOPBACK
from paygate.errors import ConfigurationError, OutcomeUnknown, PaygateError, Unreachable
from paygate.reading import whole, whole_async
from paygate.redaction import scrub

KEEP_ALIVE: Final = 4.0
"""Seconds a connection is kept; common servers close theirs after five, and a race would cost an outcome."""

LIMITS: Final = httpx.Limits(max_connections=2, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE)
PORTS: Final = {"http": 80, "https": 443}
NEVER_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

T = TypeVar("T")
Origin = tuple[str, str, int | None]


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """The process's one SSL context; making one costs as much as fifty charges."""
    return httpx.create_ssl_context()


def failure_of(error: Exception) -> PaygateError:
    """What a transport's exception says about the money."""
    if isinstance(error, PaygateError):
        return error
    kind = type(error).__name__
    if isinstance(error, NEVER_LEFT):
        return Unreachable(f"no connection to {_tried(error)} ({kind}: {scrub(str(error))})")
    return OutcomeUnknown(f"no complete answer from the provider ({kind})")


def _tried(error: httpx.RequestError) -> str:
    """Host and port that were to be reached; nothing else of the address, which may hold secrets."""
    try:
        url = error.request.url
    except RuntimeError:  # how httpx says that it does not know
        return "the provider"
    host = f"[{url.host}]" if ":" in url.host else url.host
    port = url.port or PORTS.get(url.scheme)
    return f"{host}:{port}" if port else host


def _proxies() -> dict[str, httpx.Proxy]:
    """The proxies of the environment, checked; an error names the variable and not the address."""
    found = {}
    for scheme, address in urllib.request.getproxies().items():
        if scheme not in ("http", "https", "all"):
            continue
        try:
            found[scheme] = httpx.Proxy(address if "://" in address else f"http://{address}")
        except (ValueError, httpx.InvalidURL):
            raise ConfigurationError(
                f"environment variable {scheme.upper()}_PROXY is no address of a proxy"
            ) from None
    return found


def timeouts(seconds: float) -> dict[str, float]:
    """The timeouts of a request, as httpx transports read them from its extensions."""
    return httpx.Timeout(seconds).as_dict()  # type: ignore[return-value]


class Idle(Generic[T]):
    """Transports that wait for their next request, by origin; the last one used comes first."""

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._context = ssl_context()
        self._proxies = _proxies()
        self._is_closed = False
        self._stacks: dict[Origin, deque[tuple[float, T]]] = {}
        self._process = os.getpid()

    def take(self, url: httpx.URL) -> T:
        """An idle transport, or a new one."""
        if self._process != os.getpid():
            # After a fork the connections belong to the parent as well: leave them alone.
            self._stacks, self._process = {}, os.getpid()
        try:
            return self._stacks[url.scheme, url.host, url.port].pop()[1]
        except (KeyError, IndexError):
            pass
        try:
            return self._make(verify=self._context, trust_env=False, limits=LIMITS, proxy=self._proxy_of(url))
        except (ImportError, ValueError) as error:
            raise ConfigurationError(
                f"the proxy of the environment cannot be used ({type(error).__name__}): "
                "for socks, pip install 'httpx[socks]'"
            ) from None

    def give(self, url: httpx.URL, transport: T) -> T | None:
        """Take a transport back; return one that has been idle too long, to be closed."""
        if self._is_closed:
            return transport
        origin = (url.scheme, url.host, url.port)
        stack = self._stacks.get(origin)
        if stack is None:
            stack = self._stacks.setdefault(origin, deque())
        now = time.monotonic()
        stack.append((now, transport))
        if stack[0][0] < now - KEEP_ALIVE:
            try:
                return stack.popleft()[1]
            except IndexError:  # another thread took it in between
                return None
        return None

    def drain(self) -> Iterator[T]:
        """Take out all, to be closed; what is given back later is closed as well."""
        self._is_closed = True
        if self._process != os.getpid():
            return
        for stack in self._stacks.values():
            while stack:
                yield stack.pop()[1]

    def _proxy_of(self, url: httpx.URL) -> httpx.Proxy | None:
        if url.host in LOOPBACK or urllib.request.proxy_bypass(url.host):
            return None
        return self._proxies.get(url.scheme) or self._proxies.get("all")


class Pool(httpx.BaseTransport):
    """Blocking: at most `limit` requests in flight, each over a transport of its own."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slots = threading.BoundedSemaphore(limit)
        self._process = os.getpid()
        self._idle: Idle[httpx.HTTPTransport] = Idle(httpx.HTTPTransport)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, read the whole reply and give the transport back."""
        if self._process != os.getpid():
            # The places that were taken at the fork belong to the parent's threads.
            self._slots, self._process = threading.BoundedSemaphore(self._limit), os.getpid()
        slots = self._slots
        if not slots.acquire(timeout=request.extensions["timeout"]["pool"]):
            raise httpx.PoolTimeout("too many requests in flight", request=request)
        try:
            transport = self._idle.take(request.url)
            try:
                response = whole(transport.handle_request(request))
            except BaseException as error:
                _name(error, request)
                _close(transport)
                raise
            overdue = self._idle.give(request.url, transport)
            if overdue is not None:
                _close(overdue)
            return response
        finally:
            slots.release()

    def close(self) -> None:
        for transport in self._idle.drain():
            _close(transport)


class AsyncPool(httpx.AsyncBaseTransport):
    """Async: at most `limit` requests in flight, each over a transport of its own."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slots: anyio.Semaphore | None = None
        self._idle: Idle[httpx.AsyncHTTPTransport] = Idle(httpx.AsyncHTTPTransport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, read the whole reply and give the transport back."""
        slots = self._slots
        if slots is None:
            slots = self._slots = anyio.Semaphore(self._limit, fast_acquire=True)
        try:
            slots.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.move_on_after(request.extensions["timeout"]["pool"]) as patience:
                await slots.acquire()
            if patience.cancelled_caught:
                raise httpx.PoolTimeout("too many requests in flight", request=request) from None
        try:
            transport = self._idle.take(request.url)
            try:
                response = await whole_async(await transport.handle_async_request(request))
            except BaseException as error:
                _name(error, request)
                await _aclose(transport)
                raise
            overdue = self._idle.give(request.url, transport)
            if overdue is not None:
                await _aclose(overdue)
            return response
        finally:
            slots.release()

    async def aclose(self) -> None:
        for transport in self._idle.drain():
            await _aclose(transport)


def _name(error: BaseException, request: httpx.Request) -> None:
    """Tell an exception of a transport which request it is about, as httpx's own client does."""
    if isinstance(error, httpx.RequestError):
        error.request = request


def _close(transport: httpx.HTTPTransport) -> None:
    """Close a transport; that it fails to close must not change what its exchange has brought."""
    with contextlib.suppress(Exception):
        transport.close()


async def _aclose(transport: httpx.AsyncHTTPTransport) -> None:
    """As `_close`, also in a task that is being cancelled."""
    with contextlib.suppress(Exception), anyio.CancelScope(shield=True):
        await transport.aclose()
