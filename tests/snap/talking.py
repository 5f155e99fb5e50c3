"""Adapters of two imaginary SNAP providers, and how a test talks with one: no client, no simulator."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from paygate import (
    Charge,
    ChargeRef,
    ChargeRequest,
    Conversation,
    Customer,
    EWallet,
    Flow,
    Money,
    Qris,
    RefundRequest,
    VirtualAccount,
)
from paygate.settings import from_mapping
from paygate.snap import SnapSettings

NOW = datetime(2026, 9, 14, 3, 15, tzinfo=UTC)
EXPIRY = datetime(2026, 9, 14, 5, 0, 0, 999_999, tzinfo=UTC)
AMOUNT = {"currency": "IDR", "value": "25000.00"}
MONEY = Money.idr(25_000)
SITI = Customer(name="Siti", email="siti@shop.example", phone="+6281234567890")
DRAWN = "445307569504219"[-12:]
"""int.from_bytes(sha256(b"INV-1")) % 10**12: the end of 87336445307569504219, computed elsewhere."""

NUMBER = f"98810{DRAWN}"
QR_REF = ChargeRef("main", "INV-1", Qris(), "NP-1", MONEY)
VA_REF = ChargeRef("main", "INV-1", VirtualAccount("bni"), None, MONEY)
WALLET_REF = ChargeRef("main", "INV-1", EWallet("dana"), "D-1", MONEY)
BACK = RefundRequest(reference="R-1", reason="Habis")
PART = RefundRequest(reference="R-1", reason="Habis", amount=Money.idr(5_000))
SHOWN = {"partnerServiceId": "   98810", "virtualAccountNo": f"   {NUMBER}"}
Body = dict[str, Any]


def fitted(
    kind: type[Any],
    shape: type[SnapSettings],
    settings: Mapping[str, Any],
    clock: Callable[[], float] = NOW.timestamp,
    callback_url: str | None = "https://shop.example/cb",
) -> Any:
    """An adapter with settings of a sandbox account."""
    own = {key: value for key, value in settings.items() if key != "callback_url"}
    if callback_url is not None:
        own["callback_url"] = callback_url
    document = from_mapping({"gateways": {"main": own}})
    return kind("main", document.gateways["main"].fitted(shape), clock)


def order(method: Any, **other: Any) -> ChargeRequest:
    """A charge request."""
    return ChargeRequest(reference="INV-1", amount=MONEY, method=method, **other)


def asked(flow: Flow[Charge]) -> tuple[str, str, Body]:
    """Verb, path and body of the one request of a flow."""
    request = Conversation(flow).request
    assert request is not None
    body: Body = json.loads(request.content)
    assert request.content == json.dumps(body, separators=(",", ":")).encode()
    return request.method, str(request.url), body


def came(flow: Flow[Charge], body: Any, status: int = 200) -> Charge:
    """What comes of a flow whose request is answered so."""
    talk = Conversation(flow)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    talk.answer(httpx.Response(status, content=content))
    assert talk.request is None
    return talk.result


def done(service: str, **fields: Any) -> Body:
    """The answer of a success."""
    return {"responseCode": f"200{service}00", "responseMessage": "Successful", **fields}
