"""Money given back: what is asked for, and how it stands."""

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct

from paygate.errors import InvalidCharge
from paygate.money import Money

REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
LONGEST_REASON: Final = 255


class RefundStatus(StrEnum):
    """How a refund stands; only PENDING may still change by itself."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class RefundRequest(Struct, frozen=True, kw_only=True):
    """How much of a charge to give back, and under which number of the merchant's own.

    `reference` is this refund's, unique per gateway: 1 to 64 letters, digits, "-" and "_". It is what keeps
    a refund from being made twice: the same refund keeps it, another one never has it. `amount` is in
    rupiah; None gives the whole charge back. `reason` is for the provider, and some show it to the payer; it
    may be personal, and is left out of `repr`. Raises InvalidCharge for anything else.
    """

    reference: str
    reason: str
    amount: Money | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.reference, str) or REFERENCE.fullmatch(self.reference) is None:
            raise InvalidCharge("refund.reference", 'use 1 to 64 letters, digits, "-" and "_"')
        if not isinstance(self.reason, str) or not 0 < len(self.reason) <= LONGEST_REASON:
            raise InvalidCharge("refund.reason", f"say why, in 1 to {LONGEST_REASON} characters")
        if not self.reason.isprintable() or not self.reason.strip():
            raise InvalidCharge("refund.reason", "use printable characters")
        if self.amount is None:
            return
        if type(self.amount) is not Money or self.amount.currency != "IDR" or self.amount.amount <= 0:
            raise InvalidCharge("refund.amount", "use more than zero rupiah, as in Money.idr(5_000)")

    def __repr__(self) -> str:
        return f"RefundRequest(reference={self.reference!r}, reason=***, amount={self.amount!r})"


class Refund(Struct, frozen=True, kw_only=True):
    """One refund of a charge, as the provider tells it."""

    reference: str
    amount: Money
    status: RefundStatus
