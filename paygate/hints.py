"""What somebody probably meant."""

from collections.abc import Iterable


def meant(word: object, known: Iterable[str]) -> str:
    """A hint to end an error with: the nearest known word, or all of them."""
    import difflib

    names = list(known)
    close = difflib.get_close_matches(str(word), names, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names) or 'none'}"
