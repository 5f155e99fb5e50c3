import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import OutcomeUnknown, PaygateError, RateLimited, Retry, Unreachable
from paygate.operation import Operation
from paygate.retrying import repeat
from tests.provider import QUICK


def test_the_first_failure_counts_as_an_attempt() -> None:
    """Three attempts in all are two more after the first failure; the last error is raised."""
    calls = []

    def attempt() -> None:
        calls.append(1)
        raise Unreachable(f"attempt {len(calls) + 1}")

    with pytest.raises(Unreachable, match="attempt 3"):
        repeat(Unreachable("attempt 1"), attempt, lambda _: True, QUICK)
    assert 2 == len(calls)


def test_an_error_that_may_not_be_repeated_ends_it_at_once() -> None:
    """Each new failure is judged anew."""

    def attempt() -> None:
        raise OutcomeUnknown("lost")

    with pytest.raises(OutcomeUnknown):
        repeat(Unreachable("x"), attempt, lambda error: isinstance(error, Unreachable), QUICK)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, ValueError])
def test_nothing_but_our_own_errors_is_ever_repeated(kind: type[BaseException]) -> None:
    """A cancellation or a bug goes through at once."""
    calls = []

    def attempt() -> None:
        calls.append(1)
        raise kind

    with pytest.raises(kind):
        repeat(Unreachable("x"), attempt, lambda _: True, QUICK)
    assert 1 == len(calls)


def test_a_single_attempt_repeats_nothing() -> None:
    """`Retry(attempts=1)` switches repetition off."""
    with pytest.raises(Unreachable):
        repeat(Unreachable("x"), lambda: pytest.fail("repeated"), lambda _: True, Retry(attempts=1))


ERRORS: list[PaygateError] = [Unreachable("x"), RateLimited("x"), OutcomeUnknown("x")]


@given(
    st.sampled_from(ERRORS), st.lists(st.sampled_from(["answered", "lost", "refused to connect"]), max_size=3)
)
def test_what_changes_something_is_repeated_only_if_nothing_was_done(
    error: PaygateError, past: list[str]
) -> None:
    """A changing operation is repeated after "never left", or after one answer that said "too many"."""
    operation: Operation[None] = Operation("main", "create_charge", lambda: None, changes=True)  # type: ignore[arg-type, return-value]
    for event in past:
        if event == "answered":
            operation.answered(httpx.Response(429))
        else:
            operation.failed(Unreachable("x") if event == "refused to connect" else OutcomeUnknown("x"))
    verdict = operation.verdict(error)
    allowed = operation.may_repeat(verdict)
    sent = [event for event in past if event != "refused to connect"]
    if isinstance(error, Unreachable):
        assert allowed == (not sent)
    elif isinstance(error, RateLimited):
        assert allowed == (sent == ["answered"])
    else:
        assert not allowed
