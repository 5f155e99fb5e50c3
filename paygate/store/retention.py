"""What is forgotten in time: bodies and headers, and callbacks that were handled long ago.

What proves money stays for ever: charges, what was told of them, flags and refunds. What is not settled, not
handled or given up stays whole, for somebody still has to look at it.
"""

import time
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from paygate.store.database import Database
from paygate.store.entries import DeliveryState, State
from paygate.store.moments import micros
from paygate.store.schema import callbacks, charges, facts

BATCH: Final = 500
DAY: Final = 86_400
LEAST_ROW_DAYS: Final = 30.0
"""A callback's row stays so long at least: it is what tells a provider's late repeat from news."""

_SETTLED: Final = sa.select(charges.c.id).where(
    charges.c.due_at.is_(None), charges.c.state.in_((State.KNOWN.value, State.FREE.value))
)
_EMPTY: Final[dict[str, Any]] = {"path": None, "headers": None, "body": None}
_FULL: Final = sa.or_(*(callbacks.c[name].is_not(None) for name in _EMPTY))


class Purged(Struct, frozen=True, kw_only=True):
    """How much was forgotten: bodies of facts; body, headers and path of callbacks; and callbacks' rows."""

    bodies: int = 0
    callbacks: int = 0
    rows: int = 0


def purge(
    database: Database, days: float, *, dry_run: bool = False, now: float | None = None, batch: int = BATCH
) -> Purged:
    """Forget what is older than so many days, in short pieces of work; with `dry_run` only count it.

    May be broken off and run again at any time, by several at once. Raises StoreUnavailable; what was
    forgotten until then stays so.
    """
    seconds = time.time() if now is None else now
    older = micros(seconds - days * DAY)
    rows_older = micros(seconds - max(days, LEAST_ROW_DAYS) * DAY)
    purged = Purged()
    for ids in _old(database, facts, facts.c.at, older, facts.c.body.is_not(None), batch):
        mine = facts.c.id.in_(ids) & facts.c.charge_id.in_(_SETTLED)
        done = _done(database, facts, mine, {"body": None}, dry_run=dry_run)
        purged = replace(purged, bodies=purged.bodies + done)
    for ids in _old(database, callbacks, callbacks.c.received_at, older, sa.true(), batch):
        mine = callbacks.c.id.in_(ids) & (callbacks.c.state == DeliveryState.DONE)
        gone = mine & (callbacks.c.received_at < rows_older)
        emptied = mine & (callbacks.c.received_at >= rows_older) & _FULL
        rows = _done(database, callbacks, gone, None, dry_run=dry_run)
        done = _done(database, callbacks, emptied, _EMPTY, dry_run=dry_run)
        purged = replace(purged, rows=purged.rows + rows, callbacks=purged.callbacks + done)
    return purged


def _old(
    database: Database,
    table: sa.Table,
    at: sa.Column[int],
    older: int,
    wanted: sa.ColumnElement[bool],
    batch: int,
) -> Iterator[list[int]]:
    """The numbers of old rows, so many at a time; rows are numbered in the order of time, or nearly so."""
    last = 0
    looked = sa.select(table.c.id, (at < older).label("is_old"), wanted.label("is_wanted"))
    while True:
        with database.reading() as connection:
            rows = connection.execute(looked.where(table.c.id > last).order_by(table.c.id).limit(batch)).all()
        if not any(row.is_old for row in rows):
            return
        last = rows[-1].id
        ids = [row.id for row in rows if row.is_old and row.is_wanted]
        if ids:
            yield ids


def _done(
    database: Database,
    table: sa.Table,
    mine: sa.ColumnElement[bool],
    values: dict[str, Any] | None,
    *,
    dry_run: bool,
) -> int:
    """Change rows, or delete them; how many it were."""
    if dry_run:
        with database.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(table).where(mine)).scalar_one()
    change = table.delete() if values is None else table.update().values(values)
    with database.writing(durable=False) as connection:
        return connection.execute(change.where(mine)).rowcount
