import subprocess
import sys
from collections.abc import Callable
from importlib import metadata

import pytest

from paygate.__main__ import main
from tests.cli.running import PATIENCE

COMMANDS = (
    "demo",
    "sandbox",
    "plugins",
    "keygen",
    "doctor",
    "charge",
    "query",
    "cancel",
    "sign",
    "verify",
)
Alone = Callable[..., "subprocess.CompletedProcess[str]"]


def without(blocked: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `paygate` in a process where some module is not installed."""
    code = (
        f"import sys; sys.modules[{blocked!r}] = None; sys.argv = {['paygate', *words]!r}; "
        "from paygate.__main__ import main; main()"
    )
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_help_lists_the_commands(run_alone: Alone) -> None:
    """`python -m paygate --help` names each with what it does."""
    done = run_alone("--help")
    assert 0 == done.returncode
    assert "" == done.stderr
    assert all(f" {command} " in done.stdout for command in COMMANDS)


def test_the_version_is_that_of_the_distribution(run_alone: Alone) -> None:
    """As pip shows it."""
    done = run_alone("--version")
    assert (0, f"paygate {metadata.version('paygate-core')}") == (done.returncode, done.stdout.strip())


def test_flags_show_no_type(run_alone: Alone) -> None:
    """Only the help of --help itself, which is typer's own, says <bool>."""
    for command in ("doctor", "charge"):
        assert 1 == run_alone(command, "--help").stdout.count("<bool>")


def test_without_a_command_there_is_help(run_alone: Alone) -> None:
    """Who types only `paygate` is told what there is."""
    done = run_alone()
    assert 2 == done.returncode
    assert all(f" {command} " in done.stdout + done.stderr for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(run_alone: Alone, command: str) -> None:
    """--help of a command succeeds and shows how it is used."""
    done = run_alone(command, "--help")
    assert 0 == done.returncode
    assert f"paygate {command}" in done.stdout
    assert "--json" in done.stdout


def test_an_unknown_command_is_a_wrong_use(run_alone: Alone) -> None:
    """It is named, without a traceback."""
    done = run_alone("pay")
    assert 2 == done.returncode
    assert "'pay'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_installed_command_is_this_one() -> None:
    """The console script `paygate` runs the same function."""
    [script] = [
        point
        for point in metadata.distribution("paygate-core").entry_points
        if point.group == "console_scripts"
    ]
    assert ("paygate", main) == (script.name, script.load())


@pytest.mark.parametrize("module", ["typer", "rich", "segno"])
def test_without_the_extra_the_command_says_what_to_install(module: str) -> None:
    """One sentence on the standard error with the missing module and the pip command; no traceback."""
    done = without(module, "--help")
    assert 1 == done.returncode
    assert "" == done.stdout
    assert f"{module} is missing; install paygate-core with its extra `cli`" == done.stderr.strip()


@pytest.mark.parametrize("module", ["jinja2", "starlette", "uvicorn"])
@pytest.mark.parametrize("command", ["demo", "sandbox"])
def test_without_the_sandbox_extra_its_commands_say_what_to_install(module: str, command: str) -> None:
    """The exit code is that of a wrong configuration, and the pip command is complete."""
    done = without(module, command)
    assert 2 == done.returncode
    assert "install paygate-core with its extra `sandbox`" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_other_commands_need_no_sandbox() -> None:
    """Plugins are listed where starlette is not installed."""
    done = without("starlette", "plugins", "--json")
    assert 0 == done.returncode
    assert '"adapter": "ayolinx"' in done.stdout


def test_main_runs_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The words of the command come from sys.argv."""
    monkeypatch.setattr(sys, "argv", ["paygate", "plugins", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert 0 == ended.value.code
    assert "ayolinx" in capsys.readouterr().out


def test_main_without_typer_ends_with_the_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in this process."""
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit, match="typer is missing; install paygate-core"):
        main()
