"""PostgreSQL and MariaDB: a server, and a pool of connections to it in each process.

A connection that the server has closed meanwhile is found out when it is fetched, before anything is asked of
it; one that something failed on is not used again.
"""

import select
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc

from paygate.errors import StoreUnavailable
from paygate.store.failures import BUSY

CONNECT_SECONDS: Final = 5
RECYCLE_SECONDS: Final = 1800
ANSWER_SECONDS: Final = 60
MIGRATION_SECONDS: Final = 50
LOCK: Final = 7_046_029_254_386_353_131
"""What migrations of a PostgreSQL database stand in line for: any number that nobody else uses."""

DEADLOCK: Final = 1213
SWALLOWED: Final = "the store did not do what it was asked, and somebody hid that: nothing was kept"


class Served:
    """A database at a server. It is reached on first use; after a fork each process has a pool of its own."""

    may_make = False

    def __init__(self, url: sa.URL, connections: int, patience: float) -> None:
        self._patience = patience
        given = {name: value for name, value in self._connecting().items() if name not in url.query}
        self.engine = sa.create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=patience,
            pool_recycle=RECYCLE_SECONDS,
            pool_pre_ping=self._pings,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            connect_args=given,
        )
        event.listen(self.engine, "connect", self._prepare)

    _pings = False

    def _connecting(self) -> dict[str, Any]:
        """What to connect with, where the address does not say otherwise."""
        raise NotImplementedError

    def _prepare(self, raw: Any, _: object) -> None:
        """Set up a new connection."""
        raise NotImplementedError

    def forked(self) -> object:
        """Begin anew in a forked child; what it returns must not be let go, for that closes it."""
        inherited = self.engine.pool
        self.engine.dispose(close=False)
        return inherited

    def is_the_same(self) -> bool:
        """Whether it is still the database that was looked into; after a failure that is asked by a look."""
        return True

    def is_made(self) -> bool:
        """Whether there is something to look into."""
        return True

    @contextmanager
    def writing(self, *, durable: bool, single: bool) -> Iterator[sa.Connection]:  # noqa: ARG002 - the server decides
        """A transaction."""
        with self.engine.begin() as connection, _sound(connection):
            yield connection
            self._finish(connection)

    def _finish(self, connection: sa.Connection) -> None:
        """Look at a transaction before it is committed."""

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection to look with."""
        with self.engine.connect() as connection:
            yield connection

    def changing_tables(self) -> AbstractContextManager[sa.Connection]:
        """A connection for a migration: nobody else migrates meanwhile."""
        raise NotImplementedError

    def close(self) -> None:
        """Close what is open; what is in use at this moment is closed afterwards."""
        self.engine.dispose()


class PostgreSQL(Served):
    """A PostgreSQL, by psycopg."""

    def __init__(self, url: sa.URL, connections: int, patience: float) -> None:
        super().__init__(url, connections, patience)
        event.listen(self.engine, "checkout", self._look)
        # Otherwise each statement would begin a transaction and end it: two more ways to the server.
        self._by_statement = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    def _connecting(self) -> dict[str, Any]:
        return {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": round(self._patience * 1000)}

    def _prepare(self, raw: Any, _: object) -> None:
        raw.autocommit = True
        raw.execute(f"SET lock_timeout = {round(self._patience * 1000)}")
        raw.autocommit = False

    def _look(self, raw: Any, _: object, __: object) -> None:
        """Ask a connection that has something to say by itself whether it still lives: the rest do.

        That costs no way to the server, where a ping before each piece of work would.
        """
        try:
            if not _speaks(raw.fileno()):
                return
            self.engine.dialect.do_ping(raw)
        except self.engine.dialect.loaded_dbapi.Error:
            raise exc.InvalidatePoolError from None

    def _finish(self, connection: sa.Connection) -> None:
        from psycopg.pq import TransactionStatus

        raw: Any = connection.connection.dbapi_connection
        if raw.pgconn.transaction_status == TransactionStatus.INERROR:  # COMMIT would undo it, unasked
            raise StoreUnavailable(SWALLOWED)

    @contextmanager
    def writing(self, *, durable: bool, single: bool) -> Iterator[sa.Connection]:
        """A transaction; of a single statement the server makes one by itself."""
        if single:
            with self._by_statement.connect() as connection, _sound(connection):
                yield connection
        else:
            with super().writing(durable=durable, single=False) as connection:
                yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection to look with; each statement is a transaction by itself."""
        with self._by_statement.connect() as connection:
            yield connection

    @contextmanager
    def changing_tables(self) -> Iterator[sa.Connection]:
        """A transaction for a migration: nobody else migrates meanwhile."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(self._patience * 1000)}")
            yield connection


class MariaDB(Served):
    """A MariaDB, by PyMySQL."""

    _pings = True

    def __init__(self, url: sa.URL, connections: int, patience: float) -> None:
        super().__init__(url, connections, patience)
        event.listen(self.engine, "handle_error", _give_up)
        event.listen(self.engine, "after_cursor_execute", _refuse_half_rows)

    def _connecting(self) -> dict[str, Any]:
        return {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": ANSWER_SECONDS,
            "write_timeout": ANSWER_SECONDS,
        }

    def _prepare(self, raw: Any, _: object) -> None:
        with raw.cursor() as cursor:
            cursor.execute(
                "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), "
                f"innodb_lock_wait_timeout = {max(1, round(self._patience))}"
            )

    @contextmanager
    def changing_tables(self) -> Iterator[sa.Connection]:
        """A connection for a migration: nobody else migrates meanwhile. Each table is committed by itself."""
        with self.engine.connect() as connection:
            lock = "CONCAT('paygate_', MD5(DATABASE()))"
            if connection.exec_driver_sql(f"SELECT GET_LOCK({lock}, {MIGRATION_SECONDS})").scalar() != 1:
                raise StoreUnavailable(f"the store does not answer: {BUSY}")
            try:
                yield connection
                connection.commit()
            finally:
                connection.rollback()
                connection.exec_driver_sql(f"DO RELEASE_LOCK({lock})")


@contextmanager
def _sound(connection: sa.Connection) -> Iterator[None]:
    """Use a connection no more that something failed on, but for a row that was there already."""
    try:
        yield
    except exc.IntegrityError:
        raise
    except exc.DBAPIError:
        connection.invalidate()
        raise


def _speaks(file: int) -> bool:
    """Whether something has come that nobody asked for, such as the end of a connection."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(0))


def _give_up(context: Any) -> None:
    """Let nobody go on after a deadlock: MariaDB has undone all of the transaction, and begins another."""
    arguments = getattr(context.original_exception, "args", ())
    if arguments and arguments[0] == DEADLOCK:
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False


def _refuse_half_rows(_: object, cursor: Any, statement: str, *__: object) -> None:
    """Refuse what INSERT IGNORE made fit by cutting it off: it is meant for rows that are there already."""
    if statement.startswith("INSERT IGNORE") and cursor.rowcount > 0 and cursor.warning_count:
        raise StoreUnavailable("the store did not do what it was asked (a value is too long)")
