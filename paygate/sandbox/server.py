"""An HTTP server on this machine, in a thread of its own, with power over its connections."""

import asyncio
import socket
import threading
from typing import Any, Self, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connections:
    """The open connections by the client's address, so that one can be cut."""

    def __init__(self) -> None:
        self._open: dict[Any, asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """The protocol class that keeps this book."""
        opened = self._open

        class Booked(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                opened[transport.get_extra_info("peername")] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                opened.pop(self.transport.get_extra_info("peername"), None)
                super().connection_lost(exc)

        return Booked

    def cut(self, client: tuple[str, int]) -> None:
        """Close a connection at once, whatever was being sent."""
        transport = self._open.get(client)
        if transport is not None:
            transport.abort()


class Server:
    """Serves an ASGI application at `url` from the moment it is made until `close`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        connections: Connections | None = None,
    ) -> None:
        # With the protocol named, asyncio sends small packets at once; else each answer waits 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
            self._socket.listen(2048)
        except (OSError, OverflowError):
            self._socket.close()
            raise
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                cast("Any", app),
                http=(connections or Connections()).protocol(),
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the server ends. Ctrl-C ends the wait, not the server."""
        # In short waits, for a thread whose `join` was interrupted once cannot be joined again.
        while not self._ended.wait(0.2):
            pass

    def close(self) -> None:
        """End the server and its thread."""
        self._server.should_exit = True
        self._ended.wait()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._ended.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
