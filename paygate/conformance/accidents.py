"""What can happen to an answer so that nobody can say what was done."""

from typing import Final

import httpx
from msgspec import Struct

from paygate.conformance.wire import Answer, copied
from paygate.sandbox.simulator import Simulator

HTML: Final = {"Content-Type": "text/html"}
JSON: Final = {"Content-Type": "application/json"}
PAGE: Final = b"<html><body>It works!"


class Accident(Struct, frozen=True):
    """One accident: how it is told, and how it is brought about."""

    told: str
    answer: Answer


def _timeout(simulator: Simulator, request: httpx.Request) -> httpx.Response:
    simulator.handle(request)
    raise httpx.ReadTimeout("no answer came", request=request)


def _cut(simulator: Simulator, request: httpx.Request) -> httpx.Response:
    simulator.handle(request)
    raise httpx.RemoteProtocolError("the connection was cut", request=request)


def _reset(simulator: Simulator, request: httpx.Request) -> httpx.Response:
    simulator.handle(request)
    raise httpx.ReadError("the connection was reset", request=request)


def lost(_: Simulator, request: httpx.Request) -> httpx.Response:
    """Nothing arrives, and nobody knows it."""
    raise httpx.WriteTimeout("the request was not taken", request=request)


def _answered(status: int, content: bytes, headers: dict[str, str]) -> Answer:
    def answer(simulator: Simulator, request: httpx.Request) -> httpx.Response:
        simulator.handle(request)
        return httpx.Response(status, headers=headers, content=content)

    return answer


def _under(status: int) -> Answer:
    def answer(simulator: Simulator, request: httpx.Request) -> httpx.Response:
        return copied(simulator.handle(request), status=status)

    return answer


def _halved(simulator: Simulator, request: httpx.Request) -> httpx.Response:
    reply = simulator.handle(request)
    return copied(reply, content=reply.content[: len(reply.content) // 2])


def refused(simulator: Simulator, request: httpx.Request) -> httpx.Response:
    """A well-formed "no", and nothing is done."""
    return copied(simulator.refusal(request))


def _denied(simulator: Simulator, request: httpx.Request) -> httpx.Response:
    no = simulator.refusal(request)
    simulator.handle(request)
    return copied(no, status=200)


def busy(simulator: Simulator, request: httpx.Request) -> httpx.Response:
    """Too many requests, and nothing is done."""
    return copied(simulator.busy(request, 1))


CODE_DISAGREES: Final = Accident("the body of a refusal under HTTP 200", _denied)
ACCIDENTS: Final = (
    Accident("a timeout while waiting for the answer", _timeout),
    Accident("a connection cut before the answer", _cut),
    Accident("a connection reset while reading the answer", _reset),
    Accident("a timeout while sending", lost),
    Accident("HTTP 500", _answered(500, b"Internal Server Error", HTML)),
    Accident("HTTP 502", _answered(502, PAGE, HTML)),
    Accident("HTTP 503 with Retry-After", _answered(503, PAGE, {**HTML, "Retry-After": "0"})),
    Accident("HTTP 504", _answered(504, b"", HTML)),
    Accident("HTTP 500 with the body of a success", _under(500)),
    Accident("HTTP 400 with the body of a success", _under(400)),
    Accident("HTTP 404 with a web page", _answered(404, PAGE, HTML)),
    Accident("HTTP 200 with a web page", _answered(200, PAGE, HTML)),
    Accident("HTTP 200 without a body", _answered(200, b"", JSON)),
    Accident("an answer that ends in the middle", _halved),
    Accident('HTTP 200 with the body "null"', _answered(200, b"null", JSON)),
    Accident('HTTP 200 with the body "{}"', _answered(200, b"{}", JSON)),
    Accident('HTTP 200 with the body "[]"', _answered(200, b"[]", JSON)),
    Accident("HTTP 200 with bytes that are no text", _answered(200, b"\xff\xfe{\x00", JSON)),
    Accident("HTTP 200 with JSON nested without end", _answered(200, b"[" * 100_000, JSON)),
    CODE_DISAGREES,
)


def accidents(simulator: Simulator, request: httpx.Request) -> tuple[Accident, ...]:
    """Those that mean something: where a provider says "no" under HTTP 200 anyway, that is no accident."""
    if simulator.refusal(request).status_code < 300:
        return tuple(one for one in ACCIDENTS if one is not CODE_DISAGREES)
    return ACCIDENTS
