"""The merchant's functions: whether to await them, what they take, and what is written down of a failure."""

from collections.abc import Callable
from inspect import Parameter, isawaitable, iscoroutinefunction, signature
from typing import Any, Final

from paygate.errors import PaygateError
from paygate.redaction import place_of, scrub

ENDED: Final = "the handler ended the transaction that it was lent, or hid that it was broken"
POSITIONAL: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class Ended(Exception):
    """A handler ended the transaction that it was lent, or hid that it was broken: it counts as failed.

    What it committed itself stays, and may be written again.
    """


def is_async(function: Callable[..., object]) -> bool:
    """Whether a function, or an object that is called like one, must be awaited."""
    if not callable(function):
        raise TypeError(f"use a function, not {type(function).__name__}")
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)


def takes_connection(handle: Callable[..., object]) -> bool:
    """Whether a handler of callbacks takes the connection as well; raise TypeError where it takes neither."""
    taken = signature(handle).parameters.values()
    needed = [one for one in taken if one.default is Parameter.empty and one.kind in POSITIONAL]
    is_open = any(one.kind is Parameter.VAR_POSITIONAL for one in taken)
    if len(needed) not in (1, 2) and not (is_open and not needed):
        raise TypeError("a handler takes the callback, or the callback and the connection")
    return len(needed) == 2


def call(function: Callable[..., Any], *arguments: Any) -> None:
    """Call a handler that must have done its work when it returns; raise TypeError for one to be awaited."""
    result = function(*arguments)
    if isawaitable(result):  # a decorator can hide a coroutine function; nothing has been done yet
        getattr(result, "close", lambda: None)()
        raise TypeError("nobody awaits this handler: use a plain function")


def problem_of(error: BaseException) -> str:
    """What is written down of a failure: nothing that may quote a value."""
    if isinstance(error, PaygateError):
        code = f" {scrub(error.provider_code)}" if error.provider_code else ""
        return f"{type(error).__name__}{code}"
    return ENDED if isinstance(error, Ended) else place_of(error)
