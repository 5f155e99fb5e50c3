"""Ayolinx's nine calls to a merchant, put together by hand from its documentation.

Nothing of paygate's signs or writes here: one mistake cannot hide another.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from paygate_ayolinx.door import SandboxAccount

from paygate import CallbackRequest

Kind = Literal["notice", "token request", "call with a token"]

PATH: Final = "/callbacks/main"
"""The path of the address that the merchant gave to Ayolinx."""

NOW: Final = datetime(2026, 9, 14, 3, 15, tzinfo=UTC)
STAMP: Final = "2026-09-14T10:15:00+07:00"
NOTICE_TAKEN: Final = b'{"responseCode":"2005600","responseMessage":"Successful"}'


class Inbound(NamedTuple):
    """One documented call: its name, kind, documented path and body."""

    name: str
    kind: Kind
    path: str
    body: dict[str, Any]

    @property
    def content(self) -> bytes:
        """The body without white space."""
        return compact(self.body)


def compact(value: object) -> bytes:
    """JSON without white space."""
    return json.dumps(value, separators=(",", ":")).encode()


NINE: Final = (
    Inbound(
        "QRIS notice",
        "notice",
        "/v1.0/qr/qr-mpm-notify",
        {
            "callbackType": "QRIS",
            "additionalInfo": {
                "channel": "BNC_QRIS",
                "RRN": "1",
                "paymentNtb": "2",
                "settleDate": "20260914",
            },
            "amount": {"currency": "IDR", "value": "20000.00"},
            "customerNumber": "0812345",
            "latestTransactionStatus": "00",
            "originalPartnerReferenceNo": "INV-1",
            "originalReferenceNo": "AYO-REF-1",
            "finishedTime": "2026-09-14T10:14:00+07:00",
        },
    ),
    Inbound(
        "QRIS token request",
        "token request",
        "/v1.0/access-token/b2b",
        {"grantType": "client_credentials"},
    ),
    Inbound(
        "QRIS notice under a token",
        "call with a token",
        "/v1.0/qr/qr-mpm-notify",
        {
            "amount": {"currency": "IDR", "value": "20000.00"},
            "latestTransactionStatus": "00",
            "originalPartnerReferenceNo": "INV-1",
            "originalReferenceNo": "AYO-REF-1",
            "finishedTime": "2026-09-14T10:14:00+07:00",
            "additionalInfo": {"channel": "BNC_QRIS"},
        },
    ),
    Inbound(
        "e-wallet notice",
        "notice",
        "/v1.0/debit/notify",
        {
            "amount": {"currency": "IDR", "value": "30.00"},
            "originalReferenceNo": "20250110111212800110166944801931623",
            "latestTransactionStatus": "00",
            "originalPartnerReferenceNo": "fd3f5af0-af57-4513-95a8-77df45721ed2",
            "transactionStatusDesc": "SUCCESS",
        },
    ),
    Inbound(
        "virtual account token request",
        "token request",
        "/v1.0/access-token/b2b",
        {"grantType": "client_credentials", "additionalInfo": {}},
    ),
    Inbound(
        "virtual account payment",
        "call with a token",
        "/v1.0/transfer-va/payment",
        {
            "partnerServiceId": " 98829172",
            "customerNo": "12345678901234567890",
            "virtualAccountNo": " 9882917212345678901234567890",
            "virtualAccountName": "Jokul Doe",
            "trxId": "INV-1",
            "paymentRequestId": "abcdef-123456-abcdef",
            "paidAmount": {"value": "11500.00", "currency": "IDR"},
            "virtualAccountTrxType": "C",
            "additionalInfo": {"paymentTimeIso8601": "2026-09-14T10:13:00+07:00", "paymentNtb": "NTB-1"},
        },
    ),
    Inbound(
        "virtual account notice",
        "notice",
        "/v1.0/transfer-va/payment",
        {
            "additionalInfo": {"channel": "VIRTUAL_ACCOUNT_BNI"},
            "amount": {"currency": "IDR", "value": "11500.00"},
            "finishedTime": "2026-09-14T10:13:00+07:00",
            "latestTransactionStatus": "00",
            "originalPartnerReferenceNo": "INV-1",
            "originalReferenceNo": "AYO-REF-1",
        },
    ),
    Inbound(
        "store notice",
        "notice",
        "/v1.0/debit/notify",
        {
            "amount": {"currency": "IDR", "value": "75000.00"},
            "originalReferenceNo": "AYO-REF-1",
            "latestTransactionStatus": "00",
            "originalPartnerReferenceNo": "INV-1",
        },
    ),
    Inbound(
        "link notice",
        "notice",
        "/v1.0/qr/qr-mpm-notify",
        {
            "callbackType": "QRIS",
            "additionalInfo": {"channel": "BNC_QRIS", "plh": "4DrzTTeCn9Z"},
            "amount": {"currency": "IDR", "value": "20000.00"},
            "latestTransactionStatus": "00",
            "originalPartnerReferenceNo": "INV-1",
            "originalReferenceNo": "AYO-REF-1",
            "finishedTime": "2026-09-14T10:14:00+07:00",
        },
    ),
)
"""Every call that Ayolinx's pages tell a merchant to expect."""


def named(name: str) -> Inbound:
    """One of the nine."""
    return next(one for one in NINE if one.name == name)


def by_rsa(
    key: RSAPrivateKey,
    text: str,
    padding: AsymmetricPadding | None = None,
    algorithm: hashes.HashAlgorithm | None = None,
) -> bytes:
    """Sign by SHA256withRSA, PKCS#1 v1.5, or in another way."""
    return key.sign(text.encode(), padding or PKCS1v15(), algorithm or hashes.SHA256())


def by_hmac(secret: str, text: str, algorithm: str = "sha512") -> bytes:
    """Sign by HMAC."""
    return hmac.new(secret.encode(), text.encode(), algorithm).digest()


def base64_of(raw: bytes) -> str:
    """Base64, as signatures are sent."""
    return base64.b64encode(raw).decode()


def hash_of(body: bytes) -> str:
    """What stands for a body in what is signed."""
    return hashlib.sha256(body).hexdigest()


def text_of(
    call: Inbound,
    account: SandboxAccount,
    token: str = "",
    *,
    method: str = "POST",
    path: str = PATH,
    body: bytes | None = None,
    stamp: str = STAMP,
) -> str:
    """What is signed of a call (docs: "Signature generation rules")."""
    content = call.content if body is None else body
    if call.kind == "token request":
        return f"{account.client_key}|{stamp}"
    if call.kind == "notice":
        return f"{method}:{path}:{hash_of(content)}:{stamp}"
    return f"{method}:{path}:{token}:{hash_of(content)}:{stamp}"


def signature_of(call: Inbound, account: SandboxAccount, text: str) -> str:
    """A text, signed as a call of this kind is: by Ayolinx's key, or by the secret that it shares with us."""
    if call.kind == "call with a token":
        return base64_of(by_hmac(account.client_secret, text))
    return base64_of(by_rsa(account.provider_key, text))


def headers_of(
    call: Inbound, account: SandboxAccount, signature: str, token: str = "", stamp: str = STAMP
) -> dict[str, str]:
    """The headers that a call of this kind has (docs: "Header Parameter Description")."""
    headers = {"Content-Type": "application/json", "X-TIMESTAMP": stamp, "X-SIGNATURE": signature}
    if call.kind == "token request":
        headers["X-CLIENT-KEY"] = account.client_key
    if call.kind == "call with a token":
        headers["Authorization"] = f"Bearer {token}"
        headers["X-PARTNER-ID"] = account.client_key
        headers["X-EXTERNAL-ID"] = "418075533589"
    return headers


def sent(
    call: Inbound,
    account: SandboxAccount,
    token: str = "",
    *,
    path: str = PATH,
    body: bytes | None = None,
    signed: bytes | None = None,
    stamp: str = STAMP,
    more: Mapping[str, str] | None = None,
) -> CallbackRequest:
    """A genuine call: its body, which may be signed in another form, over one of the paths that are allowed."""
    content = call.content if body is None else body
    text = text_of(call, account, token, path=path, body=content if signed is None else signed, stamp=stamp)
    headers = headers_of(call, account, signature_of(call, account, text), token, stamp)
    return CallbackRequest("POST", PATH, headers | dict(more or {}), content)
