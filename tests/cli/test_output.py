"""How commands speak of errors: to a person, to a program, and with a cure of their own where there is one."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer import Exit
from typer.testing import Result

from paygate import (
    CallbackRejected,
    ChargeNotFound,
    ConfigurationError,
    InvalidCharge,
    OutcomeUnknown,
    PaygateError,
    Unreachable,
)
from paygate.advice import advice_for
from paygate.cli.output import cure_of, explained, misuse, print_columns, program
from tests.cli.shop import Shop

Run = Callable[..., Result]


@pytest.mark.parametrize(
    ("error", "branch"),
    [
        (ConfigurationError("x"), "not_sent"),
        (InvalidCharge("amount", "x"), "not_sent"),
        (Unreachable("x"), "not_sent"),
        (OutcomeUnknown("x"), "outcome_unknown"),
        (ChargeNotFound("x"), "refused"),
        (CallbackRejected("body", "x"), "refused"),
        (PaygateError("x"), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, PaygateError) else None,
)
def test_programs_are_told_the_branch(
    error: PaygateError, branch: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what happened to the money, beside what happened and what to do."""
    with pytest.raises(Exit), explained(as_json=True):
        raise error
    told = json.loads(capsys.readouterr().out)
    assert (type(error).__name__, branch, error.what) == (told["error"], told["branch"], told["what"])
    assert (str(error), advice_for(type(error), "en")) == (told["message"], told["do"])


def test_programs_are_told_the_field(run: Run, shop: Shop) -> None:
    """Which part of the charge is wrong, why, and which option gives it."""
    words = ("charge", "INV-1", "25000", "--method", "retail:alfamart", "--config", shop.file, "--json")
    told = json.loads(run(*words).stdout)
    assert ("InvalidCharge", "customer.name") == (told["error"], told["field"])
    assert f"{told['field']}: {told['why']}" == told["what"]
    assert told["do"].endswith("nothing was sent. Give it with --name.")
    assert ("main", "create_charge", "INV-1") == (told["gateway"], told["operation"], told["reference"])


def test_a_misuse_has_a_cure_of_its_own() -> None:
    """It stands in the place of the general one, and is no part of what happened."""
    error = misuse("port 1 cannot be had", "Take another one.")
    assert ("port 1 cannot be had", "Take another one.") == (error.what, cure_of(error))
    assert "Mend the configuration; nothing was sent." == cure_of(ConfigurationError("x"))


@pytest.mark.parametrize("command", ["charge", "query", "cancel", "sign", "verify", "doctor"])
def test_where_there_is_no_configuration_it_says_how_to_get_one(
    run: Run, tmp_path: Path, command: str
) -> None:
    """An option, a command, and the README."""
    words = {
        "charge": ("INV-1", "25000", "--method", "qris"),
        "query": ("INV-1", "--method", "qris"),
        "cancel": ("INV-1", "--method", "qris"),
        "sign": ("--path", "/x"),
        "verify": ("--path", "/x"),
        "doctor": (),
    }[command]
    done = run(command, *words, "--config", tmp_path / "none.toml")
    assert 2 == done.exit_code
    assert "none.toml: there is no such file" in done.output
    assert all(way in done.output for way in ("--config FILE", "`paygate sandbox`", "README"))


def test_the_program_is_told_as_it_can_be_called_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its path, unless its name alone finds it; as a module of the same Python else."""
    script = tmp_path / "a venv" / "bin" / "paygate"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(script)])
    assert f"'{script}'" == program()
    monkeypatch.setenv("PATH", str(script.parent))
    assert "paygate" == program()
    monkeypatch.setattr(sys, "argv", ["/somewhere/paygate/__main__.py"])
    assert program().endswith(" -m paygate")


def test_columns_stand_below_each_other_and_are_not_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However narrow the terminal; what cannot be seen counts as its mark, and no line ends in blanks."""
    monkeypatch.setenv("COLUMNS", "10")
    print_columns(("name", "state", "flags"), [("a\x1b", ("done", "green"), ""), ("9" * 20, "new", "late")])
    assert capsys.readouterr().out.split("\n") == [
        f"{'name':20}  state  flags",
        r"a\x1b" + " " * 17 + "done",
        f"{'9' * 20}  new    late",
        "",
    ]
