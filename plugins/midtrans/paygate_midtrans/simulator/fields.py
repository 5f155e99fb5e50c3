"""Reading a request's fields: what is missing or of another form is noted, and answered all at once.

A value of another JSON type is turned away at once, with 408: Midtrans knows that from a wrong value, 400.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from paygate_midtrans.simulator.door import Turned

LONGEST_TEXT: Final = 255
VISIBLE: Final = "[!-~]+"
EMAIL: Final = r"[!-?A-~]+@[!-?A-~]+"
PHONE: Final = r"\+?[0-9 ()-]{5,30}"
ADDRESS: Final = r"https?://[A-Za-z0-9\[][!-~]*"
LINK: Final = r"[A-Za-z][A-Za-z0-9+.-]*://[!-~]+"
"""An address or an app's own scheme."""
Json: TypeAlias = Mapping[str, Any]


class Form:
    """One object of a body. Names are written in full, as in "transaction_details.order_id"."""

    def __init__(self, fields: Json, place: str = "", problems: list[str] | None = None) -> None:
        self._fields = fields
        self._place = place
        self._problems: list[str] = [] if problems is None else problems

    def has(self, name: str) -> bool:
        """Whether a field is there; null is nothing."""
        return self._fields.get(name) is not None

    def text(self, name: str, form: str = "", longest: int = LONGEST_TEXT, *, needed: bool = False) -> str:
        """A text, empty where there is none. `form` is a regular expression; without it, words."""
        value = self._value(name, str, needed=needed)
        if value is None:
            return ""
        right = value.isprintable() if not form else re.fullmatch(form, value, re.ASCII) is not None
        if not right:
            self.wrong(name, "format is invalid")
        elif len(value) > longest:
            self.wrong(name, f"must not exceed {longest} characters")
        elif needed and not value.strip():
            self.wrong(name, "is required")
        return str(value)

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number that must be there, within bounds."""
        value = self._value(name, int, needed=True)
        if value is None or not least <= value <= most:
            if value is not None:
                self.wrong(name, f"must be between {least} and {most}")
            return 0
        return int(value)

    def flag(self, name: str) -> bool:
        """A truth value; false where there is none."""
        return bool(self._value(name, bool))

    def inner(self, name: str, *, needed: bool = False) -> "Form":
        """An object; an empty one where there is none."""
        return Form(self._value(name, dict, needed=needed) or {}, self._name(name), self._problems)

    def inners(self, name: str) -> "list[Form] | None":
        """A list of objects; None where there is none."""
        values = self._value(name, list)
        if values is None:
            return None
        if not all(isinstance(one, dict) for one in values):
            raise Turned(408, [f"{self._name(name)} has the wrong type"])
        return [Form(one, f"{self._name(name)}[{place}]", self._problems) for place, one in enumerate(values)]

    def wrong(self, name: str, how: str) -> None:
        """Note what is wrong with a field."""
        self._problems.append(f"{self._name(name)} {how}")

    def check(self) -> None:
        """Turn the request away where anything was wrong."""
        if self._problems:
            raise Turned(400, self._problems)

    def _value(self, name: str, kind: type, *, needed: bool = False) -> Any:
        value = self._fields.get(name)
        if value is None:
            if needed:
                self.wrong(name, "is required")
            return None
        if type(value) is not kind:  # True is no number
            raise Turned(408, [f"{self._name(name)} has the wrong type"])
        return value

    def _name(self, name: str) -> str:
        return f"{self._place}.{name}" if self._place else name
