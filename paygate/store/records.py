"""The inbox's rows for people: listed, shown, and tried again."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from paygate.store.database import Database
from paygate.store.deliveries import ENDED, decoded
from paygate.store.entries import DeliveryState, Told
from paygate.store.moments import Clock, moment
from paygate.store.schema import callbacks

_SHOWN: Final = [
    callbacks.c[name]
    for name in (
        *("id", "gateway", "source", "state", "told", "path", "received_at"),
        *("repeats", "attempts", "due_at", "problem"),
    )
]
_ONE: Final = sa.select(*_SHOWN, callbacks.c.headers, callbacks.c.body).where(
    callbacks.c.id == bindparam("number")
)
AGAIN: Final = {DeliveryState.STUCK: DeliveryState.NEW, DeliveryState.DEAD: DeliveryState.READY}
"""What becomes of those that ended without success when they are tried again."""

_headers: Final = msgspec.json.Decoder(dict[str, str])


class CallbackRecord(Struct, frozen=True, kw_only=True):
    """A callback in the inbox.

    `attempts` are those that failed, and the one under way; `due_at` is None where nothing is left to do.
    `headers` and `body` are None in a list, where a query told the fact, and after they were purged.
    """

    id: int
    gateway: str
    source: str
    state: DeliveryState
    told: Told
    received_at: datetime
    repeats: int
    attempts: int
    due_at: datetime | None
    problem: str | None
    path: str | None
    headers: Mapping[str, str] | None = None
    body: bytes | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it is tried no more, and nobody was told."""
        return self.state in ENDED


class Records:
    """The callbacks in one database; blocking, and safe to share between threads."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def listed(
        self, states: Collection[str], *, gateway: str | None = None, most: int = 100
    ) -> list[CallbackRecord]:
        """The newest callbacks in these states, newest first, without headers and bodies."""
        asked = sa.select(*_SHOWN).where(callbacks.c.state.in_(sorted(states)))
        if gateway is not None:
            asked = asked.where(callbacks.c.gateway == gateway)
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(callbacks.c.id.desc()).limit(most)).mappings()
            return [_record(row) for row in rows]

    def find(self, number: int) -> CallbackRecord | None:
        """One callback, with its headers and body; None where there is none of that number."""
        with self._database.reading() as connection:
            row = connection.execute(_ONE, {"number": number}).mappings().first()
        if row is None:
            return None
        headers = _headers.decode(row["headers"]) if row["headers"] else None
        return msgspec.structs.replace(_record(row), headers=headers, body=row["body"])

    def replay(self, numbers: Collection[int] | None = None) -> int:
        """Have those that ended without success tried again, all of them where none is named; how many."""
        change = callbacks.update()
        if numbers is not None:
            change = change.where(callbacks.c.id.in_([*numbers]))
        fresh = {"attempts": 0, "due_at": self._clock.now()}
        count = 0
        with self._database.writing() as connection:
            for before, after in AGAIN.items():
                mine = change.where(callbacks.c.state == before)
                count += connection.execute(mine.values({**fresh, "state": after})).rowcount
        return count


def _record(row: Mapping[Any, Any]) -> CallbackRecord:
    return CallbackRecord(
        id=row["id"],
        gateway=row["gateway"],
        source=row["source"],
        state=DeliveryState(row["state"]),
        told=decoded(row["told"]),
        received_at=moment(row["received_at"]),
        repeats=row["repeats"],
        attempts=row["attempts"],
        due_at=moment(row["due_at"]) if row["due_at"] is not None else None,
        problem=row["problem"],
        path=row["path"],
    )
