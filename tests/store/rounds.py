"""A merchant's processes as a test has them: started once, and sent into round after round."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.store.merchants import Life, Line, Lived, Round
from tests.watch import leaks

ROOT: Final = Path(__file__).parent.parent.parent
_lived: Final = msgspec.json.Decoder(list[Lived])


class Merchants:
    """A merchant's program, loaded and waiting to be forked."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.told: Counter[str] = Counter()
        """How often each kind of thing was told, by all lives so far."""

    def live(self, *lives: Life) -> list[Lived]:
        """Let so many processes live at once, and wait until all have ended; none may have a bug to tell of."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(msgspec.json.encode(Round(lives=lives)) + b"\n")
        stdin.flush()
        told = _lived.decode(stdout.readline())
        lines = [line for one in told for line in one.lines]
        assert [] == [line for line in lines if line[0] == "bug"]
        assert [] == leaks(json.dumps(lines))
        self.told.update(map(kind_of, lines))
        return told


def kind_of(line: Line) -> str:
    """What kind of thing a line tells of."""
    return f"{line[0]} {line[2]}" if line[0] in ("step", "error") else str(line[0])


def lines_of(lives: Iterable[Lived], *kinds: str) -> list[Line]:
    """The lines of some kinds."""
    return [line for one in lives for line in one.lines if line[0] in kinds]


@contextmanager
def merchants(document: Mapping[str, Any], folder: Path, *shells: str) -> Iterator[Merchants]:
    """A merchant's program with this configuration; its processes are gone in the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.merchants", str(folder), *shells],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(document).encode() + b"\n")
        process.stdin.flush()
        try:
            yield Merchants(process)
        finally:
            process.stdin.close()


def spread(orders: Sequence[int], count: int) -> list[list[int]]:
    """Orders dealt out to so many processes."""
    return [[*orders[first::count]] for first in range(count)]
