"""What a merchant configures of shared credentials: `[credentials]`. Errors name the key, never the value."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import fields

from paygate.errors import ConfigurationError
from paygate.redaction import Secret
from paygate.sections import number, unknown

ADDRESS: Final = re.compile(r"(rediss?|unix)://\S+", re.ASCII)
PREFIX: Final = re.compile(r"[!-~]{1,100}", re.ASCII)
LONGEST_SECONDS: Final = 10.0


class SharingSettings(Struct, frozen=True, kw_only=True):
    """`[credentials]`: the Redis that keeps them for all processes.

    `url` may hold a password. What paygate keeps there has names that begin with `prefix`.
    `timeout_seconds` bounds each step of asking it; a login waits that long at most when it is away.
    """

    url: Secret
    prefix: str = "paygate"
    timeout_seconds: float = 1.0


def sharing_settings(table: Mapping[str, Any]) -> SharingSettings:
    """Check a `[credentials]` whose values are resolved; raise ConfigurationError."""
    known = [field.name for field in fields(SharingSettings)]
    for key in table:
        unknown("credentials", key, "shared credentials", known)
    url = table.get("url")
    if url is None:
        raise _wrong("url", 'is missing; add it, as in url = "redis://127.0.0.1:6379/0"')
    if not isinstance(url, str) or ADDRESS.fullmatch(url) is None:
        raise _wrong("url", 'is no address of a Redis; write it as in "redis://127.0.0.1:6379/0"')
    given = {**table, "url": Secret(url)}
    prefix = given.get("prefix")
    if "prefix" in given and (not isinstance(prefix, str) or PREFIX.fullmatch(prefix) is None):
        raise _wrong("prefix", "is a short text without spaces")
    if "timeout_seconds" in given:
        number("credentials.timeout_seconds", given["timeout_seconds"], most=LONGEST_SECONDS)
    return SharingSettings(**given)


def _wrong(key: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"credentials.{key}: {why}")
