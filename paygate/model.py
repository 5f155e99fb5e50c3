"""The words we use: what is to be paid, how, and how it stands.

All are frozen msgspec Structs. All times are aware datetimes; all amounts are Money.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias, cast

from msgspec import Struct
from msgspec.structs import force_setattr

from paygate.errors import InvalidCharge
from paygate.money import Money

REFERENCE: Final = re.compile(r"[\x21-\x7e]{1,64}")


class Qris(Struct, frozen=True, tag_field="kind", tag="qris"):
    """Pay by scanning a QR code with any Indonesian bank or wallet app."""

    kind: ClassVar[str] = "qris"


class EWallet(Struct, frozen=True, tag_field="kind", tag="e_wallet"):
    """Pay in a wallet's own app or page; `wallet` is its name in lower case, as in "dana"."""

    kind: ClassVar[str] = "e_wallet"
    wallet: str


class VirtualAccount(Struct, frozen=True, tag_field="kind", tag="virtual_account"):
    """Pay by a transfer to a number made for this charge; `bank` as in "bni"."""

    kind: ClassVar[str] = "virtual_account"
    bank: str


class Retail(Struct, frozen=True, tag_field="kind", tag="retail"):
    """Pay at the till of a convenience store with a code; `store` as in "alfamart"."""

    kind: ClassVar[str] = "retail"
    store: str


class PaymentLink(Struct, frozen=True, tag_field="kind", tag="payment_link"):
    """Pay on a page of the provider's, by any method that it offers there."""

    kind: ClassVar[str] = "payment_link"


Method: TypeAlias = Qris | EWallet | VirtualAccount | Retail | PaymentLink
METHODS: Final[tuple[type[Method], ...]] = (Qris, EWallet, VirtualAccount, Retail, PaymentLink)


class QrCode(Struct, frozen=True):
    """Show this payload as a QR code; it is an EMV QRIS string."""

    payload: str


Instructions: TypeAlias = QrCode


class ChargeStatus(StrEnum):
    """How a charge stands; only PENDING may still change by itself."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


class ChargeRequest(Struct, frozen=True, kw_only=True):
    """What to collect, how, and under which number of the merchant's own.

    `reference` is unique per gateway: 1 to 64 visible ASCII characters (SNAP BI partnerReferenceNo).
    `amount` is more than zero, in rupiah. `expires_at` is an aware time; None leaves it to the provider.
    Raises InvalidCharge for anything else.
    """

    reference: str
    amount: Money
    method: Method
    expires_at: datetime | None = None

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


def _is_aware(moment: object) -> bool:
    return isinstance(moment, datetime) and moment.utcoffset() is not None


class ChargeRef(Struct, frozen=True):
    """Which charge: its gateway, the merchant's reference and the method."""

    gateway: str
    reference: str
    method: Method
    provider_reference: str | None = None
    amount: Money | None = None


class Charge(Struct, frozen=True, kw_only=True):
    """One request to collect money, and how it stands.

    `amount` is what was asked for, `paid_amount` what the provider says was paid: compare them.
    `raw` is the provider's own message, for your records; it may hold personal data and is left out
    of `repr`. What is not known is None.
    """

    gateway: str
    reference: str
    status: ChargeStatus
    method: Method
    amount: Money | None = None
    provider_reference: str | None = None
    instructions: Instructions | None = None
    expires_at: datetime | None = None
    paid_at: datetime | None = None
    paid_amount: Money | None = None
    raw: bytes = b""

    @property
    def ref(self) -> ChargeRef:
        """The part that names this charge, to query or cancel it later."""
        return ChargeRef(self.gateway, self.reference, self.method, self.provider_reference, self.amount)

    def __repr__(self) -> str:
        return (
            f"Charge(gateway={self.gateway!r}, reference={self.reference!r}, "
            f"status={self.status.name}, amount={self.amount}, method={self.method!r}, "
            f"provider_reference={self.provider_reference!r}, paid_amount={self.paid_amount})"
        )


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
    """What to answer the provider with: HTTP status, headers and body, exactly."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Callback(Struct, frozen=True, kw_only=True):
    """A verified call from the provider: how some charges stand now, and what to answer.

    `sent_at` is the provider's own signed time. `raw` is the body as received, left out of `repr`.
    """

    gateway: str
    charges: tuple[Charge, ...]
    reply: CallbackReply
    sent_at: datetime
    raw: bytes = b""

    def __repr__(self) -> str:
        return f"Callback(gateway={self.gateway!r}, charges={self.charges!r})"
