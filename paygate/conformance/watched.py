"""A header's value that notices when it is compared with the right one by `==`, which leaks it by time."""

from typing import Any, Self


class WatchedText(str):  # noqa: SLOT000 - it keeps account
    """A text that keeps account of being compared with an equal one."""

    _compared: list[str]

    def __new__(cls, value: str, compared: list[str]) -> Self:
        """The value, and where to keep account."""
        made = super().__new__(cls, value)
        made._compared = compared
        return made

    def __eq__(self, other: object) -> bool:
        equal = str.__eq__(self, other) is True
        if equal:
            self._compared.append("text")
        return equal

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return str.__hash__(self)

    def encode(self, *how: Any, **named: Any) -> bytes:
        """As bytes, watched as well."""
        return WatchedBytes(super().encode(*how, **named), self._compared)

    def strip(self, *signs: Any) -> str:
        """Without what is around it, watched as well."""
        return WatchedText(super().strip(*signs), self._compared)

    def lower(self) -> str:
        """In small letters, watched as well."""
        return WatchedText(super().lower(), self._compared)


class WatchedBytes(bytes):
    """Bytes that keep account of being compared with equal ones."""

    _compared: list[str]

    def __new__(cls, value: bytes, compared: list[str]) -> Self:
        """The value, and where to keep account."""
        made = super().__new__(cls, value)
        made._compared = compared
        return made

    def __eq__(self, other: object) -> bool:
        equal = bytes.__eq__(self, other) is True
        if equal:
            self._compared.append("bytes")
        return equal

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return bytes.__hash__(self)
