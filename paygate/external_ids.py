"""X-EXTERNAL-IDs: numbers that nobody else uses."""

import os
import time
from collections.abc import Callable
from typing import Final

NEXT_EXTERNAL_ID: Final = "next_external_id"
"""The extension of a request that brings the number to sign it with; one that is taken is gone."""


def external_id(clock: Callable[[], float] = time.time) -> str:
    """A new X-EXTERNAL-ID: 33 digits, milliseconds and 64 random bits.

    Numeric and at most 36, which satisfies every edition of SNAP BI; unique in the day over all processes
    without asking anybody, also after a fork.
    """
    return f"{int(clock() * 1000):013d}{int.from_bytes(os.urandom(8)):020d}"
