"""SQLite: a file in this machine, opened by as many processes as like; one of them writes at a time.

In a process the writers stand in line by a lock, and share one connection that stays open: fetching one for
each piece of work costs as much as the work. Readers have connections of their own, and wait for nobody.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import exc

from paygate.errors import ConfigurationError, StoreUnavailable
from paygate.store.failures import BUSY, FAILURES, GONE

PAUSE: Final = 0.01
LOG_PAGES: Final = 8_000
"""How long the log grows, at 4 KiB a page, before it goes into the file; what changes often goes once."""

WITHIN: Final = (
    "this thread is within a piece of work of the store already: end it first, or use its connection"
)
ENDED: Final = "whoever works in a piece of work of the store must not commit it, nor roll it back"


class Embedded:
    """One SQLite file. Opening it waits for the first use; after a fork each process opens its own.

    A file that was there and is gone is not made anew: what it told would be forgotten, and charges be made
    twice.
    """

    def __init__(self, url: sa.URL, connections: int, patience: float) -> None:
        if url.query:
            raise ConfigurationError(
                "store.url: the address of a file takes no options: leave out what follows it"
            )
        if url.database in (None, "", ":memory:"):
            raise ConfigurationError(
                "store.url: a store in memory keeps nothing: name a file, as sqlite:///paygate.db"
            )
        self.path = Path(str(url.database)).absolute()
        self.may_make = True
        self._patience = patience
        self._file: tuple[int, int] | None = None
        self.engine = sa.create_engine(
            "sqlite://",
            creator=self._readers_own,
            poolclass=sa.QueuePool,
            pool_size=connections,
            max_overflow=-1,
            hide_parameters=True,
        )
        self._writers = sa.create_engine(
            "sqlite://", creator=self._opened, poolclass=sa.NullPool, hide_parameters=True
        )
        self._forget()

    def _forget(self) -> None:
        """Begin with nothing open, as after a fork."""
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._kept: tuple[sa.Connection, sqlite3.Connection] | None = None
        self._is_durable = True

    def forked(self) -> object:
        """Begin anew in a forked child; what it returns must not be let go, for that closes it."""
        inherited = self._kept, self.engine.pool
        self._forget()
        self.engine.dispose(close=False)
        return inherited

    def is_the_same(self) -> bool:
        """Whether the file is still the one that was opened; a deleted one can be written to, and is lost.

        Raises StoreUnavailable where it is gone.
        """
        found = self._found()
        if found is not None and found == self._file:
            return True
        self.close()
        if found is None and not self.may_make:
            raise StoreUnavailable(f"the store does not answer: {GONE}")
        return False

    @contextmanager
    def writing(self, *, durable: bool, single: bool) -> Iterator[sa.Connection]:  # noqa: ARG002 - no way is long
        """A transaction that may write from its beginning: two that read first would deadlock."""
        own = threading.get_ident()
        if self._owner == own:
            raise RuntimeError(WITHIN)
        if not self._lock.acquire(timeout=self._patience):
            raise StoreUnavailable(f"the store does not answer: {BUSY}")
        self._owner = own
        try:
            connection, raw = self._kept or self._open()
            if durable is not self._is_durable:
                raw.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                self._is_durable = durable
            raw.execute("BEGIN IMMEDIATE")
            yield connection
            if not raw.in_transaction or connection.in_nested_transaction():
                raise RuntimeError(ENDED)
            raw.execute("COMMIT")
            if durable and self._found() != self._file:  # it was kept in a file that nobody will find
                raise StoreUnavailable(f"the store does not answer: {GONE}")
        except BaseException as error:
            self._undo(error)
            raise
        finally:
            self._owner = None
            self._lock.release()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that cannot write; each statement is a transaction by itself."""
        with self.engine.connect() as connection:
            yield connection

    def changing_tables(self) -> AbstractContextManager[sa.Connection]:
        """A transaction for a migration: nobody else writes meanwhile."""
        return self.writing(durable=True, single=False)

    def is_made(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def close(self) -> None:
        """Close what is open, once nobody writes; what is read with at this moment is closed afterwards."""
        is_mine = self._owner == threading.get_ident()
        if is_mine or self._lock.acquire(timeout=self._patience):
            try:
                if self._kept is not None and not is_mine:
                    self._drop(self._kept[0])
                self._file = None
            finally:
                if not is_mine:
                    self._lock.release()
        self.engine.dispose()

    def _found(self) -> tuple[int, int] | None:
        """Which file is there."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _open(self) -> tuple[sa.Connection, sqlite3.Connection]:
        """The connection to write with; SQLAlchemy is told of one transaction, and never of its end."""
        connection = self._writers.connect()
        connection.begin()
        raw: Any = connection.connection.dbapi_connection
        self._kept = connection, raw
        self._is_durable = True
        return self._kept

    def _undo(self, error: BaseException) -> None:
        """Roll back; after whatever is the database's own fault, begin with a new connection."""
        if self._kept is None:
            return
        connection, raw = self._kept
        try:
            raw.rollback()
        except sqlite3.Error:
            self._drop(connection)
            return
        is_sound = isinstance(error, exc.IntegrityError) or not isinstance(error, FAILURES)
        if not is_sound or not connection.in_transaction() or connection.in_nested_transaction():
            self._drop(connection)

    def _drop(self, connection: sa.Connection) -> None:
        self._kept = None
        with suppress(exc.SQLAlchemyError, sqlite3.Error):
            connection.close()

    def _opened(self) -> sqlite3.Connection:
        mode = "rwc" if self.may_make else "rw"
        raw = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode={mode}",
            uri=True,
            timeout=self._patience,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare(raw)
            file = self._found()
            if file is None or self._file not in (None, file):
                raise StoreUnavailable(f"the store does not answer: {GONE}")
        except BaseException:
            raw.close()
            raise
        self._file = file
        return raw

    def _prepare(self, raw: sqlite3.Connection) -> None:
        """Have a write-ahead log; several who make a file at once are told "busy" instead of waiting."""
        ends = time.monotonic() + self._patience
        while True:
            try:
                [[mode]] = raw.execute("PRAGMA journal_mode=WAL").fetchall()
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > ends:
                    raise
                time.sleep(PAUSE)
        if mode != "wal":
            raise ConfigurationError(
                "store.url: the file's disk cannot have a write-ahead log (is it of another machine?): "
                "use a disk of this machine, or PostgreSQL"
            )
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")

    def _readers_own(self) -> sqlite3.Connection:
        raw = self._opened()
        raw.execute("PRAGMA query_only=ON")
        return raw
