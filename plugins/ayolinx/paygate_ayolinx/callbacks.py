"""Ayolinx's calls to the merchant: which kind one is, whether it is proven, and what it says.

Three kinds come to one address and below it. A notice is signed by RSA. Under SNAP, Ayolinx first asks
for a token of ours, then calls with it. The headers tell which it claims to be; each kind has its own proof.
"""

from collections.abc import Callable
from typing import Final

from paygate import (
    CallbackRejected,
    CallbackRequest,
    Charge,
    ChargeStatus,
    Method,
    PaymentLink,
    VirtualAccount,
)
from paygate.snap import (
    SnapAccount,
    SnapCallbacks,
    Told,
    acknowledgements,
    decoded,
    signed_paths,
    told_money,
    told_number,
    told_time,
)
from paygate_ayolinx import codes, inbound
from paygate_ayolinx.settings import Settings

PAYMENT_PATH: Final = "/v1.0/transfer-va/payment"
NOTICE: Final = acknowledgements(codes.NOTICE)
PAYMENT: Final = acknowledgements(codes.PAYMENT)


def callbacks_of(
    gateway: str, settings: Settings, account: SnapAccount, clock: Callable[[], float]
) -> SnapCallbacks:
    """What verifies Ayolinx's calls for one gateway, and has them read."""
    own = settings.callback_path
    return SnapCallbacks(
        gateway,
        settings,
        account,
        clock,
        Reader(gateway, settings),
        notice_paths=(own,),
        call_paths=signed_paths(own, (codes.PAYMENT, codes.QRIS)),
        digest=settings.inbound_hmac,
    )


class Reader:
    """Reads Ayolinx's calls that are proven. Pure."""

    def __init__(self, gateway: str, settings: Settings) -> None:
        self._gateway = gateway
        self._banks = {prefix: bank for bank, prefix in settings.partner_service_ids.items()}

    def service_of(self, request: CallbackRequest, *, authorized: bool) -> str:
        """A payment's where a call with a token has its path, else a notice's."""
        is_payment = authorized and request.path.rstrip("/").endswith(PAYMENT_PATH)
        return codes.PAYMENT if is_payment else codes.NOTICE

    def read(self, request: CallbackRequest, *, authorized: bool) -> Told:
        """A notice, or the payment of a virtual account, which comes under a token alone.

        Docs: "Payment Notify", "Callback description", "VA callback introduction".
        """
        body = request.body
        malformed = acknowledgements(self.service_of(request, authorized=authorized)).malformed
        if not authorized or decoded(inbound.shape, body, malformed).latest_transaction_status is not None:
            told = decoded(inbound.notice, body, NOTICE.malformed)
            return Told(self._noticed(told, body), NOTICE.taken, NOTICE.again)
        paid = decoded(inbound.payment, body, PAYMENT.malformed)
        return Told(self._paid(paid, body), inbound.echoed(paid), PAYMENT.again)

    def _noticed(self, told: inbound.Notice, raw: bytes) -> Charge:
        """A notice's charge. Its asked-for amount is not known here: compare `paid_amount` with yours."""
        malformed = NOTICE.malformed
        status = codes.STATUS.get(told.latest_transaction_status)
        if status is None:
            raise CallbackRejected("status", "the status is not one that we know", malformed)
        # An e-wallet may tell its own number as the original one, and ours beside it.
        reference = told.partner_reference_no or told.original_partner_reference_no
        if not reference:
            raise CallbackRejected("body", "the reference is empty", malformed)
        paid_amount = paid_at = None
        if status is ChargeStatus.PAID:
            paid_amount = told_money(told.amount)
            if paid_amount is None:
                raise CallbackRejected("amount", "the paid amount cannot be read", malformed)
            paid_at = told_time(told.finished_time)
        link = told_number(told.details.plh)
        return Charge(
            gateway=self._gateway,
            reference=reference,
            status=status,
            method=PaymentLink() if link else _method_of(told.details.channel),
            provider_reference=link or told_number(told.original_reference_no),
            paid_at=paid_at,
            paid_amount=paid_amount,
            raw=raw,
        )

    def _paid(self, told: inbound.Payment, raw: bytes) -> Charge:
        """The charge of a paid virtual account; prefixes are compared without SNAP BI's padding."""
        if not told.trx_id:
            raise CallbackRejected("body", "the reference is empty", PAYMENT.malformed)
        paid_amount = told_money(told.paid_amount)
        if paid_amount is None:
            raise CallbackRejected("amount", "the paid amount cannot be read", PAYMENT.malformed)
        details = told.details
        return Charge(
            gateway=self._gateway,
            reference=told.trx_id,
            status=ChargeStatus.PAID,
            method=_method_of(details.channel) or self._bank_of(told.partner_service_id or ""),
            provider_reference=told_number(told.reference_no) or told.payment_request_id or None,
            paid_at=told_time(details.payment_time_iso8601) or told_time(told.trx_date_time),
            paid_amount=paid_amount,
            raw=raw,
        )

    def _bank_of(self, partner_service_id: str) -> Method | None:
        bank = self._banks.get(partner_service_id.strip())
        return VirtualAccount(bank) if bank is not None else None


def _method_of(channel: object) -> Method | None:
    return codes.CHANNELS.get(channel) if isinstance(channel, str) else None
