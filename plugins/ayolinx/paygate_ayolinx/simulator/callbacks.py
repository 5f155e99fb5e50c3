"""How the pretend Ayolinx calls a merchant back: a signed notice, or SNAP BI's own two requests."""

import base64
import hmac as hmacs
import itertools
import json
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

import httpx

from paygate import Flow, Qris, VirtualAccount
from paygate.sandbox import PretendCharge
from paygate.snap import notice_string, request_string, sign_hmac, sign_rsa, token_string
from paygate_ayolinx.door import VISIBLE
from paygate_ayolinx.simulator.books import Books, jakarta
from paygate_ayolinx.simulator.notices import notice, transfer

Signs: TypeAlias = Literal["own", "documented"]
Hmac: TypeAlias = Literal["sha512", "sha256"]
Body: TypeAlias = dict[str, Any]
Telling: TypeAlias = Callable[[], Flow[bool]]
"""How a charge is told: requests in turn, and in the end whether the merchant took it."""

TOKEN_PATH: Final = "/v1.0/access-token/b2b"  # noqa: S105 - a path
QRIS_PATH: Final = "/v1.0/qr/qr-mpm-notify"
TRANSFER_PATH: Final = "/v1.0/transfer-va/payment"
ECHOED: Final = (
    "partnerServiceId",
    "customerNo",
    "virtualAccountNo",
    "trxId",
    "paidAmount",
    "paymentRequestId",
    "virtualAccountTrxType",
)
"""What the example of an answer to a virtual account's payment repeats."""


class Callbacks:
    """Tells a merchant of charges. `snap` is set for SNAP BI's form of it."""

    def __init__(self, books: Books, url: str, *, signs: Signs, hmac: Hmac, client_key: str) -> None:
        self.url = httpx.URL(url)
        self.snap = False
        self._books = books
        self._account = books.account
        self._signs = signs
        self._hmac = hmac
        self._client_key = client_key
        self._numbers = itertools.count(1)

    def can_tell(self, charge: PretendCharge, status: str) -> bool:
        """Whether there are words for it: a transfer under a token has none for a charge that is not paid."""
        return not (self.snap and isinstance(charge.method, VirtualAccount)) or status == "00"

    def telling(self, charge: PretendCharge, status: str) -> Telling:
        """How a charge is told, once and in every retry."""
        if self.snap and isinstance(charge.method, VirtualAccount):
            return self._by_token(TRANSFER_PATH, transfer(self._books, charge))
        if self.snap and isinstance(charge.method, Qris):
            return self._by_token(QRIS_PATH, notice(self._books, charge, status))
        own = self._books.sheet(charge).callback_url
        return self._by_notice(httpx.URL(own) if own else self.url, notice(self._books, charge, status))

    def _by_notice(self, url: httpx.URL, body: Body) -> Telling:
        """By a signed notice (docs: "Payment Notify", "Callback description").

        A retry repeats the first one's timestamp: the docs do not say, and this is the harder case. So is
        it with a query in the address, which is not signed.
        """
        content = json.dumps(body).encode()
        stamp = self._stamp()
        text = notice_string("POST", _path(url), content, stamp)
        headers = _headers(stamp, sign_rsa(self._account.provider_key, text))

        def tell() -> Flow[bool]:
            reply = yield httpx.Request("POST", url, headers=headers, content=content)
            return _is_taken(reply)

        return tell

    def _by_token(self, path: str, body: Body) -> Telling:
        """By SNAP BI's form: log in at the merchant's, then tell under its token; each retry does so anew."""

        def tell() -> Flow[bool]:
            token = _token((yield self._login()))
            if token is None:
                return False
            reply = yield self._told(path, token, json.dumps(body).encode())
            return _is_taken(reply) and (path != TRANSFER_PATH or _is_echoed(reply, body))

        return tell

    def _login(self) -> httpx.Request:
        stamp = self._stamp()
        text = token_string(self._client_key, stamp)
        signed = _headers(stamp, sign_rsa(self._account.provider_key, text))
        headers = {**signed, "X-CLIENT-KEY": self._client_key}
        body = json.dumps({"grantType": "client_credentials"}).encode()
        return httpx.Request("POST", self._under(TOKEN_PATH), headers=headers, content=body)

    def _told(self, path: str, token: str, content: bytes) -> httpx.Request:
        url = self._under(path)
        stamp = self._stamp()
        signed_path = path if self._signs == "documented" else _path(url)
        text = request_string("POST", signed_path, token, content, stamp)
        headers = {
            **_headers(stamp, self._hmac_of(text)),
            "Authorization": f"Bearer {token}",
            "X-PARTNER-ID": self._client_key,
            "X-EXTERNAL-ID": f"{self._books.now():%Y%m%d%H%M%S}{next(self._numbers):06d}",
        }
        return httpx.Request("POST", url, headers=headers, content=content)

    def _hmac_of(self, text: str) -> str:
        """HMAC-SHA512, or HMAC-SHA256 as one page has it; both in base64."""
        secret = self._account.client_secret
        if self._hmac == "sha512":
            return sign_hmac(secret, text)
        return base64.b64encode(hmacs.digest(secret.encode(), text.encode(), "sha256")).decode()

    def _under(self, path: str) -> httpx.URL:
        """The documented path under the address that the merchant gave in the portal."""
        own = self.url.raw_path.partition(b"?")[0].rstrip(b"/")
        return self.url.copy_with(raw_path=own + path.encode("ascii"))

    def _stamp(self) -> str:
        return jakarta(self._books.now())


def _path(url: httpx.URL) -> str:
    return url.raw_path.partition(b"?")[0].decode("ascii")


def _headers(stamp: str, signature: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "X-TIMESTAMP": stamp, "X-SIGNATURE": signature}


def _read(reply: httpx.Response) -> Body:
    """The JSON object of a merchant's answer; empty where it is none, or comes under another status."""
    try:
        body = json.loads(reply.content)
    except (ValueError, RecursionError):
        return {}
    return body if reply.status_code == 200 and isinstance(body, dict) else {}


def _is_taken(reply: httpx.Response) -> bool:
    """HTTP 200 with a success body (docs: "Callback description")."""
    return str(_read(reply).get("responseCode", "")).startswith("200")


def _token(reply: httpx.Response) -> str | None:
    """The token of a merchant's answer, which is as Ayolinx's own: five texts (docs: "Access Token B2B")."""
    body = _read(reply)
    token, seconds = body.get("accessToken"), body.get("expiresIn")
    if (body.get("responseCode"), body.get("tokenType")) != ("2007300", "Bearer"):
        return None
    if not isinstance(body.get("responseMessage"), str) or not isinstance(seconds, str):
        return None
    if not (seconds.isascii() and seconds.isdecimal() and int(seconds) > 0):
        return None
    return token if isinstance(token, str) and VISIBLE.fullmatch(token) else None


def _is_echoed(reply: httpx.Response, told: Body) -> bool:
    """Whether an answer to a virtual account's payment is 2002500 and repeats what it is about."""
    body = _read(reply)
    data = body.get("virtualAccountData")
    return (
        body.get("responseCode") == "2002500"
        and isinstance(body.get("responseMessage"), str)
        and isinstance(data, dict)
        and all(data.get(name) == told[name] for name in ECHOED)
    )
