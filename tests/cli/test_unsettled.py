"""What is said of a charge whose outcome is unknown: which command settles it, or that none does."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from paygate import Gateway
from paygate.cli.showing import UNASKABLE
from paygate.sandbox import Fault
from tests.cli.shop import Shop

Run = Callable[..., Result]
PAYER = ("--name", "Siti", "--email", "siti@shop.example", "--phone", "+6281234567890")
LINK = (
    "--method",
    "payment_link",
    *PAYER,
    "--item",
    "Kopi:25000:1",
    "--return-url",
    "https://shop.example/x",
)


def test_a_lost_link_is_not_to_be_asked_for(run: Run, shop: Shop) -> None:
    """Nobody can query it: no such command is shown, and nothing says to query."""
    shop.simulator.faults.plan(Fault.CUT, "create_charge")
    made = run("charge", "INV-1", "25000", *LINK, "--expires", "1h", "--config", shop.file)
    assert 3 == made.exit_code
    what, do = made.stderr.splitlines()
    assert "make another one under a new reference" in what
    assert UNASKABLE == do


def test_programs_are_told_the_same(run: Run, shop: Shop) -> None:
    """What to do, and no command."""
    shop.simulator.faults.plan(Fault.CUT, "create_charge")
    made = run("charge", "INV-1", "25000", *LINK, "--expires", "1h", "--config", shop.file, "--json")
    told = json.loads(made.stdout)
    assert ("OutcomeUnknown", UNASKABLE) == (told["error"], told["do"])
    assert "run" not in told


def test_an_interrupted_link_is_not_to_be_asked_for(
    run: Run, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to do is said all the same."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Gateway, "create_charge", interrupt)
    made = run("charge", "INV-1", "25000", *LINK, "--config", shop.file)
    assert 3 == made.exit_code
    assert f"OutcomeUnknown you interrupted it\n{UNASKABLE}\n" == made.stderr


def test_a_reference_that_names_an_emoji_stays_itself(run: Run, shop: Shop) -> None:
    """The command that settles it asks for the charge that was made."""
    shop.simulator.faults.plan(Fault.CUT, "create_charge")
    made = run("charge", "shop:key:17", "25000", "--method", "qris", "--config", shop.file)
    assert "Run: paygate query shop:key:17 --method qris" in made.stderr
