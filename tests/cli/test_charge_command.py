"""`paygate charge`, `query` and `cancel`, against a pretend Ayolinx over HTTP and against the tiny adapter."""

import json
import shlex
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from typer import Exit
from typer.testing import CliRunner, Result

from paygate import Charge, ChargeStatus, Gateway, QrCode, Qris
from paygate.cli import app
from paygate.cli.arguments import method_of
from paygate.cli.charge import confirm
from paygate.cli.configuration import FILE, is_production
from paygate.cli.showing import plain, query_command
from paygate.sandbox import Fault
from paygate.settings import from_mapping
from tests.cli.shop import Shop

Run = Callable[..., Result]
PAYER = ("--name", "Siti Nurhaliza", "--email", "siti@shop.example", "--phone", "+6281234567890")
URLS = ("--return-url", "https://shop.example/thanks", "--expires", "1h")
METHODS = [
    ("qris", ("--expires", "15m"), "qr_code"),
    ("e_wallet:dana", URLS, "redirect"),
    *[(f"virtual_account:{bank}", PAYER, "account_number") for bank in ("bni", "bri", "cimb", "mandiri")],
    *[(f"retail:{store}", (*PAYER, *URLS), "payment_code") for store in ("alfamart", "pegadaian")],
    (
        "payment_link",
        (*PAYER, *URLS, "--item", "Kopi: susu:12500:2", "--offer", "qris", "--offer", "virtual_account:bni"),
        "redirect",
    ),
]


@pytest.mark.parametrize(("method", "options", "shown"), METHODS, ids=[method for method, _, _ in METHODS])
def test_a_charge_is_made_by_every_method(
    run: Run, shop: Shop, method: str, options: tuple[str, ...], shown: str
) -> None:
    """With what the payer needs, as plain data; the provider has exactly one."""
    made = run("charge", "INV-1", "Rp25000", "--method", method, *options, "--config", shop.file, "--json")
    assert 0 == made.exit_code, made.output
    told = json.loads(made.stdout)
    assert ("main", "INV-1", "pending") == (told["gateway"], told["reference"], told["status"])
    assert {"amount": "25000.00", "currency": "IDR"} == told["amount"]
    assert shown == told["instructions"]["show"]
    assert "raw" not in told
    assert 1 == shop.simulator.ledger.count("INV-1")


def test_a_person_sees_the_whole_payload_and_a_drawing(run: Run, shop: Shop) -> None:
    """What must be copied is never cut, however narrow the terminal is."""
    words = ("charge", "INV-1", "25000", "--method", "qris", "--config", shop.file)
    made = run(*words)
    asked = json.loads(run("query", "INV-1", "--method", "qris", "--config", shop.file, "--json").stdout)
    assert 0 == made.exit_code
    lines = dict(line.split("  ", 1) for line in made.stdout.splitlines() if line[:1].isalpha())
    assert "PENDING" == lines["status"].strip()
    assert "IDR 25000.00" == lines["amount"].strip()
    [at_the_provider] = shop.simulator.ledger.charges
    assert at_the_provider.instructions == QrCode(lines["QR payload"].strip())
    assert "█" in made.stdout
    assert "pending" == asked["status"]


def test_it_is_queried_paid_and_cancelled(run: Run, shop: Shop) -> None:
    """The three commands in a row, as a person uses them."""
    for reference in ("INV-1", "INV-2"):
        run("charge", reference, "25000.00", "--method", "qris", "--config", shop.file)
    shop.called_back("INV-1")
    paid = json.loads(run("query", "INV-1", "--method", "qris", "--config", shop.file, "--json").stdout)
    cancelled = run("cancel", "INV-2", "--method", "qris", "--config", shop.file)
    assert ("paid", "25000.00") == (paid["status"], paid["paid_amount"]["amount"])
    assert 0 == cancelled.exit_code
    assert "CANCELLED" in cancelled.stdout
    too_late = run("cancel", "INV-1", "--method", "qris", "--config", shop.file)
    assert 4 == too_late.exit_code
    assert "Run: paygate query INV-1 --method qris --gateway main" in too_late.stderr


def test_times_are_jakartas(run: Run, shop: Shop) -> None:
    """Whatever the machine's zone and the provider's: to a person with the offset, to programs in ISO 8601."""
    words = ("--method", "qris", "--config", shop.file)
    made = run("charge", "INV-1", "25000", "--expires", "2099-01-31T10:00:00Z", *words)
    assert "2099-01-31 17:00:00+07:00" in made.stdout
    shop.called_back("INV-1")
    paid = json.loads(run("query", "INV-1", *words, "--json").stdout)
    assert paid["paid_at"].endswith("+07:00")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 1, 31, 10, tzinfo=UTC), "2026-01-31T17:00:00+07:00"),
        (datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=9))), "2026-01-31T10:00:00+07:00"),
        (datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999999+00:00"),
    ],
    ids=["UTC", "Jayapura", "the last moment of all"],
)
def test_programs_are_told_times_of_one_form(moment: datetime, expected: str) -> None:
    """ISO 8601 of Jakarta, for every time of a charge."""
    charge = Charge(
        gateway="main",
        reference="INV-1",
        status=ChargeStatus.PAID,
        method=Qris(),
        expires_at=moment,
        paid_at=moment,
    )
    told = plain(charge)
    assert (expected, expected) == (told["expires_at"], told["paid_at"])


def test_a_local_phone_number_is_taken_as_indonesian(run: Run, shop: Shop) -> None:
    """As people write it: 081234567890 is +6281234567890."""
    words = ("--method", "payment_link", "--config", shop.file)
    payer = ("--name", "Siti", "--email", "siti@shop.example", "--phone", "081234567890")
    rest = ("--item", "Kopi:25000:1", *URLS)
    made = run("charge", "INV-1", "25000", *words, *payer, *rest)
    assert 0 == made.exit_code, made.output


def test_a_lost_answer_says_which_command_settles_it(run: Run, shop: Shop) -> None:
    """Exit code 3; the command that is told works as it stands, and shows the one charge that was made."""
    shop.simulator.faults.plan(Fault.CUT, "create_charge")
    made = run("charge", "INV-1", "25000", "--method", "qris", "--config", shop.file)
    assert 3 == made.exit_code
    assert made.stderr.startswith("OutcomeUnknown ")
    [line] = [line for line in made.stderr.splitlines() if line.startswith("Run: ")]
    program, *words = shlex.split(line.removeprefix("Run: "))
    settled = run(*words)
    assert "paygate" == program
    assert 0 == settled.exit_code, settled.output
    assert "PENDING" in settled.stdout
    assert 1 == shop.simulator.ledger.count("INV-1")


def test_programs_are_told_that_command_too(run: Run, shop: Shop) -> None:
    """It stands beside the error."""
    shop.simulator.faults.plan(Fault.CUT, "create_charge")
    words = ("charge", "INV-1", "25000", "--method", "qris", "--config", shop.file, "--json")
    told = json.loads(run(*words).stdout)
    assert "OutcomeUnknown" == told["error"]
    assert f"paygate query INV-1 --method qris --gateway main --config {shop.file}" == told["run"]


@pytest.mark.parametrize(("command", "hook"), [("charge", "create_charge"), ("cancel", "cancel")])
def test_ctrl_c_leaves_the_outcome_unknown(
    run: Run, shop: Shop, monkeypatch: pytest.MonkeyPatch, command: str, hook: str
) -> None:
    """Whoever interrupts it is told to ask, for the request may have left."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Gateway, hook, interrupt)
    amount = ["25000"] if command == "charge" else []
    done = run(command, "INV-1", *amount, "--method", "qris", "--config", shop.file)
    assert 3 == done.exit_code
    assert "Run: paygate query INV-1 --method qris --gateway main" in done.stderr


def test_a_repeated_reference_is_refused_with_the_query(run: Run, shop: Shop) -> None:
    """Exit code 4; the first charge is the one to ask for."""
    words = ("charge", "INV-1", "25000", "--method", "qris", "--config", shop.file)
    run(*words)
    again = run(*words)
    assert 4 == again.exit_code
    assert again.stderr.startswith("DuplicateReference ")
    assert "Run: paygate query INV-1 --method qris --gateway main" in again.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("INV-1", "20.000,00", "--method", "qris"), "may mean 20000"),
        (("INV-1", "0", "--method", "qris"), "use more than zero rupiah"),
        (("INV 1", "25000", "--method", "qris"), "no spaces"),
        (("INV-1", "25000", "--method", "cash"), "is no method"),
        (("INV-1", "25000", "--method", "qris", "--expires", "2020-01-01T00:00:00Z"), "a time in the future"),
        (("INV-1", "25000", "--method", "qris", "--item", "Kopi:15000:1"), "do not add up"),
        (("INV-1", "25000", "--method", "qris", "--phone", "0812"), "international form"),
        (("INV-1", "25000", "--method", "qris", "--phone", "0812"), "Give it with --phone."),
        (
            ("INV-1", "25000", "--method", "e_wallet:gopay"),
            "does not offer create_charge for e_wallet gopay; it does for dana",
        ),
        (
            ("INV-1", "25000", "--method", "virtual_account:bca"),
            "does not offer create_charge for virtual_account bca; it does for bni, bri, cimb, mandiri",
        ),
        (("INV-1", "25000", "--method", "retail:alfamart", "--name", "Siti"), "Give it with --email."),
        (("INV-1", "25000", "--method", "qris", "--gateway", "mian"), "no gateway is named 'mian'"),
    ],
)
def test_what_could_never_be_right_is_not_sent(
    run: Run, shop: Shop, words: tuple[str, ...], why: str
) -> None:
    """Exit code 2, the reason, and nothing at the provider."""
    done = run("charge", *words, "--config", shop.file)
    assert 2 == done.exit_code
    assert why in done.stderr
    assert () == shop.simulator.ledger.charges


def test_a_missing_return_url_is_given_with_an_option(run: Run, shop: Shop) -> None:
    """Where the settings have none either."""
    file = shop.other_file(return_url=None)
    done = run("charge", "INV-1", "25000", "--method", "e_wallet:dana", "--config", file)
    assert 2 == done.exit_code
    assert "Give it with --return-url." in done.stderr


def test_a_query_for_an_unknown_charge_is_refused(run: Run, shop: Shop) -> None:
    """Exit code 4."""
    done = run("query", "INV-9", "--method", "qris", "--config", shop.file)
    assert 4 == done.exit_code
    assert done.stderr.startswith("ChargeNotFound ")
    assert "Or it was made by another method: see --method." in done.stderr


def test_cancel_is_refused_before_anything_is_sent_where_there_is_none(run: Run, shop: Shop) -> None:
    """Exit code 2 for a method that Ayolinx cannot cancel."""
    done = run("cancel", "INV-1", "--method", "virtual_account:bni", "--config", shop.file)
    assert 2 == done.exit_code
    assert done.stderr.startswith("UnsupportedOperation ")
    assert "does not offer cancel for virtual_account bni; it does for qris" in done.stderr


def ask(answer: str, *words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=answer, catch_exceptions=False)


@pytest.mark.parametrize(
    ("answer", "options", "code", "made"),
    [("n\n", (), 1, 0), ("", (), 1, 0), ("y\n", (), 0, 1), ("", ("--yes",), 0, 1)],
    ids=["no", "nobody there", "yes", "--yes"],
)
def test_production_asks_before_it_charges(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    options: tuple[str, ...],
    code: int,
    made: int,
) -> None:
    """Only a yes, typed or given, sends it; the question names gateway, amount and reference."""
    monkeypatch.setattr("paygate.cli.charge.is_production", lambda *_: True)
    done = ask(answer, "charge", "INV-1", "25000", "--method", "qris", "--config", shop.file, *options)
    assert code == done.exit_code
    assert made == shop.simulator.ledger.count("INV-1")
    assert ("nothing was sent" in done.stderr) == (code == 1)
    assert ("use --yes to go on without asking" in done.stderr) == (answer == "" and options == ())
    question = "main collects real money: IDR 25000.00 for INV-1. Go on?"
    assert (question in done.stderr) == (options == ())


def test_where_there_is_no_standard_input_nobody_is_asked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process that was started without one, as by some services."""
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(Exit) as ended:
        confirm("Go on?", yes=False)
    assert 1 == ended.value.exit_code
    assert "nothing was sent; use --yes to go on without asking\n" == capsys.readouterr().err


@pytest.mark.parametrize(("answer", "status"), [("n\n", "PENDING"), ("y\n", "CANCELLED")])
def test_production_asks_before_it_cancels(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, answer: str, status: str
) -> None:
    """A no leaves the charge as it is."""
    monkeypatch.setattr("paygate.cli.cancel.is_production", lambda *_: True)
    words = ("INV-1", "--method", "qris", "--config", shop.file)
    ask("", "charge", "INV-1", "25000", *words[1:])
    done = ask(answer, "cancel", *words)
    assert "main is in production: cancel INV-1?" in done.stderr
    assert status in ask("", "query", *words).stdout


def test_production_is_what_the_settings_say() -> None:
    """The gateway's own `environment`; an adapter without one is asked about nothing."""
    tables = {
        "real": {"adapter": "ayolinx", "environment": "production"},
        "play": {"adapter": "ayolinx", "environment": "sandbox"},
        "small": {"adapter": "tiny"},
    }
    settings = from_mapping({"gateways": tables})
    assert [True, False, False] == [is_production(settings, name) for name in tables]


def test_the_tiny_adapter_charges_and_answers_too(run: Run, tiny_file: Path) -> None:
    """The commands know no provider: what this one offers works, what it lacks is said."""
    made = run("charge", "INV-1", "IDR 25000", "--method", "qris", "--config", tiny_file)
    asked = run("query", "INV-1", "--method", "qris", "--config", tiny_file, "--json")
    cancelled = run("cancel", "INV-1", "--method", "qris", "--config", tiny_file)
    assert 0 == made.exit_code, made.output
    assert "TINY-QR" in made.stdout
    assert ("small", "pending") == (json.loads(asked.stdout)["gateway"], json.loads(asked.stdout)["status"])
    assert 2 == cancelled.exit_code
    assert cancelled.stderr.startswith("UnsupportedOperation ")
    assert "does not offer cancel for qris; it does for no method at all" in cancelled.stderr


@pytest.fixture
def two(shop: Shop, tiny_file: Path) -> Callable[[str], Path]:
    """A configuration of "main" and "small", which both take QRIS, with these routes."""

    def make(routes: str = "") -> Path:
        file = shop.file.parent / "two.toml"
        file.write_text(shop.file.read_text() + "\n" + tiny_file.read_text() + "\n" + routes)
        return file

    return make


def test_one_of_several_gateways_is_named(run: Run, two: Callable[[str], Path]) -> None:
    """Where more than one could take it, the command asks for a name, or follows the route."""
    words = ("INV-1", "25000", "--method", "qris", "--json", "--config")
    unclear = run("charge", *words, two(""))
    assert 2 == unclear.exit_code
    assert "name one with --gateway: main, small" in json.loads(unclear.stdout)["message"]
    assert "small" == json.loads(run("charge", *words, two(""), "--gateway", "small").stdout)["gateway"]
    assert "small" == json.loads(run("charge", *words, two('[routes]\nqris = ["small"]')).stdout)["gateway"]


def test_the_told_command_is_complete() -> None:
    """What a shell would take apart is quoted, and the default configuration is left out."""
    assert "paygate query 'A&B' --method qris --gateway main" == query_command("A&B", Qris(), "main", FILE)
    told = query_command("A", method_of("virtual_account:bni:123"), None, Path("a b.toml"))
    assert "paygate query A --method virtual_account:bni:123 --config 'a b.toml'" == told


def test_it_works_in_a_process_of_its_own(
    run_alone: Callable[..., "subprocess.CompletedProcess[str]"], shop: Shop
) -> None:
    """As typed in a terminal: made, and the data printed."""
    done = run_alone("charge", "INV-1", "25000", "--method", "qris", "--config", shop.file, "--json")
    assert 0 == done.returncode, done.stderr
    assert "pending" == json.loads(done.stdout)["status"]


@pytest.mark.parametrize(
    ("method", "options", "line"),
    [
        ("e_wallet:dana", URLS, "send the payer to"),
        ("virtual_account:bni", PAYER, "account at bni"),
        ("retail:alfamart", (*PAYER, *URLS), "code for alfamart"),
    ],
)
def test_a_person_sees_what_the_payer_needs(
    run: Run, shop: Shop, method: str, options: tuple[str, ...], line: str
) -> None:
    """In words, and complete; nothing of the payer's own data."""
    made = run("charge", "INV-1", "25000", "--method", method, *options, "--config", shop.file)
    [value] = [text.removeprefix(line).strip() for text in made.stdout.splitlines() if text.startswith(line)]
    [at_the_provider] = shop.simulator.ledger.charges
    assert value in str(at_the_provider.instructions)
    assert "Siti" not in made.output
