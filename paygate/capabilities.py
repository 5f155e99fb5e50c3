"""What an adapter can do, read off its implementations: per operation, and per method within it."""

from collections.abc import Iterable
from typing import Any, Final

from paygate.methods import METHODS, Method, label

OPERATIONS: Final = ("create_charge", "query", "cancel", "refund", "partial_refund", "parse_callback")


class Served:
    """The methods that one implementation serves: whole ones, or some banks, wallets or stores of one."""

    __slots__ = ("_brands", "_whole")

    def __init__(self, methods: Iterable[type[Method] | Method] = METHODS) -> None:
        marks = tuple(methods)
        self._whole = frozenset(mark for mark in marks if isinstance(mark, type))
        self._brands = frozenset((type(mark), mark.brand) for mark in marks if not isinstance(mark, type))

    def covers(self, kind: type[Method], brand: str) -> bool:
        """Whether it serves this brand of a method, by itself or with the whole method."""
        return kind in self._whole or (kind, brand) in self._brands

    def __contains__(self, method: Method | None) -> bool:
        return method is not None and self.covers(type(method), method.brand)

    def takes(self, kind: type[Method]) -> bool:
        """Whether it serves this kind of method, or at least one brand of it."""
        return kind in self._whole or any(kind is one for one, _ in self._brands)

    def brands(self, kind: type[Method]) -> frozenset[str]:
        """The brands of a method that it names; none where it serves the whole method, or nothing of it."""
        return frozenset(brand for one, brand in self._brands if one is kind)


NOTHING: Final = Served(())


def served_by(implementation: Any) -> Served:
    """What an implementation serves, by its mark (`for_methods`); everything where it has none."""
    return Served(getattr(implementation, "paygate_methods", METHODS))


def parts_of(implementation: Any) -> Served:
    """For what an implementation of `refund` gives back a part, by its mark (`in_part_for`)."""
    return Served(getattr(implementation, "paygate_parts", ()))


def of_adapter(kind: type[Any]) -> dict[str, Served]:
    """What each operation of an adapter class serves; an operation that it leaves out is not there."""
    found = {name: getattr(kind, name, None) for name in OPERATIONS}
    served = {name: served_by(one) for name, one in found.items() if hasattr(one, "paygate_impl")}
    if "refund" in served:
        served["partial_refund"] = parts_of(found["refund"])
    return served


def table(kind: type[Any]) -> list[tuple[str, dict[str, bool]]]:
    """An adapter's capabilities as rows: a method, with its brand where it has some, and each operation.

    `[("qris", {"create_charge": True, ...}), ("virtual_account bni", {...}), ...]`
    """
    served = of_adapter(kind)
    rows = []
    for method in METHODS:
        named = {brand for one in served.values() for brand in one.brands(method)}
        for brand in sorted({"", *named}):
            row = {name: name in served and served[name].covers(method, brand) for name in OPERATIONS}
            if row["create_charge"] or row["query"]:
                rows.append((label(method.kind, brand), row))
    return rows
