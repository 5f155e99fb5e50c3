"""The watch for secrets: what must not be seen, and every error that was made."""

import traceback
from collections.abc import Iterator
from typing import Any

from paygate import PaygateError

CANARIES: set[str] = set()
"""Secret values that must never be seen; tests add theirs."""

RAISED: list[PaygateError] = []


def _watched(error: PaygateError, *args: Any, **context: Any) -> None:
    _original(error, *args, **context)
    RAISED.append(error)


_original = PaygateError.__init__
PaygateError.__init__ = _watched  # type: ignore[assignment, method-assign]


def leaks(text: str) -> list[str]:
    """The canaries in a text, cut short so as not to print them again."""
    return [f"{canary[:9]}…" for canary in CANARIES if canary in text]


def told_by(error: PaygateError) -> str:
    """All that an error can tell: its own words, and those of what a traceback would show before it."""
    return "\n".join([str(error), repr(error), error.message("id"), repr(error.context), *_shown(error)])


def _shown(error: BaseException) -> Iterator[str]:
    """What a traceback shows, but for the lines of programs, which cost much and tell no value."""
    shown: BaseException | None = error
    seen: set[int] = set()
    while shown is not None and id(shown) not in seen:
        seen.add(id(shown))
        yield from traceback.format_exception_only(shown)
        if isinstance(shown, BaseExceptionGroup):
            for one in shown.exceptions:
                yield from _shown(one)
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)
