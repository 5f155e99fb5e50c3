"""A pretend NusaPay: SNAP BI's own simulator with NusaPay's profile, and an account made for the occasion."""

from typing import Final

from paygate.sandbox import SnapSandboxAccount, SnapSimulator

from . import codes

PREFIXES: Final = {"bni": "98810", "bri": "77777", "mandiri": "89508"}


def nusapay(callback_url: str, pace: float = 1.0) -> SnapSimulator:
    """A new one, with an account of its own."""
    account = SnapSandboxAccount.made(PREFIXES, partner_id="NP-4711", merchant_id="M-0815")
    return SnapSimulator(
        "nusapay", codes.PROFILE, codes.CHANNELS, account, callback_url, pace=pace, expired=codes.EXPIRED
    )
