"""Providers as they are: a charge that is made is known to those who ask a while later."""

import json
import zlib
from typing import Any, Final

import httpx
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate.sandbox import PretendCharge

LATE_OF: Final = 3
"""Of so many charges one is known late."""


def lag(simulator: Any, seconds: float) -> None:
    """Let some charges be found only so many seconds after they were made."""
    ledger = simulator.ledger
    found_at_once = ledger.find

    def find(reference: str) -> PretendCharge | None:
        charge: PretendCharge | None = found_at_once(reference)
        if charge is None or zlib.crc32(reference.encode()) % LATE_OF:
            return charge
        age = (simulator._books.now() - charge.created_at).total_seconds()
        return charge if age >= seconds else None

    ledger.find = find


class Register:
    """With which numbers each charge was sent to the pretend Ayolinx, what was lost on the way included."""

    def __init__(self, simulator: AyolinxSimulator) -> None:
        self.numbers: set[tuple[str, str]] = set()
        operation = simulator.operation

        def noted(request: httpx.Request) -> str | None:
            asked = operation(request)
            if asked == "create_charge":
                body = json.loads(request.content)
                reference = body.get("partnerReferenceNo") or body["trxId"]
                self.numbers.add((reference, request.headers["X-EXTERNAL-ID"]))
            return asked

        simulator.operation = noted  # type: ignore[method-assign]
