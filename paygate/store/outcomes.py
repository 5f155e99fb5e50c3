"""How the sending of a charge ended, written down: one short piece of work each."""

from typing import Any, Final

import msgspec
from sqlalchemy import bindparam

from paygate.errors import (
    AlreadyPaid,
    ChargeExpired,
    DuplicateReference,
    NotSent,
    OutcomeUnknown,
    PaygateError,
    Refused,
    StateConflict,
)
from paygate.model import Charge, ChargeRef
from paygate.pauses import growing
from paygate.store import notes
from paygate.store.database import Database
from paygate.store.entries import Entry, Learnt, Source, State, number_of, reference_of, written
from paygate.store.facts import Facts
from paygate.store.history import History
from paygate.store.moments import MICRO, Clock, micros
from paygate.store.schema import charges
from paygate.store.statements import Prepared

TAKEN_OVER: Final = "this process was slow, and another one has taken it over: nothing was sent by this one"
PRESENT: Final = (DuplicateReference, AlreadyPaid, ChargeExpired, StateConflict)
"""Refusals to make a charge that speak of one which is there."""

SHORTEST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 3600.0

_OWN: Final = charges.update().where(
    charges.c.id == bindparam("own_id"), charges.c.attempt == bindparam("own_attempt")
)
_SENT: Final = _OWN.where(charges.c.state == State.SENDING.value)
_ANSWERED: Final = _SENT.values(
    {
        name: bindparam(name)
        for name in (
            "state",
            "status",
            "charge",
            "provider_reference",
            "external_id",
            "lease_until",
            "due_at",
            "changed_at",
        )
    }
)
_LEASED: Final = _OWN.where(charges.c.lease_until == bindparam("own_lease"))


class Outcomes:
    """What becomes of charges that are sent, in one database; blocking, and safe to share between threads."""

    def __init__(self, database: Database, history: History, facts: Facts, clock: Clock) -> None:
        self._database = database
        self._history = history
        self._facts = facts
        self._clock = clock
        self._answered = Prepared(_ANSWERED, database.engine)

    def again(self, entry: Entry, external_id: str | None) -> Entry:
        """Write down that a charge is sent once more, with another number: the first was not received.

        Raises OutcomeUnknown where another caller took it over meanwhile, who may have sent it; this one must
        not.
        """
        now = self._clock.now()
        lease = self._clock.lease(now)
        attempt = entry.attempt + 1
        renewed = {"attempt": attempt, "external_id": external_id, "sent_at": now, "lease_until": lease}
        with self._database.writing() as connection:
            if not connection.execute(_SENT.values(renewed | {"due_at": lease}), _own(entry)).rowcount:
                raise OutcomeUnknown(TAKEN_OVER, reference=entry.reference)
            note = notes.sent(attempt, external_id, entry.external_id)
            self._facts.note(connection, entry.id, Source.SENT, note)
        return msgspec.structs.replace(entry, **renewed)

    def answered(self, entry: Entry, charge: Charge, external_id: str | None) -> Learnt:
        """Write down what the provider answered to a charge that was sent.

        What the answer leaves out of what was asked for is filled in.
        """
        now = self._clock.now()
        charge = _whole(charge, entry.charge)
        values = {
            "state": State.KNOWN,
            "status": charge.status,
            "charge": written(charge),
            "provider_reference": number_of(charge),
            "external_id": external_id,
            "lease_until": 0,
            "due_at": self._history.due(charge, now, entry.sent_at),
            "changed_at": now,
        }
        # The intent is safe on the disk; an answer that is lost with the machine's power is asked for again.
        with self._database.writing(durable=False) as connection:
            if self._answered.run(connection, values | _own(entry)).rowcount:
                return self._history.first(connection, entry.id, charge, now)
        # A callback or another process was faster: this is one more thing that was told.
        return self._history.learn(charge, Source.REPLY)

    def failed(self, entry: Entry, failure: PaygateError | None) -> None:
        """Write down how a sending ended without an answer; None is an end that tells nothing."""
        now = self._clock.now()
        is_undone = isinstance(failure, (NotSent, Refused)) and not isinstance(failure, PRESENT)
        state = State.FREE if is_undone else State.UNKNOWN
        values: dict[str, Any] = {
            "state": state,
            "lease_until": 0,
            "due_at": None if is_undone else now,
            "changed_at": now,
        }
        if is_undone:
            values["claim"] = None
        with self._database.writing() as connection:
            if connection.execute(_SENT.values(values), _own(entry)).rowcount:
                self._facts.note(connection, entry.id, Source.REPLY, notes.failed(failure))

    def absent(self, entry: Entry) -> bool:
        """Write down that the provider does not know a charge; whether that is believed.

        Then it may be sent again. It is not believed where it was asked within the grace time after the last
        sending, nor of a charge that was known: that is to be asked about again.
        """
        now = self._clock.now()
        is_believed = self._clock.is_believed(entry.sent_at, entry.lease_until)
        values: dict[str, Any] = {"lease_until": 0, "changed_at": now}
        if is_believed:
            values |= {"state": State.FREE, "claim": None, "due_at": None}
        else:
            values |= {"state": State.UNKNOWN, "due_at": max(entry.sent_at + self._clock.grace, now)}
        statement = _LEASED.where(charges.c.state != State.KNOWN.value).values(values)
        with self._database.writing() as connection:
            is_open = connection.execute(statement, _leased(entry)).rowcount
            if is_open:
                note = notes.ABSENT if is_believed else notes.DOUBTED
                self._facts.note(connection, entry.id, Source.QUERY, note)
        if not is_open:
            self.unsettled(entry, None)
        return bool(is_open) and is_believed

    def unsettled(self, entry: Entry, failure: PaygateError | None) -> None:
        """Write down that asking brought no answer; the older the sending, the later it is asked again."""
        now = self._clock.now()
        pause = growing((now - entry.sent_at) / MICRO, SHORTEST_PAUSE, LONGEST_PAUSE)
        values = {"lease_until": 0, "due_at": now + micros(pause), "changed_at": now}
        with self._database.writing() as connection:
            is_mine = connection.execute(_LEASED.values(values), _leased(entry)).rowcount
            if is_mine and failure is not None:
                self._facts.note(connection, entry.id, Source.QUERY, notes.failed(failure))

    def changing(self, charge: Charge | ChargeRef) -> None:
        """Write down that a charge is about to be changed: it is to be asked about, unless told of."""
        mine = (charges.c.reference == reference_of(charge)) & (charges.c.gateway == charge.gateway)
        is_there = charges.c.state != State.FREE.value
        due = self._clock.lease(self._clock.now())
        with self._database.writing() as connection:
            connection.execute(charges.update().where(mine, is_there).values(due_at=due))


def _own(entry: Entry) -> dict[str, Any]:
    return {"own_id": entry.id, "own_attempt": entry.attempt}


def _leased(entry: Entry) -> dict[str, Any]:
    return _own(entry) | {"own_lease": entry.lease_until}


def _whole(charge: Charge, asked: Charge) -> Charge:
    """A charge with the amount, method and end that were asked for, where the provider told none."""
    if (
        charge.amount is not None
        and charge.method is not None
        and (charge.expires_at or not asked.expires_at)
    ):
        return charge
    return msgspec.structs.replace(
        charge,
        amount=charge.amount or asked.amount,
        method=charge.method or asked.method,
        expires_at=charge.expires_at or asked.expires_at,
    )
