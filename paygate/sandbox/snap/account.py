"""A merchant's account at a pretend SNAP provider: both sides' keys, made for the occasion."""

import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import Struct

from paygate.snap import public_pem


class SnapSandboxAccount(Struct, frozen=True):
    """Who the merchant is at the pretend provider, and the keys of both.

    `partner_service_ids` are the banks' prefixes, by bank. `partner_id` is X-PARTNER-ID where that is not the
    client key; a merchant with a `merchant_id` must name it where the standard has a place for it.
    """

    client_key: str
    client_secret: str
    merchant_key: rsa.RSAPrivateKey
    provider_key: rsa.RSAPrivateKey
    partner_service_ids: Mapping[str, str] = {}
    partner_id: str | None = None
    merchant_id: str | None = None

    @classmethod
    def made(
        cls,
        partner_service_ids: Mapping[str, str],
        *,
        partner_id: str | None = None,
        merchant_id: str | None = None,
    ) -> "SnapSandboxAccount":
        """A new account with new keys."""
        return cls(
            f"client-{secrets.token_hex(12)}",
            f"secret-{secrets.token_hex(16)}",
            new_key(),
            new_key(),
            partner_service_ids,
            partner_id,
            merchant_id,
        )

    def configured(self, adapter: str, callback_path: str) -> dict[str, Any]:
        """What the merchant configures for it, all but `base_url`; what there is none of is left out."""
        private = self.merchant_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        settings = {
            "adapter": adapter,
            "environment": "sandbox",
            "client_key": self.client_key,
            "client_secret": self.client_secret,
            "private_key": private.decode(),
            "provider_public_key": public_pem(self.provider_key.public_key()),
            "callback_path": callback_path,
            "partner_service_ids": dict(self.partner_service_ids),
            "partner_id": self.partner_id,
            "merchant_id": self.merchant_id,
        }
        return {key: value for key, value in settings.items() if value is not None}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.client_key!r})"


def new_key() -> rsa.RSAPrivateKey:
    """A new RSA key of 2048 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
