"""Ways to spoil a genuine call: its headers, its bytes, its words."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from paygate.callback import CallbackRequest

CARRIED: Final = frozenset(
    {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length", "content-type"}
)
"""Headers that any HTTP client sends: they prove nothing."""
HEX: Final = re.compile(r"[0-9a-fA-F]+", re.ASCII)
LEAF: Final = re.compile(rb'"(?:[^"\\]|\\.)*"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)')
ALPHABETS: Final = (b"0123456789", b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Tampered(Struct, frozen=True):
    """A spoilt call, and how it was spoilt, as the rest of a sentence after "a call"."""

    told: str
    request: CallbackRequest


def proofs(request: CallbackRequest) -> tuple[str, ...]:
    """The headers that may prove something."""
    return tuple(name for name in request.headers if name.lower() not in CARRIED)


def with_header(request: CallbackRequest, name: str, value: str | None) -> CallbackRequest:
    """The same call with another value of a header, or without it."""
    headers = {key: old for key, old in request.headers.items() if key != name}
    if value is not None:
        headers[name] = value
    return CallbackRequest(request.method, request.path, headers, request.body)


def with_body(request: CallbackRequest, body: bytes) -> CallbackRequest:
    """The same call with another body."""
    return CallbackRequest(request.method, request.path, dict(request.headers), body)


def garbled(value: str) -> str:
    """A header's value with one letter or digit in its first half changed into another of its kind."""
    for place in (*range(len(value) // 3, len(value)), *range(len(value) // 3)):
        for alphabet in ALPHABETS:
            found = alphabet.find(value[place].encode("latin-1"))
            if found >= 0:
                other = chr(alphabet[(found + 1) % len(alphabet)])
                return value[:place] + other + value[place + 1 :]
    return value + "0"


def headers_spoilt(request: CallbackRequest, name: str) -> Iterator[Tampered]:
    """Every way to spoil a header that proves something."""
    value = request.headers[name]
    half = len(value) // 2
    spoilt: dict[str, str | None] = {
        f"without its header {name}": None,
        f"with an empty header {name}": "",
        f"with a blank header {name}": " ",
        f"with half of its header {name}": value[:half],
        f"with a letter of its header {name} changed": garbled(value),
        f"with a sign of no alphabet in its header {name}": f"{value[:half]}*{value[half:]}",
        f"with a letter beyond ASCII in its header {name}": f"{value[:half]}é{value[half:]}",
        f"with letters beyond ASCII alone in its header {name}": "é" * len(value),
        f"with the word null in its header {name}": "null",
    }
    if not HEX.fullmatch(value) and value.swapcase() != value:
        spoilt[f"with its header {name} in the other case"] = value.swapcase()
    for told, other in spoilt.items():
        yield Tampered(told, with_header(request, name, other))


def bytes_spoilt(request: CallbackRequest) -> Iterator[Tampered]:
    """A byte of each kind changed, at the beginning, in the middle and at the end of the body."""
    body = request.body
    for kind, alphabet in zip(("digit", "small letter", "capital letter"), ALPHABETS, strict=True):
        places = [place for place, byte in enumerate(body) if byte in alphabet]
        for place in sorted({places[0], places[len(places) // 2], places[-1]} if places else ()):
            other = alphabet[(alphabet.index(body[place]) + 1) % len(alphabet)]
            spoilt = body[:place] + bytes((other,)) + body[place + 1 :]
            yield Tampered(f"with a {kind} of its body changed", with_body(request, spoilt))
    for told, spoilt in (
        ("with a space after its body", body + b" "),
        ("with a line feed before its body", b"\n" + body),
        ("with its body cut short", body[:-1]),
        ("without its body", b""),
        ("with its body twice", body + body),
    ):
        yield Tampered(told, with_body(request, spoilt))


def rewritten(request: CallbackRequest) -> Iterator[Tampered]:
    """The same JSON written otherwise: a signature is over bytes, not over what they mean."""
    try:
        told: Any = json.loads(request.body)
    except ValueError:
        return
    if not isinstance(told, dict) or not told:
        return
    name, value = next(iter(told.items()))
    double = b"{" + json.dumps({name: value}).encode()[1:-1] + b"," + request.body.strip()[1:]
    turned = dict(reversed(told.items()))
    for what, body in (
        ("written anew", json.dumps(told).encode()),
        ("written anew without spaces", json.dumps(told, separators=(",", ":")).encode()),
        ("written anew in the order of its keys", json.dumps(told, sort_keys=True).encode()),
        ("written anew in another order", json.dumps(turned, separators=(",", ":")).encode()),
        ("written anew in UTF-8", json.dumps(told, ensure_ascii=False).encode()),
        ("written anew with its first key twice", double),
    ):
        if body != request.body:
            yield Tampered(f"with its body {what}", with_body(request, body))


def words_changed(request: CallbackRequest, words: tuple[str, ...]) -> Iterator[Tampered]:
    """Each value of a JSON body in turn changed into one of the words, or a number into another."""
    for found in LEAF.finditer(request.body):
        old = found[1]
        text = old.startswith(b'"')
        others = [json.dumps(word).encode() for word in words] if text else [b"1"]
        if text and old.strip(b'"').isdigit():
            others.append(b'"1"')
        for other in others:
            if other != old:
                body = request.body[: found.start(1)] + other + request.body[found.end(1) :]
                key = found[0].partition(b'"')[2].partition(b'"')[0].decode("ascii", "replace")
                yield Tampered(f'with another value of "{key}" in its body', with_body(request, body))
