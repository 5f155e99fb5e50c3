"""A merchant of the pretend NusaPay who signs every request by hand, and the same for its calls.

Nothing here is paygate's: signatures are made by `cryptography` and the standard library.
"""

import base64
import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from paygate.sandbox import SnapSandboxAccount, SnapSimulator
from tests.snap.nusapay.paygate_nusapay.codes import CHANNELS, EXPIRED, PROFILE
from tests.snap.nusapay.paygate_nusapay.simulator import PREFIXES

START: Final = datetime(2026, 9, 14, 3, 15, tzinfo=UTC)
HOST: Final = "https://sandbox.nusapay.example"
CALLBACK_URL: Final = "https://shop.example/callbacks/main-4f1c"
LOGIN: Final = "/nusa/snap/v1.0/access-token/b2b"
QR: Final = "/nusa/snap/v1.1/qr/qr-mpm-generate-dynamic"
QR_QUERY: Final = "/nusa/snap/v1.0/qr/qr-mpm-query"
QR_CANCEL: Final = "/nusa/snap/v1.0/qr/qr-mpm-cancel"
QR_REFUND: Final = "/nusa/snap/v1.0/qr/qr-mpm-refund"
VA: Final = "/nusa/snap/v1.0/transfer-va/create-va"
VA_STATUS: Final = "/nusa/snap/v1.0/transfer-va/status"
VA_DELETE: Final = "/nusa/snap/v1.0/transfer-va/delete-va"
AMOUNT: Final = {"value": "20000.00", "currency": "IDR"}
QRIS_CHANNEL: Final = {"paymentChannel": "NP_QRIS"}
NAMED_QR: Final = {
    "originalPartnerReferenceNo": "INV-1",
    "merchantId": "M-0815",
    "additionalInfo": QRIS_CHANNEL,
}
NUMBERS: Final = {
    "partnerServiceId": "   98810",
    "customerNo": "000000000042",
    "virtualAccountNo": "   98810000000000042",
    "additionalInfo": {"paymentChannel": "NP_VA_BNI"},
}
ORDERS: Final[dict[str, dict[str, Any]]] = {
    QR: {
        "partnerReferenceNo": "INV-1",
        "amount": AMOUNT,
        "merchantId": "M-0815",
        "additionalInfo": QRIS_CHANNEL,
    },
    VA: {
        **NUMBERS,
        "virtualAccountName": "Siti Nurhaliza",
        "trxId": "INV-1",
        "totalAmount": AMOUNT,
        "virtualAccountTrxType": "C",
    },
}
Body = dict[str, Any]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> float:
        return self.moment.timestamp()

    def text(self) -> str:
        """The time as NusaPay's headers have it: Jakarta's, with milliseconds."""
        return (self.moment + timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M:%S.") + "000+07:00"

    def go(self, **time: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**time)


def signed_rsa(key: RSAPrivateKey, text: str) -> str:
    """SHA256withRSA, in base64."""
    return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


def simulated(account: SnapSandboxAccount, clock: Clock, **options: Any) -> SnapSimulator:
    """A pretend NusaPay with this account."""
    return SnapSimulator(
        "nusapay", PROFILE, CHANNELS, account, CALLBACK_URL, clock=clock, expired=EXPIRED, **options
    )


def made_account() -> SnapSandboxAccount:
    """An account at the pretend NusaPay."""
    return SnapSandboxAccount.made(PREFIXES, partner_id="NP-4711", merchant_id="M-0815")


class Merchant:
    """Makes requests and sends them; any header may be changed, or left out by None."""

    def __init__(self, simulator: SnapSimulator, clock: Clock) -> None:
        self.simulator = simulator
        self.account = simulator.account
        self.clock = clock
        self.numbers = itertools.count(1)

    def send(self, path: str, content: bytes, headers: dict[str, str | None], verb: str = "POST") -> Body:
        """Send a request and return the answer, whose status must be the first part of its code."""
        kept = {name: value for name, value in headers.items() if value is not None}
        reply = self.simulator.handle(httpx.Request(verb, HOST + path, content=content, headers=kept))
        answer: Body = reply.json()
        code = answer["responseCode"]
        assert (str(reply.status_code), 7) == (code[:3], len(code))
        assert reply.headers["X-TIMESTAMP"].endswith("+07:00")
        return answer

    def log_in(self, key: RSAPrivateKey | None = None, headers: dict[str, str | None] | None = None) -> Body:
        """Ask for a token."""
        given = headers or {}
        stamp = given.get("X-TIMESTAMP") or self.clock.text()
        text = f"{self.account.client_key}|{stamp}"
        own: dict[str, str | None] = {
            "Content-Type": "application/json",
            "X-CLIENT-KEY": self.account.client_key,
            "X-TIMESTAMP": stamp,
            "X-SIGNATURE": signed_rsa(key or self.account.merchant_key, text),
        }
        return self.send(LOGIN, b'{"grantType":"client_credentials"}', own | given)

    def ask(
        self,
        body: Any,
        path: str = QR,
        verb: str = "POST",
        token: str | None = None,
        signed_path: str | None = None,
        headers: dict[str, str | None] | None = None,
    ) -> Body:
        """Ask for anything else; a body of bytes is sent as it is."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        token = self.log_in()["accessToken"] if token is None else token
        given = headers or {}
        stamp = given.get("X-TIMESTAMP") or self.clock.text()
        signed_path = signed_path or path.removeprefix("/nusa")
        text = f"{verb}:{signed_path}:{token}:{hashlib.sha256(content).hexdigest()}:{stamp}"
        own: dict[str, str | None] = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token}",
            "X-PARTNER-ID": "NP-4711",
            "CHANNEL-ID": "95131",
            "X-TIMESTAMP": stamp,
            "X-SIGNATURE": hmac.digest(self.account.client_secret.encode(), text.encode(), "sha512").hex(),
            "X-EXTERNAL-ID": str(next(self.numbers)),
        }
        return self.send(path, content, own | given, verb)

    def order(self, path: str = QR, **changed: Any) -> Body:
        """Order by the service of this path, with some fields changed; it must succeed."""
        answer = self.ask(ORDERS[path] | changed, path)
        assert answer["responseMessage"] == "Successful", answer
        return answer

    def query(self, **changed: Any) -> Body:
        """Ask how a QRIS stands."""
        return self.ask(NAMED_QR | {"serviceCode": "47"} | changed, QR_QUERY)

    def status(self, **changed: Any) -> Body:
        """Ask how a virtual account stands."""
        return self.ask(NUMBERS | {"inquiryRequestId": "ASK-1"} | changed, VA_STATUS)


class Shop:
    """The merchant's server: gives one answer to all, or others by the end of the path, and keeps what comes."""

    def __init__(self, content: Body, status: int = 200) -> None:
        self.content = content
        self.status = status
        self.got: list[httpx.Request] = []
        self.by_end: dict[str, Body] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        ends = (content for end, content in self.by_end.items() if request.url.path.endswith(end))
        return httpx.Response(self.status, json=next(ends, self.content))
