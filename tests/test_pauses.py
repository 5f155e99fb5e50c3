"""Pauses: longer each time, within bounds, and with chance in them where many would wait alike."""

from hypothesis import given
from hypothesis import strategies as st

from paygate.pauses import LONGEST_LOOK, SHORTEST_LOOK, doubling, growing, jittered, pauses, scattered


def test_they_double_from_the_first_to_the_longest() -> None:
    """The first failure brings the first pause."""
    assert [5, 10, 20, 40, 60, 60] == [doubling(failures, 5, 60) for failures in range(1, 7)]


@given(st.integers(1, 10**9))
def test_they_stay_the_longest_however_often_it_failed(failures: int) -> None:
    """Also where no float could hold so many doublings: a worker whose store is away for days goes on."""
    assert 1.0 <= doubling(failures, 1.0, 30.0) <= 30.0
    assert 30.0 == doubling(failures + 5, 1.0, 30.0)


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_they_grow_with_what_was_waited(first: float, second: float) -> None:
    """Half of it, never outside the bounds, and never less for more."""
    one, other = sorted([first, second])
    assert 5.0 <= growing(one, 5.0, 3600.0) <= growing(other, 5.0, 3600.0) <= 3600.0
    assert [5.0, 50.0, 3600.0] == [growing(waited, 5.0, 3600.0) for waited in (0.0, 100.0, 1e6)]


def test_chance_keeps_them_apart() -> None:
    """A quarter more or less, or anything up to the whole; hardly ever the same twice."""
    near, far = [jittered(100.0) for _ in range(200)], [scattered(100.0) for _ in range(200)]
    assert all(75.0 <= seconds <= 125.0 for seconds in near)
    assert all(0.0 <= seconds <= 100.0 for seconds in far)
    assert min(len(set(near)), len(set(far))) > 150
    assert min(far) < 50.0 < max(far)


@given(st.floats(0.05, 600))
def test_looks_go_on_until_any_lease_has_ended(lease_seconds: float) -> None:
    """And not much longer than that."""
    seconds = list(pauses(lease_seconds))
    assert (SHORTEST_LOOK, sorted(seconds)) == (seconds[0], seconds)
    assert lease_seconds < sum(seconds) <= lease_seconds + LONGEST_LOOK + 1e-6
