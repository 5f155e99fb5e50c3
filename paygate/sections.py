"""The sections of a configuration: what `{ env = … }` and `{ file = … }` point at, and what all check alike.

Errors name the section and the key, never the value.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from paygate.errors import ConfigurationError
from paygate.hints import meant

MILLION: Final = 1_000_000


def pointed_at(place: str, value: Any, folder: Path, gateway: str | None = None) -> Any:
    """A value, or what it points at; an error names the place, as "gateways.main.api_key"."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return value
    kind, where = next(iter(value.items()))
    if kind not in ("env", "file"):
        return value

    def wrong(why: str) -> ConfigurationError:
        return ConfigurationError(f"{place}: {why}", gateway=gateway)

    if not isinstance(where, str):
        raise wrong(f"{kind} takes a text")
    if kind == "env":
        found = os.environ.get(where)
        if found is None:
            raise wrong(f"environment variable {where} is not set: export it")
    else:
        try:
            found = (folder / where).read_text("utf-8")
        except OSError as error:
            raise wrong(f"file {where} cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise wrong(f"file {where} is not text") from None
    if not found.strip():
        raise wrong(f"{kind} {where} is empty")
    return found.strip()


def section_of(document: Mapping[str, Any], name: str, folder: Path) -> dict[str, Any] | None:
    """A section of a configuration with what its values point at; None where it is left out."""
    table = document.get(name)
    if table is None:
        return None
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"[{name}] is not a table")
    return {key: pointed_at(f"{name}.{key}", value, folder) for key, value in table.items()}


def unknown(place: str, key: str, owner: str, known: Iterable[str], gateway: str | None = None) -> None:
    """Refuse a key that its section does not have; raise ConfigurationError.

    `owner` is whose setting it is not, as "the store".
    """
    names = list(known)
    if key not in names:
        raise ConfigurationError(
            f"{place}.{key}: is not a setting of {owner}{meant(key, names)}", gateway=gateway
        )


def number(
    place: str,
    value: Any,
    *,
    whole: bool = False,
    least: float | None = None,
    most: float = MILLION,
    gateway: str | None = None,
) -> Any:
    """A number within its bounds; raise ConfigurationError. Without a `least` it is above zero."""
    is_number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if is_number and value <= most and (value > 0 if least is None else value >= least):
        return value
    what = "a whole number" if whole else "a number"
    bound = "above zero" if least is None else f"of at least {least:g}"
    limit = "a million" if most == MILLION else f"{most:g}"
    raise ConfigurationError(f"{place}: must be {what} {bound}, and no more than {limit}", gateway=gateway)
