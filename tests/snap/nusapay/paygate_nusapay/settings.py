"""What a merchant configures for NusaPay."""

from typing import Final

from paygate.snap import SnapProvider, SnapSettings

NUSAPAY: Final = SnapProvider(
    name="NusaPay",
    base_urls={"sandbox": "https://sandbox.nusapay.example", "production": "https://api.nusapay.example"},
    last_retry_minutes=16,
    sandbox_form="sbx-",
)


class Settings(SnapSettings, frozen=True, kw_only=True):
    """`[gateways.NAME]` with adapter = "nusapay"; `store_id` is the shop that a QR is shown in."""

    store_id: str | None = None
