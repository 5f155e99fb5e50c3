"""What of bodies and headers is kept: nothing that opens a door, and no values that the merchant names."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Final, NoReturn
from urllib.parse import unquote_to_bytes

import msgspec

from paygate.errors import HIDDEN

SECRET_HEADERS: Final = re.compile(r"authorization|cookie|token|secret|password|api-?key")
"""What headers are called that open a door by themselves; a signature is kept: it proves who called."""

SECRET_MEMBERS: Final = frozenset(
    {
        "access_token",
        "accesstoken",
        "authcode",
        "client_secret",
        "clientsecret",
        "cvv",
        "otp",
        "password",
        "signature_key",
        "pin",
        "refresh_token",
        "refreshtoken",
        "token",
    }
)
HIDDEN_BODY: Final = HIDDEN.encode()

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+')
_SHORT_ESCAPES: Final = re.compile(r'["\\/\x00-\x1f]')
_HIDDEN_VALUE: Final = json.dumps(HIDDEN)
_whole: Final = msgspec.json.Decoder(msgspec.Raw)


class Redaction:
    """Takes the values of some members out of JSON, wherever they stand; `names` are in lower case.

    All else stays as it came, to the byte: numbers, white space and order.
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self._names = SECRET_MEMBERS | frozenset(names)
        self._sought = tuple(f'"{name}'.encode() for name in self._names)
        self._escapes = b"\\" if any(_SHORT_ESCAPES.search(name) for name in names) else b"\\u"
        self._is_asked_for = bool(names)

    def body(self, raw: bytes) -> bytes:
        """A body without those values.

        One that is no JSON is hidden as a whole where the merchant names members, for nobody can tell them
        there, and where it names a secret.
        """
        if not raw:
            return raw
        try:
            if self._is_plain(raw):
                _whole.decode(raw)
                return raw
            return self._without(raw.decode()).encode()
        except (ValueError, RecursionError, msgspec.DecodeError):
            return self._unread(raw)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers by lower-case name, without those that open a door or that the merchant names."""
        lower = {name.lower(): value for name, value in headers.items()}
        return {
            name: HIDDEN if name in self._names or SECRET_HEADERS.search(name) else value
            for name, value in lower.items()
        }

    def _is_plain(self, raw: bytes) -> bool:
        """Whether it has none of the names for certain: as most bodies, and told in a moment."""
        lowered = raw.lower()
        has_names = any(name in lowered for name in self._sought)
        return raw.isascii() and self._escapes not in raw and not has_names

    def _unread(self, raw: bytes) -> bytes:
        lowered = unquote_to_bytes(raw).lower()
        is_text = raw.isascii() and b"\0" not in raw
        is_harmless = is_text and not any(name.encode() in lowered for name in self._names)
        return raw if is_harmless and not self._is_asked_for else HIDDEN_BODY

    def _without(self, text: str) -> str:
        """JSON without the values of those members; raises ValueError where it is none."""
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
        kept: list[str] = []
        done, depth = 0, 0
        name, is_named = "", False
        for token in _TOKEN.finditer(text):
            word = token[0]
            if depth:  # within a value that is hidden
                depth += (word in "[{") - (word in "]}")
                done = token.end()
            elif is_named:
                kept += text[done : token.start()], _HIDDEN_VALUE
                depth, done, is_named = int(word in "[{"), token.end(), False
            elif word == ":":
                is_named = json.loads(name).lower() in self._names
            elif word[0] == '"':
                name = word
                inner = self._inner(word)
                if inner != word:
                    kept += text[done : token.start()], inner
                    done = token.end()
        return "".join([*kept, text[done:]])

    def _inner(self, word: str) -> str:
        """A string that may be JSON itself, as some providers nest it."""
        text = json.loads(word)
        if text.lstrip()[:1] not in ("{", "[", '"') or not text:
            return word
        try:
            inner = self._without(text)
        except ValueError:
            return word
        return word if inner == text else json.dumps(inner)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
