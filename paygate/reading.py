"""How a reply is read to its end, up to a limit: a provider gone mad must not fill the memory."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpx

from paygate.errors import OutcomeUnknown

LARGEST_REPLY: Final = 4 * 1024 * 1024
TOO_LARGE: Final = f"the answer is larger than {LARGEST_REPLY} bytes"


class _Bounded(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A reply's bytes as they come over the wire, up to the limit."""

    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        self._stream = stream
        self._left = LARGEST_REPLY

    def _count(self, chunk: bytes) -> bytes:
        self._left -= len(chunk)
        if self._left < 0:
            raise OutcomeUnknown(TOO_LARGE)
        return chunk

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._stream, httpx.SyncByteStream)
        for chunk in self._stream:
            yield self._count(chunk)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._stream, httpx.AsyncByteStream)
        async for chunk in self._stream:
            yield self._count(chunk)

    def close(self) -> None:
        assert isinstance(self._stream, httpx.SyncByteStream)
        self._stream.close()

    async def aclose(self) -> None:
        assert isinstance(self._stream, httpx.AsyncByteStream)
        await self._stream.aclose()


def whole(response: httpx.Response) -> httpx.Response:
    """Read a reply to its end; whatever happens, its stream is closed."""
    response.stream = _Bounded(response.stream)
    try:
        if "Content-Encoding" not in response.headers:
            response.read()
            return response
        chunks = _Tally()
        for chunk in response.iter_bytes():
            chunks.add(chunk)
        return chunks.reply(response)
    finally:
        response.close()


async def whole_async(response: httpx.Response) -> httpx.Response:
    """As `whole`, without blocking the loop."""
    response.stream = _Bounded(response.stream)
    try:
        if "Content-Encoding" not in response.headers:
            await response.aread()
            return response
        chunks = _Tally()
        async for chunk in response.aiter_bytes():
            chunks.add(chunk)
        return chunks.reply(response)
    finally:
        await response.aclose()


class _Tally:
    """The decoded bytes of a compressed reply, up to the same limit: a few of them can become very many."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._left = LARGEST_REPLY

    def add(self, chunk: bytes) -> None:
        self._left -= len(chunk)
        if self._left < 0:
            raise OutcomeUnknown(TOO_LARGE)
        self._chunks.append(chunk)

    def reply(self, response: httpx.Response) -> httpx.Response:
        """The reply as if it had not been compressed."""
        dropped = (b"content-encoding", b"content-length", b"transfer-encoding")
        headers = [pair for pair in response.headers.raw if pair[0].lower() not in dropped]
        return httpx.Response(response.status_code, headers=headers, content=b"".join(self._chunks))
