"""`paygate refund`, against a pretend Midtrans over HTTP."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from paygate import Charge, ChargeStatus, Gateway, Money, Qris, Refund, RefundStatus
from paygate.cli import app
from paygate.cli.showing import plain
from paygate.sandbox import Fault
from tests.cli.shop import Pair

Run = Callable[..., Result]
BACKUP = ("--method", "qris", "--gateway", "backup")


@pytest.fixture
def file(pair: Pair, run: Run) -> Path:
    """A configuration, with a paid charge INV-1 at "backup"."""
    file = pair.file()
    pair.paid(run, "INV-1", file)
    return file


def words(file: Path, number: str = "R-1", *more: str) -> tuple[str | Path, ...]:
    return (
        "refund",
        "INV-1",
        *BACKUP,
        "--refund",
        number,
        "--reason",
        "It was broken.",
        "--config",
        file,
        *more,
    )


def test_the_whole_charge_is_given_back(run: Run, file: Path) -> None:
    """A person sees the charge with its refund, and how much it is in all."""
    done = run(*words(file))
    assert 0 == done.exit_code, done.output
    lines = dict(line.split("  ", 1) for line in done.stdout.splitlines() if line[:1].isalpha())
    assert "REFUNDED" == lines["status"].strip()
    assert "IDR 25000.00" == lines["refunded"].strip()
    assert lines["refund"].strip().startswith("R-1  IDR 25000.00  ")
    assert "R-1  IDR 25000.00  DONE" in run("query", "INV-1", *BACKUP, "--config", file).stdout


def test_parts_are_given_back_one_by_one(run: Run, file: Path) -> None:
    """For programs amounts are decimal text; a query tells the same."""
    first = run(*words(file, "R-1", "--amount", "Rp5000", "--json"))
    assert 0 == first.exit_code, first.output
    assert 0 == run(*words(file, "R-2", "--amount", "2500")).exit_code
    told = json.loads(run("query", "INV-1", *BACKUP, "--config", file, "--json").stdout)
    assert "partially_refunded" == told["status"]
    assert {"amount": "7500.00", "currency": "IDR"} == told["refunded_amount"]
    assert [("R-1", "5000.00", "done"), ("R-2", "2500.00", "done")] == [
        (one["reference"], one["amount"]["amount"], one["status"]) for one in told["refunds"]
    ]


def test_the_same_refund_is_made_once(run: Run, file: Path) -> None:
    """Asking again under its own number moves no more money."""
    for _ in range(2):
        assert 0 == run(*words(file, "R-1", "--amount", "5000")).exit_code
    told = json.loads(run("query", "INV-1", *BACKUP, "--config", file, "--json").stdout)
    assert "5000.00" == told["refunded_amount"]["amount"]


def test_a_lost_answer_says_how_to_settle_it(run: Run, pair: Pair, file: Path) -> None:
    """Exit code 3, the query that tells, and that the same command may be run again if it tells no refund."""
    pair.other.faults.plan(Fault.CUT, "refund")
    lost = run(*words(file, "R-1", "--amount", "5000"))
    assert 3 == lost.exit_code
    assert "If the charge tells no refund R-1, this command may be run again just as it was." in lost.stderr
    [line] = [line for line in lost.stderr.splitlines() if line.startswith("Run: ")]
    program, *asked = shlex.split(line.removeprefix("Run: "))
    settled = run(*asked)
    assert ("paygate", 0) == (program, settled.exit_code)
    assert "R-1  IDR 5000.00  DONE" in settled.stdout


def test_ctrl_c_leaves_the_outcome_unknown(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request may have left."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Gateway, "refund", interrupt)
    done = run(*words(file))
    assert 3 == done.exit_code
    assert "Run: paygate query INV-1 --method qris --gateway backup" in done.stderr


@pytest.mark.parametrize(
    ("more", "code", "why"),
    [
        (("--amount", "20.000,00"), 2, "may mean 20000"),
        (("--amount", "0"), 2, "Give it with --amount."),
        (("--reason", " "), 2, "Give it with --reason."),
        (("--refund", "R 1"), 2, "Give it with --refund."),
        (("--amount", "99999"), 4, "Run: paygate query INV-1"),
        (("--gateway", "main"), 2, "does not offer refund for qris"),
        (("--gateway", "mian"), 2, "no gateway is named 'mian'"),
    ],
)
def test_what_is_wrong_is_said(run: Run, file: Path, more: tuple[str, ...], code: int, why: str) -> None:
    """Before anything is sent where it can be; nothing is given back."""
    done = run(*words(file), *more)
    assert code == done.exit_code
    assert why in done.stderr
    told = json.loads(run("query", "INV-1", *BACKUP, "--config", file, "--json").stdout)
    assert ("paid", []) == (told["status"], told["refunds"])


def test_a_part_that_this_method_does_not_give_back_has_a_hint(run: Run, pair: Pair) -> None:
    """The whole may still be given back."""
    done = run(
        *("refund", "INV-1", "--method", "e_wallet:shopeepay", "--refund", "R-1", "--reason", "Broken"),
        *("--amount", "5000", "--config", pair.file()),
    )
    assert 2 == done.exit_code
    assert "does not offer partial_refund for e_wallet shopeepay" in done.stderr
    assert "Without --amount the whole charge is given back." in done.stderr


def test_an_unpaid_charge_cannot_be_given_back(run: Run, pair: Pair) -> None:
    """Exit code 4, and the query that shows how it stands."""
    file = pair.file()
    run("charge", "INV-1", "25000", *BACKUP, "--config", file)
    done = run(*words(file))
    assert 4 == done.exit_code
    assert "Run: paygate query INV-1 --method qris --gateway backup" in done.stderr


def test_an_unknown_charge_may_be_elsewhere(run: Run, pair: Pair) -> None:
    """Another method, or with several gateways another of them."""
    done = run(*words(pair.file()))
    assert 4 == done.exit_code
    assert "Or it was made by another method or gateway: see --method and --gateway." in done.stderr


@pytest.mark.parametrize(
    ("answer", "more", "code", "status"),
    [
        ("n\n", (), 1, "paid"),
        ("", (), 1, "paid"),
        ("y\n", (), 0, "refunded"),
        ("", ("--yes",), 0, "refunded"),
    ],
    ids=["no", "nobody there", "yes", "--yes"],
)
def test_production_asks_before_money_goes_back(
    run: Run,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    more: tuple[str, ...],
    code: int,
    status: str,
) -> None:
    """Only a yes, typed or given, sends it."""
    monkeypatch.setattr("paygate.cli.refund.is_production", lambda *_: True)
    done = CliRunner().invoke(app, [str(word) for word in words(file, "R-1", *more)], input=answer)
    assert code == done.exit_code
    assert ("backup is in production: give the whole of INV-1 back?" in done.stderr) == (more == ())
    told = json.loads(run("query", "INV-1", *BACKUP, "--config", file, "--json").stdout)
    assert status == told["status"]


def test_a_refund_that_waits_is_shown_so() -> None:
    """With its own status, and what is not known left out."""
    charge = Charge(
        gateway="backup",
        reference="INV-1",
        status=ChargeStatus.PAID,
        method=Qris(),
        refunds=(Refund(reference="R-1", amount=Money.idr(5_000), status=RefundStatus.PENDING),),
    )
    told = plain(charge)
    assert told["refunded_amount"] is None
    money = {"amount": "5000.00", "currency": "IDR"}
    assert [{"reference": "R-1", "amount": money, "status": "pending"}] == told["refunds"]
