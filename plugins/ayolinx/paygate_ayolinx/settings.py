"""What a merchant configures for Ayolinx; SNAP BI's own checks keep sandbox and production apart.

Source: Ayolinx docs, "Necessary parameter configuration" and "Header Parameter Description"; hosts as
in use in 2025 and 2026.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from paygate import Secret
from paygate.snap import SnapAccount, SnapProvider, checked_account
from paygate_ayolinx import codes

AYOLINX: Final = SnapProvider(
    name="Ayolinx",
    base_urls={"sandbox": "https://sandbox.ayolinx.id", "production": "https://openapi.ayolinx.id"},
    hosts={"sandbox.dev.ayolinx.id": "sandbox"},
    sandbox_form="[CS]KSandbox-",
    production_form="[CS]K-",
    last_retry_minutes=1 + 5 + 10 + 60,
)
"""It repeats a callback after 1, 5, 10 and 60 minutes ("Callback description", July 2025)."""


class Settings(Struct, frozen=True, kw_only=True):
    """`[gateways.NAME]` with adapter = "ayolinx".

    `public_key` is ours, as pasted in Ayolinx's portal; give it to have the pair checked. A callback is
    refused when its timestamp is more than `callback_window_minutes` old, 90 unless told. `callback_url` is
    the public address whose path is `callback_path`. `partner_service_ids` are the banks' prefixes, by
    bank. `inbound_client_key` is what Ayolinx calls itself when it asks for a token of ours; it is our
    `client_key` unless told. `inbound_hmac` and `retail_expiry` choose where the docs contradict themselves.
    """

    environment: str
    client_key: str
    client_secret: Secret
    private_key: Secret
    provider_public_key: str
    callback_path: str
    base_url: str | None = None
    public_key: str | None = None
    callback_url: str | None = None
    return_url: str | None = None
    partner_service_ids: Mapping[str, str] = {}
    sub_merchant_id: str | None = None
    e_wallet_sub_merchant_id: str | None = None
    inbound_client_key: str | None = None
    inbound_hmac: Literal["sha512", "sha256"] = "sha512"
    retail_expiry: Literal["unix", "iso"] = "unix"
    callback_window_minutes: float = 90.0


def checked(gateway: str, settings: Settings) -> SnapAccount:
    """Parse and check; raises ConfigurationError with gateway and key, never a value."""
    return checked_account(
        gateway,
        settings,
        AYOLINX,
        codes.BANKS,
        numbers=("sub_merchant_id", "e_wallet_sub_merchant_id"),
        addresses=("return_url",),
    )
