"""The forms that a JSON body takes on its way through other people's programs.

Whoever parses a body and writes it again changes its bytes, and a signature over the first bytes fits the
second no more. These forms are tried to find out where that happened; none but the first two is believed.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from paygate.snap.body import minify

AS_RECEIVED: Final = "as received"
MINIFIED: Final = "minified"
BELIEVED: Final = (AS_RECEIVED, MINIFIED)
"""The forms whose signature is believed; in every other one the body is not what was signed."""

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
COMPACT: Final = (",", ":")
PHP: Final = dict.fromkeys(map(ord, "\u2028\u2029"))
GO: Final = dict.fromkeys(map(ord, "<>&\u2028\u2029"))
GSON: Final = dict.fromkeys(map(ord, "<>&='\u2028\u2029"))


def forms(body: bytes) -> dict[str, bytes]:
    """A body in every form that is plausible, by name; forms that are the same bytes stand once."""
    found: dict[bytes, str] = {}
    for name, form in _all(body):
        found.setdefault(form, name)
    return {name: form for form, name in found.items()}


def _all(body: bytes) -> Iterator[tuple[str, bytes]]:
    yield AS_RECEIVED, body
    yield MINIFIED, minify(body)
    bare = body.removeprefix(BYTE_ORDER_MARK)
    yield "without its byte order mark", bare
    yield "without the line end at its end", bare.rstrip(b"\r\n")
    yield "without white space around it", bare.strip()
    yield "with a line feed at its end", body + b"\n"
    yield "with CR LF at its end", body + b"\r\n"
    unix = bare.replace(b"\r\n", b"\n")
    yield "with line ends LF", unix
    yield "with line ends CR LF", unix.replace(b"\n", b"\r\n")
    yield from _rewritten(bare)
    yield "as UTF-8 read as Latin-1 and written as UTF-8", body.decode("latin-1").encode()
    yield "left out, as if it were empty", b""


def _rewritten(body: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    for name, write in WRITERS.items():
        try:
            yield name, write(value).encode()
        except (UnicodeEncodeError, RecursionError):  # half a surrogate pair, or too deep
            continue


def _python(value: Any) -> str:
    return json.dumps(value)


def _python_compact(value: Any) -> str:
    return json.dumps(value, separators=COMPACT)


def _javascript(value: Any) -> str:
    return json.dumps(_short(value), separators=COMPACT, ensure_ascii=False)


def _php(value: Any) -> str:
    return _php_unescaped_slashes(value).replace("/", "\\/")


def _php_unescaped_slashes(value: Any) -> str:
    return json.dumps(_short(_listed(value)), separators=COMPACT)


def _php_unescaped_unicode(value: Any) -> str:
    return _php_unescaped(value).replace("/", "\\/")


def _php_unescaped(value: Any) -> str:
    return _escaped(_javascript(_listed(value)), PHP)


def _go(value: Any) -> str:
    return _escaped(json.dumps(_short(value), separators=COMPACT, ensure_ascii=False, sort_keys=True), GO)


def _gson(value: Any) -> str:
    return _escaped(json.dumps(value, separators=COMPACT, ensure_ascii=False), GSON)


def _sorted(value: Any) -> str:
    return json.dumps(value, separators=COMPACT, ensure_ascii=False, sort_keys=True)


def _indented(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _indented_by_four(value: Any) -> str:
    return json.dumps(value, indent=4, ensure_ascii=False)


WRITERS: Final[dict[str, Callable[[Any], str]]] = {
    "as Python's json.dumps writes it": _python,
    "as Python's json.dumps writes it without spaces": _python_compact,
    "as JavaScript's JSON.stringify writes it": _javascript,
    "as PHP's json_encode writes it": _php,
    "as PHP's json_encode writes it with JSON_UNESCAPED_SLASHES": _php_unescaped_slashes,
    "as PHP's json_encode writes it with JSON_UNESCAPED_UNICODE": _php_unescaped_unicode,
    "as PHP's json_encode writes it with both of these": _php_unescaped,
    "as Go's json.Marshal writes a map": _go,
    "as Java's Gson writes it": _gson,
    "with its keys sorted": _sorted,
    "indented by two": _indented,
    "indented by four": _indented_by_four,
}


def _short(value: Any) -> Any:
    """The same with 2000.00 as 2000, as languages write it that know one kind of number."""
    if isinstance(value, dict):
        return {key: _short(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_short(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _listed(value: Any) -> Any:
    """The same with {} as [], as PHP has it after json_decode(..., true)."""
    if isinstance(value, dict):
        return {key: _listed(one) for key, one in value.items()} or []
    return [_listed(one) for one in value] if isinstance(value, list) else value


def _escaped(text: str, signs: dict[int, None]) -> str:
    return text.translate({sign: f"\\u{sign:04x}" for sign in signs})
