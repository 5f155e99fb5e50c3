"""One gateway's plugin manager: its adapter and its listeners, checked before anything is asked."""

import inspect
from collections.abc import Sequence

import pluggy

from paygate.errors import PluginError
from paygate.hints import meant
from paygate.hookspecs import ANNOUNCEMENTS, QUESTIONS, Hooks


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
    """Add the hook that a misspelt one probably meant."""
    known = (*QUESTIONS, *ANNOUNCEMENTS)
    for word in text.replace("'", " ").split():
        hint = meant(word, known)
        if word not in known and "did you mean" in hint:
            return text + hint
    return text
