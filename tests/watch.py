"""The watch for secrets: what must not be seen, and every error that was made."""

import traceback
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
    """All that an error can tell: its traceback without the lines of programs, which tell no value."""
    return "\n".join(
        [
            str(error),
            repr(error),
            error.message("id"),
            repr(error.context),
            *traceback.format_exception(error, limit=0),
        ]
    )
