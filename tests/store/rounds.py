"""A merchant's processes as a test has them: started once, and sent into round after round."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.store.merchants import Life, Line, Lived, Round
from tests.watch import leaks

ROOT: Final = Path(__file__).parent.parent.parent
_lived: Final = msgspec.json.Decoder(list[Lived])


class Merchants:
    """A merchant's program that waits to be forked; it starts with the first round."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            with self._process:
                self._process = None

    def live(self, document: Mapping[str, Any], lives: Sequence[Life]) -> list[Lived]:
        """Let so many processes live at once, and wait until all have ended."""
        if self._process is None:
            program = [sys.executable, "-m", "tests.store.merchants", str(self._folder)]
            self._process = subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(msgspec.json.encode(Round(document=document, lives=lives)) + b"\n")
        stdin.flush()
        return _lived.decode(stdout.readline())


class Group:
    """The processes of one merchant, round after round."""

    def __init__(self, merchants: Merchants, document: Mapping[str, Any]) -> None:
        self._merchants = merchants
        self._document = document
        self.told: Counter[str] = Counter()
        """How often each kind of thing was told, by all lives so far."""

    def live(self, *lives: Life) -> list[Lived]:
        """Let so many processes live at once, and wait until all have ended; none may have a bug to tell of."""
        told = self._merchants.live(self._document, lives)
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
