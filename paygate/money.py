"""Money: an exact amount with its currency. No float ever comes near it."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import force_setattr

from paygate.errors import InvalidCharge

AMOUNT: Final = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,2})?")
WIRE: Final = re.compile(r"[0-9]{1,14}\.[0-9]{2}")
CURRENCY: Final = re.compile(r"[A-Z]{3}")
CENT: Final = Decimal("0.01")
LARGEST: Final = Decimal("99999999999999.99")


class Money(Struct, frozen=True):
    """An exact amount with its currency, kept to two decimals: Money("25000.00", "IDR").

    Takes a Decimal, an int or plain decimal text with a point; a float, a thousands separator, a
    third decimal or more than 14 digits before the point (SNAP BI: string of 16,2) raise InvalidCharge.
    """

    amount: Decimal
    currency: str = "IDR"

    if TYPE_CHECKING:

        def __init__(self, amount: Decimal | int | str, currency: str = "IDR") -> None: ...

    def __post_init__(self) -> None:
        given: object = self.amount
        if type(given) is str and WIRE.fullmatch(given) is not None:
            force_setattr(self, "amount", Decimal(given))
        else:
            force_setattr(self, "amount", _exact(given))
        currency = self.currency
        if currency != "IDR" and (type(currency) is not str or CURRENCY.fullmatch(currency) is None):
            raise InvalidCharge("currency", 'write three capital letters (ISO 4217), as in "IDR"')

    @classmethod
    def idr(cls, rupiah: Decimal | int | str) -> "Money":
        """Rupiah: Money.idr(25_000)."""
        return cls(rupiah, "IDR")

    def __str__(self) -> str:
        return f"{self.currency} {self.amount}"


def _exact(given: object) -> Decimal:
    """Turn an int, a Decimal or plain decimal text into a Decimal with two places."""
    if type(given) is str:
        if AMOUNT.fullmatch(given) is None:
            raise InvalidCharge("amount", 'write plain digits with a point, as in "25000.00"')
        return Decimal(given).quantize(CENT)
    if isinstance(given, float):
        raise InvalidCharge("amount", "a float cannot hold money: use an int, a Decimal or text")
    if isinstance(given, bool) or not isinstance(given, (int, Decimal)):
        raise InvalidCharge("amount", f"use an int, a Decimal or text, not {type(given).__name__}")
    amount = Decimal(given)
    if not amount.is_finite() or abs(amount) > LARGEST:
        raise InvalidCharge("amount", "use a finite amount of at most 14 digits before the point")
    exact = amount.quantize(CENT)
    if exact != amount:
        raise InvalidCharge("amount", "use at most two decimals")
    return exact
