"""A provider's calls with a token that we issued: the token request first, then the call itself.

Source: SNAP BI technical and security standard v1.0.2, access token B2B and transaction signature, with
the provider as the client; the signed path is the merchant's own public path, or the standard's.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from paygate.callback import CallbackRequest
from paygate.errors import CallbackRejected
from paygate.redaction import Secret
from paygate.snap.body import minify
from paygate.snap.inbound import fresh
from paygate.snap.signing import Digest, Encoding, request_string, token_string, verify_hmac, verify_rsa
from paygate.snap.tokens import InboundTokens

TOKEN_WINDOW: Final = 300.0
"""Seconds that the timestamp of a token request may be old; it is made anew for each."""

ENCODINGS: Final[tuple[Encoding, ...]] = ("base64", "hex")


class TokenRequests(Struct, frozen=True):
    """How to verify a provider's request for a token: its public key, and the client keys agreed with it."""

    public_key: RSAPublicKey
    client_keys: frozenset[str]
    clock: Callable[[], float]

    def verify(self, request: CallbackRequest) -> datetime:
        """Return the signed time, or raise CallbackRejected: then no token is issued."""
        client_key = request.header("x-client-key") or ""
        stamp, sent_at, signature = fresh(request, TOKEN_WINDOW, self.clock)
        if client_key not in self.client_keys:
            raise CallbackRejected("client", "X-CLIENT-KEY is not the one that was agreed")
        if not verify_rsa(self.public_key, token_string(client_key, stamp), signature):
            raise CallbackRejected(
                "signature", "the signature of the token request does not fit: compare provider_public_key"
            )
        return sent_at


class AuthorizedCalls(Struct, frozen=True):
    """How to verify a provider's calls with a token: our tokens, the client secret and the signed paths.

    Any of `paths` may have been signed. The body is tried as received, then minified; the signature is
    base64 or hexadecimal, for the standard names neither.
    """

    tokens: InboundTokens
    secret: Secret
    client_keys: frozenset[str]
    paths: Sequence[str]
    window_seconds: float
    clock: Callable[[], float]
    digest: Digest = "sha512"

    def verify(self, request: CallbackRequest) -> datetime:
        """Return the signed time, or raise CallbackRejected: nothing of an unproven body is read."""
        token = bearer_token(request)
        if token is None or not self.tokens.verify(token):
            raise CallbackRejected("token", "the bearer token is none of ours, or its time is over")
        stamp, sent_at, signature = fresh(request, self.window_seconds, self.clock)
        partner = request.header("x-partner-id")
        if partner is not None and partner not in self.client_keys:
            raise CallbackRejected("client", "X-PARTNER-ID is not the one that was agreed")
        secret = self.secret.reveal()
        for form in (bytes, minify):  # in the second form only where the first does not fit
            body = form(request.body)
            for path in self.paths:
                text = request_string("POST", path, token, body, stamp)
                if any(verify_hmac(secret, text, signature, one, self.digest) for one in ENCODINGS):
                    return sent_at
        raise CallbackRejected(
            "signature",
            "the signature does not fit: compare callback_path and client_secret with the provider's portal",
        )


def bearer_token(request: CallbackRequest) -> str | None:
    """The bearer token that a call comes with, whosever it is; None where there is none."""
    scheme, _, token = (request.header("authorization") or "").partition(" ")
    return token if scheme.lower() == "bearer" else None
