"""What is told of charges: kept with its source, told on once, and never believed against what was paid."""

from pathlib import Path
from typing import Final

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paygate import (
    Charge,
    ChargeRef,
    ChargeStatus,
    Conflict,
    ConflictKind,
    Flow,
    Money,
    OutcomeUnknown,
    Qris,
    Refund,
    RefundStatus,
    hookimpl,
)
from paygate.errors import ReferenceTaken
from paygate.store.entries import Source
from paygate.store.schema import facts
from tests.databases import Laid
from tests.provider import Provider, named, opened, order
from tests.store.tills import SHELLS, Numbered, Till, row_of, rows_of
from tests.test_gateway import LOST

PAID: Final = httpx.Response(200, json={"id": "INV-1", "status": "paid", "amount": "25000"})
OPEN: Final = opened("INV-1")
KNOWN: Final = Charge(
    gateway="main",
    reference="INV-1",
    status=ChargeStatus.PAID,
    method=Qris(),
    amount=Money.idr(25_000),
    paid_amount=Money.idr(25_000),
)


@pytest.fixture
def url(laid: Laid, tmp_path: Path) -> str:
    """The address of an empty SQLite file."""
    return laid.url("sqlite", tmp_path)


@pytest.fixture(params=SHELLS)
def till(request: pytest.FixtureRequest, url: str) -> Till:
    """A till in each shell."""
    return Till(url, request.param)


class Ear:
    """Hears of changes and conflicts, and looks into the database when it does."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self.changes: list[tuple[ChargeStatus, str]] = []
        self.conflicts: list[tuple[ConflictKind, list[str]]] = []

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        with self._till.store() as store:
            self.changes.append((charge.status, row_of(store, charge.reference)["status"]))

    @hookimpl
    def conflict_found(self, conflict: Conflict) -> None:
        self.conflicts.append((conflict.kind, self._till.flags()))


def test_a_change_is_announced_once_and_after_it_was_committed(till: Till) -> None:
    """Whoever hears of it finds it in the database, by a connection of its own."""
    ear, provider = Ear(till), Provider(OPEN, OPEN, PAID)
    steps = [("create_charge", order()), *[("query", named())] * 4]
    till.run(provider, *steps, listeners=[ear])
    till.run(provider, ("query", named()), listeners=[ear])
    assert [(ChargeStatus.PENDING, "pending"), (ChargeStatus.PAID, "paid")] == ear.changes
    assert [] == ear.conflicts
    assert [("reply", "pending"), ("query", "paid")] == till.told()


def test_a_charge_that_was_asked_about_first_is_announced_once(till: Till) -> None:
    """The answer to its making was lost: the query brings the news, and the next call none."""
    ear = Ear(till)
    till.run(Provider(LOST, OPEN), *[("create_charge", order())] * 3, listeners=[ear])
    assert [(ChargeStatus.PENDING, "pending")] == ear.changes


def test_paid_stays_paid_and_the_contradiction_is_told_once(till: Till) -> None:
    """The provider tells it as open, three times: one conflict, flagged before it is announced."""
    ear, provider = Ear(till), Provider(LOST, PAID, OPEN)
    till.run(provider, *[("create_charge", order())] * 2, listeners=[ear])
    for _ in range(3):
        told = till.one(provider, "query", named(), listeners=[ear])
        assert (ChargeStatus.PAID, Money.idr(25_000)) == (told.status, told.paid_amount)
    assert "paid" == till.row()["status"]
    assert [("query", "paid"), ("query", "pending")] == till.told()
    assert [(ConflictKind.REGRESSION, ["regression"])] == ear.conflicts


def test_what_was_told_before_it_was_paid_is_no_contradiction_when_it_is_told_again(till: Till) -> None:
    """An old call that comes once more is an old fact: nothing is taken back, and nothing is flagged."""
    provider = Provider(OPEN, PAID, OPEN)
    *_, told = till.run(provider, ("create_charge", order()), *[("query", named())] * 2)
    assert ChargeStatus.PAID is told.status
    assert [] == till.flags()


def test_another_amount_is_flagged_and_announced_once(till: Till) -> None:
    """It is paid all the same, with what was paid."""
    ear = Ear(till)
    less = httpx.Response(200, json={"id": "INV-1", "status": "paid", "amount": "24000"})
    steps = [("create_charge", order()), *[("query", named())] * 3]
    *_, told = till.run(Provider(OPEN, less), *steps, listeners=[ear])
    assert (ChargeStatus.PAID, Money.idr(24_000)) == (told.status, told.paid_amount)
    assert [(ConflictKind.AMOUNT, ["amount"])] == ear.conflicts


def test_facts_have_their_source_time_and_body(till: Till) -> None:
    """What the provider said is kept, byte for byte, and how it was told."""
    till.one(Provider(OPEN), "create_charge", order())
    till.clock.move(60)
    till.one(Provider(PAID), "query", named())
    first, second = till.rows(facts)
    assert (OPEN.content, PAID.content) == (first["body"], second["body"])
    assert ("reply", "query") == (first["source"], second["source"])
    assert 60e6 == second["at"] - first["at"]
    assert 16 == len(first["key"]) == len(second["key"])


def test_what_is_redacted_stands_nowhere(url: str, tmp_path: Path) -> None:
    """Members that the merchant names, and tokens: neither in the facts nor in the file."""
    till = Till(url, redact=("customername",))
    body = {
        "id": "INV-1",
        "status": "open",
        "qr": "QR",
        "customerName": "Siti Rahayu",
        "accessToken": "s3cret",
    }
    till.one(Provider(httpx.Response(200, json=body)), "create_charge", order())
    [fact] = till.rows(facts)
    assert b'"customerName":"***"' in fact["body"].replace(b" ", b"")
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("paygate.db*"))
    assert b"Siti" not in kept
    assert b"s3cret" not in kept


def test_a_charge_that_the_journal_did_not_make_is_taken_in_by_a_query(till: Till) -> None:
    """It is known from now on, and asked about when it is overdue; making it is another matter."""
    told = till.one(Provider(OPEN), "query", named())
    assert ChargeStatus.PENDING is told.status
    row = till.row()
    assert ("known", 0, b"") == (row["state"], row["attempt"], row["request"])
    assert row["due_at"] is not None
    assert [] == till.flags()
    provider = Provider()
    failure = till.one(provider, "create_charge", order())
    assert isinstance(failure, ReferenceTaken)
    assert "was not made through this store: query it" in failure.why
    assert [] == provider.requests


def test_a_callback_about_a_charge_that_nobody_made_is_flagged(till: Till) -> None:
    """It is kept: money may have come in for something that was lost."""
    with till.store() as store:
        learnt = store.history.learn(KNOWN, Source.CALLBACK)
        assert [ConflictKind.UNKNOWN] == [one.kind for one in learnt.conflicts]
        again = store.history.learn(KNOWN, Source.CALLBACK)
        assert () == again.conflicts
    assert ["unknown"] == till.flags()
    assert "paid" == till.row()["status"]
    assert isinstance(till.one(Provider(), "create_charge", order()), ReferenceTaken)


def test_what_the_caller_knows_and_the_journal_does_not_is_not_taken_back(till: Till) -> None:
    """A merchant who adds a store has paid charges of before: told as open, they come back paid."""
    ear = Ear(till)
    [told] = till.run(Provider(OPEN), ("query", KNOWN), listeners=[ear])
    assert (ChargeStatus.PAID, Money.idr(25_000)) == (told.status, told.paid_amount)
    assert [ConflictKind.REGRESSION] == [kind for kind, _ in ear.conflicts]
    assert [] == [status for status, _ in ear.changes if status is ChargeStatus.PENDING]


def test_refunds_that_the_caller_knows_stay_in_the_charge(till: Till) -> None:
    """Also where the journal was never told of them."""
    given_back = msgspec.structs.replace(
        KNOWN,
        status=ChargeStatus.PARTIALLY_REFUNDED,
        refunded_amount=Money.idr(5_000),
        refunds=(Refund(reference="R-0", amount=Money.idr(5_000), status=RefundStatus.DONE),),
    )
    [told] = till.run(Provider(PAID), ("query", given_back))
    assert ("R-0", Money.idr(5_000)) == (told.refunds[0].reference, told.refunded_amount)
    assert ChargeStatus.PARTIALLY_REFUNDED is told.status


def test_an_old_charge_of_the_callers_contradicts_nothing(till: Till) -> None:
    """The journal knows more than the caller, who asked with what it had on its shelf."""
    ear = Ear(till)
    pending, _, told = till.run(
        Provider(OPEN, PAID),
        ("create_charge", order()),
        ("query", named()),
        ("query", named()),
        listeners=[ear],
    )
    again = till.one(Provider(PAID), "query", pending, listeners=[ear])
    assert ChargeStatus.PAID is told.status is again.status
    assert [] == ear.conflicts


class Terse(Numbered):
    """An adapter whose charges tell neither amount nor method nor end."""

    @hookimpl
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        made = yield from super().query(charge)
        return Charge(gateway=made.gateway, reference=made.reference, status=made.status, method=None)

    def _charge(self, reference: str, amount: Money | None, reply: httpx.Response) -> Charge:
        made = super()._charge(reference, amount, reply)
        return Charge(gateway=made.gateway, reference=reference, status=made.status, method=None)


def test_what_an_answer_leaves_out_was_asked_for(till: Till) -> None:
    """An amount that only the request names is what a payment is held against."""
    till.one(Provider(OPEN), "create_charge", order(), adapter=Terse)
    with till.store() as store:
        charge = store.journal.find(named())
        assert charge is not None
        assert (Money.idr(25_000), Qris()) == (charge.amount, charge.method)
        assert () == store.history.learn(KNOWN, Source.CALLBACK).conflicts


STATUSES: Final = st.sampled_from(list(ChargeStatus))
TELLINGS: Final = st.lists(
    st.tuples(STATUSES, st.sampled_from([None, 25_000, 24_000]), st.sampled_from(list(Source)[1:])),
    max_size=6,
)


@settings(max_examples=25)
@given(tellings=TELLINGS)
def test_no_order_of_tellings_takes_a_payment_back(
    laid: Laid,
    tmp_path_factory: pytest.TempPathFactory,
    tellings: list[tuple[ChargeStatus, int | None, Source]],
) -> None:
    """Whatever is told in whatever order: once paid never unpaid, and the row says what the charge says."""
    till = Till(laid.url("sqlite", tmp_path_factory.mktemp("facts")))
    paid = {ChargeStatus.PAID, ChargeStatus.REFUNDED, ChargeStatus.PARTIALLY_REFUNDED}
    was_paid = False
    with till.store() as store:
        entry = store.journal.begin("main", order(), "1" * 33)
        store.outcomes.failed(entry, OutcomeUnknown("lost"))
        for status, amount, source in tellings:
            told = Charge(
                gateway="main",
                reference="INV-1",
                status=status,
                method=Qris(),
                paid_amount=Money.idr(amount) if amount and status in paid else None,
            )
            learnt = store.history.learn(told, source)
            was_paid = was_paid or status in paid
            assert not was_paid or learnt.charge.status in paid
            row = row_of(store)
            assert row["status"] == learnt.charge.status
            assert (row["due_at"] is None) is (learnt.charge.status is not ChargeStatus.PENDING)
        keys = [row["key"] for row in rows_of(store, facts)]
        assert len(keys) == len(set(keys))
