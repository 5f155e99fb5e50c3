"""A merchant's account at the pretend Ayolinx; its door is that of every pretend SNAP provider."""

import secrets
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from paygate.sandbox import SnapSandboxAccount, new_key

PARTNER_SERVICE_IDS: Final = MappingProxyType(
    {"bni": "98829172", "bri": "15574", "cimb": "2056", "mandiri": "87319"}
)
"""The banks' prefixes in the sandbox, as merchants' code has them; for BRI one has 15573."""


class SandboxAccount(SnapSandboxAccount, frozen=True):
    """A merchant's account at the pretend Ayolinx: both sides' keys, made for the occasion."""

    partner_service_ids: Mapping[str, str] = PARTNER_SERVICE_IDS

    @classmethod
    def made(cls) -> "SandboxAccount":  # type: ignore[override]
        """A new account with new keys."""
        name = secrets.token_hex(16)
        number = f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
        return cls(f"CKSandbox-{number}", f"SKSandbox-{secrets.token_hex(16)}", new_key(), new_key())

    def settings(self, callback_path: str) -> dict[str, Any]:
        """What the merchant configures for it."""
        return self.configured("ayolinx", callback_path)
