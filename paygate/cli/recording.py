"""A gateway's transport with a clock beside it: what each reply says of the provider's time."""

import time
from email.utils import parsedate_to_datetime

import httpx
from msgspec import Struct


class Heard(Struct, frozen=True):
    """When a reply came, in unix seconds by this clock, how long it took, and the Date that it carries."""

    at: float
    seconds: float
    date: float | None

    @property
    def skew(self) -> float | None:
        """Seconds that this clock is ahead of the server's; None where no Date was told.

        Date is in whole seconds and was written about half-way: both are allowed for.
        """
        return None if self.date is None else self.at - self.seconds / 2 - (self.date + 0.5)


class Recording(httpx.BaseTransport):
    """Passes every request on, and remembers where it went and what its reply says of the time."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.heard: list[Heard] = []
        self.hosts: list[str] = []
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and note the reply's Date."""
        host = request.url.netloc.decode("ascii")
        if host not in self.hosts:
            self.hosts.append(host)
        started = time.monotonic()
        reply = self._inner.handle_request(request)
        self.heard.append(Heard(time.time(), time.monotonic() - started, _date(reply)))
        return reply

    def close(self) -> None:
        self._inner.close()


def _date(reply: httpx.Response) -> float | None:
    try:
        return parsedate_to_datetime(reply.headers.get("Date", "")).timestamp()
    except (ValueError, OverflowError):
        return None
