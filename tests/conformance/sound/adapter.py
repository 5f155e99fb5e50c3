"""Lontar's operations. Each step that somebody could get wrong is a small method of its own."""

import binascii
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NoReturn

import httpx
import msgspec

from paygate import (
    API_VERSION,
    AccountNumber,
    Callback,
    CallbackRejected,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Credential,
    EWallet,
    Flow,
    Instructions,
    Money,
    OutcomeUnknown,
    PaygateError,
    QrCode,
    Qris,
    RateLimited,
    Redirect,
    Refund,
    RefundRequest,
    RefundStatus,
    VirtualAccount,
    for_methods,
    hookimpl,
    in_part_for,
    read,
    scrub,
)
from tests.conformance.sound import codes, wire
from tests.conformance.sound.credential import Token
from tests.conformance.sound.settings import Settings, checked
from tests.conformance.sound.simulator import LontarSimulator

WINDOW: Final = 300
CHARGED: Final = (Qris, VirtualAccount("bni"), EWallet("dana"))
JSON: Final = {"Content-Type": "application/json"}
THANKS: Final = CallbackReply(200, JSON, b'{"received":true}')
NO: Final = CallbackReply(401, JSON, b'{"received":false}')


class Lontar:
    """An imaginary provider's adapter, as it should be."""

    api_version: ClassVar[int] = API_VERSION
    settings_type: ClassVar[type[Any]] = Settings
    token_type: ClassVar[type[Token]] = Token

    def __init__(self, gateway: str, settings: Settings, clock: Callable[[], float]) -> None:
        self._gateway = gateway
        self._settings = self._checked(settings)
        self._clock = clock

    @staticmethod
    @hookimpl
    def simulator(callback_url: str, pace: float) -> LontarSimulator:
        """A pretend Lontar."""
        return LontarSimulator(callback_url, pace)

    @hookimpl
    def authorize(self) -> Flow[Credential]:
        """Log in."""
        secret = self._settings.client_secret.reveal()
        reply = yield self._post("/v1/session", wire.Login(self._settings.client_id, secret))
        told = read(reply, wire.session)
        if told.code != codes.SUCCESS or reply.status_code != 200:
            raise self._refused(told.code, told.message, reply)
        return self.token_type(told.token, secret, self._expiry(told.expires_in), self._clock)

    @hookimpl
    @for_methods(*CHARGED)
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        """Have a charge made."""
        return (yield from self._create(request))

    @hookimpl
    @for_methods(*CHARGED)
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        """Ask how a charge stands."""
        return (yield from self._query(charge))

    @hookimpl
    @for_methods(Qris, VirtualAccount("bni"))
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        """Close an open charge."""
        return (yield from self._cancel(charge))

    @hookimpl
    @for_methods(Qris, EWallet("dana"))
    @in_part_for(Qris)
    def refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        """Give money back."""
        return (yield from self._refund(charge, refund))

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Verify the raw bytes, then read them."""
        return self._parse(request)

    # what the operations say

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        reply = yield self._post("/v1/charge", self._order(request))
        return self._made(request, reply)

    def _query(self, charge: ChargeRef) -> Flow[Charge]:
        reply = yield self._post("/v1/query", wire.Named(charge.reference))
        return self._found(charge, reply)

    def _cancel(self, charge: ChargeRef) -> Flow[Charge]:
        reply = yield self._post("/v1/cancel", wire.Named(charge.reference))
        closed = self._found(charge, reply)
        if closed.status is not ChargeStatus.CANCELLED:
            raise OutcomeUnknown("the answer says that it is done, and tells another status")
        return closed

    def _refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        reply = yield self._post("/v1/refund", self._money_back(charge, refund))
        found = self._found(charge, reply)
        if found.refund(refund.reference) is None:
            raise OutcomeUnknown("the answer does not tell of the refund")
        return found

    def _post(self, path: str, message: object) -> httpx.Request:
        return httpx.Request("POST", self._base_url() + path, content=wire.encode(message), headers=JSON)

    def _base_url(self) -> str:
        return self._settings.base_url

    def _order(self, request: ChargeRequest) -> wire.Order:
        customer = request.customer
        return wire.Order(
            reference=request.reference,
            amount=self._wire_amount(request.amount),
            channel=codes.channel_of(request.method),
            expires_at=self._wire_moment(request.expires_at),
            name=customer.name if customer else None,
            phone=customer.phone if customer else None,
            return_url=request.return_url,
        )

    def _money_back(self, charge: ChargeRef, refund: RefundRequest) -> wire.MoneyBack:
        amount = self._wire_amount(refund.amount) if refund.amount is not None else None
        return wire.MoneyBack(charge.reference, refund.reference, refund.reason, amount)

    def _wire_amount(self, amount: Money) -> str:
        return str(amount.amount)

    def _wire_moment(self, moment: datetime | None) -> str | None:
        return moment.isoformat(timespec="seconds") if moment is not None else None

    def _expiry(self, seconds: int) -> float:
        return self._clock() + seconds / 2

    # what the answers mean

    def _made(self, request: ChargeRequest, reply: httpx.Response) -> Charge:
        told = self._read(reply)
        self._compare(told, request.reference)
        self._compare_amount(told, request)
        return Charge(
            gateway=self._gateway,
            reference=request.reference,
            status=self._status_of(told.status),
            method=request.method,
            amount=request.amount,
            provider_reference=told.id,
            instructions=self._instructions(told),
            expires_at=self._moment(told.expires_at),
            raw=reply.content,
        )

    def _found(self, charge: ChargeRef, reply: httpx.Response) -> Charge:
        told = self._read(reply)
        self._compare(told, charge.reference)
        return self._charge(told, charge, reply.content)

    def _charge(self, told: wire.ToldCharge, ref: ChargeRef, raw: bytes) -> Charge:
        refunds = self._refunds(told)
        back = sum(one.amount.amount for one in refunds if one.status is RefundStatus.DONE)
        return Charge(
            gateway=self._gateway,
            reference=ref.reference,
            status=self._status_of(told.status),
            method=ref.method,
            amount=ref.amount,
            provider_reference=told.id,
            instructions=self._instructions(told),
            expires_at=self._moment(told.expires_at),
            paid_at=self._moment(told.paid_at),
            paid_amount=self._paid_amount(told, ref),
            refunded_amount=Money(back) if refunds else None,
            refunds=refunds,
            raw=raw,
        )

    def _read(self, reply: httpx.Response) -> wire.ToldCharge:
        told = read(reply, wire.answer)
        if told.code != codes.SUCCESS:
            raise self._refused(told.code, told.message, reply)
        if reply.status_code != 200 or told.charge is None:
            raise OutcomeUnknown("the HTTP status and the code disagree", http_status=reply.status_code)
        return told.charge

    def _refused(self, code: str, message: str, reply: httpx.Response) -> PaygateError:
        refusal = codes.REFUSALS.get(code)
        where: dict[str, Any] = {
            "provider_code": scrub(code),
            "provider_message": scrub(message),
            "http_status": reply.status_code,
        }
        if refusal is None:
            return OutcomeUnknown("Lontar answered with a code that nobody has told us of", **where)
        if refusal.status != reply.status_code:
            return OutcomeUnknown("the HTTP status and the code disagree", **where)
        if refusal.error is RateLimited:
            return RateLimited("Lontar says no", retry_after=self._wait(reply), **where)
        return refusal.error("Lontar says no", **where)

    def _wait(self, reply: httpx.Response) -> float | None:
        told = reply.headers.get("Retry-After", "")
        return float(told) if told.isdecimal() else None

    def _compare(self, told: wire.ToldCharge, reference: str) -> None:
        if told.reference != reference:
            raise OutcomeUnknown("the answer is about another charge")

    def _compare_amount(self, told: wire.ToldCharge, request: ChargeRequest) -> None:
        if self._amount(told.amount) != request.amount:
            raise OutcomeUnknown("the answer tells another amount")

    def _status_of(self, told: str) -> ChargeStatus:
        if told not in codes.STATUS:
            raise OutcomeUnknown("the status is not one that we know")
        status = codes.STATUS[told]
        if status is None:
            raise ChargeNotFound("Lontar says that the charge is gone")
        return status

    def _amount(self, told: str) -> Money:
        return Money(told)

    def _paid_amount(self, told: wire.ToldCharge, ref: ChargeRef) -> Money | None:
        return self._amount(told.paid_amount) if told.paid_amount is not None else None

    def _moment(self, told: str | None) -> datetime | None:
        if told is None:
            return None
        try:
            moment = datetime.fromisoformat(told)
        except ValueError:
            raise OutcomeUnknown("a time that is none") from None
        if moment.tzinfo is None:
            raise OutcomeUnknown("a time without a time zone")
        return moment

    def _instructions(self, told: wire.ToldCharge) -> Instructions | None:
        if told.qr:
            return QrCode(told.qr)
        if told.number:
            return AccountNumber(told.number, "bni")
        return Redirect(told.url) if told.url else None

    def _refunds(self, told: wire.ToldCharge) -> tuple[Refund, ...]:
        return tuple(
            Refund(
                reference=one.reference,
                amount=self._amount(one.amount),
                status=self._refund_status_of(one.status),
            )
            for one in told.refunds
        )

    def _refund_status_of(self, told: str) -> RefundStatus:
        if told not in codes.REFUND_STATUS:
            raise OutcomeUnknown("the status of a refund is not one that we know")
        return codes.REFUND_STATUS[told]

    # what a callback proves

    def _parse(self, request: CallbackRequest) -> Callback:
        sent_at = self._verify(request)
        try:
            told = wire.call.decode(request.body)
            charge = self._told(told.charge, request.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, PaygateError):
            self._reject("body", "the body tells nothing that we know")
        return Callback(
            gateway=self._gateway,
            charges=(charge,),
            reply=self._thanks(),
            sent_at=sent_at,
            raw=request.body,
        )

    def _told(self, told: wire.ToldCharge, raw: bytes) -> Charge:
        ref = ChargeRef(self._gateway, told.reference, codes.CHANNELS.get(told.channel))
        return self._charge(told, ref, raw)

    def _verify(self, request: CallbackRequest) -> datetime:
        moment, given = request.header("x-lontar-time"), request.header("x-lontar-sign")
        if not moment or not given:
            self._reject("signature", "there is no signature")
        if not self._fits(given, self._expected(request, moment)):
            self._reject("signature", "the signature does not fit")
        return self._fresh(moment)

    def _expected(self, request: CallbackRequest, moment: str) -> bytes:
        return hmac.digest(self._key(), self._signed_text(request, moment), "sha256")

    def _signed_text(self, request: CallbackRequest, moment: str) -> bytes:
        head = f"{self._path(request)}\n{moment}\n"
        return head.encode("utf-8", "replace") + self._body(request)

    def _key(self) -> bytes:
        return self._settings.callback_secret.reveal().encode()

    def _path(self, request: CallbackRequest) -> str:
        return self._settings.callback_path

    def _body(self, request: CallbackRequest) -> bytes:
        return request.body

    def _fits(self, given: str, expected: bytes) -> bool:
        try:
            return hmac.compare_digest(binascii.a2b_base64(given, strict_mode=True), expected)
        except ValueError:
            return False

    def _fresh(self, moment: str) -> datetime:
        seconds = int(moment)  # it is signed
        if abs(self._clock() - seconds) > WINDOW:
            self._reject("timestamp", "the call is too old, or from the future")
        return datetime.fromtimestamp(seconds, UTC)

    def _thanks(self) -> CallbackReply:
        return THANKS

    def _reject(self, reason: str, what: str) -> NoReturn:
        raise CallbackRejected(reason, what, NO)

    def _checked(self, settings: Settings) -> Settings:
        return checked(self._gateway, settings)
