"""A pretend Ayolinx: QRIS charges, payers and signed callbacks with retries. No I/O of its own.

What the docs leave open is decided here and marked; the adapter must not depend on it.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import httpx

from paygate import ChargeStatus, Flow, Method, Money, QrCode, Qris
from paygate.sandbox import Deliveries, Faults, Ledger, PayerAction, PretendCharge, qris_payload
from paygate.snap import notice_string, sign_rsa
from paygate_ayolinx.door import (
    Door,
    SandboxAccount,
    Turned,
    amount_of,
    instant,
    object_of,
    text_of,
)

SERVICES: Final = {
    "/v1.0/access-token/b2b": ("authorize", "73"),
    "/v1.0/qr/qr-mpm-generate": ("create_charge", "47"),
    "/v1.0/qr/qr-mpm-query": ("query", "51"),
    "/v1.0/qr/qr-mpm-cancel": ("cancel", "77"),
}
CHANNEL: Final = "BNC_QRIS"
ACQUIRER: Final = "ID.CO.BANKNEOCOMMERCE.WWW"
JAKARTA: Final = timezone(timedelta(hours=7))
LIFETIME: Final = timedelta(minutes=30)
RETRY_WAITS: Final = (60.0, 300.0, 600.0, 3600.0)
TOLD: Final = {
    ChargeStatus.PAID: "00",
    ChargeStatus.PENDING: "03",
    ChargeStatus.CANCELLED: "05",
    # No status says "expired"; that an expired charge is told as canceled is a guess.
    ChargeStatus.EXPIRED: "05",
    ChargeStatus.FAILED: "06",
}
OUTCOMES: Final = {
    PayerAction.PAY: ChargeStatus.PAID,
    PayerAction.FAIL: ChargeStatus.FAILED,
    PayerAction.EXPIRE: ChargeStatus.EXPIRED,
}


class AyolinxSimulator:
    """One merchant's sandbox at Ayolinx.

    With `refuse_duplicates` off it makes a second charge for a repeated reference, as a careless
    provider would: then the ledger shows whether a client sends twice. Callbacks go to `callback_url`,
    whose path is signed; `pace` divides the waits between retries.
    """

    def __init__(
        self,
        callback_url: str,
        *,
        pace: float = 1.0,
        account: SandboxAccount | None = None,
        clock: Callable[[], float] = time.time,
        refuse_duplicates: bool = True,
    ) -> None:
        self.account = account or SandboxAccount.made()
        self.door = Door(self.account, clock)
        self.ledger = Ledger()
        self.faults = Faults()
        self.deliveries = Deliveries(pace, clock)
        self.refuse_duplicates = refuse_duplicates
        self.variant = "notice"
        self._callback_url = httpx.URL(callback_url)
        self._clock = clock
        self._lock = threading.Lock()
        self._made = 0

    @property
    def variants(self) -> tuple[str, ...]:
        """The ways in which it can call back."""
        return ("notice",)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the merchant configures, all but `base_url`."""
        return self.account.settings(self._callback_url.path)

    def operation(self, request: httpx.Request) -> str | None:
        """Which operation a request asks for."""
        return SERVICES.get(request.url.path, (None, ""))[0]

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as strictly as Ayolinx should."""
        operation, service = SERVICES.get(request.url.path, ("", "00"))
        if not operation or request.method != "POST":
            return _answer(404, service, "00", "Not Found")
        answers = {
            "authorize": self.door.log_in,
            "create_charge": self._generate,
            "query": self._query,
            "cancel": self._cancel,
        }
        try:
            with self._lock:
                return _answer(200, service, "00", "Successful", answers[operation](request))
        except Turned as turned:
            return _answer(turned.status, service, turned.case, turned.message)

    def refusal(self, operation: str) -> httpx.Response:
        """A "no" that was not meant."""
        return _answer(400, self._service(operation), "00", "Bad Request")

    def busy(self, operation: str, retry_after: int) -> httpx.Response:
        """Too many requests."""
        reply = _answer(429, self._service(operation), "00", "Too Many Requests")
        reply.headers["Retry-After"] = str(retry_after)
        return reply

    def revoke_tokens(self) -> None:
        """Let every token end now."""
        self.door.revoke_tokens()

    def act(self, reference: str, action: PayerAction, by: Method | None = None) -> PretendCharge:
        """Let the payer pay, fail or be late; then the callback is due.

        Raises KeyError for an unknown reference and ValueError for a charge that is no longer open.
        """
        with self._lock:
            charge = self._current(reference)
            if charge is None:
                raise KeyError(reference)
            if charge.status is not ChargeStatus.PENDING:
                raise ValueError(f"the charge is {charge.status.value}")
            charge.status = OUTCOMES[action]
            charge.paid_by = by
            charge.finished_at = self._now()
            self.notify(charge)
            return charge

    def notify(self, charge: PretendCharge) -> None:
        """Send the callback of a charge as it stands (docs: "Payment Notify", "Callback description").

        A retry repeats the first one's timestamp: the docs do not say, and this is the harder case.
        """
        body = json.dumps(
            {
                "callbackType": "QRIS",
                "amount": {"currency": "IDR", "value": str(charge.amount.amount)},
                "customerNumber": "0812******45",
                "latestTransactionStatus": TOLD[charge.status],
                "originalPartnerReferenceNo": charge.reference,
                "originalReferenceNo": charge.provider_reference,
                "finishedTime": _jakarta(charge.finished_at),
                "additionalInfo": {"channel": CHANNEL, "RRN": "612300000001", "paymentNtb": "1"},
            }
        ).encode()
        stamp = _jakarta(self._now())
        text = notice_string("POST", self._callback_url.path, body, stamp)
        signature = sign_rsa(self.account.provider_key, text)
        headers = {
            "Content-Type": "application/json",
            "X-TIMESTAMP": stamp,
            "X-SIGNATURE": signature,
        }

        def tell() -> Flow[bool]:
            reply = yield httpx.Request("POST", self._callback_url, headers=headers, content=body)
            return _is_accepted(reply)

        self.deliveries.add(charge.reference, tell, RETRY_WAITS)

    def _generate(self, request: httpx.Request) -> dict[str, Any]:
        body = self.door.let_in(request)
        reference = text_of(body, "partnerReferenceNo")
        amount = Money(amount_of(body))
        _check_channel(body)
        expires_at = self._expiry(body)
        if self.refuse_duplicates and self.ledger.find(reference) is not None:
            raise Turned(409, "01", "Duplicate partnerReferenceNo")
        try:
            payload = qris_payload(
                amount, acquirer=ACQUIRER, merchant="WARUNG PAYGATE", city="JAKARTA", label=reference
            )
        except ValueError:
            raise Turned(404, "13", "Invalid Amount") from None
        self._made += 1
        charge = PretendCharge(
            reference=reference,
            provider_reference=f"AYO{self._now():%Y%m%d}{self._made:08d}",
            amount=amount,
            method=Qris(),
            instructions=QrCode(payload),
            created_at=self._now(),
            expires_at=expires_at,
        )
        self.ledger.add(charge)
        return {
            "partnerReferenceNo": reference,
            "qrContent": payload,
            "expiredDate": str(int(expires_at.timestamp())),
        }

    def _query(self, request: httpx.Request) -> dict[str, Any]:
        charge = self._named(self.door.let_in(request))
        return {
            "originalReferenceNo": charge.provider_reference,
            "originalPartnerReferenceNo": charge.reference,
            "latestTransactionStatus": TOLD[charge.status],
            "finishedTime": _jakarta(charge.finished_at) if charge.finished_at else "",
            "amount": {"currency": "IDR", "value": str(charge.amount.amount)},
        }

    def _cancel(self, request: httpx.Request) -> dict[str, Any]:
        charge = self._named(self.door.let_in(request))
        if charge.status is not ChargeStatus.PENDING:
            raise Turned(405, "01", "Requested Operation Is Not Allowed")
        charge.status = ChargeStatus.CANCELLED
        charge.finished_at = self._now()
        return {
            "originalReferenceNo": charge.provider_reference,
            "originalPartnerReferenceNo": charge.reference,
            "cancelTime": _jakarta(charge.finished_at),
        }

    def _named(self, body: dict[str, Any]) -> PretendCharge:
        reference = text_of(body, "originalPartnerReferenceNo")
        _check_channel(body)
        charge = self._current(reference)
        if charge is None:
            raise Turned(404, "01", "Transaction Not Found")
        return charge

    def _current(self, reference: str) -> PretendCharge | None:
        """A charge as it stands now; one that has run out of time is expired on the way."""
        charge = self.ledger.find(reference)
        is_open = charge is not None and charge.status is ChargeStatus.PENDING
        if charge is not None and is_open and charge.expires_at <= self._now():
            charge.status = ChargeStatus.EXPIRED
            charge.finished_at = charge.expires_at
        return charge

    def _expiry(self, body: dict[str, Any]) -> datetime:
        if "validUpTo" not in body:
            return self._now() + LIFETIME
        expires_at = instant(text_of(body, "validUpTo"))
        if expires_at is None or expires_at <= self._now():
            raise Turned(400, "01", "Invalid Field Format validUpTo")
        return expires_at

    def _service(self, operation: str) -> str:
        return next(service for name, service in SERVICES.values() if name == operation)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _check_channel(body: dict[str, Any]) -> None:
    if text_of(object_of(body, "additionalInfo"), "channel") != CHANNEL:
        raise Turned(400, "01", "Invalid Field Format channel")


def _is_accepted(response: httpx.Response) -> bool:
    """HTTP 200 with a success body (docs: "Callback description")."""
    try:
        code = json.loads(response.content)["responseCode"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return response.status_code == 200 and str(code).startswith("200")


def _jakarta(moment: datetime | None) -> str:
    return moment.astimezone(JAKARTA).isoformat(timespec="seconds") if moment else ""


def _answer(
    status: int, service: str, case: str, message: str, fields: Mapping[str, Any] | None = None
) -> httpx.Response:
    head = {"responseCode": f"{status}{service}{case}", "responseMessage": message}
    return httpx.Response(status, json={**head, **(fields or {})})
