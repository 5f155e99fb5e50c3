"""The journal of a store, held against the books of the providers: nothing lost, nothing twice, nothing open."""

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import sqlalchemy as sa

from paygate import Charge, ChargeStatus, Paygate
from paygate.sandbox import PretendCharge, Simulator
from paygate.store import notes
from paygate.store.database import Database
from paygate.store.entries import State, charge_of
from paygate.store.moments import MICRO
from paygate.store.notes import Note
from paygate.store.schema import charges, facts, flags

WORKERS: Final = 4
LIMIT: Final = 20
PATIENCE: Final = 60.0
SOON: Final = 30.0
"""Seconds within which a charge is due that somebody has taken, and not asked about."""

OPEN: Final = (State.SENDING.value, State.UNKNOWN.value)
Simulators = Mapping[str, Simulator]


def rows_of(database: Database) -> list[Any]:
    """All charges of a journal."""
    with database.reading() as connection:
        return [*connection.execute(sa.select(charges)).mappings()]


def states(database: Database) -> Counter[str]:
    """How many charges of a journal are in which state."""
    return Counter(row["state"] for row in rows_of(database))


def tries(database: Database) -> Counter[str]:
    """What was tried with charges, and how it ended: how often each note was written."""
    return Counter(f"{source}: {_words(note)}" for _, source, note in _noted(database))


def _words(note: Note) -> str:
    told = (note.kind.value, note.attempt, note.error, note.code)
    return " ".join(str(one) for one in told if one is not None)


def _noted(database: Database) -> list[tuple[str, str, Note]]:
    """All notes, with their charge's reference and their source."""
    found = (
        sa.select(charges.c.reference, facts.c.source, facts.c.note)
        .join(facts, facts.c.charge_id == charges.c.id)
        .where(facts.c.note.is_not(None))
    )
    with database.reading() as connection:
        return [(row.reference, row.source, notes.read(row.note)) for row in connection.execute(found)]


def numbers_of(database: Database) -> dict[str, set[str | None]]:
    """By reference, all numbers that a charge was written down to be sent with."""
    found: dict[str, set[str | None]] = {}
    for row in rows_of(database):  # two gateways may have been tried
        found.setdefault(row["reference"], set()).add(row["external_id"])
    for reference, _, note in _noted(database):
        found[reference] |= {note.external_id, note.before}
    return found


def flagged(database: Database) -> Counter[str]:
    """How often which contradiction was seen."""
    with database.reading() as connection:
        return Counter(connection.scalars(sa.select(flags.c.kind)).all())


def hurry(database: Database, *, overdue: bool = True) -> None:
    """Let the time come for all that is open, or due soon; with the `overdue`, as if days had passed."""
    is_meant = charges.c.due_at.is_not(None) if overdue else _is_left()
    with database.writing() as connection:
        connection.execute(charges.update().where(is_meant).values(due_at=0))


def settle_all(paygate: Paygate, *, overdue: bool = True) -> Counter[str]:
    """Reconcile, by several workers, until nothing is due any more and nothing is open; what that came to.

    With the `overdue`, each charge that is not at its end is asked about, too.
    """
    assert paygate.store is not None
    database, done = paygate.store.database, Counter[str]()
    hurry(database, overdue=overdue)
    fewest, end = math.inf, 0.0
    with ThreadPoolExecutor(WORKERS) as pool:
        while left := _left(database):
            if len(left) < fewest:
                fewest, end = len(left), time.monotonic() + PATIENCE
            assert time.monotonic() < end, f"none of these was settled in {PATIENCE:g} s: {left}"
            for told in pool.map(paygate.reconcile, [LIMIT] * WORKERS):
                done.update(asked=told.asked, settled=told.settled, **told.unsettled)
                if told.unsettled:
                    hurry(database, overdue=False)
            time.sleep(0.02)
    return done


def _is_left() -> sa.ColumnElement[bool]:
    return charges.c.state.in_(OPEN) | (charges.c.due_at <= round((time.time() + SOON) * MICRO))


def _left(database: Database) -> list[str]:
    """What is still to be settled: all that is open, and all that is due now or soon."""
    with database.reading() as connection:
        return [*connection.scalars(sa.select(charges.c.reference).where(_is_left()))]


def differences(database: Database, simulators: Simulators) -> list[str]:
    """All in which a journal that is settled and the providers' books do not agree."""
    return [*_differences(rows_of(database), simulators)]


def _differences(rows: Iterable[Any], simulators: Simulators) -> Iterator[str]:
    booked = [(name, charge) for name, one in simulators.items() for charge in one.ledger.charges]
    counts = Counter(charge.reference for _, charge in booked)
    yield from (f"{reference}: charged {count} times" for reference, count in counts.items() if count > 1)
    at_provider = {(name, charge.reference): charge for name, charge in booked}
    for row in rows:
        place = row["gateway"], row["reference"]
        charge = at_provider.pop(place, None)
        if row["state"] in OPEN:
            yield f"{place}: is {row['state']} still"
        elif (row["state"] == State.KNOWN) is not (charge is not None):
            yield f"{place}: {row['state']} in the journal, {'in' if charge else 'not in'} the provider's books"
        elif charge is not None:
            yield from (f"{place}: {what}" for what in _contradictions(row, charge_of(row), charge))
    yield from (f"{place}: at the provider, and not in the journal" for place in at_provider)


def _contradictions(row: Any, ours: Charge, theirs: PretendCharge) -> Iterator[str]:
    if ours.amount != theirs.amount:
        yield f"the amounts are {ours.amount} here and {theirs.amount} there"
    if ours.status is not theirs.status or row["status"] != theirs.status:
        yield f"the status is {ours.status} here and {theirs.status} there"
    if ours.provider_reference not in (None, theirs.provider_reference):
        yield f"the provider's number is {ours.provider_reference} here and {theirs.provider_reference} there"
    is_paid = theirs.status is ChargeStatus.PAID
    if is_paid and ours.paid_amount != theirs.amount:
        yield f"{theirs.amount} were paid, and {ours.paid_amount} are written down"
    if (row["due_at"] is None) is (ours.status is ChargeStatus.PENDING):
        yield f"is {ours.status}, and due at {row['due_at']}"
