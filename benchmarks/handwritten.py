"""What a competent engineer writes for one provider, without a framework: what paygate is compared with.

One kept client, one kept encoder and decoder for each message, keys parsed once, the token cached. It logs in
unlocked, retries nothing, knows one error and no clock skew: all of that is paygate's to do for less.
"""

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct
from paygate_ayolinx.door import SandboxAccount

TOKEN_PATH: Final = "/v1.0/access-token/b2b"
CHARGE_PATH: Final = "/v1.0/qr/qr-mpm-generate"
JAKARTA: Final = timezone(timedelta(hours=7))
PADDING: Final = PKCS1v15()
HASH: Final = SHA256()


class Failed(Exception):
    """The provider did not say 200."""


class Amount(Struct, frozen=True):
    value: str
    currency: str


class Channel(Struct, frozen=True):
    channel: str


class Order(Struct, frozen=True, rename="camel"):
    partner_reference_no: str
    amount: Amount
    additional_info: Channel


class Made(Struct, frozen=True, rename="camel"):
    response_code: str
    response_message: str
    reference_no: str = ""
    qr_content: str = ""
    expired_date: str = ""


class Token(Struct, frozen=True, rename="camel"):
    response_code: str
    access_token: str
    expires_in: str


class Paid(Struct, frozen=True):
    value: Decimal
    currency: str


class Notice(Struct, frozen=True, rename="camel"):
    latest_transaction_status: str
    original_partner_reference_no: str
    original_reference_no: str
    amount: Paid
    finished_time: str
    additional_info: Channel


encode: Final = msgspec.json.Encoder().encode
decode_made: Final = msgspec.json.Decoder(Made).decode
decode_token: Final = msgspec.json.Decoder(Token).decode
decode_notice: Final = msgspec.json.Decoder(Notice).decode
QRIS: Final = Channel("BNC_QRIS")


def timestamp() -> str:
    """The time now, as in 2026-01-02T10:15:00+07:00."""
    return datetime.now(JAKARTA).isoformat(timespec="seconds")


class _Merchant:
    """All of the job but sending."""

    def __init__(self, base_url: str, account: SandboxAccount) -> None:
        self._token_url = httpx.URL(base_url + TOKEN_PATH)
        self._charge_url = httpx.URL(base_url + CHARGE_PATH)
        self._client_key = account.client_key
        self._secret = account.client_secret.encode()
        self._private_key = account.merchant_key
        self._token = ""
        self._expires = 0.0

    def _login(self) -> tuple[bytes, dict[str, str]]:
        stamp = timestamp()
        signature = self._private_key.sign(f"{self._client_key}|{stamp}".encode(), PADDING, HASH)
        return b'{"grantType":"client_credentials"}', {
            "Content-Type": "application/json",
            "X-CLIENT-KEY": self._client_key,
            "X-TIMESTAMP": stamp,
            "X-SIGNATURE": base64.b64encode(signature).decode(),
        }

    def _keep(self, response: httpx.Response) -> None:
        token = decode_token(response.content)
        if response.status_code != 200 or not token.response_code.startswith("200"):
            raise Failed(token.response_code)
        self._token = token.access_token
        self._expires = time.monotonic() + int(token.expires_in) - 60

    def _order(self, reference: str, rupiah: int) -> tuple[bytes, dict[str, str]]:
        body = encode(Order(reference, Amount(f"{rupiah}.00", "IDR"), QRIS))
        stamp = timestamp()
        text = f"POST:{CHARGE_PATH}:{self._token}:{hashlib.sha256(body).hexdigest()}:{stamp}"
        signature = hmac.digest(self._secret, text.encode(), "sha512")
        return body, {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._token}",
            "X-PARTNER-ID": self._client_key,
            "X-TIMESTAMP": stamp,
            "X-SIGNATURE": base64.b64encode(signature).decode(),
            "X-EXTERNAL-ID": str(int.from_bytes(os.urandom(12))),
        }

    @staticmethod
    def _made(response: httpx.Response) -> Made:
        made = decode_made(response.content)
        if response.status_code != 200 or made.response_code != "2004700":
            raise Failed(f"{made.response_code} {made.response_message}")
        return made


class Merchant(_Merchant):
    """Charges over httpx.Client."""

    def __init__(
        self, base_url: str, account: SandboxAccount, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(base_url, account)
        self._client = httpx.Client(transport=transport, timeout=10.0)

    def charge(self, reference: str, rupiah: int) -> Made:
        """One QRIS."""
        if time.monotonic() >= self._expires:
            body, headers = self._login()
            self._keep(self._client.post(self._token_url, content=body, headers=headers))
        body, headers = self._order(reference, rupiah)
        return self._made(self._client.post(self._charge_url, content=body, headers=headers))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class AsyncMerchant(_Merchant):
    """Charges over httpx.AsyncClient."""

    def __init__(
        self, base_url: str, account: SandboxAccount, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(base_url, account)
        self._client = httpx.AsyncClient(transport=transport, timeout=10.0)

    async def charge(self, reference: str, rupiah: int) -> Made:
        """One QRIS."""
        if time.monotonic() >= self._expires:
            body, headers = self._login()
            self._keep(await self._client.post(self._token_url, content=body, headers=headers))
        body, headers = self._order(reference, rupiah)
        return self._made(await self._client.post(self._charge_url, content=body, headers=headers))

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()


def read_notice(public_key: RSAPublicKey, path: str, headers: Mapping[str, str], body: bytes) -> Notice:
    """Verify and read a callback; a wrong signature raises InvalidSignature."""
    lower = {name.lower(): value for name, value in headers.items()}
    text = f"POST:{path}:{hashlib.sha256(body).hexdigest()}:{lower['x-timestamp']}"
    public_key.verify(base64.b64decode(lower["x-signature"]), text.encode(), PADDING, HASH)
    return decode_notice(body)
