"""Which charges are to be asked about, and whose turn each is: many callers at once, none twice."""

import logging
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from paygate.pauses import chosen
from paygate.store.database import Database
from paygate.store.entries import Entry, State, Step, charge_of, entry_of
from paygate.store.moments import Clock
from paygate.store.schema import charges

log = logging.getLogger("paygate")

PARTS: Final = 61
AFTER: Final = 4
"""What part of a lease it takes after its end until all are due again."""

HOW_MANY: Final = sa.func.count(charges.c.id)


class Agenda:
    """The unsettled and the overdue, in one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def take(self, limit: int) -> list[Entry]:
        """Up to so many charges that are due, the longest due first; for a lease they are this caller's.

        Ask about each, and write down the answer. What is not asked about is due again after the lease, by
        chance in another order: one whose asking kills the process keeps no other from being asked for ever.
        """
        now = self._clock.now()
        lease = self._clock.lease(now)
        due = (
            sa.select(charges)
            .where(charges.c.due_at <= now)
            .order_by(charges.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self._database.writing() as connection:
            rows = connection.execute(due).mappings().all()
            unsettled = [row["id"] for row in rows if row["state"] != State.KNOWN]
            settled = [row["id"] for row in rows if row["state"] == State.KNOWN]
            turn = (charges.c.id * chosen(PARTS - 1) + chosen(PARTS)) % PARTS
            taken: dict[str, Any] = {
                "lease_until": lease,
                "due_at": lease + turn * ((lease - now) // AFTER // PARTS),
            }
            for ids, values in ((unsettled, taken | {"state": State.UNKNOWN}), (settled, taken)):
                if ids:
                    connection.execute(charges.update().where(charges.c.id.in_(ids)).values(values))
        entries: list[Entry] = []
        for row in rows:
            try:
                entries.append(entry_of({**row, "lease_until": lease}, Step.ASK, charge_of(row)))
            except (ValueError, msgspec.MsgspecError) as error:  # nobody else waits for it
                kind = type(error).__name__
                log.error("paygate: charge %d in the store cannot be read (%s)", row["id"], kind)  # noqa: TRY400
        return entries

    def release(self, entries: Sequence[Entry]) -> None:
        """Give back charges that were taken and not asked about: they are due now."""
        now = self._clock.now()
        with self._database.writing() as connection:
            for one in entries:
                is_mine = (charges.c.id == one.id) & (charges.c.lease_until == one.lease_until)
                connection.execute(charges.update().where(is_mine).values(lease_until=0, due_at=now))

    def waiting(self) -> int:
        """How many charges are due now."""
        now = self._clock.now()
        with self._database.reading() as connection:
            return connection.execute(sa.select(HOW_MANY).where(charges.c.due_at <= now)).scalar_one()
