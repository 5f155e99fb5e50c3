"""`paygate charges`, and what with a store the commands for one charge say, against a pretend Ayolinx over HTTP."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import Result

from paygate import Charge, ChargeStatus, Money, Paygate, Qris
from paygate.callback import ConflictKind
from paygate.cli.story import CONFLICTS
from paygate.sandbox import Fault
from paygate.store.entries import Source
from tests.cli.journals import hurry, lost, store_of, stored
from tests.cli.shop import Pair, Shop

Run = Callable[..., Result]
QRIS = ("--method", "qris")
PAYER = ("--name", "Siti Nurhaliza", "--email", "siti@shop.example", "--phone", "+6281234567890")


@pytest.fixture
def file(shop: Shop) -> Path:
    """The shop's configuration, with a store."""
    return stored(shop.file)


def learn(file: Path, told: Charge, source: Source = Source.CALLBACK) -> None:
    """Let the journal learn of a charge."""
    with Paygate.from_file(file) as paygate:
        store_of(paygate).history.learn(told, source)


def charge(reference: str = "INV-1", status: ChargeStatus = ChargeStatus.PAID, **known: Any) -> Charge:
    """A charge as the provider may tell it."""
    told = Charge(gateway="main", reference=reference, status=status, method=Qris(), amount=Money.idr(25_000))
    if status is ChargeStatus.PAID:
        known = {"paid_amount": Money.idr(25_000), **known}
    return msgspec.structs.replace(told, **known)


def texts(told: dict[str, Any]) -> list[str]:
    """The lines of a history."""
    return [line["text"] for line in told["history"]]


def test_a_list_shows_what_is_needed_and_cuts_nothing(
    run: Run, shop: Shop, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest first, however narrow the terminal is."""
    long = "INV-" + "9" * 60
    run("charge", "INV-1", "25000", *QRIS, "--config", file)
    run("charge", long, "26000", *QRIS, "--config", file)
    lost(file, shop.simulator, 1)
    monkeypatch.setenv("COLUMNS", "20")
    listed = run("charges", "--config", file)
    head, *rows = [line.split() for line in listed.stdout.splitlines()]
    assert 0 == listed.exit_code
    assert ["reference", "gateway", "stands", "amount", "made", "at", "flags"] == head
    assert [
        ["LOST-0", "main", "UNKNOWN", "IDR", "25000.00"],
        [long, "main", "PENDING", "IDR", "26000.00"],
        ["INV-1", "main", "PENDING", "IDR", "25000.00"],
    ] == [row[:5] for row in rows]
    assert all(row[-1].endswith("+07:00") for row in rows)


def test_a_list_is_chosen_from(run: Run, shop: Shop, file: Path) -> None:
    """By each option; what is left out is said."""
    run("charge", "INV-1", "25000", *QRIS, "--config", file)
    lost(file, shop.simulator, 1)
    learn(file, charge("INV-2", ChargeStatus.EXPIRED), Source.QUERY)
    learn(file, charge("INV-2"))

    def told(*words: str) -> list[str]:
        found = json.loads(run("charges", *words, "--config", file, "--json").stdout)
        return [one["reference"] for one in found["charges"]]

    assert ["INV-2", "LOST-0", "INV-1"] == told()
    assert ["LOST-0"] == told("--unsettled")
    assert ["INV-2"] == told("--flagged") == told("--status", "paid")
    assert [] == told("--gateway", "other")
    assert ["INV-2"] == told("--limit", "1")
    assert "tell more with --limit" in run("charges", "--limit", "1", "--config", file).stdout
    assert "There are none." in run("charges", "--gateway", "other", "--config", file).stdout


def test_a_list_goes_on_where_the_one_before_ended(run: Run, file: Path) -> None:
    """By the number that its last line names; together they are all, none twice."""
    for number in range(3):
        learn(file, charge(f"INV-{number}"))
    first = run("charges", "--limit", "2", "--config", file).stdout
    hint = re.search(r"go on with (--after) (\d+)\.", first)
    assert hint is not None
    rest = run("charges", *hint.groups(), "--config", file)
    assert ["INV-0"] == [line.split()[0] for line in rest.stdout.splitlines()[1:]]
    told = json.loads(run("charges", "--limit", "2", "--config", file, "--json").stdout)
    assert (["INV-2", "INV-1"], True) == ([one["reference"] for one in told["charges"]], told["more"])
    assert int(hint[2]) == told["charges"][-1]["number"]
    last = json.loads(run("charges", "--after", hint[2], "--config", file, "--json").stdout)
    assert (["INV-0"], False) == ([one["reference"] for one in last["charges"]], last["more"])


def test_what_is_lost_at_a_gateway_that_is_gone_is_explained_too(run: Run, shop: Shop, file: Path) -> None:
    """Nobody can tell then whether it can be cancelled."""
    lost(file, shop.simulator, 1)
    assert 0 == run("reconcile", "--config", file).exit_code
    gone = file.with_name("gone.toml")
    gone.write_text(file.read_text().replace("gateways.main", "gateways.other"))
    shown = run("charges", "LOST-0", "--config", gone)
    assert 0 == shown.exit_code, shown.output
    assert "its payer cannot be shown how to pay" in shown.stdout
    assert "cancel it" not in shown.stdout


def test_a_lost_charge_is_explained_from_its_beginning_to_the_way_out(
    run: Run, shop: Shop, file: Path
) -> None:
    """Written down, sent, unanswered; then asked about; then what to do, as nobody can be shown how to pay."""
    lost(file, shop.simulator, 1)
    words = ("charges", "LOST-0", "--config", file)
    before = run(*words).stdout
    assert "UNKNOWN: it was sent, and nobody knows what became of it" in before
    assert "written down, to be sent to main, X-EXTERNAL-ID " in before
    assert "no answer that can be read: nobody knew whether it arrived (OutcomeUnknown)" in before
    assert "`paygate reconcile` does, and so does the same charge" in before
    assert 0 == run("reconcile", "--config", file).exit_code
    after = run(*words).stdout
    assert "asked, and the provider answered: PENDING, number AYO" in after
    assert "its payer cannot be shown how to pay, for the answer to it was lost: cancel it" in after
    told = json.loads(run(*words, "--json").stdout)[0]
    assert (True, "known", "pending") == (told["lost"], told["state"], told["status"])
    assert [None, "reply", "query"] == [line["source"] for line in told["history"]]


def test_a_charge_that_was_never_there_may_be_sent_again(run: Run, shop: Shop) -> None:
    """Both sendings are told, with their numbers; the provider has one."""
    file = stored(shop.file, grace_seconds=0)
    lost(file, shop.simulator, 1, Fault.LOSE)
    words = ("charges", "LOST-0", "--config", file)
    assert 0 == run("reconcile", "--config", file).exit_code
    free = run(*words).stdout
    assert "NOT THERE: the provider does not have it" in free
    assert "asked, and the provider never had it: it may be sent again" in free
    assert "next    the same request may be sent again" in free
    assert 0 == run("charge", "LOST-0", "25000", *QRIS, "--config", file).exit_code
    again = run(*words).stdout
    assert "written down, to be sent once more (attempt 2, X-EXTERNAL-ID " in again
    assert "it waits for its payer; unless a callback tells, it is due to be asked about at " in again
    told = json.loads(run(*words, "--json").stdout)[0]
    numbers = [
        text.rpartition("X-EXTERNAL-ID ")[2].rstrip(")") for text in texts(told) if "X-EXTERNAL-ID" in text
    ]
    assert 2 == len({*numbers})
    assert told["external_id"] == numbers[-1]
    assert 1 == shop.simulator.ledger.count("LOST-0")


@pytest.mark.parametrize(
    ("before", "told", "kind"),
    [
        (charge(status=ChargeStatus.EXPIRED), charge(), ConflictKind.LATE),
        (charge(), charge(status=ChargeStatus.PENDING), ConflictKind.REGRESSION),
        (charge(status=ChargeStatus.PENDING), charge(paid_amount=Money.idr(1)), ConflictKind.AMOUNT),
        (charge(provider_reference="A"), charge(provider_reference="B"), ConflictKind.TWICE),
        (
            charge(),
            charge(status=ChargeStatus.REFUNDED, refunded_amount=Money.idr(25_000)),
            ConflictKind.OUTSIDE,
        ),
        (None, charge(), ConflictKind.UNKNOWN),
    ],
    ids=lambda value: value.value if isinstance(value, ConflictKind) else "",
)
def test_each_conflict_is_a_sentence_and_what_to_do(
    run: Run, file: Path, before: Charge | None, told: Charge, kind: ConflictKind
) -> None:
    """In the history, and in the head that somebody should look."""
    if before is not None:
        learn(file, before, Source.QUERY)
    learn(file, told)
    shown = run("charges", "INV-1", "--config", file).stdout
    what, cure = CONFLICTS[kind]
    assert f"{kind.value}: {what}" in shown
    assert f"    {cure}\n" in shown
    assert kind.value in next(line for line in shown.splitlines() if line.startswith("look at"))


def test_every_conflict_has_words() -> None:
    """None is left out."""
    assert {*ConflictKind} == CONFLICTS.keys()


def test_a_refund_is_told(run: Run, pair: Pair) -> None:
    """That it was asked for, with what the provider says of it."""
    file = stored(pair.file())
    pair.paid(run, "INV-1", file)
    words = ("--refund", "R-1", "--amount", "5000", "--reason", "broken", "--config", file)
    given = run("refund", "INV-1", *words)
    assert 0 == given.exit_code, given.output
    shown = run("charges", "INV-1", "--config", file).stdout
    assert "refund R-1 written down, to be sent (attempt 1" in shown
    assert "refund  R-1  IDR 5000.00: the provider tells that it is PENDING" in shown
    [told] = json.loads(run("charges", "INV-1", "--config", file, "--json").stdout)[0]["refunds"]
    assert ("R-1", "5000.00") == (told["reference"], told["amount"])


def test_bodies_are_shown_when_asked_for_and_no_personal_value_ever(run: Run, shop: Shop) -> None:
    """What the merchant has redacted stays so in them."""
    file = stored(shop.file, redact=["virtualAccountName", "virtualAccountEmail", "virtualAccountPhone"])
    made = run("charge", "INV-1", "25000", "--method", "virtual_account:bni", *PAYER, "--config", file)
    assert 0 == made.exit_code, made.output
    words = ("charges", "INV-1", "--config", file)
    bare, whole = run(*words).stdout, run(*words, "--body").stdout
    assert "virtualAccountName" not in bare
    assert '"virtualAccountName": "***"' in whole.replace('":"', '": "')
    told = json.loads(run(*words, "--body", "--json").stdout)[0]
    assert "virtualAccountName" in told["history"][1]["body"]
    for text in (bare, whole, json.dumps(told), run(*words, "--json").stdout):
        assert not [value for value in PAYER[1::2] if value in text]


@pytest.mark.parametrize(
    ("words", "what", "do"),
    [
        (("INV-9",), "the store has no charge INV-9", "paygate query"),
        (("INV-9", "--gateway", "main"), "no charge INV-9 of gateway main", "paygate charges"),
        (("INV-1", "--unsettled"), "choose from a list", "leave the reference out"),
        (("INV-1", "--after", "7"), "choose from a list", "leave the reference out"),
        (("--body",), "--body shows the bodies of one charge", "Name its reference."),
    ],
)
def test_what_cannot_be_shown_is_said(
    run: Run, file: Path, words: tuple[str, ...], what: str, do: str
) -> None:
    """Exit code 2, and what to do instead."""
    done = run("charges", *words, "--config", file)
    assert 2 == done.exit_code
    assert what in done.stderr
    assert do in done.stderr


@pytest.mark.parametrize("command", ["charges", "reconcile"])
def test_without_a_store_there_is_nothing_to_show(run: Run, shop: Shop, command: str) -> None:
    """What to add is said."""
    done = run(command, "--config", shop.file)
    assert 2 == done.exit_code
    assert "Add [store] to the configuration" in done.stderr


def test_a_store_that_is_away_is_said(run: Run, shop: Shop) -> None:
    """Exit code 2, in its own words; and nothing was charged."""
    file = stored(shop.file, "postgresql+psycopg://nobody@127.0.0.1:1/none")
    for words in (("charges",), ("reconcile",), ("charge", "INV-1", "25000", *QRIS), ("query", "INV-1")):
        done = run(*words, "--config", file)
        assert 2 == done.exit_code, words
        assert done.stderr.startswith("StoreUnavailable the store does not answer")
    assert 0 == shop.simulator.ledger.count("INV-1")


def test_a_charge_of_the_store_needs_neither_method_nor_gateway(run: Run, pair: Pair) -> None:
    """Query, cancel and refund find it, though several gateways can have made it."""
    file = stored(pair.file())
    run("charge", "INV-1", "25000", *QRIS, "--gateway", "backup", "--config", file)
    asked = json.loads(run("query", "INV-1", "--config", file, "--json").stdout)
    assert ("backup", "pending") == (asked["gateway"], asked["status"])
    cancelled = run("cancel", "INV-1", "--config", file)
    assert 0 == cancelled.exit_code, cancelled.output
    assert "CANCELLED" in cancelled.stdout
    unheard = run("query", "INV-2", "--config", file)
    assert 2 == unheard.exit_code
    assert "Name its --method." in unheard.stderr


def test_a_reference_of_two_gateways_needs_one(run: Run, pair: Pair) -> None:
    """Both are named; without a reference of its own a charge cannot be told apart."""
    file = stored(pair.file())
    for gateway in ("main", "backup"):
        run("charge", "INV-1", "25000", *QRIS, "--gateway", gateway, "--config", file)
    asked = run("query", "INV-1", "--config", file)
    assert 2 == asked.exit_code
    assert "several have a charge of this reference, name one: main, backup" in asked.stderr
    assert 0 == run("query", "INV-1", "--gateway", "backup", "--config", file).exit_code
    assert ["main", "backup"] == [
        one["gateway"] for one in json.loads(run("charges", "INV-1", "--config", file, "--json").stdout)
    ]


def test_after_an_unknown_outcome_the_same_command_may_be_run_again(run: Run, shop: Shop, file: Path) -> None:
    """It says so, and it is so: the second asks, and the provider has one."""
    shop.simulator.faults.plan(Fault.CUT, "create_charge")
    words = ("charge", "INV-1", "25000", *QRIS, "--config", file)
    first = run(*words)
    assert 3 == first.exit_code
    assert "Do exactly this again, or run `paygate reconcile`" in first.stderr
    assert "do not send it again" not in first.stderr
    again = run(*words, "--json")
    told = json.loads(again.stdout)
    assert (4, "InstructionsLost", "refused") == (again.exit_code, told["error"], told["branch"])
    assert "cancel it, and make a charge with a new reference" in told["what"]
    assert 1 == shop.simulator.ledger.count("INV-1")


def test_the_same_charge_comes_back_and_another_is_refused(run: Run, shop: Shop, file: Path) -> None:
    """The same instructions; what differs is said, and nothing is sent."""
    words = ("charge", "INV-1", "25000", *QRIS, "--config", file, "--json")
    first, second = (json.loads(run(*words).stdout) for _ in range(2))
    assert first["instructions"] == second["instructions"]
    other = run("charge", "INV-1", "26000", *QRIS, "--config", file)
    assert 2 == other.exit_code
    assert other.stderr.startswith(
        "ReferenceTaken reference: has another charge already: amount was IDR 25000.00"
    )
    assert 1 == shop.simulator.ledger.count("INV-1")


def test_a_paid_charge_is_not_shown_to_be_paid_again(run: Run, shop: Shop, file: Path) -> None:
    """Its instructions are known still, and no code is drawn."""
    run("charge", "INV-1", "25000", *QRIS, "--config", file)
    shop.called_back("INV-1")
    asked = run("query", "INV-1", "--config", file).stdout
    assert "PAID" in asked
    assert "QR payload" not in asked
    assert "█" not in asked


def test_an_overdue_charge_says_since_when(run: Run, file: Path) -> None:
    """And who asks."""
    run("charge", "INV-1", "25000", *QRIS, "--config", file)
    hurry(file)
    shown = run("charges", "INV-1", "--config", file).stdout
    assert "it is due to be asked about and has been since 1970-01-01" in shown
