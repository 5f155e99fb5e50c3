"""Callbacks signed by the provider's RSA key, without a token: check first, read afterwards.

Source: SNAP BI v1.0.2, asymmetric signature; the signed path is the merchant's own public path.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from paygate.callback import CallbackRequest
from paygate.errors import CallbackRejected
from paygate.snap.body import minify
from paygate.snap.signing import is_made_by, notice_string, verify_rsa

FUTURE: Final = 300.0
"""Seconds that a provider's clock may be ahead of ours."""


class Notices(Struct, frozen=True):
    """How to verify a provider's callbacks: its public key, our public path and the replay window.

    `window_seconds` must cover the provider's last retry, which may carry the first one's timestamp.
    """

    public_key: RSAPublicKey
    path: str
    window_seconds: float
    clock: Callable[[], float]

    def verify(self, request: CallbackRequest) -> datetime:
        """Return the signed time, or raise CallbackRejected: nothing of an unproven body is read.

        The path comes from the configuration, never from the request. The body is tried as received,
        then minified, and in no other form.
        """
        stamp, sent_at, signature = fresh(request, self.window_seconds, self.clock)
        body = request.body
        text = notice_string("POST", self.path, body, stamp)
        if verify_rsa(self.public_key, text, signature):
            return sent_at
        # Only what the provider did sign is worth the time that a large body costs.
        if is_made_by(self.public_key, signature):
            text = notice_string("POST", self.path, minify(body), stamp)
            if verify_rsa(self.public_key, text, signature):
                return sent_at
        raise CallbackRejected(
            "signature",
            "the signature does not fit: compare callback_path and provider_public_key "
            "with the provider's portal",
        )


def fresh(
    request: CallbackRequest, window_seconds: float, clock: Callable[[], float]
) -> tuple[str, datetime, str]:
    """The timestamp as it was signed, the time that it means, and the signature, which is not verified here.

    Raises CallbackRejected for a call that lacks one, is no POST, or is older than the window or from the
    future.
    """
    signature = request.header("x-signature")
    if not signature:
        raise CallbackRejected("signature", "it has no X-SIGNATURE")
    stamp = request.header("x-timestamp")
    if not stamp:
        raise CallbackRejected("timestamp", "it has no X-TIMESTAMP")
    sent_at = aware(stamp)
    if sent_at is None:
        raise CallbackRejected("timestamp", "X-TIMESTAMP is no time with an offset")
    age = clock() - sent_at.timestamp()
    if not 0.0 <= age <= window_seconds:
        if age > window_seconds:
            raise CallbackRejected("timestamp", "it is older than the replay window")
        if -age > min(FUTURE, window_seconds):
            raise CallbackRejected("timestamp", "it is from the future: compare the clocks")
    if request.method != "POST":
        raise CallbackRejected("method", "callbacks are sent by POST")
    return stamp, sent_at, signature


def aware(text: str) -> datetime | None:
    """Read an ISO 8601 time with an offset; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
