"""Charges as the journal has them, to be looked at: pages of them, one with its whole history, and counts.

Each question goes by an index, however many charges there are.
"""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from paygate.callback import ConflictKind
from paygate.errors import InvalidCharge, OutcomeUnknown
from paygate.model import Charge, ChargeStatus
from paygate.store.database import Database
from paygate.store.deliveries import ENDED
from paygate.store.entries import LONGEST_REFERENCE, DeliveryState, Row, State, word_of
from paygate.store.listed import (
    AskedRefund,
    Counts,
    HandedOver,
    HistoryLine,
    StoredCharge,
    line_of,
    refund_of,
    stored_of,
)
from paygate.store.moments import Clock, moment
from paygate.store.schema import callbacks, charges, facts, flags, refunds

UNSETTLED: Final = (State.SENDING, State.UNKNOWN)
"""Nobody knows yet whether the provider has such a charge."""

_OPEN: Final = charges.c.due_at > 0
"""Where anything is left to ask; an index on it has no other rows of use."""

_LINE: Final = [
    facts.c[name] for name in ("id", "key", "source", "at", "status", "told", "note", "conflicts")
]


class Listing:
    """What one database has of charges; it changes nothing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def charges(
        self,
        *,
        gateway: str | None = None,
        status: ChargeStatus | None = None,
        unsettled: bool = False,
        flagged: bool = False,
        limit: int = 50,
        after: int | None = None,
    ) -> list[StoredCharge]:
        """Up to `limit` charges, the newest first; for the next page give the last one's id as `after`.

        `unsettled` are those that nobody knows of whether the provider has them. A status that is rare is
        searched for from the newest charge on.
        """
        asked = sa.select(charges).limit(limit)
        number: Any = charges.c.id
        if unsettled:
            number = charges.c.id + 0  # not the order of the primary key: that would be every charge
            asked = asked.where(_OPEN, charges.c.state.in_(UNSETTLED))
        if flagged:
            ones = sa.select(flags.c.charge_id).distinct().subquery()
            asked = asked.join(ones, ones.c.charge_id == charges.c.id)
            number = ones.c.charge_id + 0
        if after is not None:
            asked = asked.where(number < after)
        for column, value in (("gateway", gateway), ("status", status)):
            if value is not None:
                asked = asked.where(charges.c[column] == value)
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(number.desc())).mappings().all()
            return _stored(connection, rows)

    def named(self, reference: str, gateway: str | None = None) -> list[StoredCharge]:
        """The charges of that reference, one for each gateway that was to make it, in that order."""
        asked = sa.select(charges).where(charges.c.reference == word_of(reference, LONGEST_REFERENCE))
        if gateway is not None:
            asked = asked.where(charges.c.gateway == gateway)
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(charges.c.id + 0)).mappings().all()
            return _stored(connection, rows)

    def one(self, reference: str, gateway: str | None = None) -> StoredCharge | None:
        """The charge of that reference; None where there is none.

        One that its gateway does not have counts where no other has one. Raises InvalidCharge where several
        gateways have, or may have, one of this reference.
        """
        found = self.named(reference, gateway)
        there = [one for one in found if one.state is not State.FREE]
        if len(there) > 1:
            names = ", ".join(one.gateway for one in there)
            raise InvalidCharge(
                "gateway", f"several have a charge of this reference, name one: {names}", reference=reference
            )
        return next(iter(there or found[-1:]), None)

    def known(self, reference: str, gateway: str | None = None) -> Charge | None:
        """How a charge stands, without asking anybody; None where no gateway has it.

        Raises OutcomeUnknown where nobody knows whether one has, and InvalidCharge as `one`.
        """
        one = self.one(reference, gateway)
        if one is None or one.state is State.FREE:
            return None
        if one.state is State.KNOWN:
            return one.charge
        now = moment(self._clock.now())
        if one.lease_until is not None and one.lease_until > now:
            why = "a process is at work on it at this moment"
        else:
            why = "`paygate reconcile` asks, and so does the same create_charge"
        raise OutcomeUnknown(
            f"it was sent, and nobody knows yet what became of it: {why}",
            gateway=one.gateway,
            reference=reference,
        )

    def history(self, charge_id: int) -> tuple[HistoryLine, ...]:
        """All that was told of a charge, and tried with it, in order; its being written down is no line."""
        asked = sa.select(*_LINE, (facts.c.body.is_not(None)).label("has_body"))
        with self._database.reading() as connection:
            own = connection.execute(sa.select(charges.c.gateway).where(charges.c.id == charge_id)).scalar()
            rows = connection.execute(asked.where(facts.c.charge_id == charge_id)).mappings().all()
            keys = [row["key"] for row in rows if row["status"] is not None]
            handed = _handed(connection, own, keys) if own is not None else {}
        return tuple(line_of(row, handed.get(row["key"])) for row in sorted(rows, key=lambda row: row["id"]))

    def refunds(self, charge_id: int) -> tuple[AskedRefund, ...]:
        """The refunds of a charge that were asked for here, in order."""
        asked = sa.select(refunds).where(refunds.c.charge_id == charge_id)
        with self._database.reading() as connection:
            rows = connection.execute(asked).mappings().all()
        return tuple(refund_of(row) for row in sorted(rows, key=lambda row: row["id"]))

    def body(self, line_id: int) -> bytes | None:
        """The body that a line of a history was read from, as it is kept: without what is redacted."""
        with self._database.reading() as connection:
            found: bytes | None = connection.execute(
                sa.select(facts.c.body).where(facts.c.id == line_id)
            ).scalar()
        return found

    def counts(self) -> Counts:
        """How many charges are open, how many are flagged, and how many callbacks were given up."""
        now = self._clock.now()
        is_due = sa.func.sum(sa.case((charges.c.due_at <= now, 1), else_=0))
        asked = sa.select(charges.c.state, sa.func.count(), is_due, sa.func.min(charges.c.due_at))
        flagged = sa.select(flags.c.kind, sa.func.count()).group_by(flags.c.kind)
        dead = sa.select(sa.func.count()).select_from(callbacks).where(callbacks.c.state.in_(ENDED))
        with self._database.reading() as connection:
            open_ones = connection.execute(asked.where(_OPEN).group_by(charges.c.state)).all()
            kinds = connection.execute(flagged).all()
            given_up = connection.execute(dead).scalar_one()
        by_state = {state: count for state, count, _, _ in open_ones}
        return Counts(
            sending=by_state.get(State.SENDING, 0),
            unknown=by_state.get(State.UNKNOWN, 0),
            waiting=by_state.get(State.KNOWN, 0),
            due=sum(int(due) for _, _, due, _ in open_ones),
            next_at=moment(min(first for *_, first in open_ones)) if open_ones else None,
            flags={ConflictKind(kind): count for kind, count in kinds},
            dead=given_up,
        )


def _stored(connection: sa.Connection, rows: Sequence[Row]) -> list[StoredCharge]:
    ids = [row["id"] for row in rows]
    found: dict[int, list[ConflictKind]] = {}
    if ids:
        asked = sa.select(flags.c.charge_id, flags.c.kind).where(flags.c.charge_id.in_(ids))
        for charge_id, kind in connection.execute(asked):
            found.setdefault(charge_id, []).append(ConflictKind(kind))
    return [stored_of(row, tuple(sorted(found.get(row["id"], ())))) for row in rows]


def _handed(connection: sa.Connection, gateway: str, keys: Sequence[bytes]) -> dict[bytes, HandedOver]:
    """What the inbox has of facts: by their key, which is that of the call that told one."""
    table = callbacks.c
    asked = sa.select(table.key, table.state, table.attempts, table.problem)
    found = connection.execute(asked.where(table.gateway == gateway, table.key.in_(keys))) if keys else ()
    return {
        key: HandedOver(state=DeliveryState(state), attempts=attempts, problem=problem)
        for key, state, attempts, problem in found
    }
