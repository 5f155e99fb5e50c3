"""What all of Ayolinx's products have in common."""

import re
from datetime import datetime
from typing import Final, Protocol

import httpx
from msgspec import Struct

from paygate import ChargeRequest
from paygate.snap import Made
from paygate_ayolinx import wire

ADDRESS: Final = re.compile(r"https?://[!-~]+", re.ASCII)


class Product(Protocol):
    """One of Ayolinx's products.

    `query` is where its charges are asked about, None where nobody can. Where it `ends`, Ayolinx must be
    told when: then every request has its `expires_at`.
    """

    @property
    def path(self) -> str: ...
    @property
    def query(self) -> str | None: ...
    @property
    def ends(self) -> bool: ...

    def order(self, request: ChargeRequest) -> object:
        """The message that has a charge made; raise InvalidCharge, ConfigurationError where it cannot be."""
        ...

    def made(self, request: ChargeRequest, reply: httpx.Response) -> Made:
        """Read the answer; raise what a "no" means, and OutcomeUnknown for what has no known shape."""
        ...


class Addresses(Struct, frozen=True):
    """The merchant's own addresses that go with a charge."""

    callback_url: str | None = None
    return_url: str | None = None

    @property
    def notification(self) -> tuple[wire.UrlParam, ...]:
        """Where to call back, if that is configured; else Ayolinx calls the address in its portal."""
        return (wire.UrlParam("NOTIFICATION", self.callback_url),) if self.callback_url else ()


def expiry_of(request: ChargeRequest) -> datetime:
    """When a charge of a product that `ends` does so."""
    assert request.expires_at is not None
    return request.expires_at
