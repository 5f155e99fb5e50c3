"""What a SNAP provider's calls tell: how a QRIS or wallet charge stands, or that an account was paid.

What may be missing may be null or of another kind as well: that is not worth losing a paid charge for.
Source: SNAP BI, the portal's pages on services 25, 52 and 56, and the standard answers to them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from paygate.callback import CallbackReply, CallbackRequest
from paygate.errors import CallbackRejected, ChargeNotFound, OutcomeUnknown
from paygate.methods import EWallet, Method, Qris, VirtualAccount
from paygate.model import Charge, ChargeStatus
from paygate.snap.acknowledgements import Answer, acknowledgements, answer
from paygate.snap.callbacks import SnapCallbacks, Told, decoded, own_paths, signed_paths
from paygate.snap.catalogue import ACCOUNT_NOTIFY, DEBIT_NOTIFY, PATHS, QR_NOTIFY
from paygate.snap.fields import Amount, Wire, told_money, told_number, told_time
from paygate.snap.settings import Configured, SnapAccount
from paygate.snap.terms import SnapTerms

REASON: Final = {"english": "Success", "indonesia": "Sukses"}
TAKEN: Final = "00"
UNCLEAR: Final = ("01", "02")
"""paymentFlagStatus: at a virtual account "rejected" and "timeout", as a transaction's status "not yet"."""


class Notice(Wire, frozen=True):
    """Services 52 and 56."""

    latest_transaction_status: str
    original_partner_reference_no: str
    original_reference_no: Any = None
    amount: Amount | None = None
    finished_time: Any = None
    paid_time: Any = None
    additional_info: Any = None


class Flag(Wire, frozen=True):
    """Service 25: a virtual account was paid. Texts are echoed as they came."""

    trx_id: str
    paid_amount: Amount
    partner_service_id: str | None = None
    customer_no: str | int | None = None
    virtual_account_no: str | None = None
    virtual_account_name: str | None = None
    payment_request_id: str | None = None
    payment_flag_status: Any = None
    trx_date_time: Any = None
    additional_info: Any = None


class Shape(Wire, frozen=True):
    """What tells a notice from a flag, for a notice has a status; and whose it is, where that is told."""

    latest_transaction_status: Any = None
    merchant_id: Any = None


class PaidAmount(Struct, frozen=True):
    """An amount said back; both fields always stand there."""

    value: str
    currency: str


class Echo(Wire, frozen=True, kw_only=True):
    """A flag said back: what came, as it came, and that it was taken."""

    partner_service_id: str | None = None
    customer_no: str | int | None = None
    virtual_account_no: str | None = None
    virtual_account_name: str | None = None
    trx_id: str
    payment_request_id: str | None = None
    paid_amount: PaidAmount
    payment_flag_status: str
    payment_flag_reason: Mapping[str, str]


class Echoed(Answer, frozen=True):
    """Our answer to a flag."""

    virtual_account_data: Echo


notice: Final = msgspec.json.Decoder(Notice)
flag: Final = msgspec.json.Decoder(Flag)
shape: Final = msgspec.json.Decoder(Shape)


class SnapReader(Struct, frozen=True):
    """Reads the standard's three calls. A status that nobody knows is refused, never taken for another.

    `partner_service_ids` are the banks' prefixes, by bank: where a call tells no channel, they tell the bank.
    """

    terms: SnapTerms
    partner_service_ids: Mapping[str, str]

    def service_of(self, request: CallbackRequest, *, authorized: bool) -> str:  # noqa: ARG002
        """By the end of its path; QRIS where that tells nothing."""
        path = request.path.partition("?")[0].rstrip("/")
        for service in (ACCOUNT_NOTIFY, DEBIT_NOTIFY):
            if path.endswith(PATHS[service]):
                return service
        return QR_NOTIFY

    def read(self, request: CallbackRequest, *, authorized: bool) -> Told:
        """A notice where it has a status, else a flag: the proven body says so, not the path.

        The provider's key signs for all of its merchants: one that names another is none of ours.
        """
        body = request.body
        service = self.service_of(request, authorized=authorized)
        malformed = acknowledgements(service).malformed
        seen = decoded(shape, body, malformed)
        merchant = told_number(seen.merchant_id)
        if None not in (merchant, self.terms.merchant_id) and merchant != self.terms.merchant_id:
            unproven = acknowledgements(service).unproven
            raise CallbackRejected("client", "it is about another merchant than merchant_id", unproven)
        if seen.latest_transaction_status is not None:
            return self._noticed(decoded(notice, body, malformed), body, service)
        told = decoded(flag, body, acknowledgements(ACCOUNT_NOTIFY).malformed)
        return self._paid(told, body)

    def _noticed(self, told: Notice, raw: bytes, service: str) -> Told:
        """A notice's charge. Its asked-for amount is not known here: compare `paid_amount` with yours."""
        malformed = acknowledgements(service).malformed
        status = self._status(told.latest_transaction_status, malformed)
        if not told.original_partner_reference_no:
            raise CallbackRejected("body", "the reference is empty", malformed)
        method = self.terms.method_of(told.additional_info) or self._only()
        is_paid = status is ChargeStatus.PAID
        paid_amount = told_money(told.amount) if is_paid else None
        if is_paid and paid_amount is None:
            raise CallbackRejected("amount", "the paid amount cannot be read", malformed)
        if method is not None:
            service = DEBIT_NOTIFY if isinstance(method, EWallet) else QR_NOTIFY
        answers = acknowledgements(service)
        charge = Charge(
            gateway=self.terms.gateway,
            reference=told.original_partner_reference_no,
            status=status,
            method=method,
            provider_reference=told_number(told.original_reference_no),
            paid_at=(told_time(told.paid_time) or told_time(told.finished_time)) if is_paid else None,
            paid_amount=paid_amount,
            raw=raw,
        )
        return Told(charge, answers.taken, answers.again)

    def _paid(self, told: Flag, raw: bytes) -> Told:
        """A flag's charge: paid, unless it tells a paymentFlagStatus that says otherwise.

        Its number is that of the payment, where it tells one: an account can be paid a second time.
        """
        answers = acknowledgements(ACCOUNT_NOTIFY)
        if not told.trx_id:
            raise CallbackRejected("body", "the reference is empty", answers.malformed)
        info = told.additional_info if isinstance(told.additional_info, dict) else {}
        status = self._flagged((told.payment_flag_status, info.get("paymentFlagStatus")), answers.malformed)
        is_paid = status is ChargeStatus.PAID
        paid_amount = told_money(told.paid_amount) if is_paid else None
        if is_paid and paid_amount is None:
            raise CallbackRejected("amount", "the paid amount cannot be read", answers.malformed)
        charge = Charge(
            gateway=self.terms.gateway,
            reference=told.trx_id,
            status=status,
            method=self.terms.method_of(info) or self._bank_of(told.partner_service_id or ""),
            provider_reference=told.payment_request_id or (told.virtual_account_no or "").strip(" ") or None,
            paid_at=told_time(told.trx_date_time) if is_paid else None,
            paid_amount=paid_amount,
            raw=raw,
        )
        return Told(charge, _echoed(told), answers.again)

    def _flagged(self, flags: Sequence[object], malformed: CallbackReply) -> ChargeStatus:
        """What a flag's paymentFlagStatus means, wherever it stands; without one it tells of a payment."""
        told = [one for one in flags if one is not None]
        if not told:
            return ChargeStatus.PAID
        first, *others = told
        if any(one != first for one in others):
            raise CallbackRejected("status", "it tells two statuses", malformed)
        status = self._status(first, malformed)
        if first in UNCLEAR and status is ChargeStatus.PENDING:
            raise CallbackRejected("status", "it may mean two things at a virtual account", malformed)
        return status

    def _status(self, told: object, malformed: CallbackReply) -> ChargeStatus:
        try:
            return self.terms.status((told if isinstance(told, str) else "?",))
        except (OutcomeUnknown, ChargeNotFound):
            raise CallbackRejected("status", "the status is not one that we know", malformed) from None

    def _only(self) -> Method | None:
        """The method of a notice without a channel, where the provider has but one that it can be."""
        noticed = {one for one in self.terms.channels.values() if isinstance(one, (Qris, EWallet))}
        return noticed.pop() if len(noticed) == 1 else None

    def _bank_of(self, prefix: str) -> Method | None:
        banks = [bank for bank, own in self.partner_service_ids.items() if own == prefix.strip(" ")]
        return VirtualAccount(banks[0]) if len(banks) == 1 else None


def standard_callbacks(
    terms: SnapTerms, settings: Configured, account: SnapAccount, clock: Callable[[], float]
) -> SnapCallbacks:
    """What verifies and reads a provider's calls that are the standard's, by the proofs of its profile.

    They may be signed over `callback_path`, or over the standard's path below it; under a token also over the
    standard's alone. A proxy's token or a client key beside a proven notice does no harm.
    """
    own = settings.callback_path
    return SnapCallbacks(
        terms.gateway,
        settings,
        account,
        clock,
        SnapReader(terms, settings.partner_service_ids),
        notice_paths=own_paths(own),
        call_paths=signed_paths(own),
        inbound=terms.profile.inbound,
        claims_bind=False,
    )


def _echoed(told: Flag) -> CallbackReply:
    """The answer to a flag that we take: it is said back."""
    echo = Echo(
        partner_service_id=told.partner_service_id,
        customer_no=told.customer_no,
        virtual_account_no=told.virtual_account_no,
        virtual_account_name=told.virtual_account_name,
        trx_id=told.trx_id,
        payment_request_id=told.payment_request_id,
        paid_amount=PaidAmount(told.paid_amount.value, told.paid_amount.currency),
        payment_flag_status=TAKEN,
        payment_flag_reason=REASON,
    )
    return answer(200, Echoed(f"200{ACCOUNT_NOTIFY}00", "Successful", echo))
