"""How a pretend SNAP provider reads a body: each check turns a wrong field away by its name.

It shares no message definition with an adapter, so that one cannot hide a misreading of the other's.
"""

import json
import re
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final

import httpx

VISIBLE: Final = re.compile(r"[!-~]+")
AMOUNT: Final = re.compile(r"[0-9]{1,14}\.[0-9]{2}")
ISO: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)", re.ASCII)
ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9\[][!-~]*", re.ASCII)
LONGEST_ADDRESS: Final = 2048
LONGEST_WORDS: Final = 255


class Turned(Exception):
    """The request is turned away with this HTTP status, case and message."""

    def __init__(self, status: int, case: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.case = case
        self.message = message


def wrong(name: str) -> Turned:
    """What a field of another form is answered with."""
    return Turned(400, "01", f"Invalid Field Format {name}")


def missing(name: str) -> Turned:
    """What a request without a mandatory field is answered with."""
    return Turned(400, "02", f"Invalid Mandatory Field {name}")


def header_of(request: httpx.Request, name: str) -> str:
    """A mandatory header."""
    value: str | None = request.headers.get(name)
    if not value:
        raise missing(name)
    return value


def body_of(request: httpx.Request) -> dict[str, Any]:
    """The JSON object of a request."""
    try:
        body = json.loads(request.content)
    except (ValueError, RecursionError):
        raise Turned(400, "00", "Bad Request. The body is no JSON") from None
    if not isinstance(body, dict):
        raise Turned(400, "00", "Bad Request. The body is no JSON object")
    return body


def text_of(body: dict[str, Any], name: str, longest: int = 64) -> str:
    """A mandatory text of a body, of visible ASCII."""
    value = body.get(name)
    if value is None or value == "":
        raise missing(name)
    if not isinstance(value, str) or VISIBLE.fullmatch(value) is None or len(value) > longest:
        raise wrong(name)
    return value


def object_of(body: dict[str, Any], name: str) -> dict[str, Any]:
    """A mandatory object of a body."""
    value = body.get(name)
    if value is None:
        raise missing(name)
    if not isinstance(value, dict):
        raise wrong(name)
    return value


def list_of(body: dict[str, Any], name: str) -> list[Any]:
    """A mandatory list with something in it."""
    value = body.get(name)
    if value is None or value == []:
        raise missing(name)
    if not isinstance(value, list):
        raise wrong(name)
    return value


def amount_of(body: dict[str, Any], name: str = "amount") -> str:
    """The amount of a body: rupiah in text with two decimals, more than zero."""
    amount = object_of(body, name)
    value = text_of(amount, "value")
    if AMOUNT.fullmatch(value) is None or text_of(amount, "currency") != "IDR":
        raise wrong(name)
    if not value.strip("0."):
        raise Turned(404, "13", "Invalid Amount")
    return value


def form_of(body: dict[str, Any], name: str, form: str, longest: int = LONGEST_WORDS) -> str:
    """A mandatory text of a certain form, a regular expression."""
    value = text_of(body, name, longest)
    if re.fullmatch(form, value, re.ASCII) is None:
        raise wrong(name)
    return value


def words_of(body: dict[str, Any], name: str, longest: int = LONGEST_WORDS) -> str:
    """A mandatory text of printable characters, spaces and accents included."""
    value = body.get(name)
    if value is None or value == "":
        raise missing(name)
    if not isinstance(value, str) or not value.isprintable() or not value.strip() or len(value) > longest:
        raise wrong(name)
    return value


def optional(body: dict[str, Any], name: str, form: str, longest: int = LONGEST_WORDS) -> str:
    """A text that may be left out or empty; of a certain form where it is not."""
    return "" if body.get(name) in (None, "") else form_of(body, name, form, longest)


def addresses_of(body: dict[str, Any], kinds: Collection[str]) -> dict[str, str]:
    """The `urlParams` of a body by type: each an absolute address, of a type that the API takes, once."""
    listed = body.get("urlParams")
    if listed is None:
        return {}
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise wrong("urlParams")
    found: dict[str, str] = {}
    for one in listed:
        kind = text_of(one, "type")
        address = text_of(one, "url", LONGEST_ADDRESS)
        if kind not in kinds or kind in found or ADDRESS.fullmatch(address) is None:
            raise wrong("urlParams")
        found[kind] = address
    return found


def end_of(
    body: dict[str, Any], name: str, now: datetime, *forms: Callable[[str], datetime | None]
) -> datetime:
    """A mandatory time to come, in one of these forms."""
    value = text_of(body, name)
    read = (form(value) for form in forms)
    moment = next((moment for moment in read if moment is not None), None)
    if moment is None or moment <= now:
        raise wrong(name)
    return moment


def instant(text: str) -> datetime | None:
    """A time in the one form of SNAP BI, whole seconds with an offset; None for any other."""
    if ISO.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
