"""Hints to end an error with: what somebody probably meant, and which command mends it."""

from collections.abc import Iterable


def meant(word: object, known: Iterable[str]) -> str:
    """A hint to end an error with: the nearest known word, or all of them."""
    import difflib

    names = list(known)
    close = difflib.get_close_matches(str(word), names, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names) or 'none'}"


class Command(str):
    """A note of an error: the command that mends it, as "paygate store upgrade", without --config."""

    __slots__ = ()
