"""What a merchant configures: read, resolved and checked. Errors name gateway and key, never the value."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from paygate.breaker import FAILURES, REST_SECONDS
from paygate.errors import ConfigurationError
from paygate.hints import meant
from paygate.methods import METHODS, EWallet, Retail, VirtualAccount
from paygate.redaction import Secret
from paygate.sections import number, pointed_at, section_of, unknown
from paygate.sharing_settings import SharingSettings, sharing_settings
from paygate.store_settings import StoreSettings, store_settings

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SECTIONS: Final = ("gateways", "routes", "store", "credentials")
PLACE: Final = re.compile(r"\$\.(\w+)(.*)`")
"""Where msgspec found something wrong: the key, and the way on within its value."""

EXPECTED: Final = re.compile(r"Expected `([^`]*)`(?:, got `([^`]*)`)?")
COMPOUND: Final = ("object", "array")
NUMBERS: Final = ("int", "float", "bool")

HOST_KEYS: Final = ("adapter", "timeout_seconds", "max_in_flight", "breaker_failures", "breaker_seconds")
WHOLE: Final = ("max_in_flight", "breaker_failures")
OTHER: Final = "other"
"""In `[routes]`: the banks, wallets or stores of a method that have no route of their own."""

BRANDED: Final = (EWallet, VirtualAccount, Retail)
R = TypeVar("R")
Routes: TypeAlias = Mapping[tuple[str, str], tuple[str, ...]]
"""Gateways in order, by method and brand; the brand is "" for a whole method."""


class GatewaySettings(Struct, frozen=True, kw_only=True):
    """One `[gateways.NAME]`: which adapter, what paygate itself needs, and the adapter's own part."""

    name: str
    adapter: str
    timeout_seconds: float = 10.0
    max_in_flight: int = 100
    breaker_failures: int = FAILURES
    breaker_seconds: float = REST_SECONDS
    own: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"GatewaySettings({self.name!r}, adapter={self.adapter!r}, keys={sorted(self.own)})"

    def fitted(self, shape: type[Struct]) -> Any:
        """The adapter's own part, checked against its Settings struct."""
        known = tuple(msgspec.structs.fields(shape))
        for key in self.own:
            unknown(f"gateways.{self.name}", key, "this adapter", known_keys(known), self.name)
        for field in known:
            if field.required and field.encode_name not in self.own:
                raise _wrong(self.name, field.encode_name, "is missing; add it")
        try:
            return msgspec.convert(dict(self.own), shape, dec_hook=_secret)
        except msgspec.ValidationError as error:
            place = PLACE.search(str(error))
            raise _wrong(self.name, place[1] if place else "settings", _form(str(error), place)) from None


class Settings(Struct, frozen=True, kw_only=True):
    """A whole configuration: its gateways by name, and which ones take which method, in order.

    `credentials` is the Redis that keeps them for all processes; None where each process keeps its own.
    `store` is where charges and callbacks are kept; None where they are not.
    """

    gateways: Mapping[str, GatewaySettings]
    routes: Routes
    credentials: SharingSettings | None = None
    store: StoreSettings | None = None


def from_file(path: str | os.PathLike[str]) -> Settings:
    """Read a TOML file; `{file = …}` in it is relative to the file's own folder."""
    import tomllib

    file = Path(path)
    try:
        with file.open("rb") as stream:
            document = tomllib.load(stream)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: is not TOML ({error})") from None
    return from_mapping(document, folder=file.parent)


def from_mapping(document: Mapping[str, Any], folder: str | os.PathLike[str] = ".") -> Settings:
    """Check a configuration that is a mapping already; raise ConfigurationError."""
    for section in document:
        if section not in SECTIONS:
            raise ConfigurationError(f"[{section}] is not a section paygate knows{meant(section, SECTIONS)}")
    tables = document.get("gateways")
    if not isinstance(tables, Mapping) or not tables:
        raise ConfigurationError("no gateway is configured: add [gateways.main]")
    resolved = _all_resolved(tables, Path(folder))
    credentials = section_of(document, "credentials", Path(folder))
    store = section_of(document, "store", Path(folder))
    gateways = {name: _gateway(name, table) for name, table in resolved.items()}
    return Settings(
        gateways=gateways,
        routes=_routes(document.get("routes", {}), gateways),
        credentials=sharing_settings(credentials) if credentials is not None else None,
        store=store_settings(store, Path(folder)) if store is not None else None,
    )


def _all_resolved(tables: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Every gateway's values resolved; what cannot be found is told together, in a line each."""
    resolved, problems, gateways = {}, [], []
    for name, table in tables.items():
        resolved[name] = values = dict(table) if isinstance(table, Mapping) else table
        for key, value in table.items() if isinstance(table, Mapping) else ():
            try:
                values[key] = pointed_at(f"gateways.{name}.{key}", value, folder, name)
            except ConfigurationError as error:
                problems.append(error.what)
                gateways.append(name)
    if problems:
        raise ConfigurationError("\n".join(problems), gateway=gateways[0] if len({*gateways}) == 1 else None)
    return resolved


def _gateway(name: str, table: Any) -> GatewaySettings:
    if NAME.fullmatch(name) is None:
        raise ConfigurationError(
            f"[gateways.{name}]: use a name of lower-case letters, digits, '-' and '_', at most 64"
        )
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"[gateways.{name}] is not a table")
    values = dict(table)
    host = {key: values.pop(key) for key in HOST_KEYS if key in values}
    if not isinstance(host.get("adapter"), str):
        raise _wrong(name, "adapter", 'is missing; add it, as in adapter = "ayolinx"')
    for key in HOST_KEYS[1:]:
        if key in host:
            number(f"gateways.{name}.{key}", host[key], whole=key in WHOLE, gateway=name)
    return GatewaySettings(name=name, own=values, **host)


def _routes(table: Any, gateways: Mapping[str, GatewaySettings]) -> Routes:
    if not isinstance(table, Mapping):
        raise ConfigurationError("[routes] is not a table")
    kinds = {method.kind: method for method in METHODS}
    routes = {}
    for kind, given in table.items():
        if kind not in kinds:
            raise ConfigurationError(f"routes.{kind}: is not a method{meant(kind, kinds)}")
        if not isinstance(given, Mapping):
            routes[kind, ""] = _in_order(kind, given, gateways)
            continue
        if kinds[kind] not in BRANDED:
            raise ConfigurationError(f'routes.{kind}: takes a list of gateways, as in {kind} = ["main"]')
        for brand, names in given.items():
            if not isinstance(brand, str) or not brand:
                raise ConfigurationError(f'routes.{kind}: takes names, as in {kind}.other = ["main"]')
            routes[kind, brand] = _in_order(f"{kind}.{brand}", names, gateways)
    return routes


def route_of(routes: Mapping[tuple[str, str], R], kind: str, brand: str) -> R | None:
    """What stands in some routes for a method: for this brand, else for all others, else for the whole."""
    places = ((kind, brand), (kind, OTHER), (kind, ""))
    return next((routes[place] for place in places if place in routes), None)


def _in_order(place: str, names: Any, gateways: Mapping[str, GatewaySettings]) -> tuple[str, ...]:
    """The gateways of one route; each is there, and none twice."""
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f'routes.{place}: is a list of gateways, as in {place} = ["main", "backup"]')
    for name in names:
        if name not in gateways:
            raise ConfigurationError(f"routes.{place}: no gateway is named {name!r}{meant(name, gateways)}")
    if len(set(names)) < len(names):
        raise ConfigurationError(f"routes.{place}: names a gateway twice")
    return tuple(names)


def known_keys(fields: tuple[msgspec.structs.FieldInfo, ...]) -> tuple[str, ...]:
    """The keys that a gateway's table may have."""
    return (*HOST_KEYS, *(field.encode_name for field in fields))


def _secret(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    kinds = {Mapping: "object", list: "array"}
    told = next((name for one, name in kinds.items() if isinstance(value, one)), type(value).__name__)
    raise TypeError(f"Expected `str`, got `{told}`")  # msgspec adds the place


def _form(told: str, place: re.Match[str] | None) -> str:
    """What is wrong with a value's form, and how to write it; never the value.

    msgspec quotes some wrong values, which may be a secret in the wrong place: only types are repeated.
    """
    types = EXPECTED.match(told)
    if types is None:
        return "has the wrong form"
    expected, got = types[1].split(" ")[0], types[2]
    cure = ""
    if expected == "str" and got not in COMPOUND:
        cure = "; write it in quotes"
    elif expected == "str" and place is not None and not place[2]:
        cure = '; write a text, { env = "NAME" } or { file = "path" }'
    elif expected in NUMBERS and got == "str":
        cure = "; write it without quotes"
    return f"has the wrong type or form (Expected `{types[1]}`){cure}"


def _wrong(gateway: str, key: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"gateways.{gateway}.{key}: {why}", gateway=gateway)
