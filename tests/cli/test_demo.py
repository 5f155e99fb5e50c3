import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator
from paygate_tiny import Tiny
from typer.testing import Result

from paygate import QrCode
from paygate.cli import demo
from paygate.cli.merchant import Merchant
from paygate.sandbox import Fault, PayerAction, PretendCharge, qris_fields
from paygate.worker import Worker
from tests.watch import leaks

Run = Callable[..., Result]
Pretender = list[AyolinxSimulator]
Alone = Callable[..., "subprocess.CompletedProcess[str]"]

ORDERS = {f"DEMO-{number}": 1 for number in (1, 2, 3, 4, 5, 6, 7, 9, 10)}


def steps(story: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [part for part in story if "step" in part]


def test_the_demo_succeeds_in_a_process_of_its_own(run_alone: Alone) -> None:
    """`python -m paygate demo` exits with 0, says so in its last line and complains of nothing."""
    done = run_alone("demo")
    assert 0 == done.returncode
    assert "" == done.stderr
    assert "All 37 steps are as they should be." in done.stdout.splitlines()[-1]
    assert "✗" not in done.stdout


def test_the_demo_tells_its_story_to_a_person(run: Run, pretender: Pretender) -> None:
    """It says who talks, shows each exchange and how it was signed, draws the code and counts the charges."""
    done = run("demo")
    assert 0 == done.exit_code
    for part in (
        "a pretend ayolinx at http://127.0.0.1:",
        "A charge is made, paid and called back",
        "→ POST /v1.0/access-token/b2b  HTTP 200",
        "signed over <client key>|<timestamp>",
        "✓ the callback is verified, and the charge is: PAID",
        "✓ the forged callback: CallbackRejected",
        "✓ cancel: CANCELLED",
        "✓ create_charge, payment_link: PENDING",
        "✓ calls that are proven: one for a token of ours, one with it: 2",
        "→ POST /v1.0/qr/qr-mpm-generate  no answer",
        "✓ create_charge: OutcomeUnknown",
        "✓ query settles it: PENDING",
        "Do exactly this again",
        "InstructionsLost: the answer to it was lost, and this provider tells once only how it can be paid",
        "✓ the charge is there, and it is: PENDING",
        "✓ charges with reference DEMO-9: 1",
        "✓ calls that are stored, and acknowledged: 3",
        "✓ times that the handler hears of it as paid: 1",
        "✓ the journal has it, without asking anybody: PAID",
        "charge DEMO-8 goes on from gateway main to backup: Unreachable",
        "✓ the gateway that has it: backup",
        "✓ charges with reference DEMO-8: 1",
        "▀",
    ):
        assert part in done.output
    assert ORDERS == pretender[0].ledger.counts()


def test_the_demo_for_programs_is_a_list_in_which_every_step_is_right(run: Run, pretender: Pretender) -> None:
    """--json prints nothing but a JSON list; each step says what was expected and what came."""
    done = run("demo", "--json")
    story = json.loads(done.stdout)
    assert 0 == done.exit_code
    assert "" == done.stderr
    assert 37 == len(steps(story))
    assert all(step["ok"] is True and step["expected"] == step["actual"] for step in steps(story))
    assert 10 == sum("chapter" in part for part in story)


def test_the_demo_for_programs_has_the_qris_payload(run: Run, pretender: Pretender) -> None:
    """The payload has a right checksum and the price of the order."""
    story = json.loads(run("demo", "--json").stdout)
    [payload] = [part["qr"] for part in story if "qr" in part]
    fields = qris_fields(payload)
    assert ("25000", "0506DEMO-1") == (fields["54"], fields["62"])
    assert pretender[0].ledger.charges[0].instructions == QrCode(payload)


def test_the_demo_for_programs_has_every_exchange(run: Run, pretender: Pretender) -> None:
    """A login for each of three settings, nine charges of which two are not answered, and what is asked about; then three logins in vain."""
    story = json.loads(run("demo", "--json").stdout)
    exchanges = [(part["exchange"], part["status"]) for part in story if "exchange" in part]
    assert [
        ("authorize", 200),
        ("create_charge", 200),
        ("query", 200),
        ("create_charge", 200),
        ("cancel", 200),
        ("query", 200),
        *[("create_charge", 200)] * 4,
        ("authorize", 200),
        ("create_charge", None),
        ("query", 200),
        ("authorize", 200),
        ("create_charge", None),
        ("query", 200),
        ("create_charge", 200),
        *[("authorize", None)] * 3,
        ("create_charge", 200),
        ("query", 200),
    ] == exchanges


def test_without_another_provider_the_next_gateway_is_of_the_same(
    run: Run, make_simulator: Callable[..., AyolinxSimulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One plugin is enough to watch a charge go on."""
    monkeypatch.setattr(demo, "pretenders", lambda but: ())
    monkeypatch.setattr(demo, "simulator_of", lambda _, url, pace: make_simulator(url, pace=pace))
    done = run("demo")
    assert 0 == done.exit_code, done.output
    assert "qris goes to main (ayolinx), then to backup (ayolinx)." in done.output


def test_without_sqlalchemy_the_store_is_left_out(run_alone: Alone, tmp_path: Path) -> None:
    """One line says what it needs; all else is as before."""
    (tmp_path / "sqlalchemy.py").write_text("raise ImportError")
    done = run_alone("demo", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert (0, "") == (done.returncode, done.stderr)
    assert "left out: it needs SQLAlchemy and Alembic, the extra `store`" in done.stdout
    assert "All 28 steps are as they should be." in done.stdout.splitlines()[-1]


def test_a_handler_that_is_not_told_is_shown(
    run: Run, pretender: Pretender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that hears nothing is a step that went wrong, and the demo goes on to its end."""
    monkeypatch.setattr(Worker, "run_once", lambda _: 0)
    done = run("demo")
    assert 1 == done.exit_code
    assert "✗ times that the handler hears of it as paid: 0 instead of 1" in done.output
    assert "of 37 steps went wrong." in done.output.splitlines()[-1]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_the_demo_shows_no_secret(run: Run, pretender: Pretender, form: list[str]) -> None:
    """Neither keys, client secret and token nor a signature is in its output."""
    done = run("demo", *form)
    assert [] == leaks(done.output)
    assert pretender[0].account.client_key not in done.output
    assert "BEGIN" not in done.output
    assert "Bearer" not in done.output


def test_a_step_that_goes_wrong_is_shown_and_the_exit_code_is_1(
    run: Run, pretender: Pretender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A payer whose payment fails: three steps say what came instead, and the demo goes on to its end."""
    act = AyolinxSimulator.act

    def fail(simulator: AyolinxSimulator, reference: str, action: PayerAction) -> PretendCharge:
        return act(simulator, reference, PayerAction.FAIL if reference == "DEMO-1" else action)

    monkeypatch.setattr(AyolinxSimulator, "act", fail)
    done = run("demo")
    assert 1 == done.exit_code
    assert "✗ the callback is verified, and the charge is: FAILED instead of PAID" in done.output
    assert "✗ query agrees: FAILED instead of PAID" in done.output
    assert "of 37 steps went wrong." in done.output.splitlines()[-1]


def test_a_wrong_step_is_marked_for_programs_too(
    run: Run, pretender: Pretender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is complete, the step is not ok, and the exit code is 1."""
    monkeypatch.setattr(AyolinxSimulator, "notify", lambda *_: None)
    monkeypatch.setattr(demo, "PATIENCE", 0.1)
    done = run("demo", "--json")
    wrong = [step["step"] for step in steps(json.loads(done.stdout)) if not step["ok"]]
    assert 1 == done.exit_code
    assert ["the provider calls back"] * 2 == [step for step in wrong if "calls back" in step]
    assert "the provider calls back" == wrong[0]


def test_an_error_that_the_demo_does_not_expect_ends_it_with_its_own_exit_code(
    run: Run,
    pretender: Pretender,
    make_simulator: Callable[..., AyolinxSimulator],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told in its own words, for programs as JSON; there is no traceback."""

    def spoilt(adapter: str | None, callback_url: str, pace: float) -> AyolinxSimulator:
        simulator = make_simulator(callback_url, pace=pace)
        simulator.faults.plan(Fault.ERROR)
        return simulator

    monkeypatch.setattr(demo, "simulator_of", spoilt)
    done = run("demo", "--json")
    told = json.loads(done.stdout)
    assert (3, "OutcomeUnknown", "DEMO-1") == (done.exit_code, told["error"], told["reference"])
    person = run("demo")
    assert 3 == person.exit_code
    assert person.stderr.startswith("OutcomeUnknown ")


@pytest.mark.parametrize("adapter", ["midtrans", "tiny"])
def test_any_provider_can_be_pretended(run_alone: Alone, adapter: str) -> None:
    """One that calls back for open charges and proves no status, and one that cancels nothing."""
    done = run_alone("demo", adapter, "--json")
    assert (0, "") == (done.returncode, done.stderr)
    story = steps(json.loads(done.stdout))
    assert all(step["ok"] for step in story)
    told = {step["step"]: step["actual"] for step in story}
    assert "PAID" == told["the callback is verified, and the charge is"]
    assert "CallbackRejected" == told["the forged callback"]
    assert "backup" == told["the gateway that has it"]


def test_an_adapter_without_a_simulator_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo needs a provider to pretend, and says which adapter has none."""
    monkeypatch.delattr(Tiny, "simulator")
    done = run("demo", "tiny")
    assert 2 == done.exit_code
    assert "adapter 'tiny' ships no simulator" in done.stderr


def test_an_unknown_adapter_is_an_error_with_a_hint(run: Run) -> None:
    """A typing error is answered with what was meant, for programs as JSON."""
    done = run("demo", "ayolink", "--json")
    told = json.loads(done.stdout)
    assert (2, "ConfigurationError") == (done.exit_code, told["error"])
    assert "did you mean 'ayolinx'?" in told["message"]


def test_the_demo_prints_where_only_ascii_can_be_printed(run_alone: Alone) -> None:
    """A terminal or file that knows no arrows and blocks is no reason for a traceback."""
    done = run_alone("demo", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert "Traceback" not in done.stderr
    assert 0 == done.returncode


def test_the_demos_merchant_takes_callbacks_at_one_path_only() -> None:
    """Anything else is not found, and nobody is told of it."""
    with Merchant("/callbacks/main") as merchant:
        assert 404 == merchant.post(f"{merchant.url}/elsewhere", b"{}")
        assert merchant.wait(0) is None
        with pytest.raises(httpx.HTTPStatusError):
            httpx.get(f"{merchant.url}/callbacks/main", trust_env=False).raise_for_status()
