"""The lines of charges' histories: facts and notes, only ever added to."""

import os
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from paygate.callback import ConflictKind
from paygate.derivation import fact_key
from paygate.model import Charge
from paygate.store import notes
from paygate.store.database import Database
from paygate.store.entries import Source, written
from paygate.store.moments import Clock
from paygate.store.notes import Note
from paygate.store.redaction import Redaction
from paygate.store.schema import facts, flags
from paygate.store.statements import NewRow

_REPLY: Final = sa.select(facts.c.id).where(
    facts.c.charge_id == bindparam("charge_id"),
    facts.c.source == Source.REPLY.value,
    facts.c.status.is_not(None),
)


class Facts:
    """What was told of charges, and what was tried with them, in one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._redaction = Redaction(database.settings.redact)
        self._fact = NewRow(facts, database.engine)
        self._flag = NewRow(flags, database.engine)

    def add(
        self,
        connection: sa.Connection,
        charge_id: int,
        told: Charge,
        source: Source,
        now: int,
        kinds: tuple[ConflictKind, ...],
        key: bytes | None = None,
    ) -> bool:
        """Add a fact; whether it had not been told before. Its `key` is what makes it the same one."""
        values = {
            "charge_id": charge_id,
            "key": key or fact_key(told),
            "source": source,
            "at": now,
            "status": told.status,
            "told": written(told),
            "note": None,
            "conflicts": " ".join(kinds),
            "body": self._redaction.body(told.raw) or None,
        }
        if self._fact.add(connection, values) is None:
            return False
        for kind in kinds:
            self._flag.add(connection, {"charge_id": charge_id, "kind": kind, "at": now})
        return True

    def note(self, connection: sa.Connection, charge_id: int, source: Source, note: Note) -> None:
        """Add a line that tells no status: what was tried, and how it failed."""
        line = {"charge_id": charge_id, "key": os.urandom(16), "source": source, "conflicts": ""}
        told = {"at": self._clock.now(), "note": notes.written(note)}
        self._fact.add(connection, line | told)

    def has_reply(self, charge_id: int) -> bool:
        """Whether the provider answered to the making of a charge, and was heard."""
        with self._database.reading() as connection:
            return connection.execute(_REPLY, {"charge_id": charge_id}).first() is not None
