"""Virtual accounts: the payer transfers the exact amount to a number."""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

import httpx
from msgspec import Struct

from paygate import (
    AccountNumber,
    ChargeRequest,
    ConfigurationError,
    InvalidCharge,
    OutcomeUnknown,
    VirtualAccount,
)
from paygate.snap import read_reply
from paygate_ayolinx import codes, wire
from paygate_ayolinx.products.product import Made, check_reference, contact

DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
CUSTOMER_DIGITS: Final = 20
CLOSED_AMOUNT: Final = "C"


class VirtualAccountProduct(Struct, frozen=True):
    """Docs: "Create VA", "Inquiry Va"; modes (a) and (b): the number is Ayolinx's or the merchant's."""

    gateway: str
    partner_service_ids: Mapping[str, str]
    path: str = "/v1.0/transfer-va/create-va"
    query: str | None = "/v1.0/transfer-va/inquiry-va"
    ends: bool = False

    def order(self, request: ChargeRequest) -> wire.NewVirtualAccount:
        """Without a number Ayolinx makes one; without an expiry it takes its own, a day."""
        assert isinstance(request.method, VirtualAccount)
        bank, number = request.method.bank, request.method.number
        prefix = self.partner_service_ids.get(bank)
        if prefix is None:
            raise ConfigurationError(
                f"gateways.{self.gateway}.partner_service_ids.{bank}: is missing; Ayolinx assigns it"
            )
        name = contact(request, "name")
        assert request.customer is not None
        phone, expires_at = request.customer.phone, request.expires_at
        return wire.NewVirtualAccount(
            prefix,
            drawn(request.reference) if number is None else _own(number, prefix),
            name,
            request.reference,
            CLOSED_AMOUNT,
            wire.rupiah(request.amount),
            wire.Channel(codes.channel_of(request.method)),
            number,
            request.customer.email,
            phone.removeprefix("+") if phone is not None else None,
            wire.iso(expires_at) if expires_at is not None else None,
        )

    def made(self, request: ChargeRequest, reply: httpx.Response) -> Made:
        """The number to transfer to, without the spaces that SNAP BI pads it with."""
        assert isinstance(request.method, VirtualAccount)
        bank, wanted = request.method.bank, request.method.number
        told = read_reply(reply, wire.virtual_account_reply, codes.ERRORS, codes.ODD).virtual_account_data
        check_reference(told.trx_id, request)
        number = told.virtual_account_no.strip()
        if DIGITS.fullmatch(number) is None:
            raise OutcomeUnknown("the charge was accepted, but its number is missing")
        if wanted not in (None, number):
            raise OutcomeUnknown("the charge was accepted under another number than the one given")
        if (told.partner_service_id or "").strip() not in ("", self.partner_service_ids[bank]):
            raise OutcomeUnknown("the answer is about another prefix than the bank's")
        if told.total_amount is not None and wire.money(told.total_amount) != request.amount:
            raise OutcomeUnknown("the charge was accepted with another amount")
        return Made(AccountNumber(number, bank), None, wire.moment(told.expired_date) or request.expires_at)


def drawn(reference: str) -> str:
    """A customer number of 20 digits, drawn from the reference: the same charge always has the same one."""
    number = int.from_bytes(hashlib.sha256(reference.encode()).digest()) % 10**CUSTOMER_DIGITS
    return f"{number:0{CUSTOMER_DIGITS}d}"


def _own(number: str, prefix: str) -> str:
    """The customer number within a number of the merchant's own."""
    rest = number.removeprefix(prefix)
    if rest == number or DIGITS.fullmatch(rest) is None or len(rest) > CUSTOMER_DIGITS:
        raise InvalidCharge(
            "method.number", f"use the bank's prefix, then 1 to {CUSTOMER_DIGITS} digits of your own"
        )
    return rest
