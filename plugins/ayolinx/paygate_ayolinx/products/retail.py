"""Convenience stores: the payer tells a code at the till."""

import httpx
from msgspec import Struct

from paygate import ChargeRequest, OutcomeUnknown, PaymentCode
from paygate.snap import Made, check_reference, contact, jakarta_time, read_reply, rupiah, told_time
from paygate_ayolinx import codes, wire
from paygate_ayolinx.products.product import ADDRESS, Addresses, expiry_of


class RetailProduct(Struct, frozen=True):
    """Docs: "Create retail transaction", "retail query".

    The form of its validUpTo is not documented: unix seconds in a text, as for e-wallets, unless `iso`.
    """

    addresses: Addresses
    iso: bool
    path: str = "/v1.0/retail/create"
    query: str | None = "/v1.0/retail/query"
    ends: bool = True

    def order(self, request: ChargeRequest) -> wire.NewRetail:
        """The payer's name and e-mail address always go with it."""
        expires_at = expiry_of(request)
        name, email = contact(request, "name"), contact(request, "email")
        assert request.customer is not None
        phone = request.customer.phone
        return wire.NewRetail(
            request.reference,
            jakarta_time(expires_at) if self.iso else wire.unix(expires_at),
            name,
            email,
            rupiah(request.amount),
            wire.Channel(codes.channel_of(request.method)),
            phone.removeprefix("+") if phone is not None else None,
            self.addresses.notification,
        )

    def made(self, request: ChargeRequest, reply: httpx.Response) -> Made:
        """The code, and a page that shows it. Success is "00", as documented, or seven digits as always."""
        told = read_reply(reply, wire.retail_reply, codes.ERRORS, codes.ODD, codes.RETAIL_SUCCESS)
        check_reference(told.partner_reference_no, request.reference)
        code = told.va_number.strip()
        if not code:
            raise OutcomeUnknown("the charge was accepted, but its code is missing")
        url = told.payment_url if told.payment_url and ADDRESS.fullmatch(told.payment_url) else None
        return Made(
            PaymentCode(code, request.method.brand, url),
            None,
            told_time(told.expiry_date) or request.expires_at,
        )
