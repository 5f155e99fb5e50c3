"""One merchant's books at the pretend Midtrans: charges, what they were ordered as, and the clock."""

import heapq
import itertools
import secrets
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from msgspec import Struct

from paygate import AccountNumber, ChargeStatus, Instructions, Money, Refund, RefundStatus
from paygate.sandbox import Ledger, PretendCharge
from paygate_midtrans.simulator.door import Turned
from paygate_midtrans.simulator.orders import Order

JAKARTA: Final = timezone(timedelta(hours=7))
STATUSES: Final[Mapping[str, ChargeStatus]] = {
    "pending": ChargeStatus.PENDING,
    "authorize": ChargeStatus.PENDING,
    "capture": ChargeStatus.PAID,
    "settlement": ChargeStatus.PAID,
    "deny": ChargeStatus.FAILED,
    "failure": ChargeStatus.FAILED,
    "cancel": ChargeStatus.CANCELLED,
    "expire": ChargeStatus.EXPIRED,
    "refund": ChargeStatus.REFUNDED,
    "partial_refund": ChargeStatus.PARTIALLY_REFUNDED,
    "chargeback": ChargeStatus.REFUNDED,
    "partial_chargeback": ChargeStatus.PARTIALLY_REFUNDED,
}
"""Every transaction_status that the docs name, and how the ledger shows it."""
REFUNDABLE: Final = ("settlement", "partial_refund")


class PretendRefund(Struct, kw_only=True):
    """One refund in the books; `confirmed_at` is when the bank or wallet has confirmed it."""

    number: int
    key: str
    amount: int
    reason: str
    created_at: datetime
    confirmed_at: datetime | None


class Sheet(Struct, kw_only=True):
    """What the books hold of a charge that the ledger does not; `status` is Midtrans' word for how it stands.

    `shown` are the fields that every message about it repeats, such as its account number; `qr` is what
    the picture of its QR code shows.
    """

    order: Order
    status: str = "pending"
    settled_at: datetime | None = None
    shown: Mapping[str, object] = {}
    qr: str = ""
    refunds: list[PretendRefund] = []

    @property
    def given_back(self) -> int:
        """How many rupiah were given back."""
        return sum(refund.amount for refund in self.refunds)


class Books:
    """The books, as every endpoint uses them. `changed` is told of each charge that stands otherwise."""

    def __init__(
        self,
        clock: Callable[[], float],
        changed: Callable[[PretendCharge], None],
        *,
        refuse_duplicates: bool,
        refunds_wait: bool,
    ) -> None:
        self.ledger = Ledger()
        self.merchant_id = f"G{secrets.randbelow(10**9):09d}"
        self.refunds_wait = refunds_wait
        self.refund_numbers = itertools.count(1)
        self._refuse_duplicates = refuse_duplicates
        self._clock = clock
        self._changed = changed
        self._sheets: dict[str, Sheet] = {}
        self._open: list[tuple[datetime, int, PretendCharge]] = []
        self._numbers = itertools.count(1)

    def now(self) -> datetime:
        """What the time is."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def pass_time(self) -> None:
        """Let every open charge whose time is up expire."""
        now = self.now()
        while self._open and self._open[0][0] <= now:
            ends, _, charge = heapq.heappop(self._open)
            if self.sheet(charge).status == "pending":
                self.turn(charge, "expire", at=ends)

    def check_new(self, order_id: str) -> None:
        """Turn away an order_id that is in use. That of an expired charge may be used again."""
        known = self.ledger.find(order_id)
        if known is not None and self._refuse_duplicates and self.sheet(known).status != "expire":
            raise Turned(406)

    def write(
        self,
        order: Order,
        number: str,
        instructions: Instructions,
        *,
        shown: Mapping[str, object] | None = None,
        qr: str = "",
        details: Mapping[str, str] | None = None,
    ) -> PretendCharge:
        """Write a new charge down, under Midtrans' number of it."""
        charge = PretendCharge(
            reference=order.order_id,
            provider_reference=number,
            amount=Money.idr(order.amount),
            method=order.product.method,
            instructions=instructions,
            created_at=self.now(),
            expires_at=order.ends,
            return_url=order.return_url or None,
            details={name: value for name, value in {**order.customer, **(details or {})}.items() if value},
        )
        self._sheets[number] = Sheet(order=order, shown=shown or {}, qr=qr)
        self.ledger.add(charge)
        heapq.heappush(self._open, (order.ends, next(self._numbers), charge))
        self._changed(charge)
        return charge

    def sheet(self, charge: PretendCharge) -> Sheet:
        """The rest of what is known of a charge."""
        return self._sheets[charge.provider_reference]

    def find(self, name: str) -> PretendCharge | None:
        """The newest charge of an order_id, or the one with this transaction_id."""
        return self.ledger.find(name) or self.ledger.numbered(name)

    def named(self, name: str) -> PretendCharge:
        """The same; there must be one."""
        charge = self.find(name)
        if charge is None:
            raise Turned(404)
        return charge

    def turn(self, charge: PretendCharge, status: str, at: datetime | None = None) -> None:
        """Let a charge stand in this way from now on, or from then, and tell of it."""
        sheet = self.sheet(charge)
        moment = at or self.now()
        sheet.status = status
        if status in ("settlement", "capture"):
            sheet.settled_at = moment
        charge.status = STATUSES[status]
        charge.finished_at = None if charge.status is ChargeStatus.PENDING else moment
        charge.refunds = tuple(
            Refund(
                reference=refund.key,
                amount=Money.idr(refund.amount),
                status=RefundStatus.DONE if refund.confirmed_at else RefundStatus.PENDING,
            )
            for refund in sheet.refunds
        )
        self._changed(charge)

    def new_id(self) -> str:
        """A new transaction_id."""
        return str(uuid.uuid4())

    def new_number(self, prefix: str, length: int) -> str:
        """A new number of that many digits for a payer to type in, the prefix first."""
        while True:
            number = f"{prefix}{next(self._numbers):0{length - len(prefix)}d}"
            if not self.is_open(number):
                return number

    def is_open(self, number: str) -> bool:
        """Whether a transfer to this number would pay a charge today."""
        return any(
            isinstance(charge.instructions, AccountNumber)
            and charge.instructions.number == number
            and charge.status is ChargeStatus.PENDING
            for charge in self.ledger.charges
        )


def rupiah(amount: int) -> str:
    """An amount as Midtrans writes it."""
    return f"{amount}.00"


def jakarta(moment: datetime) -> str:
    """A time as Midtrans writes it, without its offset."""
    return moment.astimezone(JAKARTA).strftime("%Y-%m-%d %H:%M:%S")
