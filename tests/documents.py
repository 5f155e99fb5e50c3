"""Run the examples of README.md and docs/ against a pretend Ayolinx, as a reader would."""

import asyncio
import contextlib
import io
import os
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, Final

from paygate_ayolinx.simulator import AyolinxSimulator
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from paygate import CallbackReply, CallbackRequest
from paygate.callbacks import AsgiCallbacks, WsgiCallbacks
from paygate.cli.sandbox import write_account
from paygate.sandbox import Fault, PayerAction
from paygate.sandbox.host import serve

ROOT: Final = Path(__file__).parent.parent


def answered(application: AsgiCallbacks | WsgiCallbacks, request: CallbackRequest) -> CallbackReply:
    """What a callback application of a page answers."""
    if isinstance(application, AsgiCallbacks):
        return asyncio.run(application.answer(request))
    return application.answer(request)


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

    def last_call(reference: str) -> CallbackRequest:
        told = [one for one in simulator.deliveries.all if one.reference == reference]
        call = told[-1].request()
        return CallbackRequest(call.method, call.url.path, dict(call.headers), call.content)

    namespace["last_call"] = last_call

    def told_three_times(application: AsgiCallbacks | WsgiCallbacks, reference: str) -> str:
        request = last_call(reference)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            replies = [answered(application, request) for _ in range(3)]
        assert [reply.status for reply in replies] == [200] * 3
        return printed.getvalue()

    namespace["page"] = lambda name: (ROOT / name).read_text()
    namespace["told_three_times"] = told_three_times
    namespace["plan_a_fault"] = lambda fault: simulator.faults.plan(Fault(fault))


def tear_down(namespace: dict[str, Any]) -> None:
    """Stop it all."""
    namespace["_stack"].close()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "docs/*.md"],
    path=str(ROOT),
    setup=set_up,
    teardown=tear_down,
).pytest()
