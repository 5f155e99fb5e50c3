"""`paygate sandbox` in a process of its own."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

PATIENCE: Final = 120.0


class Running:
    """The process, and the lines it has printed."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []

    def read_until(self, last: str) -> str:
        """All output so far, up to a line that contains `last`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if last in line:
                break
        return "".join(self.lines)

    def interrupt(self) -> tuple[int, str, str]:
        """Press Ctrl-C: the exit code, all of its output and its errors."""
        self.process.send_signal(signal.SIGINT)
        output, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, "".join(self.lines) + output, errors


@contextmanager
def sandbox(folder: Path, *words: str) -> Iterator[Running]:
    """Run it on a free port; it is ended whatever happens."""
    command = [sys.executable, "-m", "paygate", "sandbox", "--port", "0", "--folder", str(folder), *words]
    # Where this process ignores SIGINT, as a shell's background jobs do, its children would as well.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    bound = threading.Timer(PATIENCE, process.kill)
    bound.start()
    with process:
        try:
            yield Running(process)
        finally:
            bound.cancel()
            process.kill()


def told(running: Running) -> dict[str, Any]:
    """What it prints for programs."""
    found: dict[str, Any] = json.loads(running.read_until("}"))
    return found
