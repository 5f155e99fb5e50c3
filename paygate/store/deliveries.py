"""Callbacks as the inbox's rows hold them: their key, their content, and how a row is written or counted."""

from collections.abc import Mapping
from hashlib import blake2b, sha256
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam
from sqlalchemy.dialects import mysql, postgresql, sqlite

from paygate.callback import AGAIN, Callback, CallbackReply
from paygate.derivation import KEY_LENGTH, fact_key
from paygate.store.entries import Told
from paygate.store.schema import callbacks

NEW: Final = "new"
READY: Final = "ready"
DONE: Final = "done"
DEAD: Final = "dead"
STUCK: Final = "stuck"
WAITING: Final = (NEW, READY)
ENDED: Final = (DEAD, STUCK)

OWN: Final = (callbacks.c.id == bindparam("own_id"), callbacks.c.state == bindparam("own_state"))
"""A delivery's row, as long as it is in the state that it was taken in."""

LEASED: Final = (*OWN, callbacks.c.due_at == bindparam("own_lease"))
"""The same, as long as nobody else has taken it."""

COLUMNS: Final = tuple(column.name for column in callbacks.c if column.name != "id")
OWN_KEY: Final = ("gateway", "key")
FILLED: Final = ("path", "headers", "body", "due_at")
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Told)
encoded: Final = _encoder.encode
decoded: Final = _decoder.decode


class Delivery(Struct, frozen=True, kw_only=True):
    """A row that a worker has taken; until `lease`, in microseconds, it is nobody else's."""

    id: int
    gateway: str
    state: str
    told: Told
    body: bytes
    received_at: int
    attempts: int
    repeats: int
    lease: int

    @property
    def own(self) -> dict[str, Any]:
        """What names this row, as long as it is this worker's."""
        return {"own_id": self.id, "own_state": self.state, "own_lease": self.lease}

    @property
    def is_vague(self) -> bool:
        """Whether it does not say how its charges stand: a repeat may mean something else."""
        return is_vague(self.told)

    @property
    def callback(self) -> Callback:
        """The callback as it was verified and read, to be confirmed."""
        return Callback(
            gateway=self.gateway,
            charges=self.told.charges,
            confirm=self.told.confirm,
            claimed=self.told.claimed,
            reply=CallbackReply(200, {}, b""),
            again=AGAIN,
            sent_at=None,
        )


def is_vague(told: Told | Callback) -> bool:
    """Whether some charge is named of which nothing is said."""
    return len(told.claimed) < len(told.confirm) or None in told.claimed


def key_of(callback: Callback, body: bytes) -> bytes:
    """16 bytes, the same for calls that tell the same fact; of one charge, they are the fact's own key."""
    keys = [fact_key(charge) for charge in callback.charges]
    if not callback.confirm and len(keys) == 1:
        return keys[0]
    asked = encoded((callback.confirm, callback.claimed)) + sha256(body).digest() if callback.confirm else b""
    return blake2b(b"".join(keys) + asked, digest_size=KEY_LENGTH).digest()


class Insertion:
    """Puts a row into the inbox, or counts a repeat where it is there already.

    A repeat fills in what a query left open; a row in one of the states `reopened` is new again. What a
    provider waits for is written out once: SQLAlchemy's way to the statement costs as much as the statement.
    """

    def __init__(self, dialect: sa.Dialect, reopened: tuple[str, ...]) -> None:
        self._repeat = _repeated(reopened)
        self._counts_itself = dialect.name not in ("sqlite", "postgresql")
        written = _inserted(dialect.name, reopened).compile(dialect=dialect, column_keys=COLUMNS)
        self._text = str(written)
        self._order: tuple[str, ...] | None = written.positiontup and tuple(written.positiontup)
        self._constants = {name: value for name, value in written.params.items() if name not in COLUMNS}

    def __call__(self, connection: sa.Connection, values: dict[str, Any]) -> bool:
        """Insert a row, or count a repeat; whether it was new."""
        given: Any = values | self._constants
        if self._order is not None:
            given = tuple([given[name] for name in self._order])
        is_new = connection.exec_driver_sql(self._text, given).rowcount == 1
        if not is_new and not self._counts_itself:
            connection.execute(self._repeat, {f"new_{name}": values[name] for name in (*OWN_KEY, *FILLED)})
        return is_new


def _inserted(dialect: str, reopened: tuple[str, ...]) -> Any:
    """The INSERT; where a row is there already it changes none.

    MariaDB's counts the repeat itself, which is two changed rows to it: with a second statement two repeats
    would wait for each other.
    """
    table = callbacks.c
    if dialect == "sqlite":
        return sqlite.insert(callbacks).on_conflict_do_nothing(index_elements=[table.gateway, table.key])
    if dialect == "postgresql":
        return postgresql.insert(callbacks).on_conflict_do_nothing(index_elements=[table.gateway, table.key])
    other = mysql.insert(callbacks)
    return other.on_duplicate_key_update(_changes({name: other.inserted[name] for name in FILLED}, reopened))


def _repeated(reopened: tuple[str, ...]) -> sa.Update:
    own = (callbacks.c[name] == bindparam(f"new_{name}") for name in OWN_KEY)
    given = {name: bindparam(f"new_{name}", type_=callbacks.c[name].type) for name in FILLED}
    return callbacks.update().where(*own).values(dict(_changes(given, reopened)))


def _changes(given: Mapping[str, Any], reopened: tuple[str, ...]) -> list[tuple[str, Any]]:
    """What a repeat changes; the state comes last, for MariaDB sets one column after the other."""
    table = callbacks.c
    is_reopened = sa.or_(*(table.state == state for state in reopened))
    return [
        ("repeats", table.repeats + 1),
        *((name, sa.func.coalesce(table[name], given[name])) for name in ("path", "headers", "body")),
        ("due_at", sa.case((is_reopened, given["due_at"]), else_=table.due_at)),
        ("attempts", sa.case((is_reopened, 0), else_=table.attempts)),
        ("state", sa.case((is_reopened, NEW), else_=table.state)),
    ]
