"""Real Redis servers of a test's own, to be looked into, stopped and started again; and some that are none."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from redis import Redis
from redis.exceptions import ConnectionError as NotThere

from conftest import missing
from tests.sandbox.waiting import until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


class RedisServer:
    """A Redis on a port of its own, which keeps nothing when it stops."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, and wait until it answers; skips or fails the test where there is no Redis."""
        program = shutil.which("redis-server")
        if program is None:
            missing("redis-server (apt-get install redis-server)")
            raise AssertionError
        options = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._process = subprocess.Popen(
            [program, *options, "--dir", str(self._folder)], stdout=subprocess.DEVNULL
        )
        until(self._answers)
        return self

    def stop(self) -> None:
        """Kill it as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def client(self) -> Iterator[Any]:
        with closing(Redis.from_url(self.url)) as client:
            yield client

    def kept(self) -> dict[str, bytes]:
        """All that it holds."""
        with self.client() as client:
            return {name.decode(): client.get(name) for name in client.keys("*")}

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except NotThere:
                return False


class FalseRedis:
    """Something that listens and is no Redis: it says `answer` to whoever comes, and then nothing."""

    def __init__(self, answer: bytes = b"") -> None:
        self.callers = 0
        self._answer = answer
        self._taken: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._socket.getsockname()[1]}/0"
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        while True:
            try:
                taken, _ = self._socket.accept()
            except OSError:
                return
            self.callers += 1
            self._taken.append(taken)
            taken.sendall(self._answer)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for taken in self._taken:
            taken.close()
