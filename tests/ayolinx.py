"""Ayolinx in tests: an order that is right for every method, its answers, and talk without a client."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount

from paygate import (
    ChargeRef,
    ChargeRequest,
    Customer,
    EWallet,
    Method,
    Money,
    PaymentLink,
    Qris,
    Retail,
    VirtualAccount,
)
from paygate.settings import from_mapping

CALLBACK_URL: Final = "https://shop.example/callbacks/main"
RETURN_URL: Final = "https://shop.example/thanks"
CUSTOMER: Final = Customer(name="Siti Rahayu", email="siti.rahayu@mail.example", phone="+6281234567890")

METHODS: Final[Mapping[str, Method]] = {
    "qris": Qris(),
    "dana": EWallet("dana"),
    "bni": VirtualAccount("bni"),
    "bri": VirtualAccount("bri"),
    "cimb": VirtualAccount("cimb"),
    "mandiri": VirtualAccount("mandiri"),
    "alfamart": Retail("alfamart"),
    "alfamidi": Retail("alfamidi"),
    "dandan": Retail("dandan"),
    "pegadaian": Retail("pegadaian"),
    "pos_indonesia": Retail("pos_indonesia"),
    "link": PaymentLink(),
}
"""Everything that Ayolinx collects by."""

KINDS: Final = ("qris", "dana", "bni", "alfamart", "link")
"""One of each of its five products."""

MADE: Final[Mapping[str, Mapping[str, Any]]] = {
    "qris": {
        "responseCode": "2004700",
        "responseMessage": "Successful",
        "partnerReferenceNo": "INV-1",
        "qrContent": "000201",
        "expiredDate": "1893553446",
    },
    "dana": {
        "responseCode": "2005400",
        "responseMessage": "Successful",
        "partnerReferenceNo": "INV-1",
        "referenceNo": "AYO-1",
        "webRedirectUrl": "https://m.dana.example/pay?id=1",
    },
    "bni": {
        "responseCode": "2002700",
        "responseMessage": "Successful",
        "virtualAccountData": {
            "partnerServiceId": "98829172",
            "customerNo": "30000000000000000001",
            "virtualAccountNo": "9882917200000001",
            "virtualAccountName": "Siti Rahayu",
            "trxId": "INV-1",
            "totalAmount": {"value": "25000.00", "currency": "IDR"},
            "virtualAccountTrxType": "C",
            "expiredDate": "2030-01-02T10:04:06+07:00",
            "additionalInfo": {"channel": "VIRTUAL_ACCOUNT_BNI"},
        },
    },
    "alfamart": {
        "responseCode": "00",
        "responseMessage": "Successful",
        "partnerReferenceNo": "INV-1",
        "expiryDate": "2030-01-02T10:04:06+07:00",
        "vaNumber": "8808000000000001",
        "paymentUrl": "https://pay.example/code",
    },
    "link": {
        "responseCode": "2000100",
        "responseMessage": "Successful",
        "paymentLink": "https://pay.example/4DrzTTeCn9Z",
        "partnerReferenceNo": "4DrzTTeCn9Z",
        "expiryDate": "2030-01-02T03:04:06+07:00",
    },
}
"""A right answer to a new charge of each product."""

TOLD: Final[Mapping[str, str]] = {"qris": "2005100", "dana": "2005500", "bni": "2003000", "alfamart": "00"}
"""The success code of a query of each product that can be asked."""


def order(method: Method | str = "qris", reference: str = "INV-1", **other: Any) -> ChargeRequest:
    """A charge request that is right for any method."""
    right: dict[str, Any] = {
        "reference": reference,
        "amount": Money.idr(25_000),
        "method": METHODS[method] if isinstance(method, str) else method,
        "customer": CUSTOMER,
        "return_url": RETURN_URL,
    }
    return ChargeRequest(**(right | other))


def ref(method: Method | str = "qris", reference: str = "INV-1") -> ChargeRef:
    """A charge by its name."""
    named = METHODS[method] if isinstance(method, str) else method
    return ChargeRef("main", reference, named, None, Money.idr(25_000))


def standing(kind: str, **other: Any) -> dict[str, Any]:
    """A right answer to the query of a paid charge; None leaves a field out."""
    right: dict[str, Any] = {
        "responseCode": TOLD[kind],
        "responseMessage": "Successful",
        "originalReferenceNo": "AYO-1",
        "originalPartnerReferenceNo": "INV-1",
        "latestTransactionStatus": "00",
        "finishedTime": "2026-09-14T10:15:00+07:00",
        "amount": {"currency": "IDR", "value": "25000.00"},
    }
    return {name: value for name, value in (right | other).items() if value is not None}


def adapter_of(account: SandboxAccount, clock: Callable[[], float] = time.time, **other: Any) -> Ayolinx:
    """An adapter with the account's settings and a callback URL, or others; None leaves one out."""
    right = {**account.settings("/callbacks/main"), "callback_url": CALLBACK_URL, **other}
    own = {name: value for name, value in right.items() if value is not None}
    gateway = from_mapping({"gateways": {"main": own}}).gateways["main"]
    return Ayolinx("main", gateway.fitted(Ayolinx.settings_type), clock)
