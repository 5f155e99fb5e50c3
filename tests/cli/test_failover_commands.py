"""`paygate charge`, `query`, `cancel` and `doctor` where a charge may go to two providers."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from paygate import Gateway
from paygate.cli import app
from paygate.sandbox import Fault
from tests.cli.shop import Pair

Run = Callable[..., Result]
NOWHERE = "http://127.0.0.1:1"
CHARGE = ("charge", "INV-1", "25000", "--method", "qris", "--config")


def test_the_first_of_the_route_takes_it(run: Run, pair: Pair) -> None:
    """The other provider hears nothing."""
    told = json.loads(run(*CHARGE, pair.file(), "--json").stdout)
    assert "main" == told["gateway"]
    assert (1, 0) == (pair.shop.simulator.ledger.count("INV-1"), pair.other.ledger.count("INV-1"))


def test_where_the_first_is_unreachable_the_next_takes_it(run: Run, pair: Pair) -> None:
    """And it is shown which one has it."""
    made = run(*CHARGE, pair.file(base_url=NOWHERE))
    assert 0 == made.exit_code, made.output
    lines = dict(line.split("  ", 1) for line in made.stdout.splitlines() if line[:1].isalpha())
    assert "backup" == lines["gateway"].strip()
    assert 1 == pair.other.ledger.count("INV-1")


def test_a_process_says_that_it_went_on_and_keeps_its_output_clean(
    run_alone: Callable[..., Any], pair: Pair
) -> None:
    """The warning is not in what programs read."""
    done = run_alone(*CHARGE, pair.file(base_url=NOWHERE), "--json")
    assert (0, "backup") == (done.returncode, json.loads(done.stdout)["gateway"])
    assert "charge INV-1 goes on from gateway main to backup: Unreachable" in done.stderr


@pytest.mark.parametrize(("first", "holder"), [("main", "main"), ("backup", "backup")])
def test_an_unknown_outcome_names_the_gateway_that_may_have_it(
    run: Run, pair: Pair, first: str, holder: str
) -> None:
    """Nobody else is asked; the command that settles it asks that one."""
    for simulator in (pair.shop.simulator, pair.other):
        simulator.faults.plan(Fault.CUT, "create_charge")
    last = "backup" if first == "main" else "main"
    made = run(*CHARGE, pair.file(f'qris = ["{first}", "{last}"]'), "--json")
    told = json.loads(made.stdout)
    assert (3, holder) == (made.exit_code, told["gateway"])
    assert f"--gateway {holder}" in told["run"]
    assert 1 == pair.shop.simulator.ledger.count("INV-1") + pair.other.ledger.count("INV-1")


def test_an_unknown_outcome_of_the_second_names_the_second(run: Run, pair: Pair) -> None:
    """What was tried before is said too."""
    pair.other.faults.plan(Fault.CUT, "create_charge")
    made = run(*CHARGE, pair.file(base_url=NOWHERE))
    assert 3 == made.exit_code
    assert "Run: paygate query INV-1 --method qris --gateway backup" in made.stderr
    assert "Query this charge and do not send it again" in made.stderr
    assert "Tried before, and nothing was done there: main (Unreachable)." in made.stderr


def test_where_nobody_takes_it_the_last_error_is_told(run: Run, pair: Pair) -> None:
    """With its own advice, and whom was tried before."""
    pair.other.faults.plan(Fault.RATE_LIMIT, "create_charge", 1)
    pair.other.faults.plan(Fault.RATE_LIMIT, "create_charge", 2)
    pair.other.faults.plan(Fault.RATE_LIMIT, "create_charge", 3)
    made = run(*CHARGE, pair.file(base_url=NOWHERE))
    assert 4 == made.exit_code
    assert made.stderr.startswith("RateLimited ")
    assert "Wait and call again" in made.stderr
    assert "Tried before, and nothing was done there: main (Unreachable)." in made.stderr


def test_ctrl_c_asks_both(run: Run, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows which one was being asked, so both are asked for the charge, in order."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Gateway, "create_charge", interrupt)
    file = pair.file()
    done = run(*CHARGE, file)
    assert 3 == done.exit_code
    one = "paygate query INV-1 --method qris --gateway {} --config " + str(file)
    assert f"Run: {one.format('main')}; {one.format('backup')}" in done.stderr


@pytest.mark.parametrize("routes", ['qris = ["main", "backup"]', 'qris = ["main"]', ""])
@pytest.mark.parametrize("command", ["query", "cancel"])
def test_a_charge_that_several_can_have_made_needs_its_gateway(
    run: Run, pair: Pair, command: str, routes: str
) -> None:
    """Whatever the routes are today: they were others, or the gateway was named."""
    file = pair.file(routes)
    run("charge", "INV-1", "25000", "--method", "qris", "--gateway", "backup", "--config", file)
    words = (command, "INV-1", "--method", "qris", "--config", file)
    unclear = run(*words)
    assert 2 == unclear.exit_code
    assert "several gateways can have made this charge: main, backup" in unclear.stderr
    assert "Name the one that did with --gateway: it stands in the charge." in unclear.stderr
    assert 0 == run(*words, "--gateway", "backup").exit_code


def test_a_method_that_one_alone_takes_needs_no_gateway(run: Run, pair: Pair) -> None:
    """No other can have made it."""
    file = pair.file()
    words = ("--method", "e_wallet:gopay", "--config", file)
    assert 0 == run("charge", "INV-1", "25000", *words).exit_code
    assert "backup" == json.loads(run("query", "INV-1", *words, "--json").stdout)["gateway"]


def test_production_names_every_gateway_that_may_collect(
    run: Run, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question for the whole route."""
    monkeypatch.setattr("paygate.cli.charge.is_production", lambda *_: True)
    done = CliRunner().invoke(app, [*CHARGE, str(pair.file())], input="n\n")
    assert 1 == done.exit_code
    assert "main or backup collects real money: IDR 25000.00 for INV-1. Go on?" in done.stderr
    assert 0 == pair.shop.simulator.ledger.count("INV-1") + pair.other.ledger.count("INV-1")


def test_the_doctor_tells_the_routes_and_what_has_none(run: Run, pair: Pair) -> None:
    """A route in order is good; what several take without one is remarked, with the line to add."""
    done = run("doctor", "--offline", "--config", pair.file(), "--json")
    told = [one for one in json.loads(done.stdout)["findings"] if one["subject"] == "routes"]
    assert 0 == done.exit_code, done.output
    assert ["good", "unsure"] == [one["verdict"] for one in told]
    assert "qris goes to main, then to backup" == told[0]["what"]
    assert "several gateways take virtual_account bni, bri, cimb, mandiri" in told[1]["what"]
    assert 'virtual_account = ["main", "backup"] below [routes]' in told[1]["cure"]


def test_the_doctor_asks_a_provider_that_has_no_login(run: Run, pair: Pair) -> None:
    """About a charge that cannot exist, by a method that it has."""
    done = run("doctor", "--gateway", "backup", "--config", pair.file(), "--json")
    told = {one["subject"]: one for one in json.loads(done.stdout)["findings"]}
    assert "good" == told["signed request"]["verdict"]
    assert "this provider needs none" == told["login"]["what"]
