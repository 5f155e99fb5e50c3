"""The words we use: what is to be paid, by whom, and how it stands.

All are frozen msgspec Structs. All times are aware datetimes; all amounts are Money.
"""

import re
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from paygate.errors import InvalidCharge
from paygate.methods import METHODS, Instructions, Method
from paygate.money import Money
from paygate.refunds import Refund

REFERENCE: Final = re.compile(r"[\x21-\x7e]{1,64}")
EMAIL: Final = re.compile(r"[!-?A-~]{1,64}@[!-?A-~]{1,190}", re.ASCII)
PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
URL: Final = re.compile(r"https?://[!-~]{1,2000}", re.ASCII)
LONGEST_TEXT: Final = 255
SHORTEST_PERSONAL: Final = 3


class ChargeStatus(StrEnum):
    """How a charge stands; only PENDING may still change by itself."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


class Customer(Struct, frozen=True, kw_only=True):
    """Who pays, as far as a method needs to know; personal data, left out of `repr`.

    `phone` is international, as in "+6281234567890". Raises InvalidCharge for a form that is none.
    """

    name: str | None = None
    email: str | None = None
    phone: str | None = None

    def __post_init__(self) -> None:
        if self.name is not None and not _is_text(self.name):
            raise InvalidCharge("customer.name", f"use 1 to {LONGEST_TEXT} printable characters")
        if self.email is not None and not _fits(EMAIL, self.email):
            raise InvalidCharge("customer.email", "use an address, as in name@shop.example")
        if self.phone is not None and not _fits(PHONE, self.phone):
            raise InvalidCharge("customer.phone", "use the international form, as in +6281234567890")

    @property
    def values(self) -> tuple[str, ...]:
        """What must not be seen of it in an error; what is too short to be recognised is left out."""
        given = (self.name, self.email, self.phone, self.phone and self.phone.removeprefix("+"))
        return tuple(value for value in given if value is not None and len(value) >= SHORTEST_PERSONAL)

    def __repr__(self) -> str:
        return "Customer(***)"


class Item(Struct, frozen=True):
    """One line of what is bought: `quantity` times `price`, which is for one piece."""

    name: str
    price: Money
    quantity: int = 1

    def __post_init__(self) -> None:
        if not _is_text(self.name):
            raise InvalidCharge("items", f"a name has 1 to {LONGEST_TEXT} printable characters")
        if type(self.price) is not Money or self.price.currency != "IDR" or self.price.amount < 0:
            raise InvalidCharge("items", "a price is Money of zero rupiah or more")
        if type(self.quantity) is not int or self.quantity < 1:
            raise InvalidCharge("items", "a quantity is a whole number from 1")


class ChargeRequest(Struct, frozen=True, kw_only=True):
    """What to collect, how, and under which number of the merchant's own.

    `reference` is unique per gateway: 1 to 64 visible ASCII characters (SNAP BI partnerReferenceNo).
    `amount` is more than zero, in rupiah. `expires_at` is an aware time; None leaves it to the provider.
    `customer`, `description` and `items` are asked for by some methods; items add up to the amount.
    `return_url` is where the payer's browser goes afterwards; that it got there proves no payment.
    Raises InvalidCharge for anything else.
    """

    reference: str
    amount: Money
    method: Method
    expires_at: datetime | None = None
    customer: Customer | None = None
    description: str | None = None
    items: tuple[Item, ...] = ()
    return_url: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.reference, str) or REFERENCE.fullmatch(self.reference) is None:
            raise InvalidCharge("reference", "use 1 to 64 visible ASCII characters, no spaces")
        if type(self.amount) is not Money:
            raise InvalidCharge("amount", "use Money, as in Money.idr(25_000)")
        if self.amount.currency != "IDR":
            raise InvalidCharge("amount", "Indonesian gateways collect rupiah: use Money.idr(...)")
        if self.amount.amount <= 0:
            raise InvalidCharge("amount", "use more than zero rupiah")
        if type(self.method) not in METHODS:
            raise InvalidCharge("method", "use Qris(), EWallet(...), VirtualAccount(...), …")
        if self.expires_at is not None and not _is_aware(self.expires_at):
            raise InvalidCharge("expires_at", "use an aware datetime, with its time zone")
        if self.customer is not None and type(self.customer) is not Customer:
            raise InvalidCharge("customer", "use Customer(name=..., email=..., phone=...)")
        if self.description is not None and not _is_text(self.description):
            raise InvalidCharge("description", f"use 1 to {LONGEST_TEXT} printable characters")
        if self.items != ():
            self._check_items()
        if self.return_url is not None and not _fits(URL, self.return_url):
            raise InvalidCharge("return_url", "use an address that begins with https:// or http://")

    def _check_items(self) -> None:
        if type(self.items) is not tuple or any(type(item) is not Item for item in self.items):
            raise InvalidCharge("items", "use a tuple of Item(name, price, quantity)")
        total = sum((item.price.amount * item.quantity for item in self.items), Decimal(0))
        if total != self.amount.amount:
            raise InvalidCharge("items", "prices times quantities do not add up to the amount")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and value.isprintable()


def _fits(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _is_aware(moment: object) -> bool:
    return isinstance(moment, datetime) and moment.utcoffset() is not None


class ChargeRef(Struct, frozen=True):
    """Which charge: its gateway, the merchant's reference and the method, which query and cancel need."""

    gateway: str
    reference: str
    method: Method | None
    provider_reference: str | None = None
    amount: Money | None = None


class Charge(Struct, frozen=True, kw_only=True):
    """One request to collect money, and how it stands.

    `amount` is what was asked for, `paid_amount` what the provider says was paid: compare them.
    `refunds` are those that the provider tells of; `refunded_amount` is what was given back as it counts,
    and some count a refund that is PENDING.
    `raw` is the provider's own message, for your records; it may hold personal data and is left out
    of `repr`. What is not known is None; that holds for the `method` too, in a callback that tells none.
    """

    gateway: str
    reference: str
    status: ChargeStatus
    method: Method | None
    amount: Money | None = None
    provider_reference: str | None = None
    instructions: Instructions | None = None
    expires_at: datetime | None = None
    paid_at: datetime | None = None
    paid_amount: Money | None = None
    refunded_amount: Money | None = None
    refunds: tuple[Refund, ...] = ()
    raw: bytes = b""

    @property
    def ref(self) -> ChargeRef:
        """The part that names this charge, to query or cancel it later."""
        return ChargeRef(self.gateway, self.reference, self.method, self.provider_reference, self.amount)

    def refund(self, reference: str) -> Refund | None:
        """The refund of that reference of yours, where the provider tells of it."""
        return next((one for one in self.refunds if one.reference == reference), None)

    def __repr__(self) -> str:
        return (
            f"Charge(gateway={self.gateway!r}, reference={self.reference!r}, "
            f"status={self.status.name}, amount={self.amount}, method={self.method!r}, "
            f"provider_reference={self.provider_reference!r}, paid_amount={self.paid_amount})"
        )
