"""A provider of the other kind keeps the same promises: no login, no channels, wallets, calls with a token."""

from paygate.conformance.snap import SnapConformance
from tests.snap.dompet import PROFILE, Dompet


class TestDompet(SnapConformance):
    """Dompet keeps paygate's promises."""

    adapter = Dompet
    profile = PROFILE
