"""The door of the pretend Ayolinx: who may come in, and with what. Written from the docs alone.

It shares no message definition with the adapter, so that one cannot hide a misreading of the other's.
Only the signing functions are common; those are tested against openssl and published vectors.
"""

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import Struct

from paygate.snap import public_pem, request_string, token_string, verify_hmac, verify_rsa

CLOCK_SKEW: Final = 300.0
TOKEN_SECONDS: Final = 3600
DAY: Final = 86400.0
ISO: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)", re.ASCII)
EXTERNAL_ID: Final = re.compile(r"[0-9]{1,36}")
VISIBLE: Final = re.compile(r"[!-~]+")
AMOUNT: Final = re.compile(r"[0-9]{1,14}\.[0-9]{2}")
PARTNER_SERVICE_IDS: Final = MappingProxyType(
    {"bni": "98829172", "bri": "15574", "cimb": "2056", "mandiri": "87319"}
)
"""The banks' prefixes in the sandbox, as merchants' code has them; for BRI one has 15573."""


class Turned(Exception):
    """The request is turned away with this HTTP status, case and message."""

    def __init__(self, status: int, case: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.case = case
        self.message = message


class SandboxAccount(Struct, frozen=True):
    """A merchant's account at the pretend Ayolinx: both sides' keys, made for the occasion."""

    client_key: str
    client_secret: str
    merchant_key: rsa.RSAPrivateKey
    provider_key: rsa.RSAPrivateKey
    partner_service_ids: Mapping[str, str] = PARTNER_SERVICE_IDS

    @classmethod
    def made(cls) -> "SandboxAccount":
        """A new account with new keys."""
        name = secrets.token_hex(16)
        number = f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
        return cls(
            f"CKSandbox-{number}",
            f"SKSandbox-{secrets.token_hex(16)}",
            rsa.generate_private_key(public_exponent=65537, key_size=2048),
            rsa.generate_private_key(public_exponent=65537, key_size=2048),
        )

    def settings(self, callback_path: str) -> dict[str, Any]:
        """What the merchant configures for it."""
        private = self.merchant_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {
            "adapter": "ayolinx",
            "environment": "sandbox",
            "client_key": self.client_key,
            "client_secret": self.client_secret,
            "private_key": private.decode(),
            "provider_public_key": public_pem(self.provider_key.public_key()),
            "callback_path": callback_path,
            "partner_service_ids": dict(self.partner_service_ids),
        }

    def __repr__(self) -> str:
        return f"SandboxAccount({self.client_key!r})"


class Door:
    """Checks headers, signatures, tokens and numbers before any business is done."""

    def __init__(self, account: SandboxAccount, clock: Callable[[], float] = time.time) -> None:
        self._account = account
        self._merchant_key = account.merchant_key.public_key()
        self._clock = clock
        self._tokens: dict[str, float] = {}
        self._numbers: dict[str, float] = {}
        self.logins = 0

    def log_in(self, request: httpx.Request) -> dict[str, str]:
        """Check a token request, and issue a token (docs: "Access Token B2B")."""
        stamp = self._timestamp(request)
        client_key = _header(request, "X-CLIENT-KEY")
        signature = _header(request, "X-SIGNATURE")
        if client_key != self._account.client_key:
            raise Turned(401, "00", "Unauthorized. Unknown client")
        if not verify_rsa(self._merchant_key, token_string(client_key, stamp), signature):
            raise Turned(401, "00", "Unauthorized. Signature")
        if body_of(request).get("grantType") != "client_credentials":
            raise Turned(400, "02", "Invalid Mandatory Field grantType")
        token = secrets.token_hex(16)
        self._tokens[token] = self._clock() + TOKEN_SECONDS
        self.logins += 1
        return {"accessToken": token, "tokenType": "Bearer", "expiresIn": str(TOKEN_SECONDS)}

    def let_in(self, request: httpx.Request) -> dict[str, Any]:
        """Check any other request, and return its body."""
        stamp = self._timestamp(request)
        partner = _header(request, "X-PARTNER-ID")
        signature = _header(request, "X-SIGNATURE")
        number = _header(request, "X-EXTERNAL-ID")
        scheme, _, token = _header(request, "Authorization").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0.0) <= self._clock():
            raise Turned(401, "01", "Invalid Token (B2B)")
        if partner != self._account.client_key:
            raise Turned(401, "00", "Unauthorized. Unknown partner")
        path = request.url.raw_path.decode("ascii")
        text = request_string(request.method, path, token, request.content, stamp)
        if not verify_hmac(self._account.client_secret, text, signature):
            raise Turned(401, "00", "Unauthorized. Signature")
        if EXTERNAL_ID.fullmatch(number) is None:
            raise Turned(400, "01", "Invalid Field Format X-EXTERNAL-ID")
        now = self._clock()
        if self._numbers.get(number, 0.0) > now - DAY:
            raise Turned(409, "00", "Conflict")
        self._numbers[number] = now
        return body_of(request)

    def revoke_tokens(self) -> None:
        """Let every token end now."""
        self._tokens.clear()

    def _timestamp(self, request: httpx.Request) -> str:
        if request.headers.get("Content-Type", "").partition(";")[0] != "application/json":
            raise Turned(400, "01", "Invalid Field Format Content-Type")
        stamp = _header(request, "X-TIMESTAMP")
        moment = instant(stamp)
        if moment is None:
            raise Turned(400, "01", "Invalid Field Format X-TIMESTAMP")
        if abs(moment.timestamp() - self._clock()) > CLOCK_SKEW:
            raise Turned(401, "00", "Unauthorized. Stale timestamp")
        return stamp


def body_of(request: httpx.Request) -> dict[str, Any]:
    """The JSON object of a request."""
    try:
        body = json.loads(request.content)
    except (ValueError, RecursionError):
        raise Turned(400, "00", "Bad Request. The body is no JSON") from None
    if not isinstance(body, dict):
        raise Turned(400, "00", "Bad Request. The body is no JSON object")
    return body


def text_of(body: dict[str, Any], name: str, longest: int = 64) -> str:
    """A mandatory text of a body, of visible ASCII."""
    value = body.get(name)
    if value is None or value == "":
        raise Turned(400, "02", f"Invalid Mandatory Field {name}")
    if not isinstance(value, str) or VISIBLE.fullmatch(value) is None or len(value) > longest:
        raise Turned(400, "01", f"Invalid Field Format {name}")
    return value


def object_of(body: dict[str, Any], name: str) -> dict[str, Any]:
    """A mandatory object of a body."""
    value = body.get(name)
    if value is None:
        raise Turned(400, "02", f"Invalid Mandatory Field {name}")
    if not isinstance(value, dict):
        raise Turned(400, "01", f"Invalid Field Format {name}")
    return value


def amount_of(body: dict[str, Any], name: str = "amount") -> str:
    """The amount of a body: rupiah in text with two decimals, more than zero."""
    amount = object_of(body, name)
    value = text_of(amount, "value")
    if AMOUNT.fullmatch(value) is None or text_of(amount, "currency") != "IDR":
        raise Turned(400, "01", f"Invalid Field Format {name}")
    if not value.strip("0."):
        raise Turned(404, "13", "Invalid Amount")
    return value


def instant(text: str) -> datetime | None:
    """A time in the one form that Ayolinx documents, whole seconds with an offset."""
    if ISO.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _header(request: httpx.Request, name: str) -> str:
    value: str | None = request.headers.get(name)
    if not value:
        raise Turned(400, "02", f"Invalid Mandatory Field {name}")
    return value
