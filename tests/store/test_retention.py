"""What is forgotten in time, and what never is."""

from typing import Any, Final

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from paygate.store.database import Database
from paygate.store.deliveries import ENDED
from paygate.store.entries import DeliveryState, State
from paygate.store.moments import MICRO
from paygate.store.retention import Purged, purge
from paygate.store.schema import callbacks, charges, facts, flags, refunds
from tests.store.rows import charge

NOW: Final = 1_800_000_000.0
DAY: Final = 86_400


def ago(days: float) -> int:
    return round((NOW - days * DAY) * MICRO)


def fact(charge_id: int, number: int, days: float, **other: Any) -> dict[str, Any]:
    values = {
        "charge_id": charge_id,
        "key": number.to_bytes(16, "big"),
        "source": "callback",
        "at": ago(days),
        "status": "paid",
        "told": b"{}",
        "note": None,
        "conflicts": "",
        "body": b'{"a":1}',
    }
    return {**values, **other}


def callback(number: int, state: str, days: float, **other: Any) -> dict[str, Any]:
    values = {
        "gateway": "main",
        "key": number.to_bytes(16, "big"),
        "source": "callback",
        "state": state,
        "told": b"{}",
        "path": "/callbacks/main",
        "headers": b"{}",
        "body": b"{}",
        "received_at": ago(days),
        "repeats": 0,
        "attempts": 0,
        "due_at": None if state in (DeliveryState.DONE, *ENDED) else 1,
        "problem": None,
    }
    return {**values, **other}


def all_rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.reading() as connection:
        return {
            table.name: [
                dict(row)
                for row in connection.execute(table.select().order_by(*table.primary_key)).mappings()
            ]
            for table in (charges, facts, flags, refunds, callbacks)
        }


STATES: Final[dict[str, dict[str, Any]]] = {
    "paid": {"state": State.KNOWN.value, "due_at": None},
    "never made": {"state": State.FREE.value, "due_at": None},
    "open": {"state": State.KNOWN.value, "due_at": 5},
    "sending": {"state": State.SENDING.value, "due_at": 5},
    "unknown": {"state": State.UNKNOWN.value, "due_at": 5},
    "leased": {"state": State.UNKNOWN.value, "due_at": None},
}
SETTLED: Final = ("paid", "never made")


def fill(database: Database) -> None:
    """Charges in every state with an old and a new fact each, and callbacks in every state and age."""
    with database.writing() as connection:
        connection.execute(
            charges.insert(),
            [charge(name, id=number, **values) for number, (name, values) in enumerate(STATES.items(), 1)],
        )
        connection.execute(
            facts.insert(),
            [fact(number, age, age) for number in range(1, len(STATES) + 1) for age in (99, 3)],
        )
        connection.execute(flags.insert(), [{"charge_id": 1, "kind": "LATE", "at": ago(99)}])
        connection.execute(
            callbacks.insert(),
            [
                callback(1000 * age + number, state, age)
                for age in (99, 20, 3)
                for number, state in enumerate(DeliveryState)
            ],
        )


def test_only_what_is_settled_and_old_is_forgotten(database: Database) -> None:
    """Bodies of settled charges, and what was handled; rows of callbacks after thirty days and not before."""
    fill(database)
    before = all_rows(database)
    expected = Purged(bodies=len(SETTLED), callbacks=1, rows=1)
    assert purge(database, 10, dry_run=True, now=NOW) == expected
    assert all_rows(database) == before
    assert purge(database, 10, now=NOW) == expected
    after = all_rows(database)
    for name in ("paygate_charges", "paygate_flags", "paygate_refunds"):
        assert after[name] == before[name]
    settled = [number for number, name in enumerate(STATES, 1) if name in SETTLED]
    for row in before["paygate_facts"]:
        if row["charge_id"] in settled and row["at"] < ago(10):
            row["body"] = None
    assert after["paygate_facts"] == before["paygate_facts"]
    kept = []
    for row in before["paygate_callbacks"]:
        if row["state"] == DeliveryState.DONE and row["received_at"] == ago(99):
            continue
        if row["state"] == DeliveryState.DONE and row["received_at"] == ago(20):
            row |= {"path": None, "headers": None, "body": None}
        kept.append(row)
    assert after["paygate_callbacks"] == kept


def test_forgetting_again_finds_nothing(database: Database) -> None:
    """What was forgotten is not counted twice, and nothing else goes."""
    fill(database)
    purge(database, 10, now=NOW)
    before = all_rows(database)
    assert purge(database, 10, dry_run=True, now=NOW) == Purged()
    assert purge(database, 10, now=NOW) == Purged()
    assert all_rows(database) == before


def test_an_empty_store_has_nothing_to_forget(database: Database) -> None:
    """Nothing is counted, and nothing fails."""
    assert purge(database, 1, now=NOW) == Purged()


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_it_is_done_in_small_pieces(database: Database) -> None:
    """However much there is, a piece of work touches no more rows than a batch; others come in between."""
    with database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-1", id=1, **STATES["paid"]))
        connection.execute(facts.insert(), [fact(1, number, 50) for number in range(95)])
        connection.execute(
            callbacks.insert(), [callback(number, DeliveryState.DONE, 50) for number in range(35)]
        )
    touched: list[int] = []

    def note(_: Any, cursor: Any, statement: str, *__: object) -> None:
        if statement.startswith(("UPDATE", "DELETE")):
            touched.append(cursor.rowcount)

    for engine in (database.engine, database._place._writers):  # type: ignore[union-attr]
        sa.event.listen(engine, "after_cursor_execute", note)
    assert purge(database, 10, now=NOW, batch=10) == Purged(bodies=95, rows=35)
    assert max(touched) == 10
    assert sum(touched) == 130


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@given(
    ages=st.lists(st.tuples(st.floats(0, 60), st.sampled_from([*STATES])), max_size=25),
    days=st.floats(0.5, 60),
    batch=st.integers(1, 7),
)
@settings(max_examples=25)
def test_no_body_that_is_young_or_unsettled_is_lost(
    database: Database, ages: list[tuple[float, str]], days: float, batch: int
) -> None:
    """In whatever order rows stand: what may not be forgotten is there, and what was written in order is gone."""
    ordered = sorted(ages, reverse=True)
    with database.writing() as connection:
        for table in (charges, facts):
            connection.execute(table.delete())
        connection.execute(
            charges.insert(),
            [charge(name, id=number, **values) for number, (name, values) in enumerate(STATES.items(), 1)],
        )
        numbers = {name: number for number, name in enumerate(STATES, 1)}
        for number, (age, name) in enumerate(ordered):
            connection.execute(facts.insert(), fact(numbers[name], number, age))
    purged = purge(database, days, now=NOW, batch=batch)
    must_go = [ago(age) < ago(days) and name in SETTLED for age, name in ordered]
    with database.reading() as connection:
        bodies = [*connection.scalars(sa.select(facts.c.body).order_by(facts.c.id))]
    assert [body is None for body in bodies] == must_go
    assert purged.bodies == sum(must_go)
