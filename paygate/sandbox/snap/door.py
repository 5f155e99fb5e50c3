"""The door of a pretend SNAP provider: who may come in, and with what. Written from the standard alone.

Only the signing functions are common with an adapter; those are tested against openssl and published vectors.
"""

import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import httpx

from paygate.sandbox.snap.account import SnapSandboxAccount
from paygate.sandbox.snap.fields import Turned, body_of, header_of, instant, wrong
from paygate.snap import notice_string, request_string, token_string, verify_hmac, verify_rsa
from paygate.snap.profile import Layout
from paygate.snap.signing import Encoding

CLOCK_SKEW: Final = 300.0
TOKEN_SECONDS: Final = 3600
DAY: Final = 86400.0
EXTERNAL_ID: Final = re.compile(r"[0-9]{1,36}")
SECOND: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
STAMPS: Final = {
    "+07:00": re.compile(SECOND + r"\+07:00", re.ASCII),
    "Z": re.compile(SECOND + "Z", re.ASCII),
    "ms+07:00": re.compile(SECOND + r"\.\d{3}\+07:00", re.ASCII),
    "msZ": re.compile(SECOND + r"\.\d{3}Z", re.ASCII),
}


class SnapDoor:
    """Checks headers, signatures, tokens and numbers before any business is done.

    Without a `layout` it takes a timestamp of any offset, in whole seconds. `unsigned_prefix` is left out of
    the path that is signed. Where it is not `symmetric`, requests are signed by RSA, without a token.
    """

    def __init__(
        self,
        account: SnapSandboxAccount,
        clock: Callable[[], float] = time.time,
        *,
        layout: Layout | None = None,
        encoding: Encoding = "base64",
        unsigned_prefix: str = "",
        channel_id: str | None = None,
        symmetric: bool = True,
    ) -> None:
        self._account = account
        self._merchant_key = account.merchant_key.public_key()
        self._clock = clock
        self._layout = layout
        self._encoding: Encoding = encoding
        self._unsigned_prefix = unsigned_prefix
        self._channel_id = channel_id
        self._symmetric = symmetric
        self._tokens: dict[str, float] = {}
        self._numbers: dict[str, float] = {}
        self.logins = 0

    def log_in(self, request: httpx.Request) -> dict[str, str]:
        """Check a token request, and issue a token (service 73)."""
        stamp = self._timestamp(request)
        client_key = header_of(request, "X-CLIENT-KEY")
        signature = header_of(request, "X-SIGNATURE")
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
        partner = header_of(request, "X-PARTNER-ID")
        signature = header_of(request, "X-SIGNATURE")
        number = header_of(request, "X-EXTERNAL-ID")
        token = self._token(request) if self._symmetric else ""
        if partner != (self._account.partner_id or self._account.client_key):
            raise Turned(401, "00", "Unauthorized. Unknown partner")
        if self._channel_id is not None and header_of(request, "CHANNEL-ID") != self._channel_id:
            raise Turned(401, "00", "Unauthorized. Unknown channel")
        if not self._is_signed(request, token, stamp, signature):
            raise Turned(401, "00", "Unauthorized. Signature")
        if EXTERNAL_ID.fullmatch(number) is None:
            raise wrong("X-EXTERNAL-ID")
        now = self._clock()
        if self._numbers.get(number, 0.0) > now - DAY:
            raise Turned(409, "00", "Conflict")
        self._numbers[number] = now
        return body_of(request)

    def revoke_tokens(self) -> None:
        """Let every token end now."""
        self._tokens.clear()

    def _token(self, request: httpx.Request) -> str:
        scheme, _, token = header_of(request, "Authorization").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0.0) <= self._clock():
            raise Turned(401, "01", "Invalid Token (B2B)")
        return token

    def _is_signed(self, request: httpx.Request, token: str, stamp: str, signature: str) -> bool:
        path = request.url.raw_path.decode("ascii")
        if self._unsigned_prefix and path.startswith(self._unsigned_prefix):
            path = path[len(self._unsigned_prefix) :]
        if not self._symmetric:
            text = notice_string(request.method, path, request.content, stamp)
            return verify_rsa(self._merchant_key, text, signature)
        text = request_string(request.method, path, token, request.content, stamp)
        return verify_hmac(self._account.client_secret, text, signature, self._encoding)

    def _timestamp(self, request: httpx.Request) -> str:
        if request.headers.get("Content-Type", "").partition(";")[0] != "application/json":
            raise wrong("Content-Type")
        stamp = header_of(request, "X-TIMESTAMP")
        moment = self._read(stamp)
        if moment is None:
            raise wrong("X-TIMESTAMP")
        if abs(moment.timestamp() - self._clock()) > CLOCK_SKEW:
            raise Turned(401, "00", "Unauthorized. Stale timestamp")
        return stamp

    def _read(self, stamp: str) -> datetime | None:
        if self._layout is None:
            return instant(stamp)
        if STAMPS[self._layout].fullmatch(stamp) is None:
            return None
        try:
            return datetime.fromisoformat(stamp)
        except ValueError:
            return None
