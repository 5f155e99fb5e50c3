"""The refunds that were asked for: written before anything is sent, as charges are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from paygate.errors import (
    DuplicateReference,
    NotSent,
    OutcomeUnknown,
    PaygateError,
    ReferenceTaken,
    Refused,
    StoreUnavailable,
)
from paygate.model import Charge, ChargeRef
from paygate.refunds import RefundRequest
from paygate.store import notes
from paygate.store.database import Database
from paygate.store.entries import Row, Source, State, Step, reference_of
from paygate.store.facts import Facts
from paygate.store.moments import Clock
from paygate.store.outcomes import TAKEN_OVER
from paygate.store.schema import charges, refunds
from paygate.store.statements import NewRow

READ: Final = ("id", "attempt", "lease_until", "state")
"""What of a refund must be as it was read, for a change that follows from it."""

ENDLESS: Final = 40

_OWN: Final = refunds.select().where(
    refunds.c.gateway == bindparam("gateway"), refunds.c.reference == bindparam("reference")
)
_CHARGE: Final = (
    sa.select(charges.c.id)
    .where(charges.c.gateway == bindparam("gateway"), charges.c.reference == bindparam("reference"))
    .with_for_update()
)
_KEPT: Final = sa.select(charges.c.id).where(charges.c.id == bindparam("id")).with_for_update()
"""A charge is kept from others before its refunds are changed: in that order, lest two wait in a ring."""


class RefundEntry(Struct, frozen=True, kw_only=True):
    """A refund in the journal, and what to do now. `sent_at` and `lease_until` are microseconds.

    `charge_id` is None where the journal does not have its charge.
    """

    id: int
    charge_id: int | None
    reference: str
    step: Step
    attempt: int
    external_id: str | None
    sent_at: int
    lease_until: int


class RefundBook:
    """What one database knows of refunds."""

    def __init__(self, database: Database, facts: Facts, clock: Clock) -> None:
        self._database = database
        self._facts = facts
        self._clock = clock
        self._insert = NewRow(refunds, database.engine)

    def begin(self, charge: Charge | ChargeRef, refund: RefundRequest, external_id: str) -> RefundEntry:
        """Write a refund down before it is sent, or find what is known of it: see `RefundEntry.step`.

        Until it is settled its charge is due to be asked about. Raises ReferenceTaken for another refund of
        the same reference, and StoreUnavailable; nothing was sent then.
        """
        amount = None if refund.amount is None else str(refund.amount.amount)
        for _ in range(ENDLESS):
            now = self._clock.now()
            lease = self._clock.lease(now)
            with self._database.writing() as connection:
                charge_id = connection.execute(
                    _CHARGE, {"gateway": charge.gateway, "reference": reference_of(charge)}
                ).scalar()
                fresh = {
                    "charge_id": charge_id,
                    "gateway": charge.gateway,
                    "charge_reference": reference_of(charge),
                    "reference": refund.reference,
                    "amount": amount,
                    "state": State.SENDING,
                    "attempt": 1,
                    "external_id": external_id,
                    "sent_at": now,
                    "lease_until": lease,
                    "created_at": now,
                }
                found = self._insert.add(connection, fresh)
                if found is not None:
                    self._noted(connection, charge_id, refund.reference, 1, external_id)
                    self._due(connection, charge_id, lease)
                    return _entry({**fresh, "id": found}, Step.SEND)
            own = self._row(charge.gateway, refund.reference)
            if own is None:
                continue
            if (own["charge_reference"], own["amount"]) != (reference_of(charge), amount):
                raise _taken(own, charge)
            entry = self._found(own, refund, fresh)
            if entry is not None:
                return entry
        raise StoreUnavailable("others change this refund all the time", reference=charge.reference)

    def again(self, entry: RefundEntry, external_id: str | None) -> RefundEntry:
        """Write down that a refund is sent once more, with another number: the first was not received.

        Raises OutcomeUnknown where another caller took it over meanwhile, who may have sent it; this one must
        not.
        """
        now = self._clock.now()
        lease = self._clock.lease(now)
        renewed = {
            "attempt": entry.attempt + 1,
            "external_id": external_id,
            "sent_at": now,
            "lease_until": lease,
        }
        with self._working(entry.charge_id) as connection:
            if not self._changed(connection, _mine(entry), renewed):
                raise OutcomeUnknown(TAKEN_OVER)
            numbers = external_id, entry.external_id
            self._noted(connection, entry.charge_id, entry.reference, entry.attempt + 1, *numbers)
        return msgspec.structs.replace(entry, **renewed)

    def ended(self, entry: RefundEntry, failure: PaygateError | None) -> None:
        """Write down how the sending of a refund ended; None is an answer, and told apart from it."""
        is_undone = isinstance(failure, (NotSent, Refused)) and not isinstance(failure, DuplicateReference)
        state = State.KNOWN if failure is None else State.FREE if is_undone else State.UNKNOWN
        with self._working(entry.charge_id) as connection:
            if not self._changed(connection, _mine(entry), {"state": state, "lease_until": 0}):
                return
            if failure is not None and entry.charge_id is not None:
                note = notes.failed(failure, entry.reference)
                self._facts.note(connection, entry.charge_id, Source.REPLY, note)
            if state is State.UNKNOWN:
                self._due(connection, entry.charge_id, self._clock.now())

    def absent(self, entry: RefundEntry) -> bool:
        """Write down that the provider does not tell a refund; whether that is believed.

        Then it may be sent again. It is not where it was asked within the grace time after the last sending.
        """
        is_believed = self._clock.is_believed(entry.sent_at, entry.lease_until)
        state = State.FREE if is_believed else State.UNKNOWN
        with self._database.writing() as connection:
            done = self._changed(connection, _mine(entry), {"state": state, "lease_until": 0})
        return is_believed and done

    def unsettled(self, entry: RefundEntry) -> None:
        """Write down that asking brought no answer."""
        with self._database.writing() as connection:
            self._changed(connection, _mine(entry), {"state": State.UNKNOWN, "lease_until": 0})

    def _found(self, own: Row, refund: RefundRequest, fresh: dict[str, Any]) -> RefundEntry | None:
        """What to do with a refund that is there already; None where it has changed meanwhile."""
        if own["state"] == State.KNOWN:
            return _entry(own, Step.TAKE)
        if own["state"] == State.FREE:
            step, attempt = Step.SEND, own["attempt"] + 1
            taken = {name: fresh[name] for name in ("state", "external_id", "sent_at", "lease_until")}
            taken["attempt"] = attempt
        elif own["lease_until"] > fresh["sent_at"]:
            return _entry(own, Step.WAIT)
        else:
            step, attempt = Step.ASK, own["attempt"]
            taken = {"state": State.UNKNOWN, "lease_until": fresh["lease_until"]}
        with self._working(own["charge_id"]) as connection:
            if not self._changed(connection, {name: own[name] for name in READ}, taken):
                return None
            if step is Step.SEND:
                numbers = fresh["external_id"], own["external_id"]
                self._noted(connection, own["charge_id"], refund.reference, attempt, *numbers)
                self._due(connection, own["charge_id"], fresh["lease_until"])
        return _entry({**own, **taken}, step)

    @contextmanager
    def _working(self, charge_id: int | None) -> Iterator[sa.Connection]:
        """A piece of work on a refund, which keeps its charge from others."""
        with self._database.writing() as connection:
            if charge_id is not None:
                connection.execute(_KEPT, {"id": charge_id})
            yield connection

    def _row(self, gateway: str, reference: str) -> Row | None:
        with self._database.reading() as connection:
            return connection.execute(_OWN, {"gateway": gateway, "reference": reference}).mappings().first()

    def _changed(self, connection: sa.Connection, own: dict[str, Any], values: dict[str, Any]) -> bool:
        """Change a row that is still as `own` has it."""
        is_unchanged = [refunds.c[name] == value for name, value in own.items()]
        return bool(connection.execute(refunds.update().where(*is_unchanged).values(values)).rowcount)

    def _noted(
        self,
        connection: sa.Connection,
        charge_id: int | None,
        reference: str,
        attempt: int,
        number: str | None,
        before: str | None = None,
    ) -> None:
        if charge_id is not None:
            note = notes.sent(attempt, number, before, reference)
            self._facts.note(connection, charge_id, Source.SENT, note)

    def _due(self, connection: sa.Connection, charge_id: int | None, moment: int) -> None:
        if charge_id is not None:
            connection.execute(charges.update().where(charges.c.id == charge_id).values(due_at=moment))


def _entry(row: Row, step: Step) -> RefundEntry:
    return RefundEntry(
        step=step, **{name: row[name] for name in RefundEntry.__struct_fields__ if name != "step"}
    )


def _mine(entry: RefundEntry) -> dict[str, Any]:
    return {"id": entry.id, "attempt": entry.attempt, "lease_until": entry.lease_until}


def _taken(own: Row, charge: Charge | ChargeRef) -> ReferenceTaken:
    if own["charge_reference"] != reference_of(charge):
        why = f"is that of a refund of charge {own['charge_reference']}"
    else:
        amount = "the whole charge" if own["amount"] is None else f"IDR {own['amount']}"
        why = f"is that of a refund of {amount}"
    return ReferenceTaken(
        "refund.reference", why, gateway=charge.gateway, operation="refund", reference=charge.reference
    )
