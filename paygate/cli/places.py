"""A gateway's place in the routes, method by method."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from paygate.diagnosis import Finding, Verdict
from paygate.methods import label
from paygate.settings import Routes, route_of

ROUTES: Final = "routes"

Methods: TypeAlias = Sequence[tuple[str, dict[str, bool]]]
"""What a gateway's adapter can do by method, as `paygate.capabilities.table` has it."""


WORDS: Final = {
    "create_charge": "charge",
    "query": "query",
    "cancel": "cancel",
    "refund": "refund",
    "partial_refund": "in parts too",
}


class Place(Struct, frozen=True):
    """What one gateway does for a method, or a brand of it, and where charges by it go.

    `route` are the gateways that such a charge is offered to, in order; `is_told` is whether `[routes]` says
    so. Nobody decides where it is not told and several can: then `route` is empty.
    """

    gateway: str
    kind: str
    brand: str
    can: dict[str, bool]
    route: tuple[str, ...]
    is_told: bool

    @property
    def number(self) -> int | None:
        """Which one in the route this gateway is, from 1; None where it is not in it."""
        return self.route.index(self.gateway) + 1 if self.gateway in self.route else None

    @property
    def abilities(self) -> str:
        """What can be asked for, in words."""
        return ", ".join(word for name, word in WORDS.items() if self.can[name]) or "nothing"

    @property
    def said(self) -> str:
        """The place in words."""
        if not self.can["create_charge"]:
            return "-"
        if not self.route:
            return "none, though several can"
        if self.number is None:
            return f"not in it: {', '.join(self.route)}"
        if len(self.route) > 1:
            return f"{self.number} of {len(self.route)}: {', '.join(self.route)}"
        return "this alone" if self.is_told else "none: no other can"

    def plain(self) -> dict[str, Any]:
        """For programs."""
        method = {"method": label(self.kind, self.brand), **self.can}
        return {**method, "route": [*self.route], "is_routed": self.is_told, "place": self.number}


def places(gateway: str, methods: Mapping[str, Methods], routes: Routes) -> Iterator[Place]:
    """The places of a gateway: `methods` are those of all gateways, by name."""
    for name, can in methods.get(gateway, ()):
        kind, _, brand = name.partition(" ")
        named = route_of(routes, kind, brand)
        if named is not None:
            able = tuple(name for name in named if name not in methods or takes(methods[name], kind, brand))
            yield Place(gateway, kind, brand, can, able, is_told=True)
            continue
        able = tuple(name for name, own in methods.items() if takes(own, kind, brand))
        yield Place(gateway, kind, brand, can, able if len(able) == 1 else (), is_told=False)


def route_findings(methods: Mapping[str, Methods], routes: Routes) -> Iterator[Finding]:
    """How charges go on from gateway to gateway, and what several gateways take without a route."""
    for (kind, brand), names in routes.items():
        if len(names) > 1:
            what = f"{label(kind, brand)} goes to {', then to '.join(names)}"
            yield Finding(ROUTES, Verdict.GOOD, what)
    open_ones: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for gateway in methods:
        for place in places(gateway, methods, routes):
            if place.can["create_charge"] and not place.route:
                able = tuple(name for name, own in methods.items() if takes(own, place.kind, place.brand))
                brands = open_ones.setdefault((place.kind, able), [])
                if place.brand not in brands:
                    brands.append(place.brand)
    for (kind, able), brands in open_ones.items():
        yield Finding(
            ROUTES,
            Verdict.UNSURE,
            f"several gateways take {kind} {', '.join(brands)}".rstrip()
            + f", and no route decides: {', '.join(able)}",
            f"Add one, as in {kind} = {json.dumps(able)} below [routes], or name a gateway with each charge.",
        )


def takes(methods: Methods, kind: str, brand: str) -> bool:
    """Whether a gateway that can do this takes new charges of a brand, by itself or with the whole method."""
    return any(can["create_charge"] for name, can in methods if name in {kind, label(kind, brand)})
