"""One gateway's plugin manager: its adapter and its listeners, checked before anything is asked."""

import inspect
import re
from collections.abc import Sequence
from typing import Final

import pluggy

from paygate.errors import PluginError
from paygate.hints import meant
from paygate.hookspecs import ANNOUNCEMENTS, QUESTIONS, Hooks

UNKNOWN_HOOK: Final = re.compile(r"unknown hook '(\w+)'")
UNKNOWN_ARGUMENTS: Final = re.compile(r"for hook '(\w+)'.*Argument\(s\) \{(.*?)\}", re.DOTALL)
"""How pluggy words what does not fit its specifications."""


def registered(gateway: str, adapter: object, listeners: Sequence[object]) -> pluggy.PluginManager:
    """A manager with this adapter and these listeners; raise PluginError for one that breaks a rule."""
    manager = pluggy.PluginManager("paygate")
    manager.add_hookspecs(Hooks)
    try:
        manager.register(adapter)
        for listener in listeners:
            manager.register(listener)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise PluginError(_explained(str(error)), gateway=gateway) from None
    for name in QUESTIONS:
        for impl in getattr(manager.hook, name).get_hookimpls():
            if impl.plugin is not adapter or impl.wrapper or impl.hookwrapper:
                raise PluginError(
                    f"{type(impl.plugin).__qualname__} answers {name}: only the adapter answers questions, "
                    "and nothing wraps them",
                    gateway=gateway,
                )
    for name in ANNOUNCEMENTS:
        for impl in getattr(manager.hook, name).get_hookimpls():
            if impl.wrapper or impl.hookwrapper or inspect.iscoroutinefunction(impl.function):
                raise PluginError(
                    f"{type(impl.plugin).__qualname__}.{name}: a listener is a plain function",
                    gateway=gateway,
                )
    if not manager.hook.authorize.get_hookimpls():
        raise PluginError("the adapter has no `authorize`", gateway=gateway)
    return manager


def _explained(text: str) -> str:
    """What pluggy found, with the hook or the argument that was probably meant."""
    known = (*QUESTIONS, *ANNOUNCEMENTS)
    hook = UNKNOWN_HOOK.search(text)
    if hook is not None:
        return f"unknown hook {hook[1]!r}{meant(hook[1], known)}"
    arguments = UNKNOWN_ARGUMENTS.search(text)
    if arguments is not None:
        name, odd = arguments[1], ", ".join(sorted(re.findall(r"\w+", arguments[2])))
        code = getattr(Hooks, name).__code__
        return f"hook {name!r} has no argument {odd!r}{meant(odd, code.co_varnames[1 : code.co_argcount])}"
    return " ".join(text.split())
