"""A pretend Tiny: charges by QRIS that are open until they are paid, behind one key."""

import hmac
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from paygate import ChargeStatus, Flow, Method, Money, QrCode, Qris
from paygate.sandbox import Deliveries, Faults, Ledger, PayerAction, PretendCharge, qris_payload


class TinySimulator:
    """One merchant's account at Tiny."""

    def __init__(self, callback_url: str, pace: float = 1.0) -> None:
        self.ledger = Ledger()
        self.faults = Faults()
        self.deliveries = Deliveries(pace)
        self.variants = ("hmac",)
        self.variant = "hmac"
        self.settings = {"adapter": "tiny", "api_key": f"tiny-{secrets.token_hex(20)}"}
        self._callback_url = callback_url

    def operation(self, request: httpx.Request) -> str | None:
        """A charge is made by POST, and asked about by GET."""
        return {"POST": "create_charge", "GET": "query"}.get(request.method)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        if request.headers.get("X-Key") != self.settings["api_key"]:
            return httpx.Response(401, json={"error": "key"})
        if request.method == "GET":
            charge = self.ledger.find(request.url.path.rpartition("/")[2])
            return self.refusal(request) if charge is None else httpx.Response(200, json=_told(charge))
        order = json.loads(request.content)
        if self.ledger.find(order["id"]) is not None:
            return self.refusal(request)
        try:
            return httpx.Response(200, json=_told(self._made(order["id"], Money(order["amount"]))))
        except ValueError:
            return httpx.Response(400, json={"error": "amount"})

    def refusal(self, request: httpx.Request) -> httpx.Response:
        """Tiny knows two of them: there is no such charge, and there is one already."""
        status, error = (404, "unknown") if request.method == "GET" else (409, "exists")
        return httpx.Response(status, json={"error": error})

    def busy(self, request: httpx.Request, retry_after: int) -> httpx.Response:
        """Too many requests; Tiny always asks for a second."""
        return httpx.Response(429, json={"error": "busy"}, headers={"Retry-After": "1"})

    def revoke_tokens(self) -> None:
        """There are none."""

    def act(self, reference: str, action: PayerAction, by: Method | None = None) -> PretendCharge:
        """Let the payer pay; Tiny's charges neither fail nor expire."""
        charge = self.ledger.find(reference)
        if charge is None:
            raise KeyError(reference)
        if charge.status is not ChargeStatus.PENDING or action is not PayerAction.PAY:
            raise ValueError(f"{reference} cannot {action.value}")
        charge.status, charge.finished_at = ChargeStatus.PAID, datetime.now(UTC)
        self._call_back(json.dumps(_told(charge)).encode())
        return charge

    def _made(self, reference: str, amount: Money) -> PretendCharge:
        number, now = f"T{len(self.ledger.charges) + 1}", datetime.now(UTC)
        payload = qris_payload(amount, acquirer="ID.TINY", merchant="WARUNG", city="JAKARTA", label=number)
        charge = PretendCharge(
            reference=reference,
            provider_reference=number,
            amount=amount,
            method=Qris(),
            instructions=QrCode(payload),
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        self.ledger.add(charge)
        return charge

    def _call_back(self, body: bytes) -> None:
        mac = hmac.digest(self.settings["api_key"].encode(), body, "sha256").hex()

        def tell() -> Flow[bool]:
            headers = {"Content-Type": "application/json", "X-Mac": mac}
            reply = yield httpx.Request("POST", self._callback_url, headers=headers, content=body)
            return (reply.status_code, reply.content) == (200, b"OK")

        self.deliveries.add(json.loads(body)["id"], tell, waits=(60.0,))


def _told(charge: PretendCharge) -> dict[str, Any]:
    """A charge in Tiny's words."""
    assert isinstance(charge.instructions, QrCode)
    return {
        "id": charge.reference,
        "status": "paid" if charge.status is ChargeStatus.PAID else "open",
        "qr": charge.instructions.payload,
        "amount": str(charge.amount.amount),
    }
