"""What proves to Midtrans who we are: the server key, in HTTP's Basic scheme."""

import base64
from typing import Final

import httpx

from paygate import Secret

AUTHORIZATION: Final = b"Authorization"


class ServerKey:
    """A credential that never ends: there is no login, and nothing in a request is signed."""

    expires_at = float("inf")

    def __init__(self, server_key: Secret) -> None:
        # Midtrans: the key is the user name, and the password is empty.
        proof = base64.b64encode(f"{server_key.reveal()}:".encode())
        self._header = (AUTHORIZATION, b"Basic " + proof)

    def sign(self, request: httpx.Request) -> httpx.Request:
        """Put the key in its header."""
        kept = [pair for pair in request.headers.raw if pair[0].lower() != b"authorization"]
        request.headers = httpx.Headers([*kept, self._header])
        return request

    def rejected_by(self, response: httpx.Response) -> bool:  # noqa: ARG002 - what every credential is asked
        """Never: the same key, sent again, is refused again."""
        return False

    def __repr__(self) -> str:
        return "ServerKey(***)"
