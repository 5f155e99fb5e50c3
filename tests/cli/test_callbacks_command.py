"""`paygate callbacks`: what waits, what is dead, one in full, trying again, and working."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from paygate import CallbackRequest, Paygate
from paygate.worker import Worker
from tests.callbacks.doors import sealed, told
from tests.cli.running import PATIENCE
from tests.provider import CANARY, Provider

Run = Callable[..., Result]

SHOP = """
import os
import signal
import threading
import time
from pathlib import Path

def handle(callback):
    with Path("told.txt").open("a") as book:
        book.writelines(f"{one.told.reference} {one.kind}\\n" for one in callback.conflicts)

def broken(callback, connection):
    raise RuntimeError("personal: Siti")

def first(callback):
    handle(callback)
    os.kill(os.getpid(), signal.SIGTERM)
    while not Path("signalled.txt").exists():
        time.sleep(0.01)

def endless(callback):
    Path("begun.txt").touch()
    threading.Event().wait()

def odd():
    pass

number = 7
"""


@pytest.fixture
def paygate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paygate]:
    """A merchant in a folder of its own, with a store, a handler and three callbacks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "inbox_shop", raising=False)
    (tmp_path / "inbox_shop.py").write_text(SHOP)
    (tmp_path / "paygate.toml").write_text(
        f'[gateways.main]\nadapter = "tiny"\napi_key = "{CANARY}"\n'
        '[store]\nurl = "sqlite:///paygate.db"\nattempts = 1\n'
    )
    with Paygate.from_file("paygate.toml", transport=Provider()) as one:
        for reference, status in (("INV-1", "open"), ("INV-2", "paid"), ("INV-2", "paid")):
            body = told(reference, status)
            one.gateway("main").receive(CallbackRequest("POST", "/callbacks/main", sealed(body), body))
        yield one


def fail(paygate: Paygate) -> None:
    """Have the handler fail on all of them, as often as it may."""

    def broken(_: object) -> None:
        raise RuntimeError("personal: Siti")

    Worker(paygate, broken).run_once()


def said(run: Run, *words: object) -> Any:
    """What a command prints for programs."""
    done = run("callbacks", *words, "--json")
    assert 0 == done.exit_code, done.output
    return json.loads(done.stdout)


def listed(run: Run, *words: object) -> list[Any]:
    """The list for programs."""
    found: list[Any] = said(run, "list", *words)["callbacks"]
    return found


def test_the_list_tells_what_there_is(run: Run, paygate: Paygate) -> None:
    """The newest first, with how often each came and what it is about."""
    done = run("callbacks", "list")
    assert 0 == done.exit_code
    head, first, second = done.stdout.splitlines()
    assert "number received gateway state repeats failed about problem" == " ".join(head.split())
    assert first.split()[-5:] == ["new", "1", "0", "INV-2", "paid"]
    assert second.split()[-5:] == ["new", "0", "0", "INV-1", "pending"]
    assert [("new", 1, "paid"), ("new", 0, "pending")] == [
        (one["state"], one["repeats"], one["charges"][0]["status"]) for one in listed(run)
    ]


def test_the_list_can_be_narrowed(run: Run, paygate: Paygate) -> None:
    """To what waits, what is dead, one gateway, a number of them."""
    assert 2 == len(listed(run, "--waiting"))
    assert [] == listed(run, "--dead")
    assert "There are none.\n" == run("callbacks", "list", "--gateway", "backup").stdout
    assert "tell more with --limit" in run("callbacks", "list", "--limit", "1").stdout
    assert [True, False] == [said(run, "list", "--limit", most)["more"] for most in (1, 2)]
    fail(paygate)
    assert ["dead", "dead"] == [one["state"] for one in listed(run, "--dead")]
    assert [] == listed(run, "--waiting")
    assert 2 == len(listed(run, "--waiting", "--dead"))


def test_one_is_shown_in_full(run: Run, paygate: Paygate) -> None:
    """When it came, how often, what it is about and what went wrong; headers and body only when asked for."""
    fail(paygate)
    [second, _] = listed(run)
    done = run("callbacks", "show", second["number"])
    lines = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    told_lines = {name: value.strip() for name, value in lines.items()}
    assert ("dead", "main", "callback", "1", "1") == tuple(
        told_lines[name] for name in ("state", "gateway", "told by", "repeats", "failed attempts")
    )
    assert "INV-2 paid (conflict: unknown)" == told_lines["about"]
    assert told_lines["problem"].startswith("RuntimeError in fail")
    assert "Siti" not in done.stdout
    assert not {"body", "header"} & {*told_lines}
    assert "body" not in said(run, "show", second["number"])
    whole = said(run, "show", second["number"], "--body")
    assert told("INV-2").decode() == whole["body"]
    assert "application/json" == whole["headers"]["content-type"]
    assert ["unknown"] == [one["kind"] for one in whole["conflicts"]]
    assert '"INV-2"' in run("callbacks", "show", second["number"], "--body").stdout


def test_dead_ones_are_tried_again(run: Run, paygate: Paygate) -> None:
    """Those that are named, or all; never one that is done or still waits."""
    fail(paygate)
    numbers = [one["number"] for one in listed(run)]
    assert {"replayed": 1} == said(run, "replay", numbers[0])
    assert ["ready", "dead"] == [one["state"] for one in listed(run)]
    refused = run("callbacks", "replay", numbers[0])
    assert (2, True) == (refused.exit_code, f"callback {numbers[0]} is ready" in refused.output)
    assert "1 is to be tried again" in run("callbacks", "replay", "--all-dead").stdout
    assert 2 == said(run, "work", "inbox_shop:handle", "--once")["worked_on"]
    assert ["done", "done"] == [one["state"] for one in listed(run)]
    assert "INV-1 unknown\nINV-2 unknown\n" == "".join(sorted(Path("told.txt").read_text().splitlines(True)))


@pytest.mark.parametrize("words", [("replay",), ("replay", "1", "--all-dead")])
def test_what_is_to_be_replayed_must_be_said(run: Run, paygate: Paygate, words: Any) -> None:
    """Numbers or all, one of the two."""
    done = run("callbacks", *words)
    assert (2, True) == (done.exit_code, "one of the two" in done.output)


@pytest.mark.parametrize("words", [("show", "99"), ("replay", "99")])
def test_a_number_that_is_none_is_told(run: Run, paygate: Paygate, words: Any) -> None:
    """With the command that lists them."""
    done = run("callbacks", *words)
    assert (2, True) == (done.exit_code, "the inbox has no callback 99" in done.output)


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        ("inbox_shop", "names no function"),
        ("inbox_shopp:handle", "there is no module inbox_shopp"),
        ("inbox_shop:handel", "cannot be had (AttributeError"),
        ("inbox_shop:number", "is no function"),
        ("inbox_shop:odd", "a handler takes the callback"),
        ("inbox shop:handle", "cannot be had"),
    ],
)
def test_a_handler_that_cannot_be_had_is_told(run: Run, paygate: Paygate, handler: str, why: str) -> None:
    """Before anything is worked on."""
    done = run("callbacks", "work", handler, "--once")
    assert (2, True) == (done.exit_code, why in done.output)
    assert 2 == len(listed(run, "--waiting"))


def test_work_goes_on_until_it_is_told_to_stop(run: Run, paygate: Paygate) -> None:
    """By SIGTERM as well as by Ctrl-C; what is in work is ended first."""
    before = signal.getsignal(signal.SIGTERM)

    def stop() -> None:
        while not Path("told.txt").exists() or len(Path("told.txt").read_text().splitlines()) < 2:
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop).start()
    done = run("callbacks", "work", "inbox_shop:handle", "--threads", "2")
    assert (0, "Working with 2 threads; Ctrl-C ends it.\n") == (done.exit_code, done.stdout)
    assert signal.getsignal(signal.SIGTERM) is before
    assert ["done", "done"] == [one["state"] for one in listed(run)]


def test_a_pass_that_is_told_to_stop_ends_what_it_is_at_work_on(
    run: Run, paygate: Paygate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And gives back the rest, which is due at once; how many were worked on is told."""
    monkeypatch.setattr("paygate.cli.work._stopping", lambda **_: Path("signalled.txt").touch())
    assert {"worked_on": 1, "stopped": True} == said(run, "work", "inbox_shop:first", "--once")
    assert ["new", "done"] == [one["state"] for one in listed(run)]
    assert {"worked_on": 1, "stopped": False} == said(run, "work", "inbox_shop:handle", "--once")


def test_ctrl_c_twice_ends_work_at_once(run: Run, paygate: Paygate) -> None:
    """Once, it waits for the handler; twice, it waits for nothing, and the callback is not done."""
    command = [sys.executable, "-m", "paygate", "callbacks", "work", "inbox_shop:endless"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        bound = threading.Timer(PATIENCE, process.kill)
        bound.daemon = True
        bound.start()
        while not Path("begun.txt").exists() and process.poll() is None:
            threading.Event().wait(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "stopping, after the callbacks that are under way\n" == process.stderr.readline()
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) > 0
        bound.cancel()
    assert {"done"}.isdisjoint(one["state"] for one in listed(run))


@pytest.mark.parametrize(
    "words", [("list",), ("show", "1"), ("replay", "1"), ("work", "inbox_shop:handle", "--once")]
)
def test_without_a_store_there_are_no_callbacks(run: Run, paygate: Paygate, words: Any) -> None:
    """Each command says what to add."""
    text = Path("paygate.toml").read_text().partition("[store]")[0]
    Path("paygate.toml").write_text(text)
    done = run("callbacks", *words)
    assert (2, True) == (done.exit_code, "there is no store" in done.output)


def test_each_of_them_explains_itself(run: Run) -> None:
    """With --help, and --json for programs."""
    for command in ("list", "show", "replay", "work"):
        assert "--json" in run("callbacks", command, "--help").stdout
