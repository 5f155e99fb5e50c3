"""HTTP messages that a person hands over: a body, header lines, or a whole request as it was dumped."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from paygate.callback import CallbackRequest
from paygate.cli.output import misuse
from paygate.errors import ConfigurationError

STDIN: Final = "-"
START: Final = re.compile(r"([A-Za-z]+) (\S+)(?: HTTP/[0-9.]+)?", re.ASCII)
BLANKS: Final = " \t\r\n"
BLANK: Final = re.compile(rb"\r?\n\r?\n")
LINE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(.*?)[ \t]*", re.ASCII)
ORIGIN: Final = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


def content_of(name: str, option: str) -> bytes:
    """The bytes of a file that an option names, or of the standard input for "-"."""
    try:
        return sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        raise misuse(
            f"{option} {name}: cannot be read ({error.strerror})",
            f"Give {option} a file that is there, or - for the standard input.",
        ) from None


def request_of(dump: bytes) -> CallbackRequest:
    """Read a whole HTTP request: a line with method and target, header lines, a blank line, the body."""
    parts = BLANK.split(dump, maxsplit=1)
    start, *lines = lines_of(parts[0].lstrip(b"\r\n"))
    first = START.fullmatch(start.strip(BLANKS))
    if first is None:
        raise ConfigurationError(
            "the request begins with no line such as POST /callbacks/main HTTP/1.1: dump the whole of it"
        )
    body = parts[1] if len(parts) > 1 else b""
    return CallbackRequest(first[1], ORIGIN.sub("", first[2]), headers_of(lines), body)


def lines_of(head: bytes) -> list[str]:
    """The lines of a request's head; other bytes that some take for line ends are parts of their values."""
    return re.split(r"\r?\n", head.decode("latin-1"))


def headers_of(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Read header lines, as in "X-TIMESTAMP: 2026-01-31T17:00:00+07:00"; blank ones are passed over."""
    found = []
    for line in lines:
        if not line.strip(BLANKS):
            continue
        pair = LINE.fullmatch(line.strip(BLANKS))
        if pair is None:
            # What stands there may be a signature or a token, so it is not quoted.
            raise ConfigurationError("a header line is NAME: VALUE, and one that was given is not")
        found.append((pair[1], pair[2]))
    return found
