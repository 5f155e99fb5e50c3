"""Fields that only Ayolinx's APIs take. Each check turns a wrong field away by its name."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from paygate.sandbox import object_of, text_of, wrong

VISIBLE: Final = "[!-~]+"
EMAIL: Final = r"[!-?A-~]+@[!-?A-~]+"
PHONE: Final = r"\+?[0-9]{5,30}"
SECONDS: Final = re.compile(r"[0-9]{10}")


def channel_in(body: dict[str, Any], known: Collection[str]) -> str:
    """The channel of a body, one of those that the API serves."""
    channel = text_of(object_of(body, "additionalInfo"), "channel")
    if channel not in known:
        raise wrong("channel")
    return channel


def seconds(text: str) -> datetime | None:
    """A time as unix seconds, as the sample of "Get Payment Url" has it: ten digits in text."""
    return datetime.fromtimestamp(int(text), UTC) if SECONDS.fullmatch(text) else None
