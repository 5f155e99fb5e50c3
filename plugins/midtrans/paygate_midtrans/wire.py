"""What Midtrans answers and is sent, as it stands on the wire. Unknown fields are tolerated.

Only what an answer cannot do without has a type: a payment is not worth losing for a strange time or id.
Amounts go out as whole numbers and come back as texts, "20000.00"; times are Jakarta's, without offset.
"""

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import msgspec
from msgspec import Struct

from paygate import InvalidCharge, Money

JAKARTA: Final = timezone(timedelta(hours=7), "WIB")
TIME: Final = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
AMOUNT: Final = re.compile(r"[0-9]{1,14}(\.[0-9]{2})?", re.ASCII)
ORDER_ID: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._~-]{1,50}", re.ASCII)
"""What an order_id may be. One of dots alone would climb out of its path."""

TRANSACTION_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)


class Wire(Struct, frozen=True, omit_defaults=True):
    """A message; what stands in it is nobody's business."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class Details(Wire, frozen=True):
    """transaction_details."""

    order_id: str
    gross_amount: int


class Line(Wire, frozen=True):
    """One of item_details; it has no defaults, for all four fields always stand there."""

    id: str
    price: int
    quantity: int
    name: str


class Buyer(Wire, frozen=True):
    """customer_details."""

    first_name: str | None = None
    email: str | None = None
    phone: str | None = None


class Expiry(Wire, frozen=True):
    """custom_expiry: so long after order_time."""

    order_time: str
    expiry_duration: int
    unit: str


class QrisPart(Wire, frozen=True):
    acquirer: str


class GopayPart(Wire, frozen=True):
    enable_callback: bool
    callback_url: str


class ShopeepayPart(Wire, frozen=True):
    callback_url: str


class BankPart(Wire, frozen=True):
    bank: str


class EchannelPart(Wire, frozen=True):
    """What a Mandiri machine shows: a label of up to 10 characters, and its value of up to 30."""

    bill_info1: str
    bill_info2: str


class NewCharge(Wire, frozen=True):
    """POST /v2/charge."""

    payment_type: str
    transaction_details: Details
    item_details: tuple[Line, ...] = ()
    customer_details: Buyer | None = None
    custom_expiry: Expiry | None = None
    qris: QrisPart | None = None
    gopay: GopayPart | None = None
    shopeepay: ShopeepayPart | None = None
    bank_transfer: BankPart | None = None
    echannel: EchannelPart | None = None


class NewRefund(Wire, frozen=True):
    """POST /v2/…/refund; without an amount the whole charge is given back."""

    refund_key: str
    reason: str
    amount: int | None = None


class Answer(Wire, frozen=True):
    """Every answer of Midtrans', whatever was asked."""

    status_code: str | int = ""
    status_message: Any = ""
    validation_messages: Any = ()
    order_id: Any = None
    transaction_id: Any = None
    gross_amount: Any = None
    currency: Any = None
    payment_type: Any = None
    transaction_status: Any = ""
    fraud_status: Any = None
    settlement_time: Any = None
    expiry_time: Any = None
    qr_string: Any = None
    actions: Any = ()
    va_numbers: Any = ()
    permata_va_number: Any = None
    bill_key: Any = None
    biller_code: Any = None
    payment_amounts: Any = ()
    refund_key: Any = None
    refund_amount: Any = None
    refunds: Any = ()


answer: Final = msgspec.json.Decoder(Answer)
encode: Final = msgspec.json.Encoder().encode


def rupiah(money: Money, field: str) -> int:
    """An amount as it is sent: whole rupiah. Raises InvalidCharge where it has sen."""
    whole = int(money.amount)
    if whole != money.amount:
        raise InvalidCharge(field, "Midtrans takes whole rupiah: leave the sen out")
    return whole


def money(text: object) -> Money | None:
    """An amount as it came, or None where it is not more than zero in the form that is beyond doubt."""
    if type(text) is not str or AMOUNT.fullmatch(text) is None:
        return None
    read = Money(text)
    return read if read.amount > 0 else None


def text(value: object) -> str:
    """A text as it came, and an empty one for anything else."""
    return value if type(value) is str else ""


def name(value: object) -> str | None:
    """A number of Midtrans' own, as text; None for anything that is no text or whole number."""
    if type(value) is str:
        return value or None
    return str(value) if type(value) is int else None


def entries(value: object) -> list[dict[str, Any]]:
    """The objects in a list, and none where it is no list."""
    return [one for one in value if type(one) is dict] if type(value) is list else []


def every(value: object) -> list[dict[str, Any]] | None:
    """The objects of a list that has nothing else; None for anything other."""
    found = entries(value)
    return found if type(value) is list and len(found) == len(value) else None


def jakarta(moment: datetime) -> str:
    """A time as custom_expiry takes it, "2026-01-02 10:00:00 +0700"."""
    return moment.astimezone(JAKARTA).strftime("%Y-%m-%d %H:%M:%S %z")


def moment(told: object) -> datetime | None:
    """A time as Midtrans tells it, in Jakarta; what cannot be read is None."""
    if type(told) is not str or TIME.fullmatch(told) is None:
        return None
    try:
        return datetime.fromisoformat(told).replace(tzinfo=JAKARTA)
    except ValueError:
        return None
