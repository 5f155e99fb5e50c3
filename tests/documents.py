"""Run the examples of README.md and docs/ against a pretend Ayolinx, as a reader would."""

import contextlib
import os
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from paygate_ayolinx.simulator import AyolinxSimulator
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from paygate.cli.sandbox import write_account
from paygate.sandbox import Fault, PayerAction
from paygate.sandbox.host import serve


def set_up(namespace: dict[str, Any]) -> None:
    """A sandbox that runs, its configuration where the pages say, and the reader's other terminal."""
    stack = namespace["_stack"] = contextlib.ExitStack()
    simulator = AyolinxSimulator("http://127.0.0.1:9/callbacks/main")
    provider = stack.enter_context(serve(simulator))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    before = Path.cwd()
    stack.callback(os.chdir, before)
    os.chdir(folder)
    settings = {**simulator.settings, "base_url": provider.url}
    write_account(Path("sandbox-account"), settings)
    write_account(Path(), settings)

    def play_the_payer(reference: str, action: str) -> None:
        url = f"{provider.url}/_sandbox/charges/{reference}/{PayerAction(action)}"
        request = urllib.request.Request(url, method="POST")
        with urllib.request.urlopen(request, timeout=10) as reply:
            assert reply.status == 200

    namespace["play_the_payer"] = play_the_payer
    namespace["plan_a_fault"] = lambda fault: simulator.faults.plan(Fault(fault))


def tear_down(namespace: dict[str, Any]) -> None:
    """Stop it all."""
    namespace["_stack"].close()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "docs/*.md"],
    path=str(Path(__file__).parent.parent),
    setup=set_up,
    teardown=tear_down,
).pytest()
