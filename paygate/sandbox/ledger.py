"""What a pretend provider has in its books: every charge it ever made, doubles included."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from paygate.methods import Instructions, Method, label
from paygate.model import ChargeStatus
from paygate.money import Money
from paygate.refunds import Refund


class PretendCharge(Struct, kw_only=True):
    """A charge in a simulator's books.

    `provider_reference` is unique in the books and safe in an address. `instructions` are what the payer
    was given. `paid_by` is how a payment link was paid in the end; `return_url` is where the payer's
    browser goes afterwards. `details` are what else a tester wants to see, such as a customer's name.
    """

    reference: str
    provider_reference: str
    amount: Money
    method: Method
    instructions: Instructions
    created_at: datetime
    expires_at: datetime
    status: ChargeStatus = ChargeStatus.PENDING
    finished_at: datetime | None = None
    paid_by: Method | None = None
    return_url: str | None = None
    details: Mapping[str, str] = {}
    refunds: tuple[Refund, ...] = ()

    def summary(self) -> dict[str, Any]:
        """What a person wants to see of it, as plain data."""
        return {
            "reference": self.reference,
            "provider_reference": self.provider_reference,
            "method": label(self.method.kind, self.method.brand),
            "amount": str(self.amount),
            "status": self.status.value,
            "created_at": self.created_at.isoformat(timespec="seconds"),
            "expires_at": self.expires_at.isoformat(timespec="seconds"),
        }


class Ledger:
    """The books: answers how many charges exist for a reference."""

    def __init__(self) -> None:
        self._charges: list[PretendCharge] = []
        self._by_reference: dict[str, list[PretendCharge]] = {}
        self._by_number: dict[str, PretendCharge] = {}

    def add(self, charge: PretendCharge) -> None:
        """Write down a charge, even if its reference is there already."""
        self._charges.append(charge)
        self._by_reference.setdefault(charge.reference, []).append(charge)
        self._by_number.setdefault(charge.provider_reference, charge)

    def find(self, reference: str) -> PretendCharge | None:
        """The newest charge with this reference."""
        found = self._by_reference.get(reference)
        return found[-1] if found else None

    def numbered(self, provider_reference: str) -> PretendCharge | None:
        """The charge with this number of the provider's."""
        return self._by_number.get(provider_reference)

    def count(self, reference: str) -> int:
        """How many charges exist for this reference; more than one is what must never happen."""
        return len(self._by_reference.get(reference, ()))

    def counts(self) -> dict[str, int]:
        """The same for every reference."""
        return {reference: len(charges) for reference, charges in [*self._by_reference.items()]}

    @property
    def charges(self) -> tuple[PretendCharge, ...]:
        """All charges, in the order they were made."""
        return tuple(self._charges)
