"""What Midtrans is sent to have a charge made."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from paygate import ChargeRequest, Customer, InvalidCharge, VirtualAccount
from paygate_midtrans import codes, requests, wire

LONGEST_NAME: Final = 50
LABEL: Final = "Order"
LONGEST_VALUE: Final = 30


class Account(Struct, frozen=True):
    """What a merchant has chosen for all charges: who acquires QRIS, where a wallet sends the browser."""

    acquirer: str
    return_url: str | None


def order(request: ChargeRequest, account: Account, now: float) -> wire.NewCharge:
    """The message that has a charge made. Raises InvalidCharge for what Midtrans could not take."""
    method = request.method
    if isinstance(method, VirtualAccount) and method.number is not None:
        raise InvalidCharge(
            "method.number",
            "Midtrans makes the number: it shortens, lengthens or replaces one of your own without a word",
        )
    return wire.NewCharge(
        codes.payment_type_of(method),
        wire.Details(requests.checked(request.reference), wire.rupiah(request.amount, "amount")),
        tuple(
            wire.Line(str(number), wire.rupiah(one.price, "items"), one.quantity, one.name[:LONGEST_NAME])
            for number, one in enumerate(request.items, 1)
        ),
        _buyer(request),
        _expiry(request, now),
        **_part(request, account),
    )


def _part(request: ChargeRequest, account: Account) -> Mapping[str, Any]:
    """What belongs to the method alone."""
    method, return_url = request.method, request.return_url or account.return_url
    kind = codes.payment_type_of(method)
    if kind == "qris":
        return {"qris": wire.QrisPart(account.acquirer)}
    if kind == "gopay":
        return (
            {"gopay": wire.GopayPart(enable_callback=True, callback_url=return_url)}
            if return_url
            else NOTHING
        )
    if kind == "shopeepay":
        return {"shopeepay": wire.ShopeepayPart(return_url)} if return_url else NOTHING
    if kind == codes.ECHANNEL:
        shown = (request.description or request.reference)[:LONGEST_VALUE]
        return {"echannel": wire.EchannelPart(LABEL, shown)}
    return {"bank_transfer": wire.BankPart(method.brand)}


NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def _buyer(request: ChargeRequest) -> wire.Buyer | None:
    customer = request.customer
    if customer is None or customer == Customer():
        return None
    return wire.Buyer(customer.name, customer.email, customer.phone)


def _expiry(request: ChargeRequest, now: float) -> wire.Expiry | None:
    """When the charge ends, to the whole second: counted from our own time, so that it ends just then."""
    if request.expires_at is None:
        return None
    seconds = int(request.expires_at.timestamp()) - int(now)
    longest = codes.longest_of(request.method)
    if not codes.SHORTEST.total_seconds() <= seconds <= longest.total_seconds():
        raise InvalidCharge(
            "expires_at",
            f"Midtrans takes {codes.SHORTEST.seconds} seconds to {longest.days} days from now for it",
        )
    return wire.Expiry(wire.jakarta(datetime.fromtimestamp(int(now), UTC)), seconds, "second")
