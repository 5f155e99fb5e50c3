"""Ayolinx's operations, one short flow each."""

import time
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import httpx
import msgspec

from paygate import (
    API_VERSION,
    Callback,
    CallbackRejected,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Flow,
    OutcomeUnknown,
    QrCode,
    Qris,
    for_methods,
    hookimpl,
)
from paygate.snap import (
    Notices,
    SnapCredential,
    SnapProfile,
    Timestamps,
    log_in,
    post,
    read_reply,
)
from paygate_ayolinx import codes, wire
from paygate_ayolinx.settings import Settings, checked

if TYPE_CHECKING:
    from paygate_ayolinx.simulator import AyolinxSimulator

PROFILE: Final = SnapProfile()
GENERATE: Final = "/v1.0/qr/qr-mpm-generate"
QUERY: Final = "/v1.0/qr/qr-mpm-query"
CANCEL: Final = "/v1.0/qr/qr-mpm-cancel"
CANCELLED: Final = "05"


def _reply(status: int, code: str, message: str) -> CallbackReply:
    body = wire.encode(wire.Taken(code, message))
    headers = MappingProxyType({"Content-Type": "application/json"})
    return CallbackReply(status, headers, body)


TAKEN: Final = _reply(200, codes.NOTICE_TAKEN, "Successful")
MALFORMED: Final = _reply(400, codes.NOTICE_MALFORMED, "Bad Request")
UNPROVEN: Final = _reply(401, codes.NOTICE_UNPROVEN, "Unauthorized. Signature")


class Ayolinx:
    """Ayolinx's merchant API: QRIS.

    `clock` gives unix seconds. Raises ConfigurationError for settings that could not work.
    """

    api_version = API_VERSION
    settings_type = Settings

    def __init__(self, gateway: str, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        account = checked(gateway, settings)
        self._gateway = gateway
        self._clock = clock
        self._keys = account.keys
        self._timestamps = Timestamps(PROFILE.layout, clock)
        self._token_url = account.base_url + PROFILE.token_path
        self._urls = {path: httpx.URL(account.base_url + path) for path in (GENERATE, QUERY, CANCEL)}
        self._channel = wire.Channel(codes.QRIS_CHANNEL)
        self._new_channel = wire.Channel(codes.QRIS_CHANNEL, settings.sub_merchant_id)
        self._notices = Notices(
            account.provider_public_key,
            settings.callback_path,
            settings.callback_window_minutes * 60,
            clock,
        )

    @hookimpl
    def authorize(self) -> Flow[SnapCredential]:
        """Get an access token (docs: "Access Token B2B")."""
        return log_in(self._token_url, self._keys, PROFILE, self._timestamps, self._clock, codes.ODD)

    @hookimpl
    @for_methods(Qris)
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        """Have a QRIS made (docs: "Generate Qris")."""
        expires_at = request.expires_at
        order = wire.GenerateQris(
            request.reference,
            wire.rupiah(request.amount),
            self._new_channel,
            wire.valid_up_to(expires_at) if expires_at is not None else None,
        )
        reply = yield self._post(GENERATE, order)
        made = read_reply(reply, wire.qris_reply, codes.ERRORS, codes.ODD)
        if made.partner_reference_no not in (None, request.reference):
            raise OutcomeUnknown("the answer is about another reference")
        if not made.qr_content:
            raise OutcomeUnknown("the charge was accepted, but its QR payload is missing")
        return Charge(
            gateway=self._gateway,
            reference=request.reference,
            status=ChargeStatus.PENDING,
            method=request.method,
            amount=request.amount,
            provider_reference=wire.name(made.reference_no),
            instructions=QrCode(made.qr_content),
            expires_at=wire.moment(made.expired_date) or expires_at,
            raw=reply.content,
        )

    @hookimpl
    @for_methods(Qris)
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        """Ask how a QRIS stands (docs: "Query Qris")."""
        told, reply = yield from self._ask(QUERY, charge)
        told_status = told.latest_transaction_status
        if told_status not in codes.STATUS:
            raise OutcomeUnknown("the status is not one that we know")
        status = codes.STATUS[told_status]
        if status is None:
            raise ChargeNotFound("the provider says: not found", http_status=reply.status_code)
        is_paid = status is ChargeStatus.PAID
        return Charge(
            gateway=self._gateway,
            reference=charge.reference,
            status=status,
            method=charge.method,
            amount=charge.amount,
            provider_reference=wire.name(told.original_reference_no) or charge.provider_reference,
            paid_at=wire.moment(told.finished_time) if is_paid else None,
            paid_amount=wire.money(told.amount) if is_paid else None,
            raw=reply.content,
        )

    @hookimpl
    @for_methods(Qris)
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        """Void an unpaid QRIS (docs: "Cancel Qris")."""
        told, reply = yield from self._ask(CANCEL, charge)
        if codes.STATUS.get(told.latest_transaction_status or CANCELLED) is not ChargeStatus.CANCELLED:
            raise OutcomeUnknown("the answer says that it is done, and tells another status")
        return Charge(
            gateway=self._gateway,
            reference=charge.reference,
            status=ChargeStatus.CANCELLED,
            method=charge.method,
            amount=charge.amount,
            provider_reference=wire.name(told.original_reference_no) or charge.provider_reference,
            raw=reply.content,
        )

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Verify and read a QRIS notice without a token (docs: "Payment Notify")."""
        try:
            sent_at = self._notices.verify(request)
        except CallbackRejected as rejected:
            rejected.reply = UNPROVEN
            raise
        try:
            notice = wire.notice.decode(request.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise CallbackRejected("body", "the body cannot be read", MALFORMED) from None
        return Callback(
            gateway=self._gateway,
            charges=(self._charge_of(notice, request.body),),
            reply=TAKEN,
            sent_at=sent_at,
            raw=request.body,
        )

    @hookimpl
    @staticmethod
    def simulator(callback_url: str, pace: float) -> "AyolinxSimulator":
        """A pretend Ayolinx."""
        from paygate_ayolinx.simulator import AyolinxSimulator

        return AyolinxSimulator(callback_url, pace=pace)

    def _post(self, path: str, message: wire.Wire) -> httpx.Request:
        return post(self._urls[path], wire.encode(message))

    def _ask(self, path: str, charge: ChargeRef) -> Flow[tuple[wire.StatusReply, httpx.Response]]:
        """Ask something about a charge; the answer must be about that one."""
        reply = yield self._post(path, wire.NamedCharge(charge.reference, self._channel))
        told = read_reply(reply, wire.status_reply, codes.ERRORS, codes.ODD)
        if told.original_partner_reference_no not in (None, charge.reference):
            raise OutcomeUnknown("the answer is about another reference")
        return told, reply

    def _charge_of(self, notice: wire.Notice, raw: bytes) -> Charge:
        """A notice's charge. Its asked-for amount is not known here: compare `paid_amount` with yours."""
        if notice.additional_info.channel != codes.QRIS_CHANNEL:
            raise CallbackRejected("channel", "the channel is not one we handle", MALFORMED)
        status = codes.STATUS.get(notice.latest_transaction_status)
        if status is None:
            raise CallbackRejected("status", "the status is not one that we know", MALFORMED)
        if not notice.original_partner_reference_no:
            raise CallbackRejected("body", "the reference is empty", MALFORMED)
        paid_amount = paid_at = None
        if status is ChargeStatus.PAID:
            paid_amount = wire.money(notice.amount)
            if paid_amount is None:
                raise CallbackRejected("amount", "the paid amount cannot be read", MALFORMED)
            paid_at = wire.moment(notice.finished_time)
        return Charge(
            gateway=self._gateway,
            reference=notice.original_partner_reference_no,
            status=status,
            method=Qris(),
            provider_reference=wire.name(notice.original_reference_no),
            paid_at=paid_at,
            paid_amount=paid_amount,
            raw=raw,
        )
