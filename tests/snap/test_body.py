"""Minifying: white space between JSON tokens and nothing else, whatever the bytes are."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paygate.snap import body_hash, minify

Json = Any

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
SPACE = st.text(" \t\r\n", max_size=4)
STYLES = st.fixed_dictionaries(
    {
        "indent": st.none() | st.integers(0, 6) | st.sampled_from(["\t", "\r\n ", ""]),
        "ensure_ascii": st.booleans(),
        "separators": st.tuples(
            st.builds("{},{}".format, SPACE, SPACE), st.builds("{}:{}".format, SPACE, SPACE)
        ),
    }
)
PIECES = [
    b'"',
    b"\\",
    b" ",
    b"\t",
    b"\r\n",
    b"a",
    b"{",
    b"}",
    b":",
    b",",
    b"\\u00e9",
    b"\xff",
    b"\x00",
    b"\xc2\xa0",
]
AWKWARD = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join) | st.binary()

MILLION = 1_000_000
HOSTILE = {
    "escaped quotes in a string that never ends": b'"' + b'\\"' * MILLION,
    "backslashes in a string that never ends": b'"' + b"\\" * (2 * MILLION),
    "backslashes outside strings": b"\\" * (2 * MILLION),
    "quotes": b'"' * (2 * MILLION),
    "an odd number of quotes": b'"' * (2 * MILLION + 1),
    "space": b" " * (2 * MILLION),
    "space in a string that never ends": b'"' + b" " * (2 * MILLION),
    "short strings with space between": b'"a" ' * (MILLION // 2),
    "brackets": b"[" * (2 * MILLION),
    "escapes and quotes in turn": b'\\" "\\\\' * (MILLION // 3),
    "bytes that are no text": b'\xff"\xfe\\' * (MILLION // 2),
}


def by_hand(body: bytes) -> bytes:
    """The same rule, byte by byte."""
    kept = bytearray()
    inside = escaped = False
    for byte in body:
        if not inside and byte in b" \t\r\n":
            continue
        kept.append(byte)
        if escaped:
            escaped = False
        elif inside and byte == ord("\\"):
            escaped = True
        elif byte == ord('"'):
            inside = not inside
    return bytes(kept)


@given(VALUES, STYLES)
def test_a_minified_body_says_the_same(value: Json, style: dict[str, Any]) -> None:
    """Whatever the layout was, the parsed value stays."""
    body = json.dumps(value, **style).encode()
    assert json.loads(body) == json.loads(minify(body))


@given(VALUES, STYLES)
def test_a_minified_body_is_the_compact_one(value: Json, style: dict[str, Any]) -> None:
    """What was written with any white space is what is written with none."""
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=style["ensure_ascii"])
    assert compact.encode() == minify(json.dumps(value, **style).encode())


@given(VALUES, STYLES)
def test_minifying_twice_changes_nothing_in_json(value: Json, style: dict[str, Any]) -> None:
    """A compact body is left as it is."""
    once = minify(json.dumps(value, **style).encode())
    assert once == minify(once)


@given(st.text(), st.booleans(), SPACE, SPACE)
def test_a_string_never_changes(text: str, ascii_only: bool, before: str, after: str) -> None:
    """Spaces, quotes, escapes and other signs inside a string are its content."""
    string = json.dumps(text, ensure_ascii=ascii_only)
    assert string.encode() == minify(f"{before}{string}{after}".encode())


@given(AWKWARD)
@example(b'"a \\')  # ends in the middle of an escape
@example(b'"a \\\n b" c')  # escapes a line feed
@example(b'"a \\" b" c d')
@example(b'"a \\\\" b "c d')
@example(b'\\"a b" \\" c')
def test_any_bytes_are_treated_as_by_hand(body: bytes) -> None:
    """Bytes that are no JSON come back without white space outside quotes, and without an exception."""
    assert by_hand(body) == minify(body)


@given(AWKWARD)
def test_minifying_any_bytes_twice_changes_nothing(body: bytes) -> None:
    """Idempotent also where the bytes are no JSON."""
    assert minify(body) == minify(minify(body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount":2000.00}',
        b'{"n":1E3,"m":1e-07,"z":-0,"big":123456789012345678901234567890}',
        b'{"url":"https:\\/\\/x.id\\/a?b=c : d","e":"\\u00e9"}',
        b'{"b":1,"a":2,"b":3}',
        b'{"nil":null,"none":[],"empty":{},"text":""}',
        b'"   88899"',
        b"",
    ],
)
def test_a_compact_body_is_left_as_it_is(body: bytes) -> None:
    """Number literals, escapes, order and repeated names survive, which parsing would not grant."""
    assert body == minify(body)


@pytest.mark.parametrize("space", ["\N{NO-BREAK SPACE}", "\N{IDEOGRAPHIC SPACE}", "\v", "\f", "\ufeff"])
def test_only_the_white_space_of_json_is_removed(space: str) -> None:
    """Other blanks are no white space in JSON, so such a body is none and stays."""
    body = f'{{{space}"a":1}}'.encode()
    assert body == minify(body)


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_are_done_with(body: bytes) -> None:
    """2 MB of the worst bytes come to an end; work that grows by the square would take hours.

    Nothing is timed: that this test returns is what it shows.
    """
    assert by_hand(body) == minify(body)


@given(st.binary())
def test_a_body_hash_is_lower_case_sha256(body: bytes) -> None:
    """64 lower-case hexadecimal digits of the bytes as they are."""
    assert hashlib.sha256(body).hexdigest() == body_hash(body)


def test_a_missing_body_is_hashed_as_nothing() -> None:
    """The hash of no bytes is SHA-256's well-known one."""
    assert body_hash(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
