"""How the pretend Midtrans calls a merchant back, and how often it tries."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import httpx

from paygate import Flow

Telling: TypeAlias = Callable[[], Flow[bool]]
"""How a charge is told: requests in turn, and in the end whether the merchant took it."""

MINUTES: Final = (2, 10, 30, 90, 210)
WAITS: Final = tuple(60.0 * minutes for minutes in MINUTES)
"""Seconds from an attempt to the next. The docs say "about"; that each is a wait of its own is a guess."""
RETRIES: Final[Mapping[int | None, int]] = {500: 1, 503: 4, 400: 2, 404: 2}
"""How often it tries again after an answer; after any other, and after none, five times."""
HEADERS: Final = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": "Veritrans",
}
FOLLOWED: Final = (307, 308)
HOPS: Final = 5


def waits(status: int | None) -> Sequence[float]:
    """When it tries again after an answer of that status."""
    return WAITS[: RETRIES.get(status, len(WAITS))]


def telling(url: str, body: Mapping[str, Any]) -> Telling:
    """One notice to one address, the same in every attempt. Any 2xx takes it; 307 and 308 lead elsewhere."""
    content = json.dumps(body).encode()

    def tell() -> Flow[bool]:
        here = httpx.URL(url)
        reply = yield httpx.Request("POST", here, headers=HEADERS, content=content)
        for _ in range(HOPS):
            if reply.status_code not in FOLLOWED or "Location" not in reply.headers:
                break
            here = here.join(reply.headers["Location"])
            reply = yield httpx.Request("POST", here, headers=HEADERS, content=content)
        return reply.is_success

    return tell
