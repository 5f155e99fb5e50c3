"""What must never reach a log, an error or a repr."""

import re
from pathlib import Path
from typing import Any, Final

from paygate.errors import CUT_OFF, HIDDEN

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
    if len(text) > 4 * LONGEST:  # cut first, between words, so that hostile lengths cost nothing
        text = text[: 4 * LONGEST].rpartition(" ")[0] + " …"
    for pattern in PATTERNS:
        text = pattern.sub(HIDDEN, text)
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return printable if len(printable) <= LONGEST else printable[: LONGEST - 1] + CUT_OFF


def place_of(error: BaseException) -> str:
    """An exception's kind and the line that raised it, without its text, which may quote a value."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    kind = type(error).__name__
    if place is None:
        return kind
    code = place.tb_frame.f_code
    return f"{kind} in {code.co_qualname}, line {place.tb_lineno} of {Path(code.co_filename).name}"
