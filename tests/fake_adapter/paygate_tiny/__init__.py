"""A complete tiny adapter: two operations, a static key, callbacks, and a simulator beside it."""

from collections.abc import Callable
from hmac import compare_digest, digest
from typing import TYPE_CHECKING, Final

import httpx
import msgspec
from msgspec import Struct

from paygate import (
    API_VERSION,
    AmountRejected,
    Callback,
    CallbackRejected,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    ConfigurationError,
    Credential,
    DuplicateReference,
    Flow,
    InvalidCharge,
    Money,
    OutcomeUnknown,
    QrCode,
    Qris,
    RateLimited,
    Secret,
    answered,
    for_methods,
    hookimpl,
    read,
)

if TYPE_CHECKING:
    from paygate_tiny.simulator import TinySimulator


class Settings(Struct, frozen=True, kw_only=True):
    """`[gateways.NAME]` with adapter = "tiny"."""

    api_key: Secret
    base_url: str = "https://tiny.example"


class Answer(Struct, frozen=True):
    """Every answer of Tiny's."""

    id: str = ""
    status: str = ""
    qr: str = ""
    amount: str = ""
    error: str = ""


answer: Final = msgspec.json.Decoder(Answer)
STATUSES: Final = {"open": ChargeStatus.PENDING, "paid": ChargeStatus.PAID}
OK: Final = CallbackReply(200, {"Content-Type": "text/plain"}, b"OK")


class Key(Struct, frozen=True):
    """A key that never expires."""

    header: str
    expires_at: float = float("inf")

    def sign(self, request: httpx.Request) -> httpx.Request:
        """Put the key in its header."""
        request.headers["X-Key"] = self.header
        return request

    def rejected_by(self, response: httpx.Response) -> bool:
        """A static key cannot be renewed."""
        return False

    def __repr__(self) -> str:
        return "Key()"


class Tiny:
    """An adapter with the least that one needs."""

    api_version = API_VERSION
    settings_type = Settings

    def __init__(self, gateway: str, settings: Settings, clock: Callable[[], float]) -> None:
        self._gateway = gateway
        self._settings = settings
        self._clock = clock
        if not settings.api_key.reveal().strip():
            raise ConfigurationError(f"gateways.{gateway}.api_key: is empty")

    @staticmethod
    @hookimpl
    def simulator(callback_url: str, pace: float) -> "TinySimulator":
        """A pretend Tiny."""
        from paygate_tiny.simulator import TinySimulator

        return TinySimulator(callback_url, pace)

    @hookimpl
    def authorize(self) -> Flow[Credential]:
        """No login: the key is all."""
        return answered(Key(self._settings.api_key.reveal()))

    @hookimpl
    @for_methods(Qris)
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        """Make a charge."""
        url = f"{self._settings.base_url}/charges"
        order = {"id": request.reference, "amount": str(request.amount.amount)}
        reply = yield httpx.Request("POST", url, json=order)
        return self._charge(request.reference, request.amount, reply)

    @hookimpl
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        """Look a charge up."""
        url = f"{self._settings.base_url}/charges/{charge.reference}"
        return self._charge(charge.reference, charge.amount, (yield httpx.Request("GET", url)))

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Check an HMAC over the body, then read it."""
        key = self._settings.api_key.reveal().encode()
        given = (request.header("x-mac") or "").encode("utf-8", "replace")
        if not compare_digest(given, digest(key, request.body, "sha256").hex().encode()):
            raise CallbackRejected("signature", "the HMAC does not fit")
        try:
            told = answer.decode(request.body)
            status, paid = STATUSES[told.status], Money(told.amount)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, InvalidCharge):
            raise CallbackRejected("body", "the body tells nothing that we know") from None
        charge = Charge(
            gateway=self._gateway, reference=told.id, status=status, method=Qris(), paid_amount=paid
        )
        return Callback(gateway=self._gateway, charges=(charge,), reply=OK, sent_at=None, raw=request.body)

    def _charge(self, reference: str, amount: Money | None, reply: httpx.Response) -> Charge:
        told = read(reply, answer)
        if (reply.status_code, told.error) == (404, "unknown"):
            raise ChargeNotFound("no such charge", http_status=404)
        if (reply.status_code, told.error) == (409, "exists"):
            raise DuplicateReference("it exists", http_status=409)
        if (reply.status_code, told.error) == (400, "amount"):
            raise AmountRejected("no QRIS holds that much", http_status=400)
        if (reply.status_code, told.error) == (429, "busy"):
            raise RateLimited("too many requests", retry_after=1.0, http_status=429)
        if reply.status_code != 200 or told.status not in STATUSES or told.id not in ("", reference):
            raise OutcomeUnknown("an answer that Tiny never gave", http_status=reply.status_code)
        sum_told = Money(told.amount) if told.amount else None
        is_paid = STATUSES[told.status] is ChargeStatus.PAID
        if not is_paid and amount is not None and sum_told not in (None, amount):
            raise OutcomeUnknown("the answer tells another amount")
        return Charge(
            gateway=self._gateway,
            reference=reference,
            status=STATUSES[told.status],
            method=Qris(),
            amount=amount,
            instructions=QrCode(told.qr) if told.qr else None,
            paid_amount=sum_told if is_paid else None,
            raw=reply.content,
        )
