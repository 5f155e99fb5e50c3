"""A merchant of the pretend Ayolinx who makes every request by hand, and answers every call of its.

Nothing here is paygate's: signatures are made and checked by `cryptography` and the standard library.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

START: Final = datetime(2026, 9, 14, 3, 15, tzinfo=UTC)
STAMP: Final = "2026-09-14T10:15:00+07:00"
HOST: Final = "https://sandbox.ayolinx.id"
LOGIN: Final = "/v1.0/access-token/b2b"
QRIS: Final = "/v1.0/qr/qr-mpm-generate"
WALLET: Final = "/direct-debit/core/v1/debit/payment-host-to-host"
ACCOUNT: Final = "/v1.0/transfer-va/create-va"
STORE: Final = "/v1.0/retail/create"
LINK: Final = "/v1.0/payment-link/create"
QUERIES: Final = {
    QRIS: "/v1.0/qr/qr-mpm-query",
    WALLET: "/direct-debit/core/v1/debit/status",
    ACCOUNT: "/v1.0/transfer-va/inquiry-va",
    STORE: "/v1.0/retail/query",
}
SERVICES: Final = {QRIS: "47", WALLET: "54", ACCOUNT: "27", STORE: "54", LINK: "01"}
QUERY_SERVICES: Final = {QRIS: "51", WALLET: "55", ACCOUNT: "30", STORE: "55"}
AMOUNT: Final = {"currency": "IDR", "value": "10000.00"}
NOTIFICATION: Final = {"type": "NOTIFICATION", "url": "https://shop.example/hooks/one"}
PAY_RETURN: Final = {"type": "PAY_RETURN", "url": "https://shop.example/done?order=INV-1"}
Body = dict[str, Any]
ORDERS: Final[Mapping[str, Body]] = {
    QRIS: {
        "partnerReferenceNo": "INV-1",
        "amount": AMOUNT,
        "additionalInfo": {"channel": "BNC_QRIS"},
    },
    WALLET: {
        "partnerReferenceNo": "INV-1",
        "validUpTo": "1789359300",
        "amount": AMOUNT,
        "urlParams": [PAY_RETURN, NOTIFICATION],
        "additionalInfo": {"channel": "EMONEY_DANA_SNAP"},
    },
    ACCOUNT: {
        "partnerServiceId": "98829172",
        "customerNo": "30000000000000000001",
        "virtualAccountName": "Siti Nurhaliza",
        "trxId": "INV-1",
        "virtualAccountTrxType": "C",
        "totalAmount": AMOUNT,
        "additionalInfo": {"channel": "VIRTUAL_ACCOUNT_BNI"},
    },
    STORE: {
        "partnerReferenceNo": "INV-1",
        "validUpTo": "1789359300",
        "customerName": "Siti Nurhaliza",
        "customerEmail": "siti@shop.example",
        "amount": AMOUNT,
        "additionalInfo": {"channel": "RETAIL_ALFAMART"},
    },
    LINK: {
        "partnerReferenceNo": "INV-1",
        "customerName": "Siti Nurhaliza",
        "customerEmail": "siti@shop.example",
        "customerPhoneNumber": "81234567890",
        "customerPhoneNumberCountryCode": "+62",
        "listItem": [
            {"name": "Kopi", "price": "2500", "qty": "2"},
            {"name": "Teh", "price": "5000", "qty": "1"},
        ],
        "listPaymentChannel": ["EMONEY_DANA_SNAP", "BNC_QRIS", "VIRTUAL_ACCOUNT_BNI", "RETAIL_ALFAMIDI"],
        "description": "",
        "expiryTime": "2026-09-14T18:30:00+07:00",
        "urlParams": [],
    },
}
"""An order of 10000 rupiah of every kind, with all that the docs ask for and no more."""
TAKEN: Final = b'{"responseCode":"2005600","responseMessage":"Successful"}'
Headers = dict[str, str | None]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> float:
        return self.moment.timestamp()

    def text(self) -> str:
        """The time as it is written in headers."""
        return self.moment.isoformat()

    def go(self, **time: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**time)


class Merchant:
    """Makes requests and sends them; any header may be changed, or left out by None."""

    def __init__(self, simulator: AyolinxSimulator, account: SandboxAccount, clock: Clock) -> None:
        self.simulator = simulator
        self.account = account
        self.clock = clock
        self.sent = 0

    def send(
        self, path: str, content: bytes, headers: Headers, method: str = "POST", host: str = HOST
    ) -> Body:
        """Send a request and return the answer, whose status must be the first part of its code."""
        kept = {name: value for name, value in headers.items() if value is not None}
        reply = self.simulator.handle(httpx.Request(method, host + path, content=content, headers=kept))
        answer: Body = reply.json()
        code = answer["responseCode"]
        assert (str(reply.status_code), 7) == (code[:3], len(code)) or (
            (path, 200, "00") == (STORE, reply.status_code, code)
        )
        return answer

    def log_in(
        self,
        key: RSAPrivateKey | None = None,
        signed: str | None = None,
        content: bytes = b'{"grantType":"client_credentials"}',
        headers: Headers | None = None,
    ) -> Body:
        """Ask for a token; `signed` is another string to sign."""
        given = headers or {}
        stamp = given.get("X-TIMESTAMP") or self.clock.text()
        text = signed or f"{self.account.client_key}|{stamp}"
        proof = (key or self.account.merchant_key).sign(text.encode(), PKCS1v15(), SHA256())
        own: Headers = {
            "Content-Type": "application/json",
            "X-CLIENT-KEY": self.account.client_key,
            "X-TIMESTAMP": stamp,
            "X-SIGNATURE": base64.b64encode(proof).decode(),
        }
        return self.send(LOGIN, content, own | given)

    def ask(
        self,
        body: Any = ORDERS[QRIS],
        path: str = QRIS,
        token: str | None = None,
        headers: Headers | None = None,
        host: str = HOST,
    ) -> Body:
        """Ask for anything else; a body of bytes is sent as it is."""
        content = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
        token = self.log_in()["accessToken"] if token is None else token
        given = headers or {}
        stamp = given.get("X-TIMESTAMP") or self.clock.text()
        text = f"POST:{path}:{token}:{hashlib.sha256(content).hexdigest()}:{stamp}"
        digest = hmac.digest(self.account.client_secret.encode(), text.encode(), "sha512")
        self.sent += 1
        own: Headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token}",
            "X-PARTNER-ID": self.account.client_key,
            "X-TIMESTAMP": stamp,
            "X-SIGNATURE": base64.b64encode(digest).decode(),
            "X-EXTERNAL-ID": str(self.sent),
        }
        return self.send(path, content, own | given, host=host)

    def order(self, path: str, reference: str = "INV-1", **changed: Any) -> Body:
        """Order by the API of this path, with some fields changed; it must succeed."""
        name = "trxId" if path == ACCOUNT else "partnerReferenceNo"
        answer = self.ask(ORDERS[path] | {name: reference} | changed, path)
        assert answer["responseMessage"] == "Successful"
        return answer

    def query(self, path: str, reference: str = "INV-1", channel: str | None = None) -> Body:
        """Ask how what was ordered by the API of this path stands, by its own channel unless told."""
        own = ORDERS[path]["additionalInfo"]["channel"]
        info = {"channel": channel or own}
        return self.ask({"originalPartnerReferenceNo": reference, "additionalInfo": info}, QUERIES[path])


class Shop:
    """The merchant's server: gives one answer to all, or others by the end of the path, and keeps what comes."""

    def __init__(self, status: int = 200, content: bytes = TAKEN) -> None:
        self.status = status
        self.content = content
        self.by_end: dict[str, bytes] = {}
        self.got: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        ends = (content for end, content in self.by_end.items() if request.url.path.endswith(end))
        return httpx.Response(self.status, content=next(ends, self.content))


def check_notice(request: httpx.Request, account: SandboxAccount, path: str) -> Body:
    """Check the signature of a notice over this path, or raise InvalidSignature; return what it tells."""
    body_hash = hashlib.sha256(request.content).hexdigest()
    text = f"POST:{path}:{body_hash}:{request.headers['X-TIMESTAMP']}"
    signature = base64.b64decode(request.headers["X-SIGNATURE"], validate=True)
    account.provider_key.public_key().verify(signature, text.encode(), PKCS1v15(), SHA256())
    told: Body = json.loads(request.content)
    return told
