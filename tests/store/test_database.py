"""The database under the store: pieces of work, threads, forks, and what is never kept in half."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from paygate.errors import ConfigurationError, StoreUnavailable
from paygate.redaction import Secret
from paygate.store.database import Database
from paygate.store.schema import charges, flags
from paygate.store.statements import NewRow
from paygate.store_settings import StoreSettings
from tests.store.rows import charge, references

THREADS: Final = 32
ROUNDS: Final = 2

ON_SQLITE: Final = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
ON_POSTGRESQL: Final = pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
ON_MARIADB: Final = pytest.mark.parametrize("store_url", ["mariadb"], indirect=True)


def test_a_piece_of_work_is_kept_whole(database: Database) -> None:
    """What is written in one is there for whoever looks next, with its values as they were."""
    with database.writing() as connection:
        connection.execute(charges.insert(), [charge("INV-1", request=b"\x00\xff"), charge("INV-2")])
    with database.reading() as connection:
        found = connection.execute(charges.select().order_by(charges.c.id)).mappings().all()
    assert [row["reference"] for row in found] == ["INV-1", "INV-2"]
    assert found[0]["request"] == b"\x00\xff"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, StoreUnavailable])
def test_a_piece_of_work_that_fails_leaves_nothing(database: Database, failure: type[BaseException]) -> None:
    """Whatever is raised within one undoes it, and is raised as it is; the next one works."""
    with pytest.raises(failure, match="mine"), database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-1"))
        raise failure("mine")
    with database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-2"))
    assert references(database) == ["INV-2"]


def test_a_row_that_is_there_is_left_alone(database: Database) -> None:
    """Inserting one tells the id of a new row, and nothing for one that is there."""
    row = NewRow(charges, database.engine)
    with database.writing() as connection:
        first = row.add(connection, charge("INV-1"))
    with database.writing() as connection:
        assert row.add(connection, charge("INV-1", attempt=7)) is None
        second = row.add(connection, charge("INV-2"))
    assert isinstance(first, int)
    assert isinstance(second, int)
    with database.reading() as connection:
        rows = connection.execute(sa.select(charges.c.id, charges.c.attempt).order_by(charges.c.id)).all()
    assert [tuple(row) for row in rows] == [(first, 1), (second, 1)]


def test_inserting_tells_whether_a_row_is_new_also_where_there_is_no_counter(database: Database) -> None:
    """A flag's row tells some number when it is new, and nothing when it is not."""
    row = NewRow(flags, database.engine)
    told = []
    for _ in range(2):
        with database.writing() as connection:
            told.append(row.add(connection, {"charge_id": 5, "kind": "LATE", "at": 1}) is None)
    assert told == [False, True]


@pytest.mark.parametrize(
    "same", ["inv-1", "INV-1 ", "INV-\N{CYRILLIC CAPITAL LETTER BYELORUSSIAN-UKRAINIAN I}"]
)
def test_words_are_the_same_only_byte_by_byte(database: Database, same: str) -> None:
    """Neither letter case nor last spaces nor look-alikes make two references one."""
    with database.writing() as connection:
        for reference in ("INV-1", same):
            assert NewRow(charges, database.engine).add(connection, charge(reference)) is not None
    with database.reading() as connection:
        found = connection.execute(
            sa.select(charges.c.reference).where(charges.c.reference == same)
        ).scalars()
        assert [*found] == [same]


def test_a_value_that_is_too_long_is_not_cut_off(database: Database) -> None:
    """A server refuses it, and nothing is kept; a file keeps it whole."""
    long = "9" * 65
    if database.dialect == "sqlite":
        with database.writing() as connection:
            NewRow(charges, database.engine).add(connection, charge(long))
        assert references(database) == [long]
        return
    with (
        pytest.raises(StoreUnavailable, match="did not do what it was asked"),
        database.writing() as connection,
    ):
        NewRow(charges, database.engine).add(connection, charge(long))
    assert references(database) == []


def test_what_contradicts_a_constraint_is_told_as_that(database: Database) -> None:
    """An IntegrityError reaches whoever asked, the work is undone, and the next one works."""
    with database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-1"))
    with pytest.raises(exc.IntegrityError), database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-2"))
        connection.execute(charges.insert(), charge("INV-1"))
    with database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-3"))
    assert references(database) == ["INV-1", "INV-3"]


def test_an_error_that_was_hidden_is_not_taken_for_success(database: Database) -> None:
    """Where the database gave up the transaction and somebody hid that, nothing is kept, and it is said."""
    with database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-1"))

    def hide() -> None:
        with database.writing() as connection:
            connection.execute(charges.insert(), charge("INV-2"))
            with pytest.raises(exc.IntegrityError):
                connection.execute(charges.insert(), charge("INV-1"))

    if database.dialect == "postgresql":
        with pytest.raises(StoreUnavailable, match="nothing was kept"):
            hide()
        assert references(database) == ["INV-1"]
    else:
        hide()  # here a statement fails alone
        assert references(database) == ["INV-1", "INV-2"]


def test_a_part_of_a_piece_of_work_may_fail_by_itself(database: Database) -> None:
    """Within a savepoint it is undone alone."""
    with database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-1"))
        with pytest.raises(exc.IntegrityError), connection.begin_nested():
            connection.execute(charges.insert(), charge("INV-2"))
            connection.execute(charges.insert(), charge("INV-1"))
    assert references(database) == ["INV-1"]


@ON_MARIADB
def test_after_a_deadlock_nobody_goes_on(database: Database) -> None:
    """MariaDB undoes the whole transaction then; whoever hides that is told, and nothing of it is kept."""
    with database.writing() as connection:
        connection.execute(charges.insert(), [charge("INV-1"), charge("INV-2")])

    def locked(connection: sa.Connection, reference: str) -> None:
        connection.execute(charges.update().where(charges.c.reference == reference).values(attempt=9))

    def other(first: str, then: str, made: str) -> bool:
        try:
            with database.writing() as connection:
                connection.execute(charges.insert(), charge(made))
                locked(connection, first)
                both.wait(10)
                try:
                    locked(connection, then)
                except exc.DBAPIError:
                    connection.execute(charges.insert(), charge(f"{made}-half"))
        except StoreUnavailable:
            return False
        return True

    import threading

    both = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        a, b = pool.submit(other, "INV-1", "INV-2", "A"), pool.submit(other, "INV-2", "INV-1", "B")
        done = {"A": a.result(30), "B": b.result(30)}
    assert sorted(done.values()) == [False, True]
    assert references(database) == ["INV-1", "INV-2", *(name for name, kept in done.items() if kept)]


@ON_SQLITE
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_piece_of_work_belongs_to_who_began_it(database: Database, end: str) -> None:
    """Whoever ends it from within is told so, and the next one works."""
    with pytest.raises(RuntimeError, match="must not commit"), database.writing() as connection:
        connection.exec_driver_sql(end)
    with database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-2"))
    assert references(database) == ["INV-2"]


@ON_SQLITE
@pytest.mark.parametrize("leave", [sa.Connection.close, sa.Connection.begin_nested, sa.Connection.invalidate])
def test_a_connection_that_was_spoilt_is_not_used_again(
    database: Database, leave: Callable[[sa.Connection], Any]
) -> None:
    """One that was closed, or left in a savepoint, does not come back."""
    with pytest.raises((StoreUnavailable, RuntimeError)), database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-1"))
        leave(connection)
    with database.writing() as connection:
        assert not connection.in_nested_transaction()
        connection.execute(charges.insert(), charge("INV-2"))
    assert references(database) == ["INV-2"]


@ON_SQLITE
def test_two_pieces_of_work_of_one_thread_are_told_apart(database: Database) -> None:
    """Beginning one within another is refused at once, for it would wait for itself; the outer one goes on."""
    with database.writing() as connection:
        with pytest.raises(RuntimeError, match="within a piece of work"), database.writing():
            pass
        connection.execute(charges.insert(), charge("INV-1"))
        assert references(database) == []
    assert references(database) == ["INV-1"]


def test_looking_changes_nothing(database: Database) -> None:
    """A connection to look with sees each moment's state, and waits for no writer."""
    with database.reading() as looking:
        count = sa.select(sa.func.count()).select_from(charges)
        assert looking.execute(count).scalar() == 0
        looking.rollback()
        with database.writing() as connection:
            connection.execute(charges.insert(), charge("INV-1"))
            assert looking.execute(count).scalar() == 0
        looking.rollback()
        assert looking.execute(count).scalar() == 1


@ON_SQLITE
def test_only_what_may_be_lost_does_not_wait_for_the_disk(database: Database) -> None:
    """SQLite waits for the disk for each commit, save where the work is said not to be durable."""
    seen = []
    for durable in (True, False, False, True, False, True):
        with database.writing(durable=durable) as connection:
            seen.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())
    assert seen == [2, 1, 1, 2, 1, 2]
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


@ON_SQLITE
def test_a_failure_does_not_make_commits_wait_for_the_disk(database: Database) -> None:
    """A connection that is new after a failure waits or not as it is asked to, like the one before."""
    seen = []
    for durable in (False, True):
        with pytest.raises(StoreUnavailable), database.writing(durable=durable) as connection:
            connection.exec_driver_sql("nonsense")
        with database.writing(durable=durable) as connection:
            seen.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())
    assert seen == [1, 2]


def test_two_that_look_and_then_write_do_not_fail(database: Database) -> None:
    """Whoever reads in a piece of work may write in it, also where another process writes in between."""
    other = Database(database.settings)

    def work(own: Database, name: str) -> None:
        for number in range(5):
            with own.writing(durable=False) as connection:
                connection.execute(sa.select(sa.func.count()).select_from(charges)).scalar()
                connection.execute(charges.insert(), charge(f"{name}-{number}"))

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work, database, "A"), pool.submit(work, other, "B")]:
            done.result(30)
    assert len(references(database)) == 10
    other.close()


def test_many_threads_share_one(database: Database) -> None:
    """Threads that write, read and collide at once wait for each other and lose nothing."""

    row = NewRow(charges, database.engine)

    def work(thread: int) -> int:
        made = 0
        for number in range(ROUNDS):
            with database.writing(durable=False) as connection:
                own = row.add(connection, charge(f"{thread}-{number}"))
                both = row.add(connection, charge(f"all-{number}"))
            made += (own is not None) + (both is not None)
            assert f"{thread}-{number}" in references(database)
        return made

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(work, range(THREADS))) == ROUNDS * THREADS + ROUNDS
    assert len(references(database)) == ROUNDS * THREADS + ROUNDS


FORKING: Final = """
import os, sys
from paygate.redaction import Secret
from paygate.store.database import Database
from paygate.store.schema import charges
from paygate.store_settings import StoreSettings
from tests.store.rows import charge, references

database = Database(StoreSettings(url=Secret(sys.argv[1])))
number = {"postgresql": "SELECT pg_backend_pid()", "mariadb": "SELECT CONNECTION_ID()"}.get(database.dialect)

def write(reference):
    with database.writing() as connection:
        connection.execute(charges.insert(), charge(reference))
        return connection.exec_driver_sql(number).scalar() if number else id(connection)

first = write("parent")
assert references(database) == ["parent"]
with database.writing() as connection:
    connection.execute(charges.insert(), charge("meanwhile"))
    child = os.fork() if database.dialect != "sqlite" else None
    if child == 0:
        connection = None
        again = write("child")
        assert again != first, "the parent's connection"
        assert "child" in references(database)
        sys.stdout.flush()
        os._exit(7)
if child is None:
    child = os.fork()
    if child == 0:
        assert write("child") != first, "the parent's connection"
        assert "child" in references(database)
        os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert write("parent again") == first, "the child closed the parent's connection"
assert sorted(references(database)) == ["child", "meanwhile", "parent", "parent again"]
database.close()
"""


def test_a_forked_child_has_connections_of_its_own(store_url: str) -> None:
    """It neither uses nor closes those of its parent, which goes on with them."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKING, store_url],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("paygate.db", "not an address"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///file:x?mode=memory&uri=true", "takes no options"),
        ("oracle://user:hunter2@host/x", "use sqlite"),
        ("postgresql+psycopg2://user:hunter2@host/x", "use sqlite"),
        ("postgresql+asyncpg://user:hunter2@host/x", "use sqlite"),
        ("postgresql://user:hunter2@host:port/x", "not an address"),
    ],
)
def test_an_address_that_no_store_can_have_is_refused(url: str, told: str) -> None:
    """The error says what is wanted, and shows nothing of the address."""
    with pytest.raises(ConfigurationError, match=told) as raised:
        Database(StoreSettings(url=Secret(url)))
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///x.db", "sqlite+pysqlite"),
        ("postgresql://h/x", "postgresql+psycopg"),
        ("postgresql+psycopg://h/x", "postgresql+psycopg"),
        ("mysql://h/x", "mariadb+pymysql"),
        ("mysql+pymysql://h/x", "mariadb+pymysql"),
        ("mariadb://h/x", "mariadb+pymysql"),
    ],
)
def test_an_address_needs_no_driver(given: str, driver: str) -> None:
    """The one driver that paygate works with is taken, and a MariaDB may be called mysql."""
    database = Database(StoreSettings(url=Secret(given)))
    dialect = database.engine.dialect
    assert f"{dialect.name}+{dialect.driver}" == driver


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which extra brings it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"\(psycopg\): install .* `postgresql`"):
        Database(StoreSettings(url=Secret("postgresql://h/x")))


def test_a_server_takes_what_the_address_says(store_url: str) -> None:
    """What is set for a connection gives way to what stands in the address."""
    if store_url.startswith("sqlite"):
        return
    with_own = f"{store_url}?connect_timeout=3"
    database = Database(StoreSettings(url=Secret(with_own)))
    assert references(database) == []
    database.close()
