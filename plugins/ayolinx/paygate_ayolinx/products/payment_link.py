"""Payment links: the payer chooses on a page of Ayolinx's."""

import re
from typing import Final

import httpx
from msgspec import Struct

from paygate import (
    ChargeRequest,
    InvalidCharge,
    Item,
    Money,
    OutcomeUnknown,
    PaymentLink,
    Redirect,
    VirtualAccount,
)
from paygate.snap import Made, contact, jakarta_time, read_reply
from paygate_ayolinx import codes, wire
from paygate_ayolinx.products.product import ADDRESS, Addresses, expiry_of

INDONESIAN: Final = re.compile(r"\+62([1-9][0-9]+)", re.ASCII)


class LinkProduct(Struct, frozen=True):
    """Docs: "Create payment link". Nobody can ask about a link, or end it."""

    addresses: Addresses
    path: str = "/v1.0/payment-link/create"
    query: str | None = None
    ends: bool = True

    def order(self, request: ChargeRequest) -> wire.NewLink:
        """There is no field for the amount: it is what the items add up to, in whole rupiah."""
        assert isinstance(request.method, PaymentLink)
        phone = INDONESIAN.fullmatch(contact(request, "phone"))
        if phone is None:
            raise InvalidCharge(
                "customer.phone", "a payment link takes a number of Indonesia: +62, and then no zero"
            )
        items = request.items or (Item(request.description or request.reference, request.amount),)
        field = "items" if request.items else "amount"
        return wire.NewLink(
            request.reference,
            contact(request, "name"),
            contact(request, "email"),
            phone[1],
            "+62",
            tuple(wire.LinkItem(one.name, _whole(one.price, field), str(one.quantity)) for one in items),
            _offered(request.method),
            request.description or "",
            jakarta_time(expiry_of(request)),
            self.addresses.notification,
        )

    def made(self, request: ChargeRequest, reply: httpx.Response) -> Made:
        """The link's address and own number.

        The answer's partnerReferenceNo is that number, not ours, and its expiryDate is seven hours off: our
        own reference and expiry stay.
        """
        told = read_reply(reply, wire.link_reply, codes.ERRORS, codes.ODD)
        if ADDRESS.fullmatch(told.payment_link) is None:
            raise OutcomeUnknown("the link was made, but its address is missing")
        return Made(Redirect(told.payment_link), told.partner_reference_no or None, request.expires_at)


def _whole(price: Money, field: str) -> str:
    rupiah = price.amount.to_integral_value()
    if rupiah != price.amount:
        raise InvalidCharge(field, "a payment link takes whole rupiah: leave no cents")
    return str(rupiah)


def _offered(method: PaymentLink) -> tuple[str, ...]:
    """The channels that the page offers, each once."""
    channels = []
    for one in method.offered:
        channel = codes.CHANNEL_OF.get((type(one), one.brand))
        if channel is None:
            raise InvalidCharge("method.offered", "names a bank, wallet or store that Ayolinx does not have")
        if isinstance(one, VirtualAccount) and one.number is not None:
            raise InvalidCharge("method.offered", "has a number of your own: on a link Ayolinx makes it")
        channels.append(channel)
    return tuple(dict.fromkeys(channels)) or codes.LINK_CHANNELS
