"""Single fields of SNAP BI as they are sent and as they are read; what comes in unreadable is None.

Source: SNAP BI technical and security standard v1.0.2, "Amount" and "Date"; the portal's page on virtual
accounts for the padding of a partnerServiceId.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from msgspec import Struct

from paygate.errors import InvalidCharge
from paygate.money import Money
from paygate.snap.inbound import aware

JAKARTA: Final = timezone(timedelta(hours=7))
SECONDS_DIGITS: Final = 10
MILLISECONDS_DIGITS: Final = 13
PREFIX_LENGTH: Final = 8


class Wire(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A message with camelCase names; what stands in it is nobody's business."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class Amount(Wire, frozen=True):
    """An amount as it comes in."""

    value: str
    currency: str = "IDR"


class RupiahAmount(Struct, frozen=True):
    """An amount that we send; both fields always stand there."""

    currency: str
    value: str


def rupiah(money: Money) -> RupiahAmount:
    """An amount as it is sent, "25000.00"."""
    return RupiahAmount(money.currency, str(money.amount))


def told_money(amount: Amount | None) -> Money | None:
    """An amount as it came, or None where it is not more than zero in the one form that is beyond doubt."""
    if amount is None:
        return None
    try:
        read = Money(amount.value, amount.currency)
    except InvalidCharge:
        return None
    return read if read.amount > 0 else None


def told_number(value: object) -> str | None:
    """A number of the provider's own, as text; None for anything that is no text or whole number."""
    if type(value) is str:
        return value or None
    return str(value) if type(value) is int else None


def jakarta_time(moment: datetime) -> str:
    """A time as the standard writes it: Jakarta time with its offset, whole seconds.

    Raises InvalidCharge for one that Jakarta's calendar does not hold.
    """
    try:
        return moment.astimezone(JAKARTA).isoformat(timespec="seconds")
    except OverflowError:
        raise InvalidCharge("expires_at", "is beyond what a calendar holds") from None


def told_time(text: object) -> datetime | None:
    """A time as it came: ISO 8601 with an offset, or unix seconds or milliseconds in digits.

    What cannot be read is None: a time is never worth losing a paid charge for.
    """
    if type(text) is int:
        text = str(text)
    if type(text) is not str:
        return None
    if not text.isdecimal():
        return aware(text)
    if text.isascii() and len(text) == SECONDS_DIGITS:
        return datetime.fromtimestamp(int(text), UTC)
    if text.isascii() and len(text) == MILLISECONDS_DIGITS:
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    return None


def padded(partner_service_id: str) -> str:
    """A bank's prefix as SNAP BI writes it: eight characters, filled with spaces from the left."""
    return partner_service_id.rjust(PREFIX_LENGTH)
