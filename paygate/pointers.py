"""What `{ env = … }` and `{ file = … }` in a configuration point at."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paygate.errors import ConfigurationError


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
