"""What must never reach a log, an error or a repr."""

import re
from typing import Any, Final

HIDDEN: Final = "***"
LONGEST: Final = 150
PATTERNS: Final = (
    re.compile(r"-----BEGIN [^-]*-----.*?(-----END [^-]*-----|\Z)", re.DOTALL),
    re.compile(r"(?i)\b(bearer|basic)\s+\S+"),
    re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"),
    re.compile(r"\+?[0-9][0-9 .-]{6,}[0-9]"),
    re.compile(r"[A-Za-z0-9+/_=-]{32,}"),
)


class Secret:
    """A value that shows itself only when asked: `secret.reveal()`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; keep it out of logs, errors and reprs."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({HIDDEN!r})"

    def __reduce__(self) -> Any:
        raise TypeError("a Secret is not pickled: read it again from the configuration")


def scrub(text: str) -> str:
    """Take keys, tokens, e-mail addresses and long numbers out of a provider's own words.

    At most 150 characters are kept (SNAP BI: the length of responseMessage).
    """
    for pattern in PATTERNS:
        text = pattern.sub(HIDDEN, text)
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return printable if len(printable) <= LONGEST else printable[: LONGEST - 1] + "…"
