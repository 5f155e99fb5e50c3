"""How often a failure is repeated, and how long we wait. Which failures may be is for `Operation` to say.

tenacity takes over only after a first failure: a call that succeeds pays nothing for it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from msgspec import Struct

from paygate.errors import PaygateError

R = TypeVar("R")


class Retry(Struct, frozen=True, kw_only=True):
    """How long to go on: at most `attempts` in all.

    None begins later than `deadline_seconds` after the first one failed.

    Waits grow from about `first_wait_seconds` to `longest_wait_seconds`, with jitter; where the
    provider says how long to wait (Retry-After), no less than that.
    """

    attempts: int = 3
    deadline_seconds: float = 30.0
    first_wait_seconds: float = 0.2
    longest_wait_seconds: float = 5.0


def repeat(
    first: PaygateError,
    attempt: Callable[[], R],
    may_repeat: Callable[[PaygateError], bool],
    retry: Retry,
) -> R:
    """Go on after a first failure until an attempt succeeds or none is left; raise the last error."""
    from tenacity import Retrying

    failed = [first]

    def next_attempt() -> R:
        if failed:
            raise failed.pop()
        return attempt()

    return Retrying(**_rules(may_repeat, retry))(next_attempt)


async def repeat_async(
    first: PaygateError,
    attempt: Callable[[], Awaitable[R]],
    may_repeat: Callable[[PaygateError], bool],
    retry: Retry,
) -> R:
    """As `repeat`, without blocking the loop."""
    import anyio
    from tenacity import AsyncRetrying

    failed = [first]

    async def next_attempt() -> R:
        if failed:
            raise failed.pop()
        return await attempt()

    return await AsyncRetrying(sleep=anyio.sleep, **_rules(may_repeat, retry))(next_attempt)


def _rules(may_repeat: Callable[[PaygateError], bool], retry: Retry) -> dict[str, Any]:
    import tenacity

    backoff = tenacity.wait_random_exponential(
        multiplier=retry.first_wait_seconds, max=retry.longest_wait_seconds
    )

    def may_repeat_it(error: BaseException) -> bool:
        return isinstance(error, PaygateError) and may_repeat(error)

    def wait(state: tenacity.RetryCallState) -> float:
        assert state.outcome is not None
        asked = getattr(state.outcome.exception(), "retry_after", None) or 0.0
        return max(asked, backoff(state))

    return {
        "retry": tenacity.retry_if_exception(may_repeat_it),
        "stop": tenacity.stop_after_attempt(retry.attempts)
        | tenacity.stop_before_delay(retry.deadline_seconds),
        "wait": wait,
        "reraise": True,
    }
