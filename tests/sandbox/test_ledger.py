import json

from paygate import ChargeStatus
from paygate.sandbox import Ledger
from tests.sandbox.orders import pretend


def test_an_empty_book_counts_nothing() -> None:
    """A reference nobody used has no charge."""
    ledger = Ledger()
    assert 0 == ledger.count("INV-1")
    assert {} == ledger.counts()
    assert ledger.find("INV-1") is None
    assert () == ledger.charges


def test_doubles_are_counted() -> None:
    """A second charge for one reference is kept and shows in the count: what must never happen is seen."""
    ledger = Ledger()
    for reference in ("INV-1", "INV-2", "INV-1"):
        ledger.add(pretend(reference))
    assert 2 == ledger.count("INV-1")
    assert 1 == ledger.count("INV-2")
    assert {"INV-1": 2, "INV-2": 1} == ledger.counts()


def test_a_reference_counts_only_as_a_whole() -> None:
    """Neither a part of a reference nor another letter case is the same reference."""
    ledger = Ledger()
    ledger.add(pretend("INV-1"))
    assert [0, 0, 0] == [ledger.count(other) for other in ("INV", "inv-1", "INV-10")]


def test_the_newest_of_several_is_found() -> None:
    """A provider that made two charges speaks of the last."""
    ledger = Ledger()
    first, second = pretend("INV-1", 1_000), pretend("INV-1", 2_000)
    ledger.add(first)
    ledger.add(second)
    assert second is ledger.find("INV-1")
    assert (first, second) == ledger.charges


def test_a_look_at_the_charges_is_not_the_book_itself() -> None:
    """What was looked at stays as it was when the book goes on."""
    ledger = Ledger()
    ledger.add(pretend("INV-1"))
    seen = ledger.charges
    ledger.add(pretend("INV-2"))
    assert 1 == len(seen)


def test_a_summary_is_plain_data() -> None:
    """It can be sent as JSON, and tells how the charge stands."""
    charge = pretend("INV-1")
    charge.status = ChargeStatus.PAID
    summary = charge.summary()
    assert summary == json.loads(json.dumps(summary))
    assert ("INV-1", "qris", "IDR 25000.00", "paid") == tuple(
        summary[key] for key in ("reference", "method", "amount", "status")
    )
