"""The wire between a gateway and its pretend provider: it counts, spoils and fails, and opens no socket."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

import anyio
import httpx
from msgspec import Struct

from paygate.sandbox.addresses import origin_of
from paygate.sandbox.simulator import Simulator

Answer = Callable[[Simulator, httpx.Request], httpx.Response]
"""How a request is answered instead; it may raise what httpx raises for a broken connection."""

NOBODY: Final = httpx.Response(404, text="Not Found")


class Sent(Struct, frozen=True):
    """A request that reached the wire, as it was then, and its answer; None where there was none."""

    operation: str | None
    request: httpx.Request
    reply: httpx.Response | None

    @property
    def origin(self) -> str:
        """Whom it was sent to."""
        return origin_of(self.request.url)


class Wire(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport for both shells: hands each request to the pretend provider that lives at its address."""

    def __init__(self, providers: Mapping[str, Simulator]) -> None:
        self._providers = {origin_of(httpx.URL(url)): one for url, one in providers.items()}
        self._instead: defaultdict[str, list[Answer]] = defaultdict(list)
        self._always: dict[str, Answer] = {}
        self.sent: list[Sent] = []
        self.failure: Exception | None = None
        """What the simulator, or the kit's own author, failed with: no answer of a provider's."""
        self.stuck: str | None = None
        """An operation whose requests nobody ever answers, in the async shell."""

    def spoil(self, operation: str, answer: Answer) -> None:
        """Let the next request of an operation be answered so."""
        self._instead[operation].append(answer)

    def spoil_all(self, operation: str, answer: Answer) -> None:
        """Let every request of an operation be answered so."""
        self._always[operation] = answer

    def mend(self) -> None:
        """Spoil nothing any more."""
        self._instead.clear()
        self._always.clear()

    def asked(self, operation: str, since: int = 0) -> int:
        """How many requests of an operation were sent, after the first so many requests."""
        return sum(one.operation == operation for one in self.sent[since:])

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer at once."""
        request.read()
        return self._answered(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer after a turn of the loop, or never."""
        await request.aread()
        await anyio.lowlevel.checkpoint()
        if self.stuck is not None and self.stuck == self._operation(request):
            self._note(request)
            await anyio.sleep_forever()
        return self._answered(request)

    def _operation(self, request: httpx.Request) -> str | None:
        provider = self._providers.get(origin_of(request.url))
        return provider.operation(request) if provider is not None else None

    def _answered(self, request: httpx.Request) -> httpx.Response:
        provider = self._providers.get(origin_of(request.url))
        operation = self._operation(request)
        place = len(self.sent)
        kept = self._note(request)
        if provider is None:
            return NOBODY
        answer = self._always.get(operation or "")
        if self._instead[operation or ""]:
            answer = self._instead[operation or ""].pop(0)
        try:
            reply = provider.handle(kept) if answer is None else answer(provider, kept)
        except httpx.HTTPError:
            raise
        except Exception as error:
            self.failure = error
            raise
        self.sent[place] = Sent(operation, kept, reply)
        return copied(reply)

    def _note(self, request: httpx.Request) -> httpx.Request:
        """Keep a request as it is now; signing it anew changes it."""
        kept = httpx.Request(
            request.method, request.url, headers=request.headers.raw, content=request.content
        )
        self.sent.append(Sent(self._operation(request), kept, None))
        return kept


def copied(reply: httpx.Response, **other: Any) -> httpx.Response:
    """The same answer once more, or with another status or content."""
    content = other.get("content", reply.content)
    headers = [pair for pair in reply.headers.raw if pair[0].lower() != b"content-length"]
    return httpx.Response(other.get("status", reply.status_code), headers=headers, content=content)
