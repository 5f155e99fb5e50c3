"""Services that name a charge by its original numbers: QRIS, and debit from a wallet."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import Struct

from paygate.errors import InvalidCharge, OutcomeUnknown
from paygate.methods import EWallet, Method, QrCode, Qris, Redirect
from paygate.model import ChargeRef, ChargeRequest, ChargeStatus
from paygate.money import Money
from paygate.refunds import Refund, RefundRequest, RefundStatus
from paygate.snap import catalogue
from paygate.snap.fields import jakarta_time, rupiah, told_money, told_number, told_time
from paygate.snap.messages import (
    NamedOriginal,
    NewDebit,
    NewQr,
    OriginalReply,
    PayOption,
    ToldRefund,
    UrlParam,
    debit_reply,
    original_reply,
    qr_reply,
)
from paygate.snap.terms import Call, Made, SnapTerms, Standing, check_reference

if TYPE_CHECKING:
    import httpx

ADDRESS: Final = re.compile(r"https?://[!-~]+", re.ASCII)
BALANCE: Final = "BALANCE"
REASON: Final = "Cancelled by the merchant"
REFUND_STATUSES: Final = {
    "00": RefundStatus.DONE,
    "03": RefundStatus.PENDING,
    "06": RefundStatus.FAILED,
}
"""refundStatus, a part of latestTransactionStatus; any other leaves the outcome unknown."""

UNTOLD: Final = "03"
"""What a refund in a history is that tells no refundStatus: nobody said that it is done."""

SETTLED: Final = (ChargeStatus.PAID, ChargeStatus.REFUNDED)


class Originals(Struct, frozen=True, kw_only=True):
    """Query, cancel and refund of a charge, by the codes of the services that do it."""

    terms: SnapTerms
    created: str
    query: str
    cancel: str
    refund: str

    def question(self, charge: ChargeRef) -> Call:
        """Services 51 and 55; they are told which service made the charge."""
        return Call(self.query, self._named(charge, service_code=self.created))

    def standing(self, charge: ChargeRef, reply: "httpx.Response") -> Standing:
        """How it stands. Where refunds are told, they decide whether all was given back.

        Only an answer that tells one of the charge's two numbers says that it was paid.
        """
        told = self._about(charge, reply)
        status = self.terms.status((told.latest_transaction_status,))
        is_settled = status in SETTLED
        if is_settled and not _is_named(charge, told):
            raise OutcomeUnknown("the answer does not say which charge it is about")
        paid = told_money(told.trans_amount or told.amount)
        refunds = tuple(_refund(one) for one in told.refund_history or ())
        return Standing(
            status=_after(status, refunds, charge.amount or paid) if is_settled else status,
            provider_reference=told_number(told.original_reference_no) or charge.provider_reference,
            paid_at=told_time(told.paid_time) if is_settled else None,
            paid_amount=paid if is_settled else None,
            refunds=refunds,
        )

    def cancellation(self, charge: ChargeRef) -> Call:
        """Services 77 and 57; the standard wants a reason."""
        amount = rupiah(charge.amount) if charge.amount is not None else None
        return Call(self.cancel, self._named(charge, reason=REASON, amount=amount))

    def cancelled(self, charge: ChargeRef, reply: "httpx.Response") -> Standing:
        """A success says that it is; one that tells another status is not believed."""
        told = self._about(charge, reply)
        status = self.terms.status_after((told.latest_transaction_status,)) or ChargeStatus.CANCELLED
        if status is not ChargeStatus.CANCELLED:
            raise OutcomeUnknown("the answer says that it is done, and tells another status")
        number = told_number(told.original_reference_no) or charge.provider_reference
        return Standing(status=status, provider_reference=number)

    def repayment(self, charge: ChargeRef, refund: RefundRequest) -> Call:
        """Services 78 and 58; the amount always goes with it."""
        amount = _given_back(charge, refund)
        return Call(
            self.refund,
            self._named(
                charge,
                partner_refund_no=refund.reference,
                refund_amount=rupiah(amount),
                reason=refund.reason,
            ),
        )

    def repaid(self, charge: ChargeRef, refund: RefundRequest, reply: "httpx.Response") -> Standing:
        """The refund that was asked for; of earlier ones the answer knows nothing, a query does."""
        told = self._about(charge, reply)
        amount = _given_back(charge, refund)
        if told.partner_refund_no not in (None, refund.reference):
            raise OutcomeUnknown("the answer is about another refund")
        if told.refund_amount is not None and told_money(told.refund_amount) != amount:
            raise OutcomeUnknown("the refund was accepted with another amount")
        done = Refund(reference=refund.reference, amount=amount, status=_refund_status(told.refund_status))
        return Standing(
            status=_after(ChargeStatus.PAID, (done,), charge.amount),
            provider_reference=told_number(told.original_reference_no) or charge.provider_reference,
            refunds=(done,),
        )

    def _named(self, charge: ChargeRef, **more: object) -> NamedOriginal:
        assert charge.method is not None
        return NamedOriginal(
            original_partner_reference_no=charge.reference,
            original_reference_no=charge.provider_reference,
            merchant_id=self.terms.merchant_id,
            additional_info=self.terms.additional(charge.method),
            **more,  # type: ignore[arg-type]
        )

    def _about(self, charge: ChargeRef, reply: "httpx.Response") -> OriginalReply:
        told = self.terms.read(reply, original_reply)
        check_reference(told.original_partner_reference_no, charge.reference)
        number = told_number(told.original_reference_no)
        if None not in (number, charge.provider_reference) and number != charge.provider_reference:
            raise OutcomeUnknown("the answer tells another number than the charge's: it is about another")
        return told


class QrService(Originals, frozen=True, kw_only=True):
    """QRIS, shown by the merchant: services 47, 51, 77 and 78."""

    kind: ClassVar[type[Method]] = Qris

    created: str = catalogue.QR_GENERATE
    query: str = catalogue.QR_QUERY
    cancel: str = catalogue.QR_CANCEL
    refund: str = catalogue.QR_REFUND
    store_id: str | None = None
    terminal_id: str | None = None

    def creation(self, request: ChargeRequest) -> Call:
        """Without an expiry the provider takes its own."""
        order = NewQr(
            request.reference,
            rupiah(request.amount),
            self.terms.merchant_id,
            self.store_id,
            self.terminal_id,
            _expiry(request),
            self.terms.additional(request.method),
        )
        return Call(self.created, order)

    def made(self, request: ChargeRequest, reply: "httpx.Response") -> Made:
        """The payload of the code."""
        told = self.terms.read(reply, qr_reply)
        check_reference(told.partner_reference_no, request.reference)
        if not told.qr_content.strip():
            raise OutcomeUnknown("the charge was accepted, but its QR payload is missing")
        return Made(QrCode(told.qr_content), told_number(told.reference_no), request.expires_at)


class DebitService(Originals, frozen=True, kw_only=True):
    """A wallet's own page: services 54, 55, 57 and 58.

    `options` are the provider's names of the wallets, as payOption. Callbacks go to `callback_url`, where
    that is configured; the payer's browser to the request's `return_url`, else to this one.
    """

    kind: ClassVar[type[Method]] = EWallet

    options: Mapping[str, str]
    created: str = catalogue.DEBIT_CREATE
    query: str = catalogue.DEBIT_STATUS
    cancel: str = catalogue.DEBIT_CANCEL
    refund: str = catalogue.DEBIT_REFUND
    callback_url: str | None = None
    return_url: str | None = None

    def creation(self, request: ChargeRequest) -> Call:
        """A wallet sends the payer's browser back: it must know where to."""
        return_url = request.return_url or self.return_url
        if return_url is None:
            raise InvalidCharge("return_url", "a wallet sends the payer's browser back: say where to")
        addresses = [UrlParam(return_url, "PAY_RETURN", "N")]
        if self.callback_url is not None:
            addresses.append(UrlParam(self.callback_url, "PAY_NOTIFY", "N"))
        amount = rupiah(request.amount)
        order = NewDebit(
            request.reference,
            amount,
            tuple(addresses),
            (PayOption(BALANCE, self.options[request.method.brand], amount),),
            self.terms.merchant_id,
            _expiry(request),
            self.terms.additional(request.method),
        )
        return Call(self.created, order)

    def made(self, request: ChargeRequest, reply: "httpx.Response") -> Made:
        """Where the payer's browser goes."""
        told = self.terms.read(reply, debit_reply)
        check_reference(told.partner_reference_no, request.reference)
        if ADDRESS.fullmatch(told.web_redirect_url) is None:
            raise OutcomeUnknown("the charge was accepted, but the wallet's address is missing")
        return Made(Redirect(told.web_redirect_url), told_number(told.reference_no), request.expires_at)


def _expiry(request: ChargeRequest) -> str | None:
    return jakarta_time(request.expires_at) if request.expires_at is not None else None


def _given_back(charge: ChargeRef, refund: RefundRequest) -> Money:
    """How much a refund is of; the services are always told."""
    amount = refund.amount or charge.amount
    if amount is None:
        raise InvalidCharge("refund.amount", "say how much, or give the charge with its amount")
    return amount


def _is_named(charge: ChargeRef, told: OriginalReply) -> bool:
    """Whether an answer tells a number of this charge's; that it tells none of another is seen to before."""
    number = told_number(told.original_reference_no)
    return told.original_partner_reference_no is not None or None not in (number, charge.provider_reference)


def _refund(told: ToldRefund) -> Refund:
    amount = told_money(told.refund_amount)
    if amount is None or not told.partner_refund_no:
        raise OutcomeUnknown("the answer tells of a refund without its number or amount")
    status = _refund_status(told.refund_status or UNTOLD)
    return Refund(reference=told.partner_refund_no, amount=amount, status=status)


def _refund_status(told: str) -> RefundStatus:
    if told not in REFUND_STATUSES:
        raise OutcomeUnknown("the refund's status is not one that we know")
    return REFUND_STATUSES[told]


def _after(status: ChargeStatus, refunds: tuple[Refund, ...], whole: Money | None) -> ChargeStatus:
    """How a paid charge stands after its refunds; in part, where nobody tells how much the whole was."""
    done = [one.amount.amount for one in refunds if one.status is RefundStatus.DONE]
    if not done:
        return status
    if whole is None:
        return ChargeStatus.REFUNDED if status is ChargeStatus.REFUNDED else ChargeStatus.PARTIALLY_REFUNDED
    is_all = sum(done, Decimal(0)) >= whole.amount
    return ChargeStatus.REFUNDED if is_all else ChargeStatus.PARTIALLY_REFUNDED
