"""One merchant's books at a pretend SNAP provider: charges, the orders they were made from, and the clock."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from paygate.methods import Instructions, Method
from paygate.model import ChargeStatus
from paygate.money import Money
from paygate.refunds import RefundStatus
from paygate.sandbox.books import Books
from paygate.sandbox.ledger import PretendCharge
from paygate.sandbox.snap.account import SnapSandboxAccount
from paygate.sandbox.snap.fields import Turned, object_of, text_of, wrong


class Sheet(Struct):
    """What the books hold of a charge besides the ledger: its order as it was sent, and what was paid."""

    order: dict[str, Any]
    callback_url: str | None = None
    paid: Money | None = None


class SnapBooks(Books[Sheet]):
    """The books, as every service uses them.

    `channels` are the provider's names of its methods, `channel_field` is where one stands in additionalInfo,
    None for nowhere. `expired` is the status that an expired charge has; the standard has none for it.
    """

    def __init__(
        self,
        account: SnapSandboxAccount,
        channels: Mapping[str, Method],
        clock: Callable[[], float],
        *,
        channel_field: str | None = "channel",
        expired: str = "05",
        refuse_duplicates: bool = True,
    ) -> None:
        super().__init__(clock)
        self.account = account
        self.refuse_duplicates = refuse_duplicates
        self.told = {
            ChargeStatus.PAID: "00",
            ChargeStatus.PENDING: "03",
            ChargeStatus.REFUNDED: "04",
            ChargeStatus.PARTIALLY_REFUNDED: "00",
            ChargeStatus.CANCELLED: "05",
            ChargeStatus.FAILED: "06",
            ChargeStatus.EXPIRED: expired,
        }
        self._channels = channels
        self._channel_field = channel_field

    def number(self) -> str:
        """A new number of the provider's for a charge."""
        return f"{self.now():%Y%m%d}{len(self.ledger.charges) + 1:08d}"

    def method_in(self, body: dict[str, Any], kind: type[Method]) -> Method | None:
        """The method that a body names by its channel; None where this provider has no channels."""
        if self._channel_field is None:
            return None
        channel = text_of(object_of(body, "additionalInfo"), self._channel_field)
        method = self._channels.get(channel)
        if not isinstance(method, kind):
            raise wrong(self._channel_field)
        return method

    def channel(self, charge: PretendCharge) -> dict[str, str]:
        """The additionalInfo of a charge that is told: its channel, where there are some."""
        if self._channel_field is None:
            return {}
        brand = (charge.method.kind, charge.method.brand)
        names = [name for name, one in self._channels.items() if (one.kind, one.brand) == brand]
        return {self._channel_field: names[0]}

    def first(self, kind: type[Method]) -> Method:
        """The first method of a kind."""
        return next(one for one in self._channels.values() if isinstance(one, kind))

    def check_merchant(self, body: dict[str, Any]) -> None:
        """See that a body names the merchant, where the provider gave it a number."""
        if self.account.merchant_id is not None and text_of(body, "merchantId") != self.account.merchant_id:
            raise Turned(404, "08", "Invalid Merchant")

    def new_reference(self, body: dict[str, Any], name: str) -> str:
        """The merchant's own number of a new charge. It is used once; for another order it never fits."""
        reference = text_of(body, name)
        known = self.ledger.find(reference)
        if known is not None and self.refuse_duplicates:
            if self.sheet(known).order != body:
                raise Turned(404, "18", "Inconsistent Request")
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
        addresses: Mapping[str, str] | None = None,
        details: Mapping[str, str] | None = None,
    ) -> PretendCharge:
        """Write a new charge down."""
        urls = addresses or {}
        charge = PretendCharge(
            reference=reference,
            provider_reference=number,
            amount=amount,
            method=method,
            instructions=instructions,
            created_at=self.now(),
            expires_at=expires_at,
            return_url=urls.get("PAY_RETURN"),
            details={name: value for name, value in (details or {}).items() if value},
        )
        return self.keep(charge, Sheet(order, urls.get("PAY_NOTIFY")))

    def paid(self, charge: PretendCharge) -> dict[str, str]:
        """The amount to tell of a charge: what was paid, or is to be paid."""
        return money(self.sheet(charge).paid or charge.amount)

    def given_back(self, charge: PretendCharge) -> Money | None:
        """What was given back of a charge so far."""
        done = [one.amount.amount for one in charge.refunds if one.status is RefundStatus.DONE]
        return Money(sum(done[1:], done[0])) if done else None


def money(amount: Money) -> dict[str, str]:
    """An amount as a SNAP provider writes it."""
    return {"value": str(amount.amount), "currency": amount.currency}
