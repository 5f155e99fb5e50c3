"""A pretend Lontar. It shares no table and no message with the adapter, so that a misreading shows."""

import base64
import hashlib
import hmac
import itertools
import json
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import httpx

from paygate import (
    AccountNumber,
    ChargeStatus,
    EWallet,
    Flow,
    Instructions,
    Method,
    Money,
    QrCode,
    Qris,
    Redirect,
    Refund,
    RefundStatus,
    VirtualAccount,
)
from paygate.sandbox import OUTCOMES, Deliveries, Faults, Ledger, PayerAction, PretendCharge, qris_payload

JAKARTA: Final = timezone(timedelta(hours=7))
OPERATIONS: Final = {
    "/v1/session": "authorize",
    "/v1/charge": "create_charge",
    "/v1/query": "query",
    "/v1/cancel": "cancel",
    "/v1/refund": "refund",
}
WORDS: Final = {
    ChargeStatus.PENDING: "OPEN",
    ChargeStatus.PAID: "PAID",
    ChargeStatus.FAILED: "FAILED",
    ChargeStatus.EXPIRED: "LATE",
    ChargeStatus.CANCELLED: "VOID",
    ChargeStatus.REFUNDED: "REFUNDED",
    ChargeStatus.PARTIALLY_REFUNDED: "PART_REFUNDED",
}
WAITS: Final = (60.0, 300.0)


class No(Exception):
    """Lontar refuses."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.reply = httpx.Response(status, json={"code": code, "message": message})


class LontarSimulator:
    """One merchant's account at Lontar.

    It makes no second charge for a reference, knows a charge by either number, and calls back when one is
    made, paid, failed, late, closed or refunded.
    """

    def __init__(self, callback_url: str, pace: float = 1.0) -> None:
        self.ledger = Ledger()
        self.faults = Faults()
        self.deliveries = Deliveries(pace)
        self.variants: Sequence[str] = ("call",)
        self.variant = "call"
        self.callback_url = httpx.URL(callback_url)
        self.client_secret = f"lontar-client-{secrets.token_hex(16)}"
        self.callback_secret = f"lontar-callback-{secrets.token_hex(16)}"
        self.settings: Mapping[str, Any] = {
            "adapter": "lontar",
            "client_id": "shop-1",
            "client_secret": self.client_secret,
            "callback_secret": self.callback_secret,
            "callback_path": self.callback_url.path,
        }
        self._tokens: set[str] = set()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def operation(self, request: httpx.Request) -> str | None:
        """Which operation a request asks for."""
        return OPERATIONS.get(request.url.path)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        try:
            with self._lock:
                return self._answered(request)
        except No as no:
            return no.reply

    def refusal(self, request: httpx.Request) -> httpx.Response:
        """A "no" that was not meant."""
        return No(403, "NOT_ALLOWED", "Not for this merchant").reply

    def busy(self, request: httpx.Request, retry_after: int) -> httpx.Response:
        """Too many requests."""
        reply = No(429, "TOO_MANY", "Slow down").reply
        reply.headers["Retry-After"] = str(retry_after)
        return reply

    def revoke_tokens(self) -> None:
        """Let every token end now."""
        self._tokens.clear()

    def act(self, reference: str, action: PayerAction, by: Method | None = None) -> PretendCharge:
        """Let the payer pay, fail or be late."""
        with self._lock:
            charge = self.ledger.find(reference)
            if charge is None:
                raise KeyError(reference)
            if charge.status is not ChargeStatus.PENDING:
                raise ValueError(f"{reference} is not open")
            charge.status = OUTCOMES[action]
            charge.finished_at = _now()
            self._call_back(charge)
            return charge

    def _answered(self, request: httpx.Request) -> httpx.Response:
        operation = self.operation(request)
        if operation is None or request.method != "POST":
            raise No(404, "NOT_FOUND", "No such page")
        fields = _fields(request)
        if operation == "authorize":
            return self._logged_in(fields)
        self._let_in(request)
        reference = _text(fields, "reference")
        charge = self.ledger.find(reference) or self.ledger.numbered(reference)
        if operation == "create_charge":
            if charge is not None:
                raise No(409, "DUPLICATE", "This reference exists")
            charge = self._new(reference, fields)
        if charge is None:
            raise No(404, "NOT_FOUND", "No such charge")
        if operation == "cancel":
            self._close(charge)
        elif operation == "refund":
            self._give_back(charge, fields)
        return httpx.Response(200, json={"code": "OK", "message": "", "charge": _told(charge)})

    def _logged_in(self, fields: Mapping[str, Any]) -> httpx.Response:
        if (fields.get("client_id"), fields.get("client_secret")) != ("shop-1", self.client_secret):
            raise No(401, "BAD_SIGNATURE", "Who are you?")
        token = f"lontar-token-{secrets.token_hex(16)}"
        self._tokens = {token}  # only the newest one lives
        return httpx.Response(200, json={"code": "OK", "token": token, "expires_in": 900})

    def _let_in(self, request: httpx.Request) -> None:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            raise No(401, "TOKEN_ENDED", "Log in")
        moment = request.headers.get("X-Lontar-Time", "")
        if not moment.isdecimal() or abs(int(moment) - time.time()) > 300:
            raise No(401, "BAD_SIGNATURE", "The time is wrong")
        digest = hashlib.sha256(request.content).hexdigest()
        text = f"{request.method}\n{request.url.path}\n{digest}\n{moment}"
        expected = _signature(self.client_secret, text.encode())
        if not hmac.compare_digest(request.headers.get("X-Lontar-Sign", "").encode(), expected.encode()):
            raise No(401, "BAD_SIGNATURE", "The signature is wrong")

    def _new(self, reference: str, fields: Mapping[str, Any]) -> PretendCharge:
        number = next(self._numbers)
        amount = _money(_text(fields, "amount"))
        if amount.amount < 1:
            raise No(400, "AMOUNT", "Too little")
        method, shown = self._shown(_text(fields, "channel"), number, amount)
        charge = PretendCharge(
            reference=reference,
            provider_reference=f"LT{number:08d}",
            amount=amount,
            method=method,
            instructions=shown,
            created_at=_now(),
            expires_at=_expiry(fields),
            return_url=fields.get("return_url"),
        )
        if isinstance(method, EWallet) and not (fields.get("phone") and fields.get("return_url")):
            raise No(400, "BAD_FIELD", "phone and return_url are needed")
        self.ledger.add(charge)
        self._call_back(charge)
        return charge

    def _shown(self, channel: str, number: int, amount: Money) -> tuple[Method, Instructions]:
        if channel == "qris":
            return Qris(), QrCode(_payload(amount, str(number)))
        if channel == "va_bni":
            return VirtualAccount("bni"), AccountNumber(f"0988{number:012d}", "bni")
        if channel == "dana":
            return EWallet("dana"), Redirect(f"https://pay.lontar.example/dana/{number}")
        raise No(400, "BAD_FIELD", "channel")

    def _close(self, charge: PretendCharge) -> None:
        if charge.status is ChargeStatus.PAID:
            raise No(409, "ALREADY_PAID", "It is paid")
        if charge.status is not ChargeStatus.PENDING:
            raise No(409, "CLOSED", "It is closed")
        charge.status = ChargeStatus.CANCELLED
        charge.finished_at = _now()
        self._call_back(charge)

    def _give_back(self, charge: PretendCharge, fields: Mapping[str, Any]) -> None:
        reference, _ = _text(fields, "refund_reference"), _text(fields, "reason")
        before = sum(one.amount.amount for one in charge.refunds)
        left = charge.amount.amount - before
        amount = _money(fields["amount"]) if fields.get("amount") is not None else Money(left)
        made = next((one for one in charge.refunds if one.reference == reference), None)
        if made is not None:
            if fields.get("amount") is not None and made.amount != amount:
                raise No(409, "DUPLICATE", "This refund exists")
            return
        if charge.status not in (ChargeStatus.PAID, ChargeStatus.PARTIALLY_REFUNDED):
            raise No(409, "WRONG_STATE", "It is not paid")
        if not 0 < amount.amount <= left or (amount != charge.amount and charge.method != Qris()):
            raise No(400, "AMOUNT", "Not that much")
        charge.refunds += (Refund(reference=reference, amount=amount, status=RefundStatus.DONE),)
        is_whole = before + amount.amount == charge.amount.amount
        charge.status = ChargeStatus.REFUNDED if is_whole else ChargeStatus.PARTIALLY_REFUNDED
        self._call_back(charge)

    def _call_back(self, charge: PretendCharge) -> None:
        event = {"event": "charge", "charge": _told(charge)}
        body = json.dumps(event, ensure_ascii=True).replace("/", "\\/").encode()

        def tell() -> Flow[bool]:
            moment = str(int(time.time()))
            headers = {"Content-Type": "application/json", "X-Lontar-Time": moment}
            headers["X-Lontar-Sign"] = _signature(self.callback_secret, self._proof(moment, body))
            reply = yield httpx.Request("POST", self.callback_url, headers=headers, content=body)
            return reply.status_code == 200 and reply.content == b'{"received":true}'

        self.deliveries.add(charge.reference, tell, WAITS)

    def _proof(self, moment: str, body: bytes) -> bytes:
        """What the signature of a callback covers."""
        return f"{self.callback_url.path}\n{moment}\n".encode() + body


def _told(charge: PretendCharge) -> dict[str, Any]:
    """A charge in Lontar's words."""
    shown = charge.instructions
    channels = {Qris: "qris", VirtualAccount: "va_bni", EWallet: "dana"}
    is_paid = charge.finished_at is not None and charge.status in (
        ChargeStatus.PAID,
        ChargeStatus.REFUNDED,
        ChargeStatus.PARTIALLY_REFUNDED,
    )
    return {
        "id": charge.provider_reference,
        "reference": charge.reference,
        "amount": str(charge.amount.amount),
        "channel": channels[type(charge.method)],
        "status": WORDS[charge.status],
        "expires_at": charge.expires_at.astimezone(JAKARTA).isoformat(timespec="seconds"),
        "qr": shown.payload if isinstance(shown, QrCode) else "",
        "url": shown.url if isinstance(shown, Redirect) else "",
        "number": shown.number if isinstance(shown, AccountNumber) else "",
        "paid_at": _jakarta(charge.finished_at) if is_paid else None,
        "paid_amount": str(charge.amount.amount) if is_paid else None,
        "refunds": [
            {"reference": one.reference, "amount": str(one.amount.amount), "status": "DONE"}
            for one in charge.refunds
        ],
    }


def _payload(amount: Money, label: str) -> str:
    try:
        return qris_payload(amount, acquirer="ID.LONTAR", merchant="WARUNG", city="JAKARTA", label=label)
    except ValueError:
        raise No(403, "LIMIT", "A QRIS cannot hold that much") from None


def _signature(secret: str, text: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()


def _fields(request: httpx.Request) -> Mapping[str, Any]:
    try:
        fields = json.loads(request.content)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise No(400, "BAD_FIELD", "This is no JSON")
    return fields


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise No(400, "BAD_FIELD", name)
    return value


def _money(text: Any) -> Money:
    if not isinstance(text, str) or text[-3:-2] != "." or not text.replace(".", "").isdecimal():
        raise No(400, "BAD_FIELD", "amount")
    return Money(text)


def _expiry(fields: Mapping[str, Any]) -> datetime:
    told = fields.get("expires_at")
    if told is None:
        return _now() + timedelta(hours=24)
    moment = datetime.fromisoformat(told)
    if moment.tzinfo is None or moment <= _now():
        raise No(400, "BAD_FIELD", "expires_at")
    return moment.astimezone(UTC)


def _jakarta(moment: datetime | None) -> str | None:
    return moment.astimezone(JAKARTA).isoformat(timespec="seconds") if moment is not None else None


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
