"""A pretend provider of our own, with a charge of every kind: what the pages are tested with."""

import hashlib
import hmac
import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from paygate import (
    AccountNumber,
    CallbackRequest,
    ChargeStatus,
    EWallet,
    Flow,
    Instructions,
    Method,
    Money,
    PaymentCode,
    PaymentLink,
    QrCode,
    Qris,
    Redirect,
    Retail,
    VirtualAccount,
)
from paygate.sandbox import OUTCOMES, Deliveries, Faults, Ledger, PayerAction, PretendCharge, qris_payload
from tests.sandbox.shop import Answer

KEY: Final = b"agreed"
WAITS: Final = (60.0, 300.0)
LINK: Final = PaymentLink((Qris(), EWallet("dana"), VirtualAccount("bni"), Retail("alfamart")))
PAYLOAD: Final = qris_payload(
    Money.idr(25_000), acquirer="ID.TOY", merchant="WARUNG", city="JAKARTA", label="INV-1"
)
KINDS: Final[Mapping[str, tuple[Method, Instructions]]] = {
    "qris": (Qris(), QrCode(PAYLOAD)),
    "wallet": (EWallet("dana"), Redirect("https://toy.example/pay")),
    "account": (VirtualAccount("bni"), AccountNumber("9882917200000001", "bni")),
    "store": (Retail("alfamart"), PaymentCode("AYO123456", "alfamart")),
    "link": (LINK, Redirect("https://toy.example/link")),
}


class ToySimulator:
    """A provider without an interface: charges are put into its books, and the payer is played.

    It signs a callback's body; in the variant "login" it asks the merchant for a token first.
    """

    def __init__(self, callback_url: str) -> None:
        self.ledger = Ledger()
        self.faults = Faults()
        self.deliveries = Deliveries()
        self.settings: Mapping[str, Any] = {}
        self.variants: Sequence[str] = ("plain", "login")
        self.variant = "plain"
        self._callback_url = callback_url
        self._numbers = itertools.count(1)

    def charge(self, kind: str, reference: str, **other: Any) -> PretendCharge:
        """Put a charge of 25,000 rupiah into the books, open for an hour."""
        method, instructions = KINDS[kind]
        now = datetime.now(UTC)
        fields = {
            "reference": reference,
            "provider_reference": f"TOY{next(self._numbers):06d}",
            "amount": Money.idr(25_000),
            "method": method,
            "instructions": instructions,
            "created_at": now,
            "expires_at": now + timedelta(hours=1),
        }
        made = PretendCharge(**{**fields, **other})
        self.ledger.add(made)
        return made

    def operation(self, request: httpx.Request) -> str | None:
        return "query" if request.url.path == "/query" else None

    def handle(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if request.url.path == "/query" else 404, json={})

    def refusal(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={})

    def busy(self, request: httpx.Request, retry_after: int) -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": str(retry_after)})

    def revoke_tokens(self) -> None: ...

    def act(self, reference: str, action: PayerAction, by: Method | None = None) -> PretendCharge:
        charge = self.ledger.find(reference)
        if charge is None:
            raise KeyError(reference)
        if charge.status is not ChargeStatus.PENDING:
            raise ValueError(f"the charge is {charge.status.value}")
        charge.status = OUTCOMES[action]
        charge.paid_by = by
        charge.finished_at = datetime.now(UTC)
        self._tell(charge)
        return charge

    def _tell(self, charge: PretendCharge) -> None:
        told = {"reference": charge.reference, "status": charge.status.value, "amount": "25000.00"}
        body = json.dumps(told).encode()
        url, has_login = self._callback_url, self.variant == "login"

        def tell() -> Flow[bool]:
            headers = {"X-Signature": signature(body)}
            if has_login:
                reply = yield httpx.Request("POST", f"{url}/login", json={"grant": "client"})
                headers["Authorization"] = f"Bearer {reply.json()['token']}"
            reply = yield httpx.Request("POST", url, headers=headers, content=body)
            return reply.status_code == 200

        self.deliveries.add(charge.reference, tell, WAITS)


def signature(body: bytes) -> str:
    """How the toy's callbacks are signed."""
    return hmac.new(KEY, body, hashlib.sha256).hexdigest()


def merchant(request: CallbackRequest) -> Answer:
    """A merchant who takes what is signed rightly, and hands a token to who asks for one."""
    if request.path.endswith("/login"):
        good = json.loads(request.body) == {"grant": "client"}
        return (200, b'{"token":"t"}') if good else (401, b"no login")
    if hmac.compare_digest(signature(request.body), request.header("x-signature") or ""):
        return 200, b"thank you"
    return 401, b"the signature does not fit"


def answering(request: httpx.Request) -> httpx.Response:
    """The same merchant in this process."""
    arrived = CallbackRequest(request.method, request.url.path, request.headers, request.content)
    status, body = merchant(arrived)
    return httpx.Response(status, content=body)
