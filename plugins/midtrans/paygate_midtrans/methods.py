"""How a charge is paid, by what Midtrans tells of it, and what is none of ours.

Sources: docs.midtrans.com, the page of each method, and the names of methods in Midtrans' own SDKs.
"""

from typing import Final

from paygate import ChargeRef, Method, VirtualAccount
from paygate_midtrans import codes, wire

FOREIGN: Final = frozenset(
    {
        "akulaku",
        "bca_klikbca",
        "bca_klikpay",
        "bri_epay",
        "cimb_clicks",
        "credit_card",
        "cstore",
        "dana",
        "danamon_online",
        "kredivo",
        "mandiri_clickpay",
        "ovo",
        "uob_ezpay",
    }
)
"""payment_type of what is never charged here: another program with the same account has made it."""

FOREIGN_BANKS: Final = frozenset({"danamon"})


class Claimed(ChargeRef, frozen=True):
    """A charge that a notification names. Its method is proven by nothing: the answer to a query tells it."""


ANY: Final = VirtualAccount(codes.BANKS[0])
"""Stands in a `Claimed` for a method that cannot be read; a query asks by the order_id alone."""


def method_of(payment_type: object, va_numbers: object, permata_number: object) -> Method | None:
    """The method that is told, where this adapter serves it."""
    kind = wire.text(payment_type).lower()
    if kind != codes.BANK_TRANSFER:
        return codes.PAYMENT_TYPES.get(kind)
    if wire.text(permata_number):
        return VirtualAccount("permata")
    return next((VirtualAccount(bank) for bank in _banks(va_numbers) if bank in codes.BANKS), None)


def is_foreign(payment_type: object, va_numbers: object) -> bool:
    """Whether it is a method that is known, and none of ours. What is not known may be ours."""
    kind = wire.text(payment_type).lower()
    if kind != codes.BANK_TRANSFER:
        return kind in FOREIGN
    banks = _banks(va_numbers)
    return bool(banks) and FOREIGN_BANKS.issuperset(banks)


def _banks(va_numbers: object) -> list[str]:
    return [wire.text(one.get("bank")).lower() for one in wire.entries(va_numbers)]
