"""The database: how a piece of work is committed whole, and what is said when the database is away."""

import logging
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy import exc

from paygate.errors import ConfigurationError, StoreUnavailable
from paygate.hints import Command
from paygate.store.embedded import Embedded
from paygate.store.failures import FAILURES, unavailable
from paygate.store.schema import VERSION, VERSIONS
from paygate.store.served import MariaDB, PostgreSQL, Served
from paygate.store_settings import StoreSettings

log = logging.getLogger("paygate")

BUSY_SECONDS: Final = 15.0
"""How long a piece of work waits for its turn: for a lock, or for a connection."""

NEW: Final = "paygate: the store was not there, and is made new and empty: is this its first use?"
UPGRADE: Final = Command("paygate store upgrade")
NO_ADDRESS: Final = 'store.url: is not an address of a database, as "sqlite:///paygate.db"'
NO_BACKEND: Final = "store.url: use sqlite:///…, postgresql://… or mariadb://…"
DRIVERS: Final = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "mariadb": "mariadb+pymysql",
    "mysql": "mariadb+pymysql",
    "mysql+pymysql": "mariadb+pymysql",
}


class Database:
    """One database, shared by threads; safe to open before a fork: each process has connections of its own.

    Building it opens nothing. Raises ConfigurationError for an address that no database can have.
    """

    def __init__(self, settings: StoreSettings, *, patience: float = BUSY_SECONDS) -> None:
        self.settings = settings
        self._place = _placed(settings, patience)
        self.engine = self._place.engine
        self.dialect = self.engine.dialect.name
        self._is_checked = False
        self._was_there = False
        _at_fork(self)

    @contextmanager
    def writing(self, *, durable: bool = True, single: bool = False) -> Iterator[sa.Connection]:
        """A piece of work that is committed as a whole, or not at all.

        Not `durable` is what may be lost when the machine stops, though not when the process does: SQLite
        does not wait for the disk then. A `single` statement is committed by PostgreSQL itself, which spares
        two ways to it: it is kept, whatever follows. Raises StoreUnavailable where the database is away;
        whether what was done was kept is unknown only where the connection broke while it was committed.
        """
        self._check()
        try:
            with self._place.writing(durable=durable, single=single) as connection:
                yield connection
        except exc.IntegrityError:
            raise
        except FAILURES as failure:
            raise self._explained(failure) from None

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that changes nothing; each statement sees what is committed at its time."""
        self._check()
        try:
            with self._place.reading() as connection:
                yield connection
        except FAILURES as failure:
            raise self._explained(failure) from None

    @contextmanager
    def changing_tables(self) -> Iterator[sa.Connection]:
        """A connection for a migration, whatever the version of the tables; others that migrate wait."""
        try:
            with self._place.changing_tables() as connection:
                yield connection
        except FAILURES as failure:
            raise self._explained(failure) from None
        finally:
            self._is_checked = False

    def version(self) -> str | None:
        """The version of the tables that are there; None where there are none."""
        if not self._place.is_made():
            return None
        try:
            with self._place.reading() as connection:
                if not sa.inspect(connection).has_table(VERSIONS):
                    return None
                asked = f"SELECT version_num FROM {VERSIONS}"  # noqa: S608 - a name of ours
                found = connection.exec_driver_sql(asked).scalar()
                return None if found is None else str(found)
        except exc.InvalidRequestError:  # told by SQLAlchemy of a MySQL
            raise ConfigurationError(
                "store.url: the server is not a MariaDB, and MySQL is not worked with"
            ) from None
        except FAILURES as failure:
            raise self._explained(failure) from None

    def close(self) -> None:
        """Close the connections."""
        self._place.close()

    def forked(self) -> None:
        """Begin anew in a forked child."""
        _inherited.append(self._place.forked())

    def _check(self) -> None:
        """Refuse to work on tables of another version; asked on first use, and after each failure."""
        if self._is_checked and self._place.is_the_same():
            return
        found = self.version()
        if found is None and self._was_there:
            raise StoreUnavailable("the store has lost its tables: restore them, or start anew on purpose")
        if found is None and self.dialect == "sqlite":
            from paygate.store.migrations import upgrade

            before, found = upgrade(self)  # an embedded database that is not there yet
            if before is None:
                log.warning(NEW)
        if found is None:
            raise _to_upgrade("the database has no tables of paygate yet")
        if found != VERSION:
            raise _other_version(found)
        self._place.may_make = False
        self._was_there = self._is_checked = True

    def _explained(self, failure: BaseException) -> StoreUnavailable:
        self._is_checked = False
        return unavailable(failure)


_inherited: Final[list[object]] = []
"""In a forked child, the connections of its parent: to let them go would close them for the parent too."""


def _at_fork(database: Database) -> None:
    kept = weakref.ref(database)

    def begin_anew() -> None:
        mine = kept()
        if mine is not None:
            mine.forked()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=begin_anew)


def _placed(settings: StoreSettings, patience: float) -> Embedded | Served:
    try:
        url = sa.make_url(settings.url.reveal())
    except (exc.ArgumentError, ValueError):
        raise ConfigurationError(NO_ADDRESS) from None
    driver = DRIVERS.get(url.drivername, url.drivername)
    if driver not in DRIVERS.values():
        raise ConfigurationError(NO_BACKEND)
    url = url.set(drivername=driver)
    backend = url.get_backend_name()
    try:
        if backend == "sqlite":
            return Embedded(url, settings.connections, patience)
        server = PostgreSQL if backend == "postgresql" else MariaDB
        return server(url, settings.connections, patience)
    except ImportError as error:
        raise ConfigurationError(
            f"store.url: its driver is not installed ({error.name}): install paygate-core with its extra "
            f"`{backend}`"
        ) from None


def _other_version(found: str) -> ConfigurationError:
    tables = f"its tables are of version {found}"
    if found > VERSION:
        return ConfigurationError(
            f"store.url: {tables}, newer than this paygate's {VERSION}: upgrade paygate"
        )
    return _to_upgrade(f"{tables}, older than this paygate's {VERSION}")


def _to_upgrade(what: str) -> ConfigurationError:
    error = ConfigurationError(f"store.url: {what}: run `{UPGRADE} --config FILE`, with your configuration")
    error.add_note(UPGRADE)
    return error
