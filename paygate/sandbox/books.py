"""What every pretend provider's books have: the ledger, a sheet of its own for each charge, and the clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from paygate.model import ChargeStatus
from paygate.sandbox.ledger import Ledger, PretendCharge

S = TypeVar("S")


class Books(Generic[S]):
    """The books of one merchant at a pretend provider; a sheet holds what the ledger does not."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.ledger = Ledger()
        self._clock = clock
        self._sheets: dict[str, S] = {}

    def now(self) -> datetime:
        """What the time is."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def keep(self, charge: PretendCharge, sheet: S) -> PretendCharge:
        """Write a new charge down, with its sheet."""
        self._sheets[charge.provider_reference] = sheet
        self.ledger.add(charge)
        return charge

    def sheet(self, charge: PretendCharge) -> S:
        """The rest of what is known of a charge."""
        return self._sheets[charge.provider_reference]

    def settled(self, charge: PretendCharge) -> PretendCharge:
        """A charge as it stands now; one that has run out of time is expired on the way."""
        if charge.status is ChargeStatus.PENDING and charge.expires_at <= self.now():
            charge.status = ChargeStatus.EXPIRED
            charge.finished_at = charge.expires_at
        return charge

    def current(self, reference: str) -> PretendCharge | None:
        """The newest charge of a reference, as it stands now."""
        charge = self.ledger.find(reference)
        return None if charge is None else self.settled(charge)

    def known(self, reference: str) -> PretendCharge:
        """The same; raise KeyError where there is none."""
        charge = self.current(reference)
        if charge is None:
            raise KeyError(reference)
        return charge
