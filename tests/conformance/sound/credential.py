"""Lontar's token, and the signature that each request carries with it."""

import base64
import hashlib
import hmac
from collections.abc import Callable

import httpx

from tests.conformance.sound import codes


class Token:
    """Signs requests until `expires_at`."""

    def __init__(self, token: str, secret: str, expires_at: float, clock: Callable[[], float]) -> None:
        self.expires_at = expires_at
        self._token = token
        self._secret = secret
        self._clock = clock

    def sign(self, request: httpx.Request) -> httpx.Request:
        """Sign one request: token, time, and an HMAC over all that counts."""
        moment = self._moment()
        text = self._text(request, moment)
        signature = base64.b64encode(hmac.digest(self._secret.encode(), text, "sha256")).decode()
        request.headers.update(
            {"Authorization": f"Bearer {self._token}", "X-Lontar-Time": moment, "X-Lontar-Sign": signature}
        )
        return request

    def rejected_by(self, response: httpx.Response) -> bool:
        """Lontar says in its body that a token has ended."""
        return response.status_code == 401 and codes.TOKEN_ENDED.encode() in response.content

    def _moment(self) -> str:
        return str(int(self._clock()))

    def _text(self, request: httpx.Request, moment: str) -> bytes:
        digest = hashlib.sha256(self._body(request)).hexdigest()
        return f"{request.method}\n{request.url.path}\n{digest}\n{moment}".encode()

    def _body(self, request: httpx.Request) -> bytes:
        return request.read()

    def __repr__(self) -> str:
        return "Token()"
