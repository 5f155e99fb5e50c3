"""What helps a person to find a fault at Ayolinx: what its settings lack."""

from collections.abc import Iterator

from paygate import Finding
from paygate.snap import is_hard_to_guess, setting_findings
from paygate_ayolinx import codes
from paygate_ayolinx.settings import AYOLINX, Settings

__all__ = ["findings", "is_hard_to_guess"]


def findings(settings: Settings) -> Iterator[Finding]:
    """What could not be refused at start, and may still be wrong."""
    return setting_findings(
        settings,
        AYOLINX.name,
        codes.BANKS,
        "charges by e-wallet need it, and the others are called back at the portal's address",
    )
