"""A QR code in a terminal."""

import segno
from rich.text import Text

INDENT = 9


def drawn(payload: str, encoding: str) -> Text | None:
    """A code drawn in half blocks, dark on light whatever the terminal's colours.

    None where the terminal's encoding has no such signs, or where no code holds the payload.
    """
    if not _can_draw(encoding):
        return None
    try:
        code = segno.make(payload, micro=False)
    except ValueError:
        return None
    matrix = [[*row] for row in code.matrix_iter(border=4)]
    if len(matrix) % 2:
        matrix.append([0] * len(matrix[0]))
    text = Text()
    for upper, lower in zip(matrix[::2], matrix[1::2], strict=True):
        text.append(" " * INDENT)
        line = "".join(" ▀▄█"[above + 2 * below] for above, below in zip(upper, lower, strict=True))
        text.append(line, "black on white")
        text.append("\n")
    return text


def _can_draw(encoding: str) -> bool:
    try:
        "▀▄█".encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
