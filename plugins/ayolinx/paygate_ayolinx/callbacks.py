"""Ayolinx's calls to the merchant: which kind one is, whether it is proven, and what it says.

Three kinds come to one address and below it. A notice is signed by RSA. Under SNAP, Ayolinx first asks
for a token of ours, then calls with it. The headers tell which it claims to be; each kind has its own proof.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from paygate import (
    Callback,
    CallbackRejected,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeStatus,
    Method,
    PaymentLink,
    VirtualAccount,
)
from paygate.snap import (
    LIFETIME_SECONDS,
    AuthorizedCalls,
    InboundTokens,
    Notices,
    TokenRequests,
    bearer_token,
)
from paygate_ayolinx import codes, inbound, wire
from paygate_ayolinx.settings import Account, Settings

TOKEN_PATH: Final = "/v1.0/access-token/b2b"  # noqa: S105 - a path
PAYMENT_PATH: Final = "/v1.0/transfer-va/payment"
QRIS_PATH: Final = "/v1.0/qr/qr-mpm-notify"
DOCUMENTED_PATHS: Final = (PAYMENT_PATH, QRIS_PATH, "/v1.0/debit/notify")
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
T = TypeVar("T")


class Callbacks:
    """Verifies and reads Ayolinx's calls for one gateway. Pure: no requests, no state."""

    def __init__(
        self, gateway: str, settings: Settings, account: Account, clock: Callable[[], float]
    ) -> None:
        self._gateway = gateway
        own, window = settings.callback_path, settings.callback_window_minutes * 60
        agreed = settings.inbound_client_key or settings.client_key
        self.notices = Notices(account.provider_public_key, own, window, clock)
        self._token_requests = TokenRequests(account.provider_public_key, frozenset({agreed}), clock)
        self._tokens = InboundTokens(account.keys.private_key, gateway, agreed, clock)
        self.calls = AuthorizedCalls(
            self._tokens,
            settings.client_secret,
            frozenset({agreed, settings.client_key}),
            signed_paths(own),
            window,
            clock,
            settings.inbound_hmac,
        )
        self._banks = {prefix: bank for bank, prefix in settings.partner_service_ids.items()}

    def parse(self, request: CallbackRequest) -> Callback:
        """Verify first, read afterwards; raise CallbackRejected with the reply for Ayolinx."""
        names = {name.lower() for name in request.headers}
        if "authorization" in names and self.claims_a_token(request):
            return self._authorized(request)
        if "x-client-key" in names:
            return self._token_request(request)
        return self._notice(request)

    def claims_a_token(self, request: CallbackRequest) -> bool:
        """Whether a call claims to come with a token of ours.

        A proxy may add a bearer token of its own to a notice: it tells no partner, and is none that we know.
        """
        token = bearer_token(request)
        return token is not None and (
            request.header("x-partner-id") is not None or self._tokens.verify(token)
        )

    def _notice(self, request: CallbackRequest) -> Callback:
        """A notice without a token (docs: "Payment Notify", "Callback description")."""
        try:
            sent_at = self.notices.verify(request)
        except CallbackRejected as rejected:
            rejected.reply = inbound.NOTICE_UNPROVEN
            raise
        told = _decoded(inbound.notice, request.body, inbound.NOTICE_MALFORMED)
        charge = self._noticed(told, request.body)
        return Callback(
            gateway=self._gateway,
            charges=(charge,),
            reply=inbound.NOTICE_TAKEN,
            again=inbound.NOTICE_AGAIN,
            sent_at=sent_at,
            raw=request.body,
        )

    def _token_request(self, request: CallbackRequest) -> Callback:
        """A request for a token of ours (docs: "Access Token B2B", to be provided by the merchant)."""
        try:
            sent_at = self._token_requests.verify(request)
        except CallbackRejected as rejected:
            rejected.reply = inbound.TOKEN_REFUSED
            raise
        # The body is not part of the proof; one that asks for another kind of grant is not ours to serve.
        wanted = _decoded(inbound.grant_wanted, request.body or b"{}", inbound.TOKEN_MALFORMED)
        if wanted.grant_type != "client_credentials":
            raise CallbackRejected("body", "grantType is another than ours", inbound.TOKEN_MALFORMED)
        granted = inbound.Granted(
            codes.TOKEN_GRANTED, "Successful", self._tokens.issue(), "Bearer", str(LIFETIME_SECONDS)
        )
        return Callback(
            gateway=self._gateway, charges=(), reply=inbound.answer(200, granted), sent_at=sent_at
        )

    def _authorized(self, request: CallbackRequest) -> Callback:
        """A call with a token of ours (docs: "VA callback introduction"): a payment, or a notice."""
        is_payment = request.path.rstrip("/").endswith(PAYMENT_PATH)  # unproven, and only for the refusal
        try:
            sent_at = self.calls.verify(request)
        except CallbackRejected as rejected:
            rejected.reply = _refusal(rejected.reason, is_payment=is_payment)
            raise
        shape = _decoded(
            inbound.shape, request.body, inbound.PAID_MALFORMED if is_payment else inbound.NOTICE_MALFORMED
        )
        if shape.latest_transaction_status is not None:
            told = _decoded(inbound.notice, request.body, inbound.NOTICE_MALFORMED)
            charge, reply = self._noticed(told, request.body), inbound.NOTICE_TAKEN
            again = inbound.NOTICE_AGAIN
        else:
            paid = _decoded(inbound.payment, request.body, inbound.PAID_MALFORMED)
            charge, reply = self._paid(paid, request.body), inbound.echoed(paid)
            again = inbound.PAID_AGAIN
        return Callback(
            gateway=self._gateway,
            charges=(charge,),
            reply=reply,
            again=again,
            sent_at=sent_at,
            raw=request.body,
        )

    def _noticed(self, told: inbound.Notice, raw: bytes) -> Charge:
        """A notice's charge. Its asked-for amount is not known here: compare `paid_amount` with yours."""
        malformed = inbound.NOTICE_MALFORMED
        status = codes.STATUS.get(told.latest_transaction_status)
        if status is None:
            raise CallbackRejected("status", "the status is not one that we know", malformed)
        # An e-wallet may tell its own number as the original one, and ours beside it.
        reference = told.partner_reference_no or told.original_partner_reference_no
        if not reference:
            raise CallbackRejected("body", "the reference is empty", malformed)
        paid_amount = paid_at = None
        if status is ChargeStatus.PAID:
            paid_amount = wire.money(told.amount)
            if paid_amount is None:
                raise CallbackRejected("amount", "the paid amount cannot be read", malformed)
            paid_at = wire.moment(told.finished_time)
        link = wire.name(told.details.plh)
        return Charge(
            gateway=self._gateway,
            reference=reference,
            status=status,
            method=PaymentLink() if link else _method_of(told.details.channel),
            provider_reference=link or wire.name(told.original_reference_no),
            paid_at=paid_at,
            paid_amount=paid_amount,
            raw=raw,
        )

    def _paid(self, told: inbound.Payment, raw: bytes) -> Charge:
        """The charge of a paid virtual account; prefixes are compared without SNAP BI's padding."""
        if not told.trx_id:
            raise CallbackRejected("body", "the reference is empty", inbound.PAID_MALFORMED)
        paid_amount = wire.money(told.paid_amount)
        if paid_amount is None:
            raise CallbackRejected("amount", "the paid amount cannot be read", inbound.PAID_MALFORMED)
        details = told.details
        return Charge(
            gateway=self._gateway,
            reference=told.trx_id,
            status=ChargeStatus.PAID,
            method=_method_of(details.channel) or self._bank_of(told.partner_service_id or ""),
            provider_reference=wire.name(told.reference_no) or told.payment_request_id or None,
            paid_at=wire.moment(details.payment_time_iso8601) or wire.moment(told.trx_date_time),
            paid_amount=paid_amount,
            raw=raw,
        )

    def _bank_of(self, partner_service_id: str) -> Method | None:
        bank = self._banks.get(partner_service_id.strip())
        return VirtualAccount(bank) if bank is not None else None


def signed_paths(callback_path: str) -> tuple[str, ...]:
    """The paths that a call with a token may have been signed over: the documented names, and our own."""
    prefix = callback_path.rstrip("/")
    paths = (PAYMENT_PATH, QRIS_PATH, callback_path, prefix + PAYMENT_PATH, prefix + QRIS_PATH)
    return tuple(dict.fromkeys(paths))


def _decoded(decoder: "msgspec.json.Decoder[T]", body: bytes, malformed: CallbackReply) -> T:
    try:
        return decoder.decode(body)
    except UNREADABLE:
        raise CallbackRejected("body", "the body cannot be read", malformed) from None


def _method_of(channel: object) -> Method | None:
    return codes.CHANNELS.get(channel) if isinstance(channel, str) else None


def _refusal(reason: str, *, is_payment: bool) -> CallbackReply:
    if reason == "token":
        return inbound.PAID_WRONG_TOKEN if is_payment else inbound.NOTICE_WRONG_TOKEN
    return inbound.PAID_UNPROVEN if is_payment else inbound.NOTICE_UNPROVEN
