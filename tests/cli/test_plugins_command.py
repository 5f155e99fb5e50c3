import json
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from paygate import API_VERSION, adapters
from paygate.cli import output

Run = Callable[..., Result]
Install = Callable[..., None]

GOOD = "from paygate_tiny import Tiny as Adapter"
OLD = f"class Adapter:\n    api_version = {API_VERSION + 1}\n    settings_type = object"
SHAPELESS = f"class Adapter:\n    api_version = {API_VERSION}"
GREEDY = "raise ImportError(\"pip install 'stranger[extra]' [/] first\")"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install distributions as files on a path: metadata, entry points and a module."""
    there = list(metadata.distributions())
    monkeypatch.syspath_prepend(tmp_path)

    def do(distribution: str, adapter: str, code: str | None) -> None:
        module = f"stranger_{distribution.replace('-', '_')}"
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{adapters.GROUP}]\n{adapter} = {module}:Adapter\n")
        if code is not None:
            (tmp_path / f"{module}.py").write_text(code)
        strangers = list(metadata.distributions(path=[str(tmp_path)]))
        monkeypatch.setattr(adapters, "_distributions", lambda: [*there, *strangers])
        adapters._scan.cache_clear()

    yield do
    monkeypatch.undo()
    adapters._scan.cache_clear()
    for name in [name for name in sys.modules if name.startswith("stranger_")]:
        del sys.modules[name]


@pytest.fixture
def listed(run: Run) -> Callable[[], dict[str, dict[str, Any]]]:
    """List the plugins; a row for each distribution."""

    def do() -> dict[str, dict[str, Any]]:
        done = run("plugins", "--json")
        assert 0 == done.exit_code
        return {f"{row['adapter']} by {row['distribution']}": row for row in json.loads(done.stdout)}

    return do


def test_both_plugins_of_this_workspace_are_ready(listed: Callable[[], dict[str, dict[str, Any]]]) -> None:
    """Each with its distribution, version and what it answers."""
    rows = listed()
    assert {
        "adapter": "tiny",
        "distribution": "paygate-tiny 0.3.0",
        "answers": ["authorize", "create_charge", "query", "parse_callback"],
        "problem": None,
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
    assert ["ayolinx", "tiny"] == [row.split()[0] for row in rows]
    assert ["ready", "ready"] == [row.split()[-1] for row in rows]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (None, "failed at import: ModuleNotFoundError: No module named 'stranger_broken'"),
        ("Other = 1", "failed at import: AttributeError"),
        ("1 / 0", "failed at import: ZeroDivisionError: division by zero"),
        ("def", "failed at import: SyntaxError"),
        (OLD, f"failed at api version: it is made for version {API_VERSION + 1} of the interface"),
        (SHAPELESS, "failed at interface"),
    ],
)
def test_a_broken_plugin_is_named_with_what_is_wrong(
    install: Install,
    listed: Callable[[], dict[str, dict[str, Any]]],
    code: str | None,
    problem: str,
) -> None:
    """It has a row of its own and answers nothing; the others are ready."""
    install("broken", "broken", code)
    rows = listed()
    broken = rows.pop("broken by broken 1.0")
    assert "adapter 'broken' of broken 1.0 " in broken["problem"]
    assert problem in broken["problem"]
    assert [] == broken["answers"]
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
    """The problem stands where "ready" would."""
    monkeypatch.setattr(output.console, "_width", 300)
    install("broken", "broken", "1 / 0")
    done = run("plugins")
    assert 0 == done.exit_code
    [row] = [line for line in done.stdout.splitlines() if line.startswith("broken")]
    assert "failed at import: ZeroDivisionError: division by zero" in row


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


def test_a_plugin_that_wants_to_end_the_program_does_not(
    install: Install, listed: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    """A module that calls sys.exit is as broken as any other."""
    install("broken", "broken", "import sys\nsys.exit(7)")
    assert "failed at import" in listed()["broken by broken 1.0"]["problem"]


def test_an_adapter_named_shows_what_it_can_do(run: Run) -> None:
    """By method, and by bank, wallet and store; for programs as plain data."""
    rows = {row.pop("method"): row for row in json.loads(run("plugins", "ayolinx", "--json").stdout)}
    assert rows["qris"]["cancel"] is True
    assert rows["virtual_account bni"] == {
        "create_charge": True,
        "query": True,
        "cancel": False,
        "parse_callback": True,
    }
    [link] = [line.split() for line in run("plugins", "ayolinx").stdout.splitlines() if "link" in line]
    assert ["payment_link", "yes", "no", "no"] == link


def test_an_adapter_that_is_not_there_is_an_error(run: Run) -> None:
    """Its name is told, and those that are there."""
    done = run("plugins", "ayolink")
    assert 2 == done.exit_code
    assert "did you mean 'ayolinx'?" in done.stderr
