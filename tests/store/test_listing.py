"""Charges as the journal has them: pages, one with its history, counts; and by which way they are found."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import anyio
import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from paygate import (
    AsyncPaygate,
    Charge,
    ChargeStatus,
    ConfigurationError,
    ConflictKind,
    InvalidCharge,
    Money,
    OutcomeUnknown,
    Paygate,
    RefundRequest,
    Unreachable,
)
from paygate.store import Store, StoredCharge
from paygate.store.entries import Entry, Source, State, written
from paygate.store.moments import MICRO
from paygate.store.notes import Note, NoteKind
from paygate.store.schema import charges, flags
from paygate.store_settings import StoreSettings
from tests.provider import CANARY, order
from tests.store.callers import START, Clock, document
from tests.store.rows import charge as row

MANY = 20_000
OPEN = range(100, MANY, 1000)
FLAGGED = (150, 9_150)
ANALYSED = {"postgresql": "ANALYZE", "mariadb": "ANALYZE TABLE paygate_charges, paygate_flags"}
WHOLE: dict[str, Callable[[str], bool]] = {
    "sqlite": lambda line: line.startswith("SCAN paygate_charges") and "USING" not in line,
    "postgresql": lambda line: "Seq Scan on paygate_charges" in line,
    "mariadb": lambda line: line.startswith("ALL paygate_charges"),
}
"""How each database says that it looks at every row."""


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def store(store_settings: StoreSettings, clock: Clock) -> Iterator[Store]:
    """A store over each database."""
    with Store(store_settings, clock) as one:
        yield one


def begun(store: Store, reference: str, gateway: str = "main") -> Entry:
    """Write a charge down as it is sent."""
    return store.journal.begin(gateway, order(reference), f"N-{reference}")


def made(store: Store, reference: str, gateway: str = "main", **known: Any) -> Charge:
    """Have a charge made and answered."""
    entry = begun(store, reference, gateway)
    charge = msgspec.structs.replace(entry.charge, **known)
    store.outcomes.answered(entry, charge, entry.external_id)
    return charge


def paid(charge: Charge, **known: Any) -> Charge:
    """The same charge, paid as it was asked for."""
    return msgspec.structs.replace(
        charge, status=ChargeStatus.PAID, **{"paid_amount": charge.amount, **known}
    )


def references(found: Sequence[StoredCharge]) -> list[str]:
    """Their references."""
    return [one.reference for one in found]


def test_pages_go_from_the_newest_back(store: Store) -> None:
    """Each page begins below the last id of the one before; together they are all, none twice."""
    for number in range(5):
        made(store, f"INV-{number}")
    first = store.listing.charges(limit=2)
    second = store.listing.charges(limit=2, after=first[-1].id)
    third = store.listing.charges(limit=2, after=second[-1].id)
    assert [["INV-4", "INV-3"], ["INV-2", "INV-1"], ["INV-0"]] == [*map(references, (first, second, third))]
    assert [] == store.listing.charges(after=third[-1].id)


def test_a_list_is_chosen_by_gateway_status_and_flags(store: Store) -> None:
    """Each condition by itself, and several together."""
    made(store, "INV-OPEN")
    store.history.learn(paid(made(store, "INV-PAID")), Source.QUERY)
    late = made(store, "INV-LATE", "other", status=ChargeStatus.EXPIRED)
    store.history.learn(paid(late), Source.CALLBACK)
    begun(store, "INV-SENT")
    store.outcomes.failed(begun(store, "INV-LOST"), OutcomeUnknown("no answer"))
    store.outcomes.failed(begun(store, "INV-FREE"), Unreachable("no connection"))
    ask = store.listing.charges
    assert ["INV-LATE"] == references(ask(gateway="other"))
    assert ["INV-LATE", "INV-PAID"] == references(ask(status=ChargeStatus.PAID))
    assert ["INV-PAID"] == references(ask(status=ChargeStatus.PAID, gateway="main"))
    assert ["INV-LOST", "INV-SENT"] == references(ask(unsettled=True))
    assert ["INV-LATE"] == references(ask(flagged=True))
    assert [] == ask(flagged=True, gateway="main")
    assert [(ConflictKind.LATE,)] == [one.flags for one in ask(flagged=True)]


def test_flagged_charges_have_pages_too(store: Store) -> None:
    """One with several flags stands on one page once."""
    for number in range(3):
        expired = made(store, f"INV-{number}", status=ChargeStatus.EXPIRED)
        store.history.learn(paid(expired, paid_amount=Money.idr(1)), Source.CALLBACK)
    first = store.listing.charges(flagged=True, limit=2)
    assert ["INV-2", "INV-1"] == references(first)
    assert (ConflictKind.AMOUNT, ConflictKind.LATE) == first[0].flags
    assert ["INV-0"] == references(store.listing.charges(flagged=True, limit=2, after=first[-1].id))


def test_one_charge_is_told_with_all_that_is_known_of_its_making(store: Store, clock: Clock) -> None:
    """Its number, how often it was sent, and its times, aware."""
    entry = begun(store, "INV-1")
    [one] = store.listing.named("INV-1")
    assert (State.SENDING, 1, "N-INV-1", ()) == (one.state, one.attempt, one.external_id, one.flags)
    assert START == one.created_at.timestamp() == one.sent_at.timestamp()
    assert one.lease_until == one.due_at
    assert one.created_at.utcoffset() is not None
    clock.move(5)
    store.outcomes.answered(entry, paid(entry.charge), "N-2")
    known = store.listing.one("INV-1")
    assert known is not None
    assert (State.KNOWN, ChargeStatus.PAID, "N-2") == (known.state, known.charge.status, known.external_id)
    assert (None, None, START + 5) == (known.due_at, known.lease_until, known.changed_at.timestamp())


def test_a_reference_of_several_gateways_needs_a_name(store: Store) -> None:
    """But not where all but one do not have it."""
    store.outcomes.failed(begun(store, "INV-1", "main"), Unreachable("no connection"))
    made(store, "INV-1", "backup")
    one = store.listing.one("INV-1")
    assert one is not None
    assert "backup" == one.gateway
    assert ["main", "backup"] == [each.gateway for each in store.listing.named("INV-1")]
    made(store, "INV-1", "third")
    with pytest.raises(
        InvalidCharge, match="several have a charge of this reference, name one: backup, third"
    ):
        store.listing.one("INV-1")
    named = store.listing.one("INV-1", "third")
    assert named is not None
    assert "third" == named.gateway
    assert store.listing.one("INV-2") is None


def test_a_history_is_told_in_order(store: Store, clock: Clock) -> None:
    """Notes of what was tried, facts with how it stood and what contradicted it, whether there is a body."""
    entry = begun(store, "INV-1")
    store.outcomes.failed(entry, OutcomeUnknown("no answer"))
    [taken] = store.agenda.take(10)
    clock.move(1)
    store.outcomes.unsettled(taken, Unreachable("no connection"))
    ended = msgspec.structs.replace(entry.charge, status=ChargeStatus.EXPIRED, raw=b'{"token": "x", "n": 1}')
    store.history.learn(ended, Source.QUERY)
    store.history.learn(paid(entry.charge), Source.CALLBACK)
    lines = store.listing.history(entry.id)
    assert [
        (Source.REPLY, None, Note(kind=NoteKind.FAILED, error="OutcomeUnknown"), ()),
        (Source.QUERY, None, Note(kind=NoteKind.FAILED, error="Unreachable"), ()),
        (Source.QUERY, ChargeStatus.EXPIRED, None, ()),
        (Source.CALLBACK, ChargeStatus.PAID, None, (ConflictKind.LATE,)),
    ] == [(line.source, line.status, line.note, line.conflicts) for line in lines]
    assert [0, 1, 1, 1] == [line.at.timestamp() - START for line in lines]
    assert [False, False, True, False] == [line.has_body for line in lines]
    assert {"token": "***", "n": 1} == json.loads(store.listing.body(lines[2].id) or b"")
    assert store.listing.body(lines[0].id) is None
    assert [None, None, "ready", "ready"] == [line.handed and line.handed.state for line in lines]
    assert (entry.charge.amount, b"") == (lines[3].told and lines[3].told.paid_amount, lines[3].told.raw)  # type: ignore[union-attr]


def test_refunds_that_were_asked_for_are_told(store: Store) -> None:
    """With what is known of their being made."""
    charge = made(store, "INV-1", status=ChargeStatus.PAID)
    [one] = store.listing.named("INV-1")
    store.refunds.begin(charge, RefundRequest(reference="R-1", reason="broken"), "N-1")
    part = RefundRequest(reference="R-2", reason="late", amount=Money.idr(500))
    store.refunds.ended(store.refunds.begin(charge, part, "N-2"), Unreachable("no connection"))
    assert [
        ("R-1", None, State.SENDING, "N-1"),
        ("R-2", Money.idr(500), State.FREE, "N-2"),
    ] == [(two.reference, two.amount, two.state, two.external_id) for two in store.listing.refunds(one.id)]


def test_what_is_open_is_counted(store: Store, clock: Clock) -> None:
    """By what is known of it, what is due, when the next one is, and what is flagged."""
    assert store.listing.counts() == msgspec.convert({}, type(store.listing.counts()))
    made(store, "INV-OPEN")
    begun(store, "INV-SENT")
    store.history.learn(paid(made(store, "INV-LATE", status=ChargeStatus.FAILED)), Source.CALLBACK)
    clock.move(10)
    store.outcomes.failed(begun(store, "INV-LOST"), OutcomeUnknown("no answer"))
    counts = store.listing.counts()
    assert (1, 1, 1, 1) == (counts.sending, counts.unknown, counts.waiting, counts.due)
    assert counts.next_at is not None
    assert START + 10 == counts.next_at.timestamp()
    assert {ConflictKind.LATE: 1} == counts.flags
    assert 0 == counts.dead


def test_known_asks_nobody(store: Store) -> None:
    """A charge, None where no gateway has it, and an error where nobody knows."""
    charge = made(store, "INV-1")
    store.outcomes.failed(begun(store, "INV-FREE"), Unreachable("no connection"))
    begun(store, "INV-SENT")
    store.outcomes.failed(begun(store, "INV-LOST"), OutcomeUnknown("no answer"))
    assert charge == store.listing.known("INV-1")
    assert store.listing.known("INV-1", "other") is None
    assert store.listing.known("INV-2") is None
    assert store.listing.known("INV-FREE") is None
    with pytest.raises(OutcomeUnknown, match="at work on it at this moment"):
        store.listing.known("INV-SENT")
    with pytest.raises(OutcomeUnknown, match="paygate reconcile"):
        store.listing.known("INV-LOST")


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_both_shells_tell_what_is_known(store: Store, store_url: str) -> None:
    """Without a request to anybody; without a store there is nothing to tell."""
    charge = made(store, "INV-1")

    async def asked() -> Charge | None:
        async with AsyncPaygate.from_mapping(document(store_url)) as paygate:
            return await paygate.known("INV-1")

    with Paygate.from_mapping(document(store_url)) as paygate:
        assert charge == paygate.known("INV-1") == paygate.known("INV-1", "main")
    assert charge == anyio.run(asked)
    bare = {"gateways": document(store_url)["gateways"]}
    with (
        Paygate.from_mapping(bare) as paygate,
        pytest.raises(ConfigurationError, match=r"configure \[store\]"),
    ):
        paygate.known("INV-1")


def test_what_was_taken_and_not_asked_about_is_given_back(store: Store, clock: Clock) -> None:
    """It is due at once for others, where its lease is still this caller's."""
    for number in range(3):
        store.outcomes.failed(begun(store, f"INV-{number}"), OutcomeUnknown("no answer"))
        clock.move(1)
    taken = store.agenda.take(2)
    store.agenda.release(taken[1:])
    assert ["INV-1", "INV-2"] == sorted(one.reference for one in store.agenda.take(10))
    clock.move(2 * store.settings.lease_seconds)
    again = store.agenda.take(10)
    store.agenda.release(taken)  # those of others now
    assert 0 == store.agenda.waiting()
    assert 3 == len(again)


def test_no_question_looks_at_every_charge(store: Store) -> None:
    """By the database's own plan, over many charges of which few are open or flagged."""
    _many(store)
    plans = {
        "newest": _plan(store, store.listing.charges),
        "next page": _plan(store, lambda: store.listing.charges(after=MANY // 2)),
        "unsettled": _plan(store, lambda: store.listing.charges(unsettled=True)),
        "flagged": _plan(store, lambda: store.listing.charges(flagged=True)),
        "reference": _plan(store, lambda: store.listing.named("INV-17")),
        "history": _plan(store, lambda: store.listing.history(17)),
        "refunds": _plan(store, lambda: store.listing.refunds(17)),
        "counts": _plan(store, store.listing.counts),
        "waiting": _plan(store, store.agenda.waiting),
    }
    whole = WHOLE[store.database.dialect]
    assert any(map(whole, _plan(store, lambda: _scan(store)))), "the check would notice"
    orderly = ("newest", "next page")
    bad = {name: [line for line in plan if whole(line)] for name, plan in plans.items()}
    if store.database.dialect == "sqlite":  # a scan in the order of the key, which the limit ends
        assert ["SCAN paygate_charges"] == bad.pop("newest")
        assert not any("TEMP B-TREE" in line for name in orderly for line in plans[name])
    if store.database.dialect == "postgresql":
        assert all(
            "Index Scan Backward using paygate_charges_pkey" in " ".join(plans[name]) for name in orderly
        )
    assert {} == {name: lines for name, lines in bad.items() if lines}, plans
    assert all(plans.values())


def _many(store: Store) -> None:
    """Fill the table: all are paid, but for a few."""
    asked = order("INV-0")
    known = written(
        paid(Charge(gateway="main", reference="INV-0", status=ChargeStatus.PAID, method=asked.method))
    )
    rows = [
        row(
            f"INV-{number}",
            id=number + 1,
            state="unknown" if number in OPEN else "known",
            status=None if number in OPEN else "paid",
            charge=known,
            due_at=round(START * MICRO) + number if number in OPEN else None,
        )
        for number in range(MANY)
    ]
    with store.database.writing() as connection:
        connection.execute(charges.insert(), rows)
        connection.execute(
            flags.insert(), [{"charge_id": number, "kind": "late", "at": 1} for number in FLAGGED]
        )
    if store.database.dialect in ANALYSED:  # a merchant's SQLite has no statistics
        engine = store.database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(ANALYSED[store.database.dialect])


def _scan(store: Store) -> None:
    """Ask what no index tells."""
    with store.database.reading() as connection:
        connection.execute(sa.select(charges.c.id).where(charges.c.attempt == 99)).all()


def _plan(store: Store, ask: Any) -> list[str]:
    """How the database does what is asked, statement by statement."""
    said: list[tuple[str, Any]] = []

    def hear(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        said.append((statement, parameters))

    event.listen(store.database.engine, "before_cursor_execute", hear)
    try:
        ask()
    finally:
        event.remove(store.database.engine, "before_cursor_execute", hear)
    explain = "EXPLAIN QUERY PLAN" if store.database.dialect == "sqlite" else "EXPLAIN"
    lines: list[str] = []
    with store.database.engine.connect() as connection:
        for statement, parameters in said:
            if "paygate_" not in statement:
                continue
            lines += map(_line, connection.exec_driver_sql(f"{explain} {statement}", parameters).mappings())
    return lines


def _line(found: sa.RowMapping) -> str:
    if "detail" in found:
        return str(found["detail"])
    if "type" in found:
        return f"{found['type']} {found['table']} {found['key']}"
    return str(found["QUERY PLAN"])


def test_no_secret_is_listed(store: Store) -> None:
    """Nothing of the payer's stands in what is told of a charge."""
    made(store, "INV-1", raw=f'{{"accessToken": "{CANARY}"}}'.encode())
    [one] = store.listing.charges()
    [line] = store.listing.history(one.id)
    assert CANARY not in f"{one}{line}{store.listing.body(line.id)!r}"
