"""How a pretend SNAP provider calls a merchant back: a signed notice, or SNAP BI's own two requests."""

import base64
import hmac as hmacs
import itertools
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal, TypeAlias

import httpx

from paygate.flow import Flow
from paygate.sandbox.delivery import Telling
from paygate.sandbox.snap.account import SnapSandboxAccount
from paygate.sandbox.snap.fields import VISIBLE
from paygate.snap import notice_string, request_string, sign_rsa, token_string

SnapSigns: TypeAlias = Literal["own", "documented"]
"""The path that a call with a token is signed over: that of the merchant's address, or the standard's."""

SnapHmac: TypeAlias = Literal["sha512", "sha256"]
Body: TypeAlias = dict[str, Any]

TOKEN_PATH: Final = "/v1.0/access-token/b2b"  # noqa: S105 - a path
JAKARTA: Final = timezone(timedelta(hours=7))


class SnapCaller:
    """Calls a merchant back at `url`, by either of the two proofs.

    `client_key` is what the provider calls itself, the merchant's own client key unless told. A notice comes
    by the same bytes in every retry, its timestamp included: the standard does not say, and this is the
    harder case. A call with a token is signed anew each time.
    """

    def __init__(
        self,
        account: SnapSandboxAccount,
        url: str,
        now: Callable[[], datetime],
        *,
        client_key: str | None = None,
        signs: SnapSigns = "own",
        hmac: SnapHmac = "sha512",
        hexadecimal: bool = False,
    ) -> None:
        self.url = httpx.URL(url)
        self._account = account
        self._now = now
        self._client_key = client_key or account.client_key
        self._signs = signs
        self._hmac = hmac
        self._hexadecimal = hexadecimal
        self._numbers = itertools.count(1)

    def by_notice(self, url: httpx.URL, body: Body, code: str = "", echoed: Sequence[str] = ()) -> Telling:
        """By a notice, signed over the path of its address; a query in it is not signed.

        The merchant has taken it with HTTP 200 and this responseCode, or any success where none is given. It
        must say these fields of the body back, where there are some.
        """
        content = json.dumps(body).encode()
        stamp = self._stamp()
        text = notice_string("POST", _path(url), content, stamp)
        headers = _headers(stamp, sign_rsa(self._account.provider_key, text))

        def tell() -> Flow[bool]:
            reply = yield httpx.Request("POST", url, headers=headers, content=content)
            return _is_taken(reply, code) and (not echoed or _is_echoed(reply, body, echoed))

        return tell

    def by_token(self, path: str, body: Body, code: str = "", echoed: Sequence[str] = ()) -> Telling:
        """By SNAP BI's form: log in at the merchant's, then tell under its token; each retry does so anew.

        `code` and `echoed` are as in `by_notice`.
        """

        def tell() -> Flow[bool]:
            token = _token((yield self._login()))
            if token is None:
                return False
            reply = yield self._told(path, token, json.dumps(body).encode())
            return _is_taken(reply, code) and (not echoed or _is_echoed(reply, body, echoed))

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
            "X-EXTERNAL-ID": f"{self._now():%Y%m%d%H%M%S}{next(self._numbers):06d}",
        }
        return httpx.Request("POST", url, headers=headers, content=content)

    def _hmac_of(self, text: str) -> str:
        """HMAC-SHA512, or HMAC-SHA256 as some have it."""
        digest = hmacs.digest(self._account.client_secret.encode(), text.encode(), self._hmac)
        return digest.hex() if self._hexadecimal else base64.b64encode(digest).decode()

    def _under(self, path: str) -> httpx.URL:
        """The documented path under the address that the merchant gave in the portal."""
        own = self.url.raw_path.partition(b"?")[0].rstrip(b"/")
        return self.url.copy_with(raw_path=own + path.encode("ascii"))

    def _stamp(self) -> str:
        return jakarta(self._now())


def jakarta(moment: datetime | None) -> str:
    """A time as a SNAP provider writes it; empty where there is none yet."""
    return moment.astimezone(JAKARTA).isoformat(timespec="seconds") if moment else ""


def _is_echoed(reply: httpx.Response, told: Body, fields: Sequence[str]) -> bool:
    """Whether an answer to a virtual account's payment repeats what it is about."""
    body = _read(reply)
    data = body.get("virtualAccountData")
    return (
        isinstance(body.get("responseMessage"), str)
        and isinstance(data, dict)
        and all(data.get(name) == told[name] for name in fields)
    )


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


def _is_taken(reply: httpx.Response, code: str) -> bool:
    told = _read(reply).get("responseCode", "")
    return told == code if code else str(told).startswith("200")


def _token(reply: httpx.Response) -> str | None:
    """The token of a merchant's answer, which is as a provider's own: five texts (service 73)."""
    body = _read(reply)
    token, seconds = body.get("accessToken"), body.get("expiresIn")
    if (body.get("responseCode"), body.get("tokenType")) != ("2007300", "Bearer"):
        return None
    if not isinstance(body.get("responseMessage"), str) or not isinstance(seconds, str):
        return None
    if not (seconds.isascii() and seconds.isdecimal() and int(seconds) > 0):
        return None
    return token if isinstance(token, str) and VISIBLE.fullmatch(token) else None
