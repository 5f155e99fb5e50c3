"""Midtrans in tests: an order that is right for every method, its answers, and talk without a client."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from paygate_midtrans import Midtrans

from paygate import (
    CallbackRequest,
    ChargeRef,
    ChargeRequest,
    Customer,
    EWallet,
    Method,
    Money,
    Qris,
    VirtualAccount,
)
from paygate.settings import from_mapping
from tests.watch import CANARIES

SERVER_KEY: Final = "SB-Mid-server-canary0Of0Midtrans"
BASIC: Final = "U0ItTWlkLXNlcnZlci1jYW5hcnkwT2YwTWlkdHJhbnM6"
"""The same with a colon behind it, in base64, as the openssl command line writes it."""

CANARIES.update({SERVER_KEY, BASIC})

NOW: Final = datetime(2026, 1, 2, 3, 0, 0, 250_000, tzinfo=UTC)
"""Ten o'clock in Jakarta, and a bit."""

HOST: Final = "https://api.sandbox.midtrans.com"
CALLBACK_URL: Final = "https://shop.example/callbacks/main"
NUMBER: Final = "3f0a4b1e-0000-4000-8000-000000000001"
CUSTOMER: Final = Customer(name="Siti Rahayu", email="siti.rahayu@mail.example", phone="+6281234567890")
METHODS: Final[Mapping[str, Method]] = {
    "qris": Qris(),
    "gopay": EWallet("gopay"),
    "shopeepay": EWallet("shopeepay"),
    **{bank: VirtualAccount(bank) for bank in ("bca", "bni", "bri", "cimb", "mandiri", "permata")},
}
"""Everything that Midtrans collects by here."""

ACTIONS: Final = [
    {"name": "generate-qr-code", "method": "GET", "url": f"{HOST}/v2/gopay/{NUMBER}/qr-code"},
    {"name": "deeplink-redirect", "method": "GET", "url": "https://gopay.example/pay?id=1"},
    {"name": "get-status", "method": "GET", "url": f"{HOST}/v2/{NUMBER}/status"},
]
PARTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "qris": {"payment_type": "qris", "qr_string": "00020101021226", "acquirer": "gopay"},
    "gopay": {"payment_type": "gopay", "actions": ACTIONS},
    "shopeepay": {
        "payment_type": "shopeepay",
        "actions": [{"name": "deeplink-redirect", "method": "GET", "url": "shopeeid://pay?id=1"}],
    },
    **{
        bank: {
            "payment_type": "bank_transfer",
            "va_numbers": [{"bank": bank, "va_number": f"1234567890{number}"}],
        }
        for number, bank in enumerate(("bca", "bni", "bri", "cimb"))
    },
    "mandiri": {"payment_type": "echannel", "bill_key": "990000000260", "biller_code": "70012"},
    "permata": {"payment_type": "bank_transfer", "permata_va_number": "8562000087926752"},
}
"""What an answer has of each method alone."""


def made(kind: str = "qris", **other: Any) -> dict[str, Any]:
    """A right answer to a new charge; None leaves a field out."""
    right = {
        "status_code": "201",
        "status_message": "Success, transaction is created",
        "transaction_id": NUMBER,
        "order_id": "INV-1",
        "merchant_id": "G000000000",
        "gross_amount": "25000.00",
        "currency": "IDR",
        "transaction_time": "2026-01-02 10:00:00",
        "transaction_status": "pending",
        "fraud_status": "accept",
        "expiry_time": "2026-01-02 10:15:00",
        **PARTS[kind],
        **other,
    }
    return {name: value for name, value in right.items() if value is not None}


def told(kind: str = "qris", **other: Any) -> dict[str, Any]:
    """A right answer to the query of a paid charge; None leaves a field out."""
    paid = {
        "status_code": "200",
        "status_message": "Success, transaction is found",
        "transaction_status": "settlement",
        "settlement_time": "2026-01-02 10:03:00",
        "signature_key": "not looked at",
    }
    return made(kind, **{**paid, **other})


def error(code: str, message: str = "no", **other: Any) -> dict[str, Any]:
    """A refusal, as Midtrans writes it."""
    return {"status_code": code, "status_message": message, "id": "c9bb9c83-0000", **other}


def order(method: Method | str = "qris", reference: str = "INV-1", **other: Any) -> ChargeRequest:
    """A charge request that is right for any method."""
    named = METHODS[method] if isinstance(method, str) else method
    right: dict[str, Any] = {"reference": reference, "amount": Money.idr(25_000), "method": named}
    return ChargeRequest(**(right | other))


def ref(method: Method | str = "qris", reference: str = "INV-1", **other: Any) -> ChargeRef:
    """A charge by its name."""
    named = METHODS[method] if isinstance(method, str) else method
    return ChargeRef("main", reference, named, **{"amount": Money.idr(25_000), **other})


def configuration(**other: Any) -> dict[str, Any]:
    """The configuration of one gateway "main", with more or other settings; None leaves one out."""
    right = {"adapter": "midtrans", "environment": "sandbox", "server_key": SERVER_KEY, **other}
    return {"gateways": {"main": {name: value for name, value in right.items() if value is not None}}}


def adapter_of(clock: Callable[[], float] = NOW.timestamp, **other: Any) -> Midtrans:
    """An adapter with these settings; its clock stands still."""
    gateway = from_mapping(configuration(**other)).gateways["main"]
    return Midtrans("main", gateway.fitted(Midtrans.settings_type), clock)


def signed(told: Mapping[str, Any], key: str = SERVER_KEY) -> dict[str, Any]:
    """A notification with the hash that Midtrans would write under it."""
    text = f"{told['order_id']}{told['status_code']}{told['gross_amount']}{key}"
    return {**told, "signature_key": hashlib.sha512(text.encode()).hexdigest()}


def called(body: Mapping[str, Any] | bytes, path: str = "/callbacks/main") -> CallbackRequest:
    """A call from outside."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "Veritrans"}
    return CallbackRequest("POST", path, headers, content)
