"""What a merchant configures for Lontar."""

from msgspec import Struct

from paygate import ConfigurationError, Secret


class Settings(Struct, frozen=True, kw_only=True):
    """`[gateways.NAME]` with adapter = "lontar"."""

    client_id: str
    client_secret: Secret
    callback_secret: Secret
    callback_path: str
    base_url: str = "https://api.lontar.example"


def checked(gateway: str, settings: Settings) -> Settings:
    """Refuse what could not work, or would accept anybody."""
    for key in ("client_id", "client_secret", "callback_secret", "callback_path"):
        value = getattr(settings, key)
        text = value.reveal() if isinstance(value, Secret) else value
        if not text.strip():
            raise ConfigurationError(f"gateways.{gateway}.{key}: is empty", gateway=gateway)
    return settings
