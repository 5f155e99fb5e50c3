"""The inbox of callbacks: stored before they are acknowledged, then applied, then told to the merchant once.

A row is new (to be applied to the journal), ready (applied; the handler is to be told) and done. Dead is one
that the handler failed on too often, stuck one whose provider did not answer what we had to ask about it.
Each method is one short piece of work; while a provider is asked, none is open. What could be done once more
from a call that is stored need not be on the disk at once.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from paygate.callback import AGAIN, Callback, CallbackRequest, Conflict, ConflictKind
from paygate.conflicts import RANK
from paygate.derivation import fact_key
from paygate.model import Charge, ChargeStatus
from paygate.pauses import doubling, jittered, scattered
from paygate.store.bell import Bell
from paygate.store.database import Database
from paygate.store.deliveries import (
    LEASED,
    OWN,
    Delivery,
    callback_row,
    delivery_of,
    done,
    encoded,
    insertion,
    is_vague,
    key_of,
    together,
)
from paygate.store.entries import NUL, DeliveryState, Learnt, Source, Told, bare, reference_of
from paygate.store.handover import Overtaken
from paygate.store.history import History
from paygate.store.moments import MICRO, Clock, micros
from paygate.store.records import Records
from paygate.store.redaction import Redaction
from paygate.store.schema import callbacks, charges, facts

log = logging.getLogger("paygate")

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 3600.0
LONGEST_PROBLEM: Final = 255
LONGEST_PATH: Final = 255
FORGOTTEN: Final = 24 * 3600 * MICRO
"""How much older than a call its fact must be, to be sure that it was handled before: clocks differ."""

KILLED: Final = "its worker's process ended while at work on it, or its lease did"
BEHIND: Final = "the provider's answer is behind what this call says"
_headers: Final = msgspec.json.Encoder()
_TAKEN: Final = [
    callbacks.c[name]
    for name in ("id", "gateway", "state", "told", "body", "received_at", "attempts", "repeats")
]
_DUE: Final = callbacks.c.due_at <= bindparam("now")
_LEASED: Final = callbacks.update().where(*LEASED)
_OPEN: Final = callbacks.update().where(*OWN)
_BEFORE: Final = (
    sa.select(facts.c.conflicts, facts.c.at)
    .join(charges, charges.c.id == facts.c.charge_id)
    .where(
        charges.c.reference == bindparam("reference"),
        charges.c.gateway == bindparam("gateway"),
        facts.c.key == bindparam("key"),
    )
)


class Applied(Struct, frozen=True, kw_only=True):
    """What a callback brought, to be announced; and its delivery to the handler, where one is due now."""

    learnt: tuple[Learnt, ...] = ()
    ready: Delivery | None = None


class Inbox:
    """The callbacks in one database; blocking, and safe to share between threads."""

    def __init__(self, database: Database, history: History, clock: Clock) -> None:
        self.settings = database.settings
        self.database = database
        self.bell = Bell()
        self.records = Records(database, clock)
        self._history = history
        self._clock = clock
        self._redaction = Redaction(database.settings.redact)
        self._row = insertion(database.engine, DeliveryState.STUCK)
        self._reopened = insertion(database.engine, DeliveryState.STUCK, DeliveryState.DONE)

    def receive(self, callback: Callback, request: CallbackRequest) -> bool:
        """Store a verified callback, to be acknowledged then and not before; whether it is news.

        A repeat is counted; one that does not say how its charge stands is asked about again, for something
        else may have happened. A call about no charge is not stored. Raises StoreUnavailable: then answer
        with `callback.again`.
        """
        if not callback.charges and not callback.confirm:
            return True
        row = callback_row(
            callback.gateway,
            key_of(callback, request.body),
            Source.CALLBACK,
            DeliveryState.NEW,
            Told(
                charges=tuple(map(bare, callback.charges)),
                confirm=callback.confirm,
                claimed=callback.claimed,
            ),
            self._clock.now(),
            path=request.path.partition("?")[0][:LONGEST_PATH] if request.path.isprintable() else None,
            headers=_headers.encode(self._redaction.headers(request.headers)),
            body=self._redaction.body(request.body),
        )
        with self.database.writing(single=True) as connection:
            is_new = (self._reopened if is_vague(callback) else self._row).add(connection, row)
        self.bell.ring()
        return is_new

    def take(
        self, most: int, gateways: Collection[str], into: list[Delivery] | None = None
    ) -> list[Delivery]:
        """Take what is due, no more than `most`: nobody else gets it until the lease ends.

        Taking counts as an attempt, until it ends well: a handler that kills its process fails as others do.
        What was tried before is taken alone, for ever longer and by chance, so that it takes nothing with it.
        `into` is a list to put it in, for a caller who may be gone when it is returned.
        """
        taken = [] if into is None else into
        while not taken and (rows := self._due(most, gateways)):
            readable = filter(None, map(self._readable, rows))
            taken += [one for one in readable if not self._is_killed(one)]
        return taken

    def _due(self, most: int, gateways: Collection[str]) -> list[dict[str, Any]]:
        """The rows to be taken now, with the leases that they have got."""
        now = self._clock.now()
        due = _DUE & callbacks.c.gateway.in_(sorted(gateways))
        seen = sa.select(callbacks.c.id).where(due).limit(1)
        if self.database.dialect == "sqlite":  # who only looks must not keep writers waiting
            with self.database.reading() as connection:
                if connection.execute(seen, {"now": now}).first() is None:
                    return []
        oldest = sa.select(*_TAKEN).where(due).order_by(callbacks.c.due_at, callbacks.c.id).limit(most)
        with self.database.writing(durable=False) as connection:
            due_now = connection.execute(oldest.with_for_update(skip_locked=True), {"now": now}).mappings()
            rows = together(due_now.all())
            lease = self._lease(now, rows[0]["attempts"] if rows else 0)
            if rows:
                mine = callbacks.c.id.in_([row["id"] for row in rows])
                tried = callbacks.c.attempts + 1
                connection.execute(callbacks.update().where(mine).values(due_at=lease, attempts=tried))
        return [{**row, "lease": lease} for row in rows]

    def _lease(self, now: int, tried: int) -> int:
        """When the lease ends of what was tried so often: two that died together are to part."""
        if not tried:
            return self._clock.lease(now)
        usual = self.settings.lease_seconds
        seconds = doubling(tried, usual, max(LONGEST_PAUSE, usual))
        return now + micros(seconds + scattered(seconds))

    def release(self, deliveries: Iterable[Delivery]) -> None:
        """Give back what was taken and not done, for another worker to take at once."""
        with self.database.writing(durable=False) as connection:
            for one in deliveries:
                mine = (callbacks.c.id == one.id) & (callbacks.c.due_at == one.lease)
                back = {"due_at": self._clock.now(), "attempts": callbacks.c.attempts - 1}
                connection.execute(callbacks.update().where(mine).values(back))
        self.bell.ring()

    def apply(self, taken: Delivery, asked: Callback | None = None) -> Applied:
        """Write into the journal what a new callback tells, or what its provider answered when asked.

        One that tells of one charge is handed to the handler itself; of any other, each fact is handed over
        by itself, so that what another call or a query told before is not told again.
        """
        told = taken.told.charges if asked is None else asked.charges
        is_alone = asked is None and len(told) == 1
        if asked is None:
            told = tuple(msgspec.structs.replace(one, raw=taken.body) for one in told)
        try:
            with self.database.writing(durable=False) as connection:
                learnt = tuple(
                    self._history.learn_in(connection, one, Source.CALLBACK, hand_over=not is_alone)
                    for one in sorted(
                        told, key=lambda one: one.reference
                    )  # one order, lest two wait in a ring
                )
                change = self._after(connection, taken, learnt) if is_alone else self._asked(taken, asked)
                mine = _OPEN
                if taken.is_vague:  # called again while the provider was asked: the answer may be too old
                    mine = mine.where(callbacks.c.repeats == taken.repeats)
                if not connection.execute(mine.values(change), taken.own).rowcount:
                    raise Overtaken
        except Overtaken:
            self.release([taken])
            return Applied()
        if change["state"] != DeliveryState.READY:
            self.bell.ring()  # what was handed over is due
            return Applied(learnt=learnt)
        ready = msgspec.structs.replace(taken, state=DeliveryState.READY, attempts=0)
        return Applied(learnt=learnt, ready=ready)

    def failed(self, taken: Delivery, problem: str) -> None:
        """Write down that it could not be done, and when it is tried again; or that it is not."""
        change = self._later(taken, problem)
        with self.database.writing(durable=False) as connection:
            is_mine = bool(connection.execute(_LEASED.values(change), taken.own).rowcount)
        if is_mine:
            self._complain(taken, change)

    def _after(self, connection: sa.Connection, taken: Delivery, learnt: Sequence[Learnt]) -> dict[str, Any]:
        """What becomes of a callback about one charge that it proved itself."""
        [told], [one] = taken.told.charges, learnt
        over = done(taken)
        conflicts = one.conflicts
        if not one.is_news:
            renamed = msgspec.structs.replace(told, reference=one.charge.reference)
            if renamed != told:
                return over  # told before, by our own reference
            if RANK[told.status] < RANK[one.charge.status]:
                return over  # told before, and the charge has gone further since
            kinds, since = self._before(connection, told)
            if since < taken.received_at - FORGOTTEN and told.status is not ChargeStatus.PENDING:
                return over  # handled so long ago that the row of it is purged
            conflicts = tuple(Conflict(ConflictKind(kind), told, one.charge) for kind in kinds)
        kept = encoded(Told(charges=(bare(one.charge),), conflicts=conflicts))
        ready = {"state": DeliveryState.READY, "told": kept, "attempts": 1}
        return ready | {"due_at": taken.lease, "problem": None}

    def _asked(self, taken: Delivery, asked: Callback | None) -> dict[str, Any]:
        """What becomes of a callback whose facts are handed over one by one."""
        if asked is not None and asked.reply == AGAIN:
            return self._later(taken, BEHIND)
        return done(taken)

    def _later(self, taken: Delivery, problem: str) -> dict[str, Any]:
        attempts = taken.attempts + 1
        change = {"attempts": attempts, "problem": problem[:LONGEST_PROBLEM].replace(NUL, "?")}
        if attempts >= self.settings.attempts:
            ended = DeliveryState.STUCK if taken.is_new else DeliveryState.DEAD
            return {**change, "state": ended, "due_at": None}
        pause = jittered(doubling(attempts, FIRST_PAUSE, LONGEST_PAUSE))
        return {**change, "state": taken.state, "due_at": self._clock.now() + micros(pause)}

    def _complain(self, taken: Delivery, change: dict[str, Any]) -> None:
        what = "the handling of" if taken.state == DeliveryState.READY else "finding out about"
        words = (what, taken.id, taken.gateway, change["problem"], change["attempts"], self.settings.attempts)
        if change["due_at"] is None:
            log.error(
                "paygate: %s callback %d of gateway %s failed (%s), attempt %d of %d: "
                "mend it, and run `paygate callbacks replay`",
                *words,
            )
        else:
            log.warning(
                "paygate: %s callback %d of gateway %s failed (%s), attempt %d of %d; it will be tried again",
                *words,
            )

    def _readable(self, row: dict[str, Any]) -> Delivery | None:
        """What a row holds; what cannot be read, as a newer paygate's, is set apart: nobody waits for it."""
        try:
            return delivery_of(row)
        except (ValueError, msgspec.MsgspecError) as error:
            kind = type(error).__name__
        problem = f"it cannot be read ({kind}): another version of paygate wrote it, or an adapter's mistake"
        log.error("paygate: callback %d of gateway %s: %s", row["id"], row["gateway"], problem)
        ended = DeliveryState.DEAD if row["state"] == DeliveryState.READY else DeliveryState.STUCK
        change = {"state": ended, "due_at": None, "problem": problem}
        with self.database.writing(durable=False) as connection:
            connection.execute(callbacks.update().where(callbacks.c.id == row["id"]).values(change))
        return None

    def _is_killed(self, taken: Delivery) -> bool:
        """Whether it was taken as often as may be, and never ended: then it has now."""
        is_killed = taken.attempts >= self.settings.attempts
        if is_killed:
            self.failed(msgspec.structs.replace(taken, attempts=taken.attempts - 1), KILLED)
        return is_killed

    def _before(self, connection: sa.Connection, told: Charge) -> tuple[list[str], int]:
        """The conflicts of a fact that was written down before, and when that was."""
        named = {"reference": reference_of(told), "gateway": told.gateway, "key": fact_key(told)}
        row = connection.execute(_BEFORE, named).one()
        return row.conflicts.split(), row.at
