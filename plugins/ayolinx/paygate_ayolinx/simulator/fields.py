"""Fields that only some of Ayolinx's APIs take. Each check turns a wrong field away by its name."""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, Final

from paygate_ayolinx.door import Turned, object_of, text_of

ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9\[][!-~]*", re.ASCII)
LONGEST_ADDRESS: Final = 2048
LONGEST_WORDS: Final = 255
VISIBLE: Final = "[!-~]+"
EMAIL: Final = r"[!-?A-~]+@[!-?A-~]+"
PHONE: Final = r"\+?[0-9]{5,30}"
SECONDS: Final = re.compile(r"[0-9]{10}")


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
        raise Turned(400, "02", f"Invalid Mandatory Field {name}")
    if not isinstance(value, str) or not value.isprintable() or not value.strip() or len(value) > longest:
        raise wrong(name)
    return value


def optional(body: dict[str, Any], name: str, form: str, longest: int = LONGEST_WORDS) -> str:
    """A text that may be left out or empty; of a certain form where it is not."""
    return "" if body.get(name) in (None, "") else form_of(body, name, form, longest)


def list_of(body: dict[str, Any], name: str) -> list[Any]:
    """A mandatory list with something in it."""
    value = body.get(name)
    if value is None or value == []:
        raise Turned(400, "02", f"Invalid Mandatory Field {name}")
    if not isinstance(value, list):
        raise wrong(name)
    return value


def channel_in(body: dict[str, Any], known: Collection[str]) -> str:
    """The channel of a body, one of those that the API serves."""
    channel = text_of(object_of(body, "additionalInfo"), "channel")
    if channel not in known:
        raise wrong("channel")
    return channel


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


def seconds(text: str) -> datetime | None:
    """A time as unix seconds, as the sample of "Get Payment Url" has it: ten digits in text."""
    return datetime.fromtimestamp(int(text), UTC) if SECONDS.fullmatch(text) else None


def wrong(name: str) -> Turned:
    """What a field of another form is answered with."""
    return Turned(400, "01", f"Invalid Field Format {name}")
