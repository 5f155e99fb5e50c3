"""A transport without a network: what is left is httpx's client, if there is one, and the job itself.

Replies come as a network transport gives them, raw headers and a stream still to be read, so that nobody is
spared a step.
"""

from collections.abc import AsyncIterator, Iterator

import httpx

from benchmarks.server import REPLIES


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


class Canned(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers at once, the same each time."""

    def __init__(self) -> None:
        self._replies = {
            path.encode(): (
                [(b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))],
                body,
            )
            for path, body in REPLIES.items()
        }

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers, body = self._replies[request.url.raw_path]
        return httpx.Response(
            200, headers=headers, stream=_Body(body), extensions={"http_version": b"HTTP/1.1"}
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)
