"""Faults with a proof that covers less than the call tells: whether its status may be believed."""

from paygate import Callback, CallbackRequest
from tests.conformance.faulty.registry import caught_by
from tests.conformance.sound.adapter import Lontar
from tests.conformance.sound.asking import AskingKit, AskingLontar


@caught_by(
    "unproven_status_is_not_believed",
    "in its body was believed without asking",
    "tampered_callbacks_are_rejected",
    kit=AskingKit,
)
class BelievesAnUnprovenStatus(AskingLontar):
    """Believes a status that the signature does not cover (Midtrans' hash leaves it out)."""

    def _parse(self, request: CallbackRequest) -> Callback:
        return Lontar._parse(self, request)
