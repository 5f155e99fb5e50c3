"""The database goes away and comes back: clear errors, nothing acknowledged that was not kept, no restart."""

import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from paygate.errors import ConfigurationError, StoreUnavailable
from paygate.redaction import Secret
from paygate.store import failures
from paygate.store.database import Database
from paygate.store.migrations import upgrade
from paygate.store.schema import VERSION, charges
from paygate.store_settings import StoreSettings
from tests.store.clusters import PASSWORD, Cluster, cluster
from tests.store.rows import charge, references
from tests.watch import CANARIES

CANARIES.add(PASSWORD)
ON_SQLITE: Final = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
ON_POSTGRESQL: Final = pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
ON_SERVERS: Final = pytest.mark.parametrize("store_url", ["postgresql", "mariadb"], indirect=True)
MINE: Final = {
    "postgresql": "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mariadb": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}


def write(database: Database, reference: str) -> None:
    with database.writing() as connection:
        connection.execute(charges.insert(), charge(reference))


def hang_up(url: str) -> int:
    """Have the server end all other connections to a database, and wait until it has; how many."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        found = connection.exec_driver_sql(MINE[engine.dialect.name]).scalars().all()
        if engine.dialect.name == "mariadb":
            for number in found:
                connection.exec_driver_sql(f"KILL {number}")
            while connection.exec_driver_sql(MINE["mariadb"]).first() is not None:
                pass
    return len(found)


def place(database: Database) -> Any:
    return database._place


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


@ON_SERVERS
def test_connections_that_the_server_closed_are_never_noticed(database: Database, store_url: str) -> None:
    """Each is found out when it is fetched: neither writing nor looking fails once."""
    for turn in range(3):
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(database.reading()).exec_driver_sql("SELECT 1")
        assert hang_up(store_url) == 4
        write(database, f"INV-{turn}")
        assert hang_up(store_url) == 1
        assert len(references(database)) == turn + 1


@ON_SERVERS
def test_a_connection_that_ends_in_the_middle_takes_its_work_with_it(
    database: Database, store_url: str
) -> None:
    """It is said that the store does not answer, nothing of the work is kept, and the next works."""
    with (
        pytest.raises(StoreUnavailable, match="does not answer: it cannot be reached, or hung up"),
        database.writing() as connection,
    ):
        connection.execute(charges.insert(), charge("INV-1"))
        assert hang_up(store_url) == 1
        connection.execute(charges.insert(), charge("INV-2"))
    write(database, "INV-3")
    assert references(database) == ["INV-3"]


@ON_SERVERS
def test_a_connection_that_ends_before_the_commit_keeps_nothing(database: Database, store_url: str) -> None:
    """The commit fails, so whoever wrote is told; nobody takes it for kept."""
    with pytest.raises(StoreUnavailable, match="does not answer"), database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-1"))
        assert hang_up(store_url) == 1
    assert references(database) == []


@ON_SERVERS
def test_what_comes_back_is_looked_into_again(database: Database, store_url: str) -> None:
    """After a failure the tables may be those of another server: their version is asked for once more."""
    write(database, "INV-1")
    with sa.create_engine(store_url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("UPDATE paygate_version SET version_num = '9999'")
    try:
        write(database, "INV-2")
        with pytest.raises(StoreUnavailable), database.writing() as connection:
            hang_up(store_url)
            connection.execute(charges.insert(), charge("INV-3"))
        with pytest.raises(ConfigurationError, match="newer than this paygate"):
            write(database, "INV-4")
    finally:
        with sa.create_engine(store_url, poolclass=sa.NullPool).begin() as connection:
            connection.exec_driver_sql(f"UPDATE paygate_version SET version_num = '{VERSION}'")
    assert references(database) == ["INV-1", "INV-2"]


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """A PostgreSQL that tests may stop."""
    with cluster() as one:
        yield one


def test_a_server_that_crashes_and_comes_back(own_cluster: Cluster) -> None:
    """Four threads go on by themselves; while it is away each call is told so, and what was acknowledged is there."""
    own_cluster.start()
    database = Database(StoreSettings(url=Secret(own_cluster.url)), patience=2)
    upgrade(database)
    acknowledged: list[str] = []
    refused: list[StoreUnavailable] = []
    is_over = threading.Event()
    rounds = [threading.Semaphore(0) for _ in range(4)]

    def work(thread: int) -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            try:
                write(database, f"{thread}-{number}")
            except StoreUnavailable as error:
                refused.append(error)
                is_over.wait(0.02)
            else:
                acknowledged.append(f"{thread}-{number}")
                rounds[thread].release()

    def all_went_on() -> None:
        for one in rounds:
            while one.acquire(blocking=False):
                pass
        for one in rounds:
            assert one.acquire(timeout=20)

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(work, thread) for thread in range(4)]
        try:
            all_went_on()
            own_cluster.stop()
            seen = len(refused)
            while len(refused) < seen + 8 and not any(one.done() for one in done):
                is_over.wait(0.01)
            own_cluster.start()
            all_went_on()
        finally:
            is_over.set()
        for one in done:
            one.result(20)
    there = references(database)
    database.close()
    assert not {*acknowledged} - {*there}
    assert len({*there}) == len(there)
    assert refused
    for error in refused:
        assert error.what.startswith("the store does not answer: it cannot be reached, or hung up")
    own_cluster.stop()


def test_what_is_wrong_with_a_login_is_not_quoted(own_cluster: Cluster) -> None:
    """Neither a wrong password nor a database that is not there shows address, user or password."""
    own_cluster.start()
    try:
        for url in (
            own_cluster.url.replace(PASSWORD, "canary-of-a-wrong-password"),
            own_cluster.url.replace("/postgres", "/canary-of-a-database"),
            own_cluster.url.replace("127.0.0.1", "canary.invalid"),
        ):
            database = Database(StoreSettings(url=Secret(url)), patience=1)
            with pytest.raises(StoreUnavailable) as raised:
                write(database, "INV-1")
            assert re.fullmatch(
                r"the store does not answer: it cannot be reached, or hung up \(\w+\)", raised.value.what
            )
    finally:
        own_cluster.stop()


def test_a_server_that_is_not_there_is_told_at_once() -> None:
    """No port, no answer: the error says so, and shows no address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for backend in ("postgresql", "mariadb"):
        url = f"{backend}://root:{PASSWORD}@127.0.0.1:{port}/shop"
        database = Database(StoreSettings(url=Secret(url)))
        with pytest.raises(StoreUnavailable) as raised:
            write(database, "INV-1")
        assert "127.0.0.1" not in str(raised.value)
        assert "shop" not in str(raised.value)


def test_values_and_statements_are_not_told(database: Database) -> None:
    """An error of the store names its kind alone; the values of what failed are nowhere in it."""
    canary = "canary-of-a-value-" + "x" * 60
    CANARIES.add(canary)
    with pytest.raises(StoreUnavailable) as raised, database.writing() as connection:
        connection.execute(sa.text("INSERT INTO paygate_nowhere VALUES (:value)"), {"value": canary})
    assert "paygate_nowhere" not in str(raised.value)
    assert "INSERT" not in str(raised.value)
    write(database, "INV-1")


@ON_SERVERS
def test_all_connections_in_use_is_told_in_time(store_url: str) -> None:
    """Whoever gets no connection within the patience is told why, and gets one later."""
    database = Database(StoreSettings(url=Secret(store_url), connections=1), patience=0.2)
    with database.reading() as connection:
        connection.exec_driver_sql("SELECT 1")
        with pytest.raises(StoreUnavailable, match="all its connections are in use"):
            write(database, "INV-1")
    write(database, "INV-2")
    assert references(database) == ["INV-2"]
    database.close()


def test_a_row_that_somebody_keeps_locked_is_told_in_time(store_url: str) -> None:
    """Another program that never ends its transaction makes nobody wait for ever."""
    patience = 1.2
    database = Database(StoreSettings(url=Secret(store_url)), patience=patience)
    write(database, "INV-1")
    other = sa.create_engine(store_url, poolclass=sa.NullPool)
    with other.connect() as holder:
        if other.dialect.name == "sqlite":
            holder.exec_driver_sql("BEGIN IMMEDIATE")
        holder.execute(charges.update().values(attempt=2))
        with pytest.raises(StoreUnavailable, match="it is busy"), database.writing() as connection:
            connection.execute(charges.update().values(attempt=3))
        holder.rollback()
    with database.writing() as connection:
        connection.execute(charges.update().values(attempt=4))
    with database.reading() as connection:
        assert connection.execute(sa.select(charges.c.attempt)).scalar() == 4
    database.close()


@ON_SQLITE
def test_a_thread_that_never_ends_is_told_in_time(store_url: str) -> None:
    """A piece of work that is not ended makes the other threads fail after the patience, and no longer."""
    database = Database(StoreSettings(url=Secret(store_url)), patience=0.2)
    with database.writing(), ThreadPoolExecutor(1) as pool:
        with pytest.raises(StoreUnavailable, match="it is busy"):
            pool.submit(write, database, "INV-1").result(10)
    write(database, "INV-2")
    assert references(database) == ["INV-2"]
    database.close()


@ON_SQLITE
@pytest.mark.parametrize(
    ("limit", "told"),
    [("max_page_count=1", "its disk is full"), ("query_only=ON", "it can only be read")],
)
def test_a_file_that_cannot_grow_or_change_is_told(database: Database, limit: str, told: str) -> None:
    """The work is undone; once there is room again the next one works."""
    with database.writing() as connection:
        connection.exec_driver_sql(f"PRAGMA {limit}")
    with pytest.raises(StoreUnavailable, match=f"does not answer: {told}"), database.writing() as connection:
        for number in range(50):
            connection.execute(charges.insert(), charge(f"INV-{number}", request=b"x" * 4096))
    write(database, "INV-Z")
    assert references(database) == ["INV-Z"]


@ON_SQLITE
def test_nobody_can_write_where_only_looking_was_meant(database: Database) -> None:
    """A connection to look with refuses to write."""
    with pytest.raises(StoreUnavailable, match="it can only be read"), database.reading() as connection:
        connection.execute(charges.insert(), charge("INV-1"))
    assert references(database) == []


@ON_SQLITE
def test_a_file_that_is_deleted_is_not_written_to_nor_made_anew(database: Database, store_url: str) -> None:
    """A deleted file can still be written to, and all of it is lost; an empty one would make charges twice."""
    write(database, "INV-1")
    file = file_of(store_url)
    kept = file.with_name("kept.db")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(kept)) as target:
        source.backup(target)
    for part in (file, file.with_name("paygate.db-wal"), file.with_name("paygate.db-shm")):
        part.unlink(missing_ok=True)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="its file is gone"):
            write(database, "INV-2")
        with pytest.raises(StoreUnavailable, match="its file is gone"):
            references(database)
    assert not file.exists()
    shutil.move(kept, file)
    write(database, "INV-3")
    assert references(database) == ["INV-1", "INV-3"]


@ON_SQLITE
def test_a_file_that_is_deleted_in_the_middle_acknowledges_nothing(
    database: Database, store_url: str
) -> None:
    """The commit succeeds, into a file that nobody will find: whoever wrote is told."""
    with pytest.raises(StoreUnavailable, match="its file is gone"), database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-1"))
        file_of(store_url).unlink()


@ON_SQLITE
def test_a_file_that_vanishes_between_looking_and_opening_is_not_made_anew(
    database: Database, store_url: str
) -> None:
    """Opening it again does not make it, once it was there."""
    write(database, "INV-1")
    file_of(store_url).unlink()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        place(database)._opened()
    assert not file_of(store_url).exists()


class Crowded:
    """A connection to a new file that others open at the same moment: they are not made to wait by SQLite."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def execute(self, statement: str) -> "Crowded":
        self.said.append(statement)
        if len(self.said) < 3:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorname = "SQLITE_BUSY"
            raise error
        return self

    def fetchall(self) -> list[tuple[str]]:
        return [("delete" if "fails" in self.said else "wal",)]


@ON_SQLITE
def test_a_new_file_that_many_open_at_once_is_waited_for(database: Database) -> None:
    """Asking for the write-ahead log is answered with "busy" at once then, and is asked again."""
    crowded = Crowded()
    place(database)._prepare(crowded)
    assert crowded.said[:4] == ["PRAGMA journal_mode=WAL"] * 3 + ["PRAGMA synchronous=FULL"]


@ON_SQLITE
def test_a_disk_without_a_write_ahead_log_is_refused(database: Database) -> None:
    """SQLite goes on without one where the disk cannot share memory, as one of another machine: paygate does not."""
    other = Crowded()
    other.said += ["fails"] * 2
    with pytest.raises(ConfigurationError, match="use a disk of this machine, or PostgreSQL"):
        place(database)._prepare(other)


@ON_SQLITE
def test_another_file_in_its_place_is_looked_into_first(database: Database, store_url: str) -> None:
    """One that was put there meanwhile is worked on if it is of this version, and refused if it is another's."""
    write(database, "INV-1")
    file = file_of(store_url)
    copy = file.with_name("copy.db")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    write(database, "INV-lost")
    for part in ("paygate.db-wal", "paygate.db-shm"):
        file.with_name(part).unlink(missing_ok=True)
    shutil.move(copy, file)
    write(database, "INV-2")
    assert references(database) == ["INV-1", "INV-2"]
    database.close()
    empty = file.with_name("empty.db")
    empty.touch()
    shutil.move(empty, file)
    with pytest.raises(StoreUnavailable, match="lost its tables"):
        write(database, "INV-3")


@ON_SQLITE
def test_a_file_that_is_no_database_is_told(database: Database, store_url: str) -> None:
    """Something else in its place is not worked on."""
    other = file_of(store_url).with_name("other.db")
    other.write_bytes(b"not a database" * 1000)
    shutil.move(other, file_of(store_url))
    with pytest.raises(StoreUnavailable, match="damaged, or is no database"):
        write(database, "INV-1")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A file in a folder that is missing cannot be opened; once the folder is there it can."""
    database = Database(StoreSettings(url=Secret(f"sqlite:///{tmp_path / 'folder' / 'paygate.db'}")))
    with pytest.raises(StoreUnavailable, match="its file cannot be opened"):
        write(database, "INV-1")
    (tmp_path / "folder").mkdir()
    write(database, "INV-2")
    assert references(database) == ["INV-2"]
    database.close()


HOLDING: Final = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
print("free", flush=True)
sys.stdin.readline()
"""


@ON_SQLITE
def test_a_file_that_another_process_keeps_locked(store_url: str) -> None:
    """For longer than the patience it is told, and looking still works; afterwards all goes on."""
    database = Database(StoreSettings(url=Secret(store_url)), patience=0.3)
    command = [sys.executable, "-c", HOLDING, str(file_of(store_url))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(StoreUnavailable, match="it is busy"):
            write(database, "INV-1")
        assert references(database) == []
        other.stdin.write("go on\n")
        other.stdin.flush()
        assert other.stdout.readline() == "free\n"
        write(database, "INV-2")
        assert references(database) == ["INV-2"]
        other.stdin.close()
    database.close()


class Foreign(Exception):
    """An error of a driver, as PostgreSQL's has it."""

    def __init__(self, sqlstate: Any) -> None:
        super().__init__("canary-of-a-message")
        self.sqlstate = sqlstate


@given(code=st.from_regex(r"[0-9A-Z]{5}", fullmatch=True) | st.none())
def test_every_code_has_fixed_words(code: str | None) -> None:
    """Whatever a server says, the error's words are ours."""
    words = {value for name, value in vars(failures).items() if name.isupper() and isinstance(value, str)}
    failure = sa.exc.DatabaseError("INSERT canary-of-a-statement", {"a": "canary"}, Foreign(code))
    told = failures.unavailable(failure).what
    assert told == "the store did not do what it was asked (Foreign)" or told in {
        f"the store does not answer: {one} (Foreign)" for one in words
    }


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("53100", failures.FULL),
        ("53300", failures.CROWDED),
        ("57P01", failures.AWAY),
        ("40P01", failures.BUSY),
        ("25006", failures.UNWRITABLE),
        ("42501", failures.DENIED),
    ],
)
def test_a_server_that_is_full_or_closing_is_told_apart(code: str, told: str) -> None:
    """The longest beginning of a code that is known decides."""
    failure = sa.exc.OperationalError("INSERT", {}, Foreign(code))
    assert failures.unavailable(failure).what == f"the store does not answer: {told} (Foreign)"
