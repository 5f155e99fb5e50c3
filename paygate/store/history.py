"""What was told of charges: only ever added to; how a charge stands is derived from it."""

from contextlib import suppress
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam, exc

from paygate.callback import Conflict, ConflictKind
from paygate.conflicts import has_paid, unnumbered
from paygate.derivation import derived, fact_key
from paygate.methods import PaymentLink
from paygate.model import Charge, ChargeStatus
from paygate.pauses import growing
from paygate.store import repaid
from paygate.store.database import Database
from paygate.store.deliveries import callback_row
from paygate.store.entries import (
    LONGEST_NUMBER,
    DeliveryState,
    Learnt,
    Row,
    Source,
    State,
    Told,
    bare,
    charge_of,
    number_of,
    reference_of,
    word_of,
    written,
)
from paygate.store.facts import Facts
from paygate.store.moments import MICRO, Clock, micros
from paygate.store.schema import callbacks, charges
from paygate.store.statements import NewRow

NEVER: Final = 250_000_000_000 * MICRO
"""About the year 9890: what ends later is asked about then."""

LATE_SECONDS: Final = 60.0
"""How long after its end a charge is asked about: a payer's last moment takes a while to be told."""

FIRST_PAUSE: Final = 60.0
LONGEST_PAUSE: Final = 6 * 3600.0
NOTHING: Final = b""
"""The request of a charge that was not made through this store."""

_MINE: Final = sa.select(charges).where(
    charges.c.reference == bindparam("reference"), charges.c.gateway == bindparam("gateway")
)
_NUMBERED: Final = sa.select(charges).where(
    charges.c.gateway == bindparam("gateway"),
    charges.c.provider_reference.in_(bindparam("numbers", expanding=True)),
)
_STUCK: Final = (
    callbacks.update()
    .where(
        callbacks.c.gateway == bindparam("own_gateway"),
        callbacks.c.key == bindparam("own_key"),
        callbacks.c.state == DeliveryState.STUCK.value,
    )
    .values(
        state=DeliveryState.READY.value,
        told=bindparam("told"),
        due_at=bindparam("due_at"),
        attempts=0,
        problem=None,
    )
)
_STANDS: Final = (
    charges.update()
    .where(charges.c.id == bindparam("own_id"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "state",
                "status",
                "charge",
                "provider_reference",
                "lease_until",
                "due_at",
                "changed_at",
            )
        }
    )
)


class History:
    """The facts of charges, in one database."""

    def __init__(self, database: Database, facts: Facts, clock: Clock) -> None:
        self._database = database
        self._facts = facts
        self._clock = clock
        self._overdue = micros(database.settings.overdue_seconds)
        self._charge = NewRow(charges, database.engine)
        self._handover = NewRow(callbacks, database.engine)

    def learn(self, told: Charge, source: Source, *, made: str | None = None) -> Learnt:
        """Write down what was told of a charge, and derive how it stands; see `learn_in`."""
        with self._database.writing() as connection:
            return self.learn_in(connection, told, source, made=made)

    def learn_in(
        self,
        connection: sa.Connection,
        told: Charge,
        source: Source,
        *,
        made: str | None = None,
        hand_over: bool = True,
    ) -> Learnt:
        """The same, as part of a piece of work that somebody else commits.

        A charge that the journal does not have is taken in; a callback about one is a conflict. What is news
        is handed over to the merchant's handler, unless it is of a callback that will be.
        """
        now = self._clock.now()
        row = self._row(connection, told)
        if row is None:
            return self._taken_in(connection, told, source, now, hand_over=hand_over)
        ours = charge_of(row)
        if ours.reference != told.reference:  # the provider told its own number for it
            told = msgspec.structs.replace(told, reference=ours.reference)
        refunds = repaid.asked_for(connection, row["id"], told)
        asked = [one["reference"] for one in refunds if one["state"] != State.FREE]
        after = derived(ours, told, made=made, asked=asked, source=source.value)
        repaid.settle(connection, refunds, told, after.charge, made, self._clock.grace, now)
        conflicts = tuple(Conflict(kind, bare(told), ours) for kind in after.conflicts)
        key = _key(told, ours, source)
        is_news = self._facts.add(connection, row["id"], told, source, now, after.conflicts, key)
        stands = bare(after.charge)
        due = self._next(connection, row, ours, stands, made, now)
        if is_news or stands != ours or row["state"] != State.KNOWN:
            connection.execute(
                _STANDS,
                {
                    "own_id": row["id"],
                    "state": State.KNOWN,
                    "status": stands.status,
                    "charge": written(stands),
                    "provider_reference": number_of(stands),
                    "lease_until": 0,
                    "due_at": due,
                    "changed_at": now,
                },
            )
            if row["state"] != State.KNOWN and row["claim"] is None:
                self._claim(connection, row)
        elif source is not Source.CALLBACK:
            connection.execute(
                charges.update().where(charges.c.id == row["id"]).values(due_at=due, lease_until=0)
            )
        if is_news and hand_over and (told.status is not ChargeStatus.PENDING or conflicts):
            self._handed_over(connection, stands, key, conflicts, source, now)
        before = ours.status if row["state"] == State.KNOWN else None
        return Learnt(
            charge=msgspec.structs.replace(stands, raw=told.raw),
            before=before,
            conflicts=conflicts if is_news else (),
            is_news=is_news,
        )

    def first(self, connection: sa.Connection, charge_id: int, charge: Charge, now: int) -> Learnt:
        """Add the answer to a charge's being made: the first thing that is told of most."""
        self._facts.add(connection, charge_id, charge, Source.REPLY, now, ())
        if charge.status is not ChargeStatus.PENDING:
            self._handed_over(connection, bare(charge), fact_key(charge), (), Source.REPLY, now)
        return Learnt(charge=charge, before=None)

    def due(self, charge: Charge, now: int, since: int) -> int | None:
        """When a charge is to be asked about next: after its end, then ever more seldom; None for never."""
        if charge.status is not ChargeStatus.PENDING:
            return None
        ends = charge.expires_at
        first = since + self._overdue if ends is None else min(micros(ends.timestamp() + LATE_SECONDS), NEVER)
        if first > now:
            return first
        return now + _pause(now - first)

    def _next(
        self, connection: sa.Connection, row: Row, ours: Charge, stands: Charge, made: str | None, now: int
    ) -> int | None:
        """When it is to be asked about next: as `due`, and as long as a refund of it is in doubt."""
        due = self.due(stands, now, row["created_at"])
        if due is not None or not has_paid(ours):
            return due
        since = repaid.open_since(connection, row["id"], made)
        return None if since is None else now + _pause(now - since)

    def _row(self, connection: sa.Connection, told: Charge) -> Any:
        """The charge that is meant, kept from others until this work is committed."""
        mine = {"gateway": told.gateway, "reference": reference_of(told)}
        row = connection.execute(_MINE.with_for_update(), mine).mappings().first()
        if row is not None:
            return row
        numbers = {one for one in (told.reference, told.provider_reference) if one is not None}
        values = {"gateway": told.gateway, "numbers": [word_of(one, LONGEST_NUMBER) for one in numbers]}
        found = connection.execute(_NUMBERED.with_for_update(), values).mappings().all()
        own = [one for one in found if one["reference"] == mine["reference"]]  # somebody has just taken it in
        meant = own or [one for one in found if _is_meant(told, charge_of(one))]
        return meant[0] if len(meant) == 1 else None

    def _taken_in(
        self, connection: sa.Connection, told: Charge, source: Source, now: int, *, hand_over: bool
    ) -> Learnt:
        """Write down a charge that this journal did not make."""
        values = {
            "gateway": told.gateway,
            "reference": reference_of(told),
            "claim": reference_of(told),
            "digest": NOTHING,
            "request": NOTHING,
            "state": State.KNOWN,
            "attempt": 0,
            "external_id": None,
            "sent_at": now,
            "lease_until": 0,
            "due_at": self.due(told, now, now),
            "status": told.status,
            "charge": written(told),
            "provider_reference": number_of(told),
            "created_at": now,
            "changed_at": now,
        }
        charge_id = self._charge.add(connection, values)
        if charge_id is None:  # another gateway has its reference
            charge_id = self._charge.add(connection, values | {"claim": None})
        if charge_id is None:  # somebody else has just taken it in
            return self.learn_in(connection, told, source, hand_over=hand_over)
        repaid.adopt(connection, charge_id, told)
        refunds = repaid.asked_for(connection, charge_id, told)
        repaid.settle(connection, refunds, told, told, None, self._clock.grace, now)
        kinds = (ConflictKind.UNKNOWN,) if source is Source.CALLBACK else ()
        conflicts = tuple(Conflict(kind, bare(told), None) for kind in kinds)
        self._facts.add(connection, charge_id, told, source, now, kinds)
        if hand_over and (told.status is not ChargeStatus.PENDING or conflicts):
            self._handed_over(connection, bare(told), fact_key(told), conflicts, source, now)
        return Learnt(charge=told, before=None, conflicts=conflicts)

    def _claim(self, connection: sa.Connection, row: Row) -> None:
        """Keep the reference at the gateway that has it after all, unless another has been given it."""
        claim = charges.update().where(charges.c.id == row["id"]).values(claim=row["reference"])
        with suppress(exc.IntegrityError), connection.begin_nested():
            connection.execute(claim)

    def _handed_over(
        self,
        connection: sa.Connection,
        stands: Charge,
        key: bytes,
        conflicts: tuple[Conflict, ...],
        source: Source,
        now: int,
    ) -> None:
        """Leave word for the merchant's handler; a callback that tells the same will not be told again.

        One that is stuck has told nobody: the handler is told of this instead.
        """
        word = Told(charges=(stands,), conflicts=conflicts)
        row = callback_row(stands.gateway, key, source, DeliveryState.READY, word, now)
        if self._handover.add(connection, row) is None:
            own = {"own_gateway": stands.gateway, "own_key": key}
            connection.execute(_STUCK, own | {"told": row["told"], "due_at": now})


def _is_meant(told: Charge, ours: Charge) -> bool:
    """Whether a charge that goes by another reference than ours is ours, by the provider's number.

    It is where the provider has no other name for it. A number beside a reference of its own is no proof, for
    an account is used again; save a link's, which is made for one charge.
    """
    number = ours.provider_reference
    if told.reference == number:
        return told.provider_reference in (None, number)
    is_link = isinstance(told.method, PaymentLink) and isinstance(ours.method, PaymentLink)
    return is_link and told.provider_reference == number


def _key(told: Charge, ours: Charge, source: Source) -> bytes:
    """What makes this the same fact as another: an answer's number is none where ours is another.

    Else a callback that tells of a second payment under that number would be taken for a repeat.
    """
    is_answer = source is not Source.CALLBACK and ours.provider_reference is not None
    return fact_key(unnumbered(told, ours) if is_answer else told)


def _pause(since: int) -> int:
    """Microseconds until it is asked again what was first to be asked so long ago: ever more."""
    return micros(growing(since / MICRO, FIRST_PAUSE, LONGEST_PAUSE))
