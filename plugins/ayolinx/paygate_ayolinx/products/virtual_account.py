"""Virtual accounts: the payer transfers the exact amount to a number."""

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
from paygate.snap import (
    Made,
    check_reference,
    contact,
    drawn,
    jakarta_time,
    read_reply,
    rupiah,
    told_money,
    told_time,
)
from paygate_ayolinx import codes, wire

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
            rupiah(request.amount),
            wire.Channel(codes.channel_of(request.method)),
            number,
            request.customer.email,
            phone.removeprefix("+") if phone is not None else None,
            jakarta_time(expires_at) if expires_at is not None else None,
        )

    def made(self, request: ChargeRequest, reply: httpx.Response) -> Made:
        """The number to transfer to, without the spaces that SNAP BI pads it with."""
        assert isinstance(request.method, VirtualAccount)
        bank, wanted = request.method.bank, request.method.number
        told = read_reply(reply, wire.virtual_account_reply, codes.ERRORS, codes.ODD).virtual_account_data
        check_reference(told.trx_id, request.reference)
        number = told.virtual_account_no.strip()
        if DIGITS.fullmatch(number) is None:
            raise OutcomeUnknown("the charge was accepted, but its number is missing")
        if wanted not in (None, number):
            raise OutcomeUnknown("the charge was accepted under another number than the one given")
        if (told.partner_service_id or "").strip() not in ("", self.partner_service_ids[bank]):
            raise OutcomeUnknown("the answer is about another prefix than the bank's")
        if told.total_amount is not None and told_money(told.total_amount) != request.amount:
            raise OutcomeUnknown("the charge was accepted with another amount")
        return Made(AccountNumber(number, bank), None, told_time(told.expired_date) or request.expires_at)


def _own(number: str, prefix: str) -> str:
    """The customer number within a number of the merchant's own."""
    rest = number.removeprefix(prefix)
    if rest == number or DIGITS.fullmatch(rest) is None or len(rest) > CUSTOMER_DIGITS:
        raise InvalidCharge(
            "method.number", f"use the bank's prefix, then 1 to {CUSTOMER_DIGITS} digits of your own"
        )
    return rest
