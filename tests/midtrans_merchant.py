"""A merchant of the pretend Midtrans who makes every request by hand, and takes every call of its.

Nothing here is paygate's: keys are put into headers by `base64`, and signatures are made by `hashlib`.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from paygate_midtrans.simulator import MidtransSimulator

from paygate.sandbox import PretendCharge
from tests.watch import CANARIES

START: Final = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
"""2026-01-02 10:00:00 in Jakarta."""
HOST: Final = "https://api.sandbox.midtrans.com"
CALLBACK_URL: Final = "https://shop.example/callbacks/main"
Body = dict[str, Any]
ORDERS: Final[Mapping[str, Body]] = {
    "qris": {"payment_type": "qris", "qris": {"acquirer": "gopay"}},
    "airpay": {"payment_type": "qris", "qris": {"acquirer": "airpay shopee"}},
    "gopay": {
        "payment_type": "gopay",
        "gopay": {"enable_callback": True, "callback_url": "https://shop.example/return"},
    },
    "shopeepay": {
        "payment_type": "shopeepay",
        "shopeepay": {"callback_url": "https://shop.example/return"},
    },
    **{
        bank: {"payment_type": "bank_transfer", "bank_transfer": {"bank": bank}}
        for bank in ("bca", "bni", "bri", "cimb", "permata")
    },
    "mandiri": {"payment_type": "echannel", "echannel": {"bill_info1": "Untuk:", "bill_info2": "Kopi"}},
}
"""What is right for each way to pay, but for its number and amount."""
ACCOUNTS: Final = ("bca", "bni", "bri", "cimb", "permata", "mandiri")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> float:
        return self.moment.timestamp()

    def move(self, **span: float) -> None:
        self.moment += timedelta(**span)


def order(kind: str = "qris", order_id: str = "INV-1", amount: Any = 20_000, **other: Any) -> Body:
    """A right body of a charge; None leaves a field out."""
    details = {"order_id": order_id, "gross_amount": amount}
    right = {**ORDERS[kind], "transaction_details": details, **other}
    return {name: value for name, value in right.items() if value is not None}


def simulator_of(clock: Callable[[], float], **options: Any) -> MidtransSimulator:
    """A pretend Midtrans; its key is watched for."""
    simulator = MidtransSimulator(CALLBACK_URL, clock=clock, **options)
    watch(simulator.server_key)
    return simulator


def watch(server_key: str) -> None:
    """Let a key, plain or in a header, fail every test that shows it."""
    CANARIES.update({server_key, base64.b64encode(f"{server_key}:".encode()).decode()})


def basic(server_key: str, password: str = "") -> str:
    """The header that proves who asks."""
    return "Basic " + base64.b64encode(f"{server_key}:{password}".encode()).decode()


def signed(told: Mapping[str, Any], server_key: str) -> str:
    """What the signature_key of a message must be."""
    text = told["order_id"] + told["status_code"] + told["gross_amount"] + server_key
    return hashlib.sha512(text.encode()).hexdigest()


class Merchant:
    """Asks, and is told."""

    def __init__(self, simulator: MidtransSimulator, clock: Clock) -> None:
        self.simulator = simulator
        self.clock = clock
        self.answers: list[httpx.Response] = []
        """What it answers to the next calls; 200 when they are used up."""
        self.requests: list[httpx.Request] = []

    def send(
        self,
        verb: str,
        path: str,
        body: Body | None = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> httpx.Response:
        """Send a request that is right but for what is said; a header of None is left out."""
        own: dict[str, str | None] = {
            "Authorization": basic(self.simulator.server_key),
            "Accept": "application/json",
            "Content-Type": "application/json" if verb == "POST" else None,
        }
        given = {**own, **(headers or {})}.items()
        kept = [(name.encode(), value.encode()) for name, value in given if value is not None]
        if content is None:
            content = b"" if body is None else json.dumps(body).encode()
        request = httpx.Request(verb, HOST + path, headers=kept, content=content)
        return self.simulator.handle(request)

    def ask(self, verb: str, path: str, body: Body | None = None, **other: Any) -> Body:
        """The same, and what the answer says."""
        told: Body = self.send(verb, path, body, **other).json()
        return told

    def charge(self, kind: str = "qris", order_id: str = "INV-1", amount: Any = 20_000, **other: Any) -> Body:
        """Order a charge."""
        headers = other.pop("headers", None)
        return self.ask("POST", "/v2/charge", order(kind, order_id, amount, **other), headers=headers)

    def status(self, name: str = "INV-1") -> Body:
        """Ask how a charge stands."""
        return self.ask("GET", f"/v2/{name}/status")

    def cancel(self, name: str = "INV-1") -> Body:
        """Cancel it."""
        return self.ask("POST", f"/v2/{name}/cancel")

    def expire(self, name: str = "INV-1") -> Body:
        """Let it expire."""
        return self.ask("POST", f"/v2/{name}/expire")

    def refund(self, key: str | None = "R-1", amount: Any = None, name: str = "INV-1", **other: Any) -> Body:
        """Give it back, wholly or in part; None leaves a field out."""
        given = {"refund_key": key, "amount": amount, "reason": "Barang habis", **other}
        body = {field: value for field, value in given.items() if value is not None}
        return self.ask("POST", f"/v2/{name}/refund", body)

    def made(self, order_id: str = "INV-1") -> PretendCharge:
        """The charge in the books."""
        charge = self.simulator.ledger.find(order_id)
        assert charge is not None
        return charge

    def told(self) -> list[Body]:
        """Take all calls that are due, and say what they told."""
        before = len(self.requests)
        self.simulator.deliveries.run(self._answer)
        return [json.loads(request.content) for request in self.requests[before:]]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answers.pop(0) if self.answers else httpx.Response(200)


def opened(**options: Any) -> Merchant:
    """A merchant of a new pretend Midtrans, with its options."""
    clock = Clock()
    return Merchant(simulator_of(clock, **options), clock)
