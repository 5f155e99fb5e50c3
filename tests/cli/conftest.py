"""The command line, run in this process or in one of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from paygate_ayolinx.simulator import AyolinxSimulator
from paygate_midtrans.simulator import MidtransSimulator
from typer.testing import CliRunner, Result

from paygate.cli import app, demo
from paygate.cli import sandbox as simulators
from paygate.cli.sandbox import write_account
from paygate.sandbox.host import serve
from paygate.sandbox.server import Server
from paygate.sandbox.simulator import Simulator
from tests.cli.running import PATIENCE
from tests.cli.shop import Pair, Shop
from tests.provider import CANARY
from tests.server import loopback
from tests.watch import CANARIES


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

    def simulator_of(adapter: str | None, callback_url: str, pace: float) -> Simulator:
        if adapter is not None:
            return simulators.simulator_of(adapter, callback_url, pace)
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


@pytest.fixture
def shop(make_simulator: Callable[..., AyolinxSimulator], tmp_path: Path) -> Iterator[Shop]:
    """A merchant whose gateway "main" talks to a pretend Ayolinx over HTTP."""
    simulator = make_simulator("http://127.0.0.1:9/callbacks/main")
    with serve(simulator) as provider:
        settings = {**simulator.settings, "base_url": provider.url}
        yield Shop(simulator, provider.url, settings, write_account(tmp_path / "shop", settings))


@pytest.fixture
def pair(shop: Shop) -> Iterator[Pair]:
    """That merchant, with a pretend Midtrans beside."""
    simulator = MidtransSimulator("http://127.0.0.1:9/callbacks/backup")
    CANARIES.add(simulator.server_key)
    with serve(simulator) as provider:
        yield Pair(shop, simulator, provider.url)


@pytest.fixture
def tiny_file(tmp_path: Path) -> Iterator[Path]:
    """A configuration of one gateway "small" of the tiny adapter, whose provider finds every charge open."""

    def answer(request: BaseHTTPRequestHandler) -> bytes:
        return json.dumps({"id": "INV-1", "status": "open", "qr": "TINY-QR"}).encode()

    with loopback(answer) as provider:
        file = tmp_path / "tiny.toml"
        key = {"adapter": "tiny", "base_url": provider.url, "api_key": CANARY}
        file.write_text(
            "[gateways.small]\n" + "".join(f'{name} = "{value}"\n' for name, value in key.items())
        )
        yield file
