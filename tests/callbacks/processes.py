"""Real servers as processes of their own, on a socket that is there before they are."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.sandbox.waiting import PATIENCE
from tests.watch import leaks

ROOT: Final = Path(__file__).parent.parent.parent
UVICORN: Final = ("uvicorn", "--fd", "{fd}", "--lifespan", "on")
GUNICORN: Final = (
    *("gunicorn", "--bind", "fd://{fd}"),
    *("--workers", "2", "--threads", "2", "--no-control-socket"),
)


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A free port of this machine, taken: who calls waits until somebody serves it."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as taken:
        yield taken


def url_of(taken: socket.socket) -> str:
    """The address of a socket."""
    return f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def serving(
    taken: socket.socket,
    server: Sequence[str],
    *arguments: str,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run a server on a socket until the end; what it says must hold no secret."""
    module, *options = (part.format(fd=taken.fileno()) for part in server)
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *options, *arguments],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            pass_fds=[taken.fileno()],
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        taken.close()  # now it is the server's alone: without a server callers are refused
        try:
            yield
        finally:
            _stop(process)
            said.seek(0)
            text = said.read()
            sys.stdout.write(text)  # shown where a test fails
            assert [] == leaks(text)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
