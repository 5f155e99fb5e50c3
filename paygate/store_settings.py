"""What a merchant configures of the store: `[store]`. Errors name the key, never the value."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import fields

from paygate.errors import ConfigurationError
from paygate.redaction import Secret
from paygate.sections import number, unknown

LEAST: Final[Mapping[str, float]] = {"lease_seconds": 1, "grace_seconds": 0}
"""The least of what may not be any number above zero."""

FILE: Final = re.compile(r"(sqlite(?:\+\w+)?:///)([^?]+)(.*)", re.DOTALL)


class StoreSettings(Struct, frozen=True, kw_only=True):
    """`[store]`: where charges and callbacks are kept, and how long things may take.

    `url` may hold a password. `lease_seconds` is how long one process may be at work on a charge before
    another asks the provider how it stands. `grace_seconds` is how long after the last sending "no such
    charge" is not yet believed. `overdue_seconds` is when a charge without an end of its own is first asked
    about. A handler that fails is called up to `attempts` times. `redact` names members of bodies, by their
    JSON key in any letter case, whose values are not kept. After `keep_days` bodies and headers are purged.
    """

    url: Secret
    connections: int = 10
    lease_seconds: float = 90.0
    grace_seconds: float = 180.0
    overdue_seconds: float = 3600.0
    attempts: int = 12
    redact: tuple[str, ...] = ()
    keep_days: float = 400.0


def store_settings(table: Any, folder: Path = Path()) -> StoreSettings:
    """Check a `[store]` whose values are resolved; raise ConfigurationError.

    A SQLite file is relative to `folder`.
    """
    if not isinstance(table, Mapping):
        raise ConfigurationError("[store] is not a table")
    known = {field.name: field for field in fields(StoreSettings)}
    for key in table:
        unknown("store", key, "the store", known)
    url = table.get("url")
    if not isinstance(url, str) or not url:
        raise ConfigurationError('store.url: is missing; add it, as in url = "sqlite:///paygate.db"')
    given: dict[str, Any] = {**table, "url": Secret(_within(folder, url))}
    for key in given.keys() - {"url", "redact"}:
        number(f"store.{key}", given[key], whole=known[key].type is int, least=LEAST.get(key))
    names = given.get("redact", ())
    if not isinstance(names, (list, tuple)) or not all(isinstance(one, str) and one for one in names):
        raise ConfigurationError('store.redact: is a list of names, as in redact = ["customerName"]')
    return StoreSettings(**{**given, "redact": tuple(one.lower() for one in names)})


def _within(folder: Path, url: str) -> str:
    """An address whose file, where it is one, is the same wherever the program runs."""
    parts = FILE.fullmatch(url)
    if parts is None or parts[2] == ":memory:" or Path(parts[2]).is_absolute():
        return url
    place = str((folder / parts[2]).absolute())
    if "?" in place:
        raise ConfigurationError("store.url: the path of the file has a question mark: name another one")
    return f"{parts[1]}{place}{parts[3]}"
