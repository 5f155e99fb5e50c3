"""Requests to Midtrans, made the cheap way."""

from typing import Final

import httpx

from paygate import InvalidCharge
from paygate_midtrans import wire

JSON: Final = (b"Accept", b"application/json")
JSON_BODY: Final = (b"Content-Type", b"application/json")

Header = tuple[bytes, bytes]


def get(url: httpx.URL) -> httpx.Request:
    """A question."""
    return _made("GET", url, b"", ((b"Host", url.netloc), JSON))


def post(url: httpx.URL, body: bytes, *more: Header) -> httpx.Request:
    """A request that changes something, with these very bytes, and some more headers."""
    length = (b"Content-Length", b"%d" % len(body))
    return _made("POST", url, body, ((b"Host", url.netloc), JSON, JSON_BODY, length, *more))


def _made(method: str, url: httpx.URL, body: bytes, headers: tuple[Header, ...]) -> httpx.Request:
    request = httpx.Request(method, url, stream=httpx.ByteStream(body))
    request.read()
    request.headers = httpx.Headers(headers)
    return request


def checked(reference: str) -> str:
    """A reference that may be an order_id, and stand in a path; raise InvalidCharge."""
    if wire.ORDER_ID.fullmatch(reference) is None:
        raise InvalidCharge("reference", 'Midtrans takes 1 to 50 letters, digits, "-", "_", "~" and "."')
    return reference
