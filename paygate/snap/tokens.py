"""Bearer tokens that we issue to a provider, for its calls to us: short-lived, and stored nowhere.

Source: SNAP BI technical and security standard v1.0.2, access token B2B (service 73), the other way round.
"""

import base64
import functools
import hmac
import os
import re
import time
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LIFETIME_SECONDS: Final = 900
"""How long a token lives; the standard's example."""

STATED_BYTES: Final = 16
FORM: Final = re.compile(r"[0-9A-Za-z_-]{64}", re.ASCII)
PURPOSE: Final = b"paygate: SNAP BI inbound access token, 1"


class InboundTokens:
    """Issues and verifies tokens for one `gateway` and the `client_key` that was agreed for it.

    Their key is derived from the merchant's own private key: every process of the merchant can verify what
    another has issued, nobody else can issue one, the provider included, and no token fits another
    gateway. A new private key ends them all; the provider then asks for a new one.
    """

    def __init__(
        self,
        private_key: RSAPrivateKey,
        gateway: str,
        client_key: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._private_key = private_key
        self._context = (gateway, client_key)
        self._clock = clock

    def issue(self) -> str:
        """A new token of 64 visible ASCII characters, good for LIFETIME_SECONDS."""
        stated = int(self._clock() + LIFETIME_SECONDS).to_bytes(8) + os.urandom(8)
        return base64.urlsafe_b64encode(stated + self._mac(stated)).decode()

    def verify(self, token: str) -> bool:
        """Whether we issued this token for this gateway, and its time is not over."""
        if FORM.fullmatch(token) is None:
            return False
        content = base64.urlsafe_b64decode(token)
        stated, mac = content[:STATED_BYTES], content[STATED_BYTES:]
        return hmac.compare_digest(mac, self._mac(stated)) and self._clock() < int.from_bytes(stated[:8])

    def _mac(self, stated: bytes) -> bytes:
        return hmac.digest(self._key, stated, "sha256")

    @functools.cached_property
    def _key(self) -> bytes:
        """Derived when first needed: most gateways never issue a token."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        exponent = self._private_key.private_numbers().d
        parts = [part.encode() for part in self._context]
        info = PURPOSE + b"".join(len(part).to_bytes(4) + part for part in parts)
        return HKDF(SHA256(), 32, None, info).derive(exponent.to_bytes((exponent.bit_length() + 7) // 8))

    def __repr__(self) -> str:
        return f"InboundTokens({self._context[0]!r})"
