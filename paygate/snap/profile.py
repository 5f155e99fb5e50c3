"""How a provider speaks SNAP BI: what the standard leaves open, or the provider does otherwise."""

import time
from collections.abc import Callable, Mapping
from typing import Final, Literal

from msgspec import Struct

from paygate.errors import PaygateError
from paygate.model import ChargeStatus
from paygate.snap.catalogue import PATHS
from paygate.snap.codes import GENERAL, STATUSES, Errors
from paygate.snap.signing import Encoding

Layout = Literal["+07:00", "Z", "ms+07:00", "msZ"]
Inbound = Literal["asymmetric", "symmetric"]
"""How a provider proves its calls: by its own RSA key, or by a token of ours and the client secret."""

JAKARTA_SECONDS: Final = 7 * 3600


class SnapProfile(Struct, frozen=True, kw_only=True):
    """What a SNAP provider leaves open or does otherwise; the defaults are the standard's commonest reading.

    `unsigned_prefix` is the front of the path that the provider leaves out when it signs. `symmetric`
    requests are signed by HMAC with the token in the string, the others by RSA without it, and without a
    login. `channel_id` is the header CHANNEL-ID.

    `prefix` stands in front of the standard's paths; `paths` are those of services that are elsewhere, whole
    and by service code. `channel_field` is where a charge's channel stands in additionalInfo, None for
    nowhere. `customer_digits` is the length of a customerNo that we make. `inbound` is how the provider's
    calls are proven. `errors`, `odd` (refusals whose code has another form) and `statuses` are what its
    answers mean.
    """

    token_path: str = "/v1.0/access-token/b2b"  # noqa: S105 - a path
    symmetric: bool = True
    encoding: Encoding = "base64"
    layout: Layout = "+07:00"
    unsigned_prefix: str = ""
    channel_id: str | None = None
    prefix: str = ""
    paths: Mapping[str, str] = {}
    channel_field: str | None = "channel"
    customer_digits: int = 20
    inbound: tuple[Inbound, ...] = ("asymmetric",)
    errors: Errors = GENERAL
    odd: Mapping[str, type[PaygateError]] = {}
    statuses: Mapping[str, ChargeStatus | None] = STATUSES

    def path(self, service: str) -> str:
        """Where a service is, by its code."""
        return self.paths.get(service) or self.prefix + PATHS[service]

    def signed_path(self, path: str) -> str:
        """The path as the provider signs it."""
        return path.removeprefix(self.unsigned_prefix)


class Timestamps:
    """The current time as X-TIMESTAMP, in a provider's layout; a second's text is made once."""

    def __init__(self, layout: Layout = "+07:00", clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._offset = JAKARTA_SECONDS if layout.endswith("+07:00") else 0
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
