"""Ayolinx's messages as they stand on the wire. Unknown fields are tolerated; amounts are decimal text.

Sources: Ayolinx docs, "Generate Qris", "Query Qris", "Cancel Qris", "Payment Notify"; what their cut
tables leave open is as merchants saw it in the sandbox.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import msgspec
from msgspec import Struct

from paygate import InvalidCharge, Money
from paygate.snap import aware

JAKARTA: Final = timezone(timedelta(hours=7))
SECONDS_DIGITS: Final = 10
MILLISECONDS_DIGITS: Final = 13


class Wire(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A message with camelCase names."""


class Amount(Wire, frozen=True):
    value: str
    currency: str = "IDR"


class RupiahAmount(Struct, frozen=True):
    """An amount that we send; both fields always stand there."""

    currency: str
    value: str


class Channel(Wire, frozen=True):
    channel: str
    sub_merchant_id: str | None = None


class GenerateQris(Wire, frozen=True):
    partner_reference_no: str
    amount: RupiahAmount
    additional_info: Channel
    valid_up_to: str | None = None


class NamedCharge(Wire, frozen=True):
    """Which charge to query or cancel."""

    original_partner_reference_no: str
    additional_info: Channel


class QrisReply(Wire, frozen=True):
    response_code: str | int = ""
    response_message: str = ""
    partner_reference_no: str | None = None
    reference_no: Any = None
    qr_content: str = ""
    expired_date: Any = None


class StatusReply(Wire, frozen=True):
    """The answer to a query or a cancellation."""

    response_code: str | int = ""
    response_message: str = ""
    original_reference_no: Any = None
    original_partner_reference_no: str | None = None
    latest_transaction_status: str = ""
    finished_time: Any = None
    amount: Amount | None = None


class NoticeInfo(Wire, frozen=True):
    channel: str = ""


class Notice(Wire, frozen=True):
    """Payment Notify, the variant without a token."""

    latest_transaction_status: str
    original_partner_reference_no: str
    amount: Amount | None = None
    original_reference_no: Any = None
    finished_time: Any = None
    additional_info: NoticeInfo = NoticeInfo()


class Taken(Wire, frozen=True):
    """Our answer to a callback."""

    response_code: str
    response_message: str


encode: Final = msgspec.json.Encoder().encode
qris_reply: Final = msgspec.json.Decoder(QrisReply)
status_reply: Final = msgspec.json.Decoder(StatusReply)
notice: Final = msgspec.json.Decoder(Notice)


def rupiah(money: Money) -> RupiahAmount:
    """An amount as it is sent, "25000.00"."""
    return RupiahAmount(money.currency, str(money.amount))


def money(amount: Amount | None) -> Money | None:
    """An amount as it came, or None where it is not more than zero in the one form that is beyond doubt."""
    if amount is None:
        return None
    try:
        read = Money(amount.value, amount.currency)
    except InvalidCharge:
        return None
    return read if read.amount > 0 else None


def name(value: object) -> str | None:
    """A number of the provider's own, as text; None for anything that is no text or whole number."""
    if type(value) is str:
        return value or None
    return str(value) if type(value) is int else None


def valid_up_to(moment: datetime) -> str:
    """An expiry as Ayolinx's sandbox took it for QRIS: Jakarta time with its offset, whole seconds."""
    try:
        return moment.astimezone(JAKARTA).isoformat(timespec="seconds")
    except OverflowError:
        raise InvalidCharge("expires_at", "is beyond what a calendar holds") from None


def moment(text: object) -> datetime | None:
    """A time as Ayolinx writes it: unix seconds or milliseconds in digits, or ISO 8601 with an offset.

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
