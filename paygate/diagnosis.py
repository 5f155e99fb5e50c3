"""What an adapter tells an integrator who looks for a fault: strings to sign, signatures, findings.

It helps a person to see; nothing here decides whether anything is believed.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

ANOTHER: Final = "another"
"""The path and body of a trial whose key fits although none of the texts that were tried does."""


class Verdict(StrEnum):
    """How something stands."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


class Finding(Struct, frozen=True):
    """One thing that was looked at, how it stands, and what to do unless it is good."""

    subject: str
    verdict: Verdict
    what: str
    cure: str = ""


class Unsigned(Struct, frozen=True):
    """A request that is to be signed as the provider wants it.

    `token` is the access token without "Bearer", where the scheme has one; left out of `repr`.
    """

    method: str
    path: str
    body: bytes
    timestamp: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Unsigned({self.method!r}, {self.path!r}, {len(self.body)} bytes)"


class Signed(Struct, frozen=True):
    """How a request was signed: by which scheme, over which exact text, and with which headers.

    `headers` are those that the signature goes with. `text` may hold the access token, and so is left
    out of `repr`.
    """

    scheme: str
    text: str
    signature: str
    headers: Mapping[str, str]
    body_hash: str | None = None

    def __repr__(self) -> str:
        return f"Signed({self.scheme!r})"


class Trial(Struct, frozen=True):
    """One reading of a callback's signature that was tried: scheme, path, form of the body and key.

    `accepted` says whether a callback that fits so is believed; other readings are tried to find the fault.
    """

    scheme: str
    path: str
    body: str
    key: str
    fits: bool
    accepted: bool
