"""What is tried: the methods that an adapter serves, and what it can do for each."""

from collections.abc import Iterable, Sequence
from typing import Any

from paygate import capabilities
from paygate.methods import METHODS, SAMPLES, Method


def methods_of(adapter: type[Any]) -> tuple[Method, ...]:
    """Every brand that an adapter names in `create_charge`; one of each method that it serves as a whole."""
    mark: Iterable[type[Method] | Method] = getattr(
        getattr(adapter, "create_charge", None), "paygate_methods", METHODS
    )
    return tuple(SAMPLES[one] if isinstance(one, type) else one for one in mark)


class Abilities:
    """What an adapter can do, by operation and method, read off its marks."""

    def __init__(self, adapter: type[Any], methods: Sequence[Method]) -> None:
        self.methods = tuple(methods)
        self._served = capabilities.of_adapter(adapter)

    def can(self, operation: str, method: Method) -> bool:
        """Whether it offers an operation for a method."""
        return method in self._served.get(operation, capabilities.NOTHING)

    def able(self, operations: Iterable[str]) -> tuple[Method, ...]:
        """The methods for which it offers all of these operations."""
        return tuple(one for one in self.methods if all(self.can(name, one) for name in operations))


def one_of_each_kind(methods: Iterable[Method]) -> tuple[Method, ...]:
    """The first brand of each method."""
    found: dict[type[Method], Method] = {}
    for method in methods:
        found.setdefault(type(method), method)
    return tuple(found.values())


def name_of(method: Method) -> str:
    """A method as it stands in the id of a test: "qris", "virtual_account_bni"."""
    return f"{method.kind}_{method.brand}" if method.brand else method.kind
