"""Faults in amounts, times and instructions."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from paygate import AccountNumber, ChargeRef, ChargeRequest, Instructions, Money, QrCode
from tests.conformance.faulty.registry import caught_by
from tests.conformance.sound import wire
from tests.conformance.sound.adapter import Lontar


class _Careless(Lontar):
    def _compare_amount(self, told: wire.ToldCharge, request: ChargeRequest) -> None:
        pass


@caught_by(
    "money_survives_exactly",
    "stands in the provider's books with IDR 99999999999999.98",
    "amount_is_compared",
)
class CountsInFloats(_Careless):
    """Takes an amount through a float (paynesia; BetterPay: number)."""

    def _wire_amount(self, amount: Money) -> str:
        return f"{int(float(amount.amount) * 100) / 100:.2f}"


@caught_by(
    "money_survives_exactly", "were paid, and a query tells IDR 99999999999999.98", "amount_is_compared"
)
class ReadsFloats(_Careless):
    """Reads an amount as a float (paynesia)."""

    def _amount(self, told: str) -> Money:
        return Money(f"{int(float(told) * 100) / 100:.2f}")


@caught_by(
    "money_survives_exactly",
    "a charge over IDR 25000.50 stands in the provider's books with IDR 25000.00",
    "amount_is_compared",
)
class DropsSen(_Careless):
    """Sends whole rupiah, and drops what is behind the point (paylabs-sdk: int)."""

    def _wire_amount(self, amount: Money) -> str:
        return f"{int(amount.amount)}.00"


@caught_by("money_survives_exactly", "IDR 25000.50 were paid, and a query tells IDR 25000.00")
class RoundsWhatWasPaid(Lontar):
    """Rounds what was paid to whole rupiah."""

    def _paid_amount(self, told: wire.ToldCharge, ref: ChargeRef) -> Money | None:
        paid = super()._paid_amount(told, ref)
        return Money(paid.amount.quantize(Decimal(1))) if paid is not None else None


@caught_by(
    "operations_complete",
    "the provider's books have another amount than was asked for",
    "amount_is_compared",
    "callbacks_tell_the_charge",
    "money_survives_exactly",
)
class SendsSenForRupiah(_Careless):
    """Sends a hundred times the amount, as if the provider counted in sen (hyperswitch: minor units)."""

    def _wire_amount(self, amount: Money) -> str:
        return str(amount.amount * 100)


@caught_by("amount_is_compared", "and a query tells the one asked for")
class BelievesTheAskedAmountWasPaid(Lontar):
    """Says that what was asked for was paid, whatever the provider tells (laravel-sisp#127)."""

    def _paid_amount(self, told: wire.ToldCharge, ref: ChargeRef) -> Money | None:
        paid = super()._paid_amount(told, ref)
        return ref.amount or paid if paid is not None else None


@caught_by("amount_is_compared", "were paid, and the call tells None", "callbacks_tell_the_charge")
class TellsNoPaidAmount(Lontar):
    """Tells that a charge is paid and not how much, so that nobody can compare it (getpaid: one status)."""

    def _paid_amount(self, told: wire.ToldCharge, ref: ChargeRef) -> Money | None:
        return None


@caught_by("times_are_aware", "`expires_at` has no time zone")
class TellsNaiveTimes(Lontar):
    """Drops the time zone (Midtrans: Jakarta times without an offset)."""

    def _moment(self, told: str | None) -> datetime | None:
        moment = super()._moment(told)
        return moment.replace(tzinfo=None) if moment is not None else None


@caught_by("times_are_aware", "`expires_at` is 7.0 hours off")
class TakesJakartaForUtc(Lontar):
    """Takes Jakarta's time for UTC: a charge seems open seven hours after it has expired."""

    def _moment(self, told: str | None) -> datetime | None:
        moment = super()._moment(told)
        return moment.replace(tzinfo=UTC) if moment is not None else None


@caught_by("times_are_aware", "hours off the time that was asked for")
class ForgetsTheExpiry(Lontar):
    """Does not tell the provider when the charge is to expire: the payer pays an order that was given up."""

    def _wire_moment(self, moment: datetime | None) -> str | None:
        return None


@caught_by("instructions_are_whole", "the QrCode of the new charge is not whole")
class GivesNoQrCode(Lontar):
    """Makes a charge that nobody can pay: its QR payload is empty (a wrong field name in the answer)."""

    def _instructions(self, told: wire.ToldCharge) -> Instructions | None:
        return QrCode("") if told.qr else super()._instructions(told)


@caught_by("instructions_are_whole", "is not what the provider gave")
class ReadsAnAccountAsANumber(Lontar):
    """Reads a virtual account as an integer: its leading zero is gone (public Ayolinx code: codes as octals)."""

    def _instructions(self, told: wire.ToldCharge) -> Instructions | None:
        return AccountNumber(str(int(told.number)), "bni") if told.number else super()._instructions(told)


@caught_by("instructions_are_whole", "is not what the provider gave")
class CutsAnAccountShort(Lontar):
    """Cuts the bank's prefix off a virtual account (public Ayolinx code: prefixes that disagree)."""

    def _instructions(self, told: wire.ToldCharge) -> Instructions | None:
        return super()._instructions(msgspec.structs.replace(told, number=told.number[4:]))
