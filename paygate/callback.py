"""A provider's call as it arrives, what it proves, and what it is answered with."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from msgspec import Struct
from msgspec.structs import force_setattr

from paygate.model import Charge, ChargeRef, ChargeStatus

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]


class CallbackRequest(Struct, frozen=True):
    """A call from the provider, as it arrived.

    `path` is what your server saw; the path that counts for the signature comes from the configuration.
    `headers` is a mapping or pairs, in any letter case: ask `header` for one. `body` is the raw bytes,
    before any parsing.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    if TYPE_CHECKING:

        def __init__(self, method: str, path: str, headers: Headers, body: bytes) -> None: ...

    def __post_init__(self) -> None:
        if not isinstance(self.body, bytes):
            raise TypeError("body must be the raw bytes as received, before any parsing")
        given: object = self.headers
        if not isinstance(given, (dict, Mapping)):  # dict first: asking an abstract class costs more
            # A name sent twice is joined as HTTP says; no signature fits the joined value.
            values: dict[str, list[str]] = {}
            for name, value in cast("Iterable[tuple[str, str]]", given):
                values.setdefault(name.lower(), []).append(value)
            force_setattr(self, "headers", {name: ", ".join(found) for name, found in values.items()})

    def header(self, name: str) -> str | None:
        """The value of a header, by its name in lower case; None where there is none."""
        headers = self.headers
        value = headers.get(name.upper()) or headers.get(name)
        if value is None:
            value = next((found for key, found in headers.items() if key.lower() == name), None)
        return value

    def __repr__(self) -> str:
        return f"CallbackRequest({self.method!r}, {self.path!r}, {len(self.body)} bytes)"


class CallbackReply(Struct, frozen=True):
    """What to answer the provider with: HTTP status, headers and body, exactly.

    The body may hold a token or say the payer's name back; it is left out of `repr`.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"CallbackReply({self.status}, {len(self.body)} bytes)"


AGAIN: Final = CallbackReply(500, MappingProxyType({"Content-Type": "text/plain"}), b"Internal Server Error")


class ConflictKind(StrEnum):
    """How a callback contradicts what you know of its charge."""

    UNKNOWN = "unknown"
    """You know no such charge, or not yet; or the one that you gave is another."""
    AMOUNT = "amount"
    """Another amount was paid than was asked for, or than was told before; or one of them is not known."""
    REGRESSION = "regression"
    """The charge has gone further than that already; the news is old."""
    LATE = "late"
    """Paid after it had failed, expired or been cancelled: the money is there all the same."""
    TWICE = "twice"
    """Paid a second time, under another number of the provider's."""
    OUTSIDE = "outside"
    """Given back without having been asked for here; only a journal knows what was asked for, and tells."""


class Conflict(Struct, frozen=True):
    """One charge of a callback that contradicts yours: look at it before you act."""

    kind: ConflictKind
    told: Charge
    known: Charge | None


class Callback(Struct, frozen=True, kw_only=True):
    """A verified call from the provider: how some charges stand now, and what to answer.

    `charges` is empty where the call was about none, as when the provider asks for a token. Some providers
    prove that a call is theirs and not what it says: the charges of such a call stand in `confirm`, and
    how they stand is to be asked. `Gateway.confirm` does that, and moves them to `charges`. `claimed` is
    what such a call says of each, in the same order, None where it says nothing that is known: it is never
    applied, but where the provider's answer is behind it, the reply becomes `again`. After `compare`, those
    that contradict yours stand in `conflicts` instead. Answer with `reply`; answer with `again` where your
    own program failed, and the provider repeats the call. `sent_at` is the provider's own signed time;
    None where it signs none. `raw` is the body as received, left out of `repr`.
    """

    gateway: str
    charges: tuple[Charge, ...]
    reply: CallbackReply
    sent_at: datetime | None
    confirm: tuple[ChargeRef, ...] = ()
    claimed: tuple[ChargeStatus | None, ...] = ()
    again: CallbackReply = AGAIN
    conflicts: tuple[Conflict, ...] = ()
    raw: bytes = b""

    def __repr__(self) -> str:
        return (
            f"Callback(gateway={self.gateway!r}, charges={self.charges!r}, confirm={self.confirm!r}, "
            f"conflicts={self.conflicts!r})"
        )
