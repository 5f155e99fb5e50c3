"""Payment links: the payer chooses on a page of Ayolinx's."""

import re
from typing import Final

import httpx
from msgspec import Struct

from paygate import ChargeRequest, InvalidCharge, Item, Money, OutcomeUnknown, PaymentLink, Redirect
from paygate.snap import read_reply
from paygate_ayolinx import codes, wire
from paygate_ayolinx.products.product import ADDRESS, Addresses, Made, contact, expiry_of

INDONESIAN: Final = re.compile(r"\+62([0-9]+)", re.ASCII)


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
            raise InvalidCharge("customer.phone", "a payment link takes numbers of Indonesia, +62…")
        items = request.items or (Item(request.description or request.reference, request.amount),)
        return wire.NewLink(
            request.reference,
            contact(request, "name"),
            contact(request, "email"),
            phone[1],
            "+62",
            tuple(wire.LinkItem(one.name, _whole(one.price), str(one.quantity)) for one in items),
            _offered(request.method),
            request.description or "",
            wire.iso(expiry_of(request)),
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


def _whole(price: Money) -> str:
    rupiah = price.amount.to_integral_value()
    if rupiah != price.amount:
        raise InvalidCharge("items", "a payment link takes prices in whole rupiah")
    return str(rupiah)


def _offered(method: PaymentLink) -> tuple[str, ...]:
    """The channels that the page offers."""
    channels = tuple(codes.CHANNEL_OF.get((type(one), one.brand)) for one in method.offered)
    known = tuple(channel for channel in channels if channel is not None)
    if len(known) != len(channels):
        raise InvalidCharge("method.offered", "names a bank, wallet or store that Ayolinx does not have")
    return known or codes.LINK_CHANNELS
