"""Moments of the tables: microseconds, and what is reckoned with them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from paygate.redaction import Secret
from paygate.store.moments import EPOCH, LAST, MICRO, Clock, micros, moment
from paygate.store_settings import StoreSettings

SETTINGS = StoreSettings(url=Secret("sqlite:///paygate.db"), lease_seconds=90, grace_seconds=180)


@given(at=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda one: one.replace(tzinfo=UTC)))  # noqa: DTZ001
def test_a_moment_is_told_to_the_microsecond(at: datetime) -> None:
    """No float is in between."""
    assert at == moment((at - EPOCH) // timedelta(microseconds=1))


def test_what_is_later_than_any_time_is_told_as_the_last() -> None:
    """It must not hide what else is listed."""
    assert LAST == moment(micros(LAST.timestamp()) + MICRO)


@given(asked=st.integers(0, 400), answered=st.integers(0, 1000))
def test_a_no_is_believed_by_when_it_was_asked(asked: int, answered: int) -> None:
    """From the end of the grace time after the sending on, however long the answer took."""
    seconds = [1_000.0]
    clock = Clock(SETTINGS, lambda: seconds[0])
    sent_at = clock.now()
    seconds[0] += asked
    lease = clock.lease(clock.now())
    seconds[0] += answered
    assert clock.is_believed(sent_at, lease) is (asked >= 180)
