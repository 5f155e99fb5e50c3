"""QRIS: the payer scans a code."""

import httpx
from msgspec import Struct

from paygate import ChargeRequest, OutcomeUnknown, QrCode
from paygate.snap import Made, check_reference, jakarta_time, read_reply, rupiah, told_number, told_time
from paygate_ayolinx import codes, wire
from paygate_ayolinx.products.product import Addresses


class QrisProduct(Struct, frozen=True):
    """Docs: "Generate Qris", "Query Qris"."""

    addresses: Addresses
    sub_merchant_id: str | None
    path: str = "/v1.0/qr/qr-mpm-generate"
    query: str | None = "/v1.0/qr/qr-mpm-query"
    ends: bool = False

    def order(self, request: ChargeRequest) -> wire.NewQris:
        """Without an expiry Ayolinx takes its own."""
        expires_at = request.expires_at
        return wire.NewQris(
            request.reference,
            rupiah(request.amount),
            wire.Channel(codes.channel_of(request.method), self.sub_merchant_id),
            jakarta_time(expires_at) if expires_at is not None else None,
            self.addresses.notification,
        )

    def made(self, request: ChargeRequest, reply: httpx.Response) -> Made:
        """The payload of the code."""
        told = read_reply(reply, wire.qris_reply, codes.ERRORS, codes.ODD)
        check_reference(told.partner_reference_no, request.reference)
        if not told.qr_content.strip():
            raise OutcomeUnknown("the charge was accepted, but its QR payload is missing")
        return Made(
            QrCode(told.qr_content),
            told_number(told.reference_no),
            told_time(told.expired_date) or request.expires_at,
        )
