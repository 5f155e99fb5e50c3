"""The merchant's functions, looked at before they are called: whether to await them, and what they take."""

from collections.abc import Callable
from inspect import Parameter, isawaitable, iscoroutinefunction, signature
from typing import Any, Final

POSITIONAL: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


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
