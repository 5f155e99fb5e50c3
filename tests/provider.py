"""Tiny's provider, pretended: answers from a script, keeps what it was asked, and has a ledger."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import anyio
import httpx
from paygate_tiny import Settings, Tiny

from paygate import AsyncGateway, ChargeRef, ChargeRequest, Gateway, Money, Qris, Retry, Secret

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]

QUICK = Retry(first_wait_seconds=0.001, longest_wait_seconds=0.002)
CANARY = "canary-of-tiny-9c1f"


def opened(reference: str = "", status: str = "open") -> httpx.Response:
    """What Tiny answers when all is well."""
    return httpx.Response(200, json={"id": reference, "status": status, "qr": "QR"})


class Provider(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport for both shells: the n-th request gets the n-th answer, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers) or [opened()]
        self.requests: list[httpx.Request] = []
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        return self.handle_request(request)

    @property
    def creates(self) -> int:
        """How many requests to create a charge arrived."""
        return sum(request.method == "POST" for request in self.requests)


def tiny(name: str = "main", kind: type[Any] = Tiny) -> Any:
    """An adapter of Tiny's, or of a kind derived from it."""
    return kind(name, Settings(api_key=Secret(CANARY)), lambda: 1_800_000_000.0)


def order(reference: str = "INV-1", **other: Any) -> ChargeRequest:
    """A charge request that is right."""
    return ChargeRequest(**{"reference": reference, "amount": Money.idr(25_000), "method": Qris(), **other})


def named(reference: str = "INV-1") -> ChargeRef:
    """The same charge, by its name."""
    return ChargeRef("main", reference, Qris())


class Both:
    """A gateway in one of its two shells, called the same way: "blocking", "asyncio" or "trio"."""

    def __init__(self, shell: str) -> None:
        self.shell = shell

    def call(
        self,
        provider: Provider,
        operation: str,
        argument: Any,
        adapter: Any = None,
        listeners: Iterable[object] = (),
        **options: Any,
    ) -> Any:
        """Call one operation and return its charge."""
        options = {"adapter": adapter, "listeners": [*listeners], **options}
        [outcome] = self.calls(provider, (operation, argument), **options)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def calls(self, provider: Provider, *steps: Any, adapter: Any = None, **options: Any) -> list[Any]:
        """Call several operations of one gateway, and return their charges and errors.

        A step is an operation with its arguments, or a function of the gateway to be called in between.
        """
        adapter = adapter or tiny()
        options = {"retry": QUICK, **options}
        outcomes: list[Any] = []
        if self.shell == "blocking":
            with Gateway("main", adapter, transport=provider, **options) as gateway:
                for step in steps:
                    if callable(step):
                        outcomes.append(step(gateway))
                        continue
                    try:
                        outcomes.append(getattr(gateway, step[0])(*step[1:]))
                    except BaseException as error:
                        outcomes.append(error)
            return outcomes

        async def run() -> None:
            async with AsyncGateway("main", adapter, transport=provider, **options) as gateway:
                for step in steps:
                    if callable(step):
                        outcomes.append(step(gateway))
                        continue
                    try:
                        outcomes.append(await getattr(gateway, step[0])(*step[1:]))
                    except BaseException as error:
                        outcomes.append(error)

        anyio.run(run, backend=self.shell)
        return outcomes
