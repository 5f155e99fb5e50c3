"""The command line, run in this process or in one of its own."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from paygate_ayolinx.simulator import AyolinxSimulator
from typer.testing import CliRunner, Result

from paygate.cli import app, demo
from paygate.sandbox.server import Server
from tests.cli.running import PATIENCE


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run a command in this process; what it raises is raised."""

    def do(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return do


@pytest.fixture
def run_alone() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a command as `python -m paygate` in a process of its own."""

    def do(*words: object, **options: Any) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "paygate", *(str(word) for word in words)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False, **options
        )

    return do


@pytest.fixture
def pretender(
    make_simulator: Callable[..., AyolinxSimulator], monkeypatch: pytest.MonkeyPatch
) -> list[AyolinxSimulator]:
    """Let the demo pretend with the account whose secrets are watched; what it makes is put in the list."""
    made: list[AyolinxSimulator] = []

    def simulator_of(adapter: str | None, callback_url: str, pace: float) -> AyolinxSimulator:
        made.append(make_simulator(callback_url, pace=pace))
        return made[-1]

    monkeypatch.setattr(demo, "simulator_of", simulator_of)
    return made


@pytest.fixture
def stopped_at_once(monkeypatch: pytest.MonkeyPatch) -> list[Server]:
    """Let whoever waits for a server press Ctrl-C instead; the servers are put in the list."""
    stopped: list[Server] = []

    def wait(server: Server) -> None:
        stopped.append(server)
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "wait", wait)
    return stopped
