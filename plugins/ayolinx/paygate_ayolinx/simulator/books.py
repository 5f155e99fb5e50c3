"""One merchant's books at the pretend Ayolinx: charges, the orders they were made from, and the clock."""

import secrets
import string
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from paygate import AccountNumber, ChargeStatus, Instructions, Method, Money
from paygate.sandbox import Books, PretendCharge, Turned, jakarta, text_of
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator.channels import channel_of
from paygate_ayolinx.simulator.fields import channel_in

LinkReference: TypeAlias = Literal["own", "hash"]

HASH: Final = string.ascii_letters + string.digits
TOLD: Final = {
    ChargeStatus.PAID: "00",
    ChargeStatus.PENDING: "03",
    ChargeStatus.REFUNDED: "04",
    ChargeStatus.CANCELLED: "05",
    # No status says "expired"; that an expired charge is told as canceled is a guess.
    ChargeStatus.EXPIRED: "05",
    ChargeStatus.FAILED: "06",
}


class Sheet(Struct):
    """What the books hold of a charge that the ledger does not: the order as it was sent, and more.

    `number` is Ayolinx's number of it; a link gets one beside its hash. `callback_url` is where the order
    wants to be told. `paid` is set where another amount was paid than was asked for.
    """

    order: dict[str, Any]
    number: str
    callback_url: str | None
    paid: Money | None = None


class AyolinxBooks(Books[Sheet]):
    """The books, as every API uses them."""

    def __init__(
        self,
        account: SandboxAccount,
        clock: Callable[[], float],
        *,
        refuse_duplicates: bool,
        link_reference: LinkReference = "own",
    ) -> None:
        super().__init__(clock)
        self.account = account
        self.refuse_duplicates = refuse_duplicates
        self.link_reference = link_reference
        self._made = 0
        self._numbered = 0

    def number(self) -> str:
        """A new number of Ayolinx's for a charge."""
        self._made += 1
        return f"AYO{self.now():%Y%m%d}{self._made:08d}"

    def link_hash(self) -> str:
        """A new name for a link, as in the sample: eleven letters and digits."""
        return "".join(secrets.choice(HASH) for _ in range(11))

    def account_number(self, prefix: str, length: int) -> str:
        """A new number of that many digits for a payer to type in, the prefix first."""
        while True:
            self._numbered += 1
            number = f"{prefix}{self._numbered:0{length - len(prefix)}d}"
            if not self.has_open_account(number):
                return number

    def has_open_account(self, number: str) -> bool:
        """Whether a transfer to this number would pay a charge today."""
        return any(
            isinstance(charge.instructions, AccountNumber)
            and charge.instructions.number == number
            and self.settled(charge).status is ChargeStatus.PENDING
            for charge in self.ledger.charges
        )

    def new_reference(self, body: dict[str, Any], name: str) -> str:
        """The merchant's own number of a new charge. It may be used once, whatever the method."""
        reference = text_of(body, name)
        if self.refuse_duplicates and self.ledger.find(reference) is not None:
            raise Turned(409, "01", f"Duplicate {name}")
        return reference

    def write(
        self,
        order: dict[str, Any],
        *,
        reference: str,
        number: str,
        amount: Money,
        method: Method,
        instructions: Instructions,
        expires_at: datetime,
        link_hash: str | None = None,
        addresses: dict[str, str] | None = None,
        details: dict[str, str] | None = None,
    ) -> PretendCharge:
        """Write a new charge down. A link goes by its hash."""
        urls = addresses or {}
        charge = PretendCharge(
            reference=reference,
            provider_reference=link_hash or number,
            amount=amount,
            method=method,
            instructions=instructions,
            created_at=self.now(),
            expires_at=expires_at,
            return_url=urls.get("PAY_RETURN"),
            details={name: value for name, value in (details or {}).items() if value},
        )
        return self.keep(charge, Sheet(order, number, urls.get("NOTIFICATION")))

    def paid(self, charge: PretendCharge) -> dict[str, str]:
        """The amount to tell of a charge: what was paid, or is to be paid."""
        return money(self.sheet(charge).paid or charge.amount)

    def named(self, body: dict[str, Any], channels: Collection[str]) -> PretendCharge:
        """The charge that a body names, by its reference and the very channel it was made for."""
        reference = text_of(body, "originalPartnerReferenceNo")
        channel = channel_in(body, channels)
        charge = self.current(reference)
        if charge is None or channel_of(charge.method) != channel:
            raise Turned(404, "01", "Transaction Not Found")
        return charge

    def standing(self, body: dict[str, Any], channels: Collection[str]) -> dict[str, Any]:
        """How a charge stands, for those who ask (docs: "Query Qris"; for other methods inferred from it)."""
        charge = self.named(body, channels)
        return {
            "originalReferenceNo": self.sheet(charge).number,
            "originalPartnerReferenceNo": charge.reference,
            "latestTransactionStatus": TOLD[charge.status],
            "finishedTime": jakarta(charge.finished_at),
            "amount": self.paid(charge),
        }


def money(amount: Money) -> dict[str, str]:
    """An amount as Ayolinx writes it."""
    return {"currency": amount.currency, "value": str(amount.amount)}
