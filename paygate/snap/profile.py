"""How a provider speaks SNAP BI: what the standard leaves open, or the provider does otherwise."""

import os
import time
from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from paygate.snap.signing import Encoding

Layout = Literal["+07:00", "Z", "ms+07:00", "msZ"]

JAKARTA: Final = 7 * 3600


class SnapProfile(Struct, frozen=True, kw_only=True):
    """What a SNAP provider leaves open or does otherwise; the defaults are the standard's commonest reading.

    `unsigned_prefix` is the front of the path that the provider leaves out when it signs. `symmetric`
    requests are signed by HMAC with the token in the string, the others by RSA without it.
    """

    token_path: str = "/v1.0/access-token/b2b"  # noqa: S105 - a path
    symmetric: bool = True
    encoding: Encoding = "base64"
    layout: Layout = "+07:00"
    unsigned_prefix: str = ""
    channel_id: str | None = None

    def signed_path(self, path: str) -> str:
        """The path as the provider signs it."""
        return path.removeprefix(self.unsigned_prefix)


class Timestamps:
    """The current time as X-TIMESTAMP, in a provider's layout; a second's text is made once."""

    def __init__(self, layout: Layout = "+07:00", clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._offset = JAKARTA if layout.endswith("+07:00") else 0
        self._zone = "+07:00" if self._offset else "Z"
        self._milliseconds = layout.startswith("ms")
        self._last = (-1, "")

    def now(self) -> str:
        """The time now, as in 2026-01-02T10:15:00+07:00."""
        moment = self._clock()
        second = int(moment)
        last = self._last
        if last[0] != second:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second + self._offset))
            last = self._last = (second, text)
        if self._milliseconds:
            return f"{last[1]}.{int(moment * 1000) % 1000:03d}{self._zone}"
        return last[1] + self._zone


def external_id(clock: Callable[[], float] = time.time) -> str:
    """A new X-EXTERNAL-ID: 33 digits, milliseconds and 64 random bits.

    Numeric and at most 36, which satisfies every edition of the standard; unique in the day over all
    processes without asking anybody, also after a fork.
    """
    return f"{int(clock() * 1000):013d}{int.from_bytes(os.urandom(8)):020d}"
