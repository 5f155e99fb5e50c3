"""Moments as the tables hold them, in microseconds since 1970 (UTC), and what is reckoned with them."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from paygate.store_settings import StoreSettings

MICRO: Final = 1_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)
"""What is later than any time that can be told is told as this."""


class Clock:
    """The time, how long what is taken is its taker's, and when a provider's "no" is believed."""

    def __init__(self, settings: StoreSettings, seconds: Callable[[], float] = time.time) -> None:
        self._seconds = seconds
        self._lease = micros(settings.lease_seconds)
        self.grace = micros(settings.grace_seconds)

    def now(self) -> int:
        """The time."""
        return round(self._seconds() * MICRO)

    def lease(self, now: int) -> int:
        """When the lease of what is taken now ends."""
        return now + self._lease

    def is_believed(self, sent_at: int, lease_until: int) -> bool:
        """Whether it is believed that a provider does not have what was sent: not within the grace time.

        When it was asked is told by the asker's lease, for the answer may have been long in coming.
        """
        return lease_until - self._lease >= sent_at + self.grace


def micros(seconds: float) -> int:
    """Seconds as the tables hold them."""
    return round(seconds * MICRO)


def moment(micro: int) -> datetime:
    """A moment of the tables as an aware time."""
    try:
        return EPOCH + timedelta(microseconds=micro)
    except OverflowError:
        return LAST
