"""A PostgreSQL of a test's own, that it may stop and start."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from conftest import missing

BINARIES: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
PASSWORD: Final = "canary-hunter2-of-the-cluster"


class Cluster:
    """One server in a folder of its own, for a user `root` with a password."""

    def __init__(self, folder: Path, binaries: Path, user: str | None) -> None:
        self._folder = folder
        self._binaries = binaries
        self._user = user
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.url = f"postgresql+psycopg://root:{PASSWORD}@127.0.0.1:{self.port}/postgres"
        password = folder / "password"
        password.write_text(PASSWORD)
        if user is not None:
            shutil.chown(password, user)
        self._run(
            "initdb",
            "-D",
            "data",
            "-U",
            "root",
            "-A",
            "scram-sha-256",
            "--pwfile=password",
            "-N",
            "-E",
            "UTF8",
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once, as a crash does."""
        self._run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self._binaries / program, *words],
            cwd=self._folder,
            user=self._user,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
            timeout=60,
        )


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server that is there and not running; skips where there is none to install, and fails so in CI."""
    if not BINARIES:
        missing("PostgreSQL's initdb")
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="paygate-cluster-"))
    if user is not None:
        shutil.chown(folder, user)
    try:
        made = Cluster(folder, BINARIES[-1], user)
        try:
            yield made
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                made.stop()
    finally:
        shutil.rmtree(folder)
