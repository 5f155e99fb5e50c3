import json
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from paygate import adapters
from paygate.cli import output
from paygate.cli.importing import told_of
from tests.cli.strangers import GOOD, install_in

Run = Callable[..., Result]
Install = Callable[..., None]

GREEDY = "raise ImportError(\"pip install 'stranger[extra]' [/] first\")"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install distributions as files on a path: metadata, entry points and a module."""
    there = list(metadata.distributions())
    monkeypatch.syspath_prepend(tmp_path)

    def do(distribution: str, adapter: str, code: str | None) -> None:
        install_in(tmp_path, distribution, code, adapter=adapter)
        strangers = list(metadata.distributions(path=[str(tmp_path)]))
        monkeypatch.setattr(adapters, "_distributions", lambda: [*there, *strangers])
        adapters._scan.cache_clear()

    yield do
    monkeypatch.undo()
    adapters._scan.cache_clear()


@pytest.fixture
def listed(run: Run) -> Callable[[], dict[str, dict[str, Any]]]:
    """List the plugins; a row for each distribution."""

    def do() -> dict[str, dict[str, Any]]:
        done = run("plugins", "--json")
        rows = {f"{row['adapter']} by {row['distribution']}": row for row in json.loads(done.stdout)}
        assert (2 if any(row["problem"] for row in rows.values()) else 0) == done.exit_code
        return rows

    return do


def test_both_plugins_of_this_workspace_are_ready(listed: Callable[[], dict[str, dict[str, Any]]]) -> None:
    """Each with its distribution, version and what it answers."""
    rows = listed()
    assert {
        "adapter": "tiny",
        "distribution": "paygate-tiny 0.3.0",
        "answers": ["authorize", "create_charge", "query", "parse_callback", "simulator"],
        "stage": None,
        "problem": None,
        "remarks": [],
    } == rows["tiny by paygate-tiny 0.3.0"]
    [ayolinx] = [row for row in rows.values() if row["adapter"] == "ayolinx"]
    assert ayolinx["distribution"].startswith("paygate-ayolinx ")
    assert ayolinx["problem"] is None
    assert {"create_charge", "query", "cancel", "parse_callback"} < set(ayolinx["answers"])


def test_a_person_sees_a_table(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each, under a heading, with "ready" where it is."""
    monkeypatch.setattr(output.console, "_width", 200)
    done = run("plugins")
    head, *rows = done.stdout.splitlines()
    assert 0 == done.exit_code
    assert ["adapter", "distribution", "answers", "state"] == head.split()
    assert ["ayolinx", "midtrans", "tiny"] == [row.split()[0] for row in rows]
    assert ["ready"] * 3 == [row.split()[-1] for row in rows]


def test_a_broken_plugin_is_named_with_what_is_wrong(
    install: Install, listed: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    """It has a row of its own and answers nothing; the others are ready."""
    install("broken", "broken", "1 / 0")
    rows = listed()
    broken = rows.pop("broken by broken 1.0")
    assert ("import", []) == (broken["stage"], broken["answers"])
    assert "adapter 'broken' of broken 1.0 failed at import: ZeroDivisionError" in broken["problem"]
    assert {None} == {row["problem"] for row in rows.values()}


def test_two_distributions_that_claim_one_name_are_both_named(
    install: Install, listed: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    """Both rows say with whom the name is shared, though either alone would be ready."""
    install("stranger-tiny", "tiny", GOOD)
    rows = listed()
    for row in ("tiny by paygate-tiny 0.3.0", "tiny by stranger-tiny 1.0"):
        assert "paygate-tiny 0.3.0" in rows[row]["problem"]
        assert "stranger-tiny 1.0" in rows[row]["problem"]
        assert "uninstall all but one" in rows[row]["problem"]


def test_another_good_plugin_is_ready(
    install: Install, listed: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    """Whoever installs an adapter finds it in the list."""
    install("good", "good", GOOD)
    assert listed()["good by good 1.0"]["problem"] is None


def test_a_person_sees_what_is_wrong(install: Install, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage stands where "ready" would, and the rest below the table."""
    monkeypatch.setattr(output.console, "_width", 200)
    install("broken", "broken", "1 / 0")
    install("chatty", "chatty", f"print(1)\n{GOOD}")
    done = run("plugins")
    lines = done.stdout.splitlines()
    states = {line.split()[0]: line.strip().rsplit("  ", 1)[-1].strip() for line in lines[1:6]}
    assert ("broken: import", "ready, but") == (states["broken"], states["chatty"])
    assert 2 == done.exit_code
    assert any(
        line.startswith("✗ adapter 'broken' of broken 1.0 failed at import: ZeroDivisionError")
        for line in lines
    )
    assert any(line.startswith("? adapter 'chatty' of chatty 1.0: it prints when") for line in lines)


def test_one_that_is_named_and_broken_is_an_error(install: Install, run: Run) -> None:
    """There is nothing to show of it but why."""
    install("broken", "broken", "1 / 0")
    done = run("plugins", "broken", "--json")
    told = json.loads(done.stdout)
    assert (2, "PluginError") == (done.exit_code, told["error"])
    assert "failed at import: ZeroDivisionError" in told["what"]


def test_square_brackets_in_a_problem_are_shown(
    install: Install, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An extra to install is named in full; a stranger's words are no markup."""
    monkeypatch.setattr(output.console, "_width", 300)
    install("broken", "broken", GREEDY)
    assert "pip install 'stranger[extra]' [/] first" in run("plugins").stdout


def test_without_plugins_a_person_is_told_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch, install: Install
) -> None:
    """An empty list is a sentence for a person and a list for a program."""
    monkeypatch.setattr(adapters, "_distributions", list)
    adapters._scan.cache_clear()
    assert "No adapter is installed: install a plugin" in run("plugins").stdout
    assert [] == json.loads(run("plugins", "--json").stdout)


def test_an_adapter_named_shows_what_it_can_do(run: Run) -> None:
    """By method, and by bank, wallet and store; for programs as plain data."""
    rows = {row.pop("method"): row for row in json.loads(run("plugins", "ayolinx", "--json").stdout)}
    assert rows["qris"]["cancel"] is True
    assert rows["virtual_account bni"] == {
        "create_charge": True,
        "query": True,
        "cancel": False,
        "refund": False,
        "partial_refund": False,
        "parse_callback": True,
    }
    [link] = [line.split() for line in run("plugins", "ayolinx").stdout.splitlines() if "link" in line]
    assert ["payment_link", "yes", "no", "no", "no", "no"] == link


def test_refunds_are_shown_whole_and_in_part(run: Run) -> None:
    """A wallet may give back the whole alone."""
    rows = {row["method"]: row for row in json.loads(run("plugins", "midtrans", "--json").stdout)}
    assert (True, True) == (rows["qris"]["refund"], rows["qris"]["partial_refund"])
    assert (True, False) == tuple(rows["e_wallet shopeepay"][name] for name in ("refund", "partial_refund"))


def test_an_adapter_that_is_not_there_is_an_error(run: Run) -> None:
    """Its name is told, and those that are there."""
    done = run("plugins", "ayolink")
    assert 2 == done.exit_code
    assert "did you mean 'ayolinx'?" in done.stderr


@pytest.mark.parametrize(
    ("code", "stage", "seen"),
    [
        (f"print(1)\n{GOOD}", None, True),
        ("1 / 0", "import", None),
        ("raise KeyboardInterrupt", "import", None),
    ],
    ids=["good and noisy", "broken", "interrupting"],
)
def test_the_other_process_tells_what_it_finds(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: str,
    stage: str | None,
    seen: bool | None,
) -> None:
    """As plain data, and prints nothing of what the module prints."""
    name = f"told-{len(code)}"
    install_in(tmp_path, name, code)
    monkeypatch.syspath_prepend(tmp_path)
    target = f"stranger_{name.replace('-', '_')}:Adapter"
    told = told_of({"name": "told", "target": target, "distribution": name, "version": "1.0"})
    assert (stage, seen) == (told.get("stage"), told.get("printed"))
    assert ("methods" in told) == (stage is None)
    assert "" == capsys.readouterr().out
