"""Databases for tests: a file, or a database of this process's own at each server, with the tables in it.

The servers are those of `PAYGATE_TEST_POSTGRESQL` and `PAYGATE_TEST_MARIADB`, else of this machine.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from conftest import missing
from paygate.store.schema import VERSION, metadata

BACKENDS: Final = ("sqlite", "postgresql", "mariadb")
SERVERS: Final = {
    "postgresql": os.environ.get("PAYGATE_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1:5432/test"),
    "mariadb": os.environ.get("PAYGATE_TEST_MARIADB", "mariadb+pymysql://root@127.0.0.1:3306/test"),
}
FORCED: Final = {"postgresql": " WITH (FORCE)", "mariadb": ""}


@contextmanager
def own_database(backend: str) -> Iterator[str]:
    """A new, empty database at a server, and its address; dropped in the end.

    Skips the test where no server answers, and fails it where CI says that one must.
    """
    name = f"paygate_{os.getpid()}_{os.urandom(4).hex()}"
    server = sa.create_engine(SERVERS[backend], isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    try:
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except sa.exc.OperationalError:
        missing(f"a server of {backend}")
    try:
        yield server.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}{FORCED[backend]}")


def lay_out(url: str) -> None:
    """Make the tables of this version, as the migrations do (a test holds that they are the same)."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.exec_driver_sql(
            "CREATE TABLE paygate_version (version_num VARCHAR(32) NOT NULL, PRIMARY KEY (version_num))"
        )
        connection.exec_driver_sql(f"INSERT INTO paygate_version VALUES ('{VERSION}')")
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    engine.dispose()


class Laid:
    """Databases with the tables in them, one for each backend and process: as empty as new for each test."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"
        self._engines: dict[str, sa.Engine] = {}
        self._open = ExitStack()

    @contextmanager
    def all(self) -> Iterator["Laid"]:
        """Drop them in the end."""
        try:
            yield self
        finally:
            self._open.close()

    def url(self, backend: str, folder: Path) -> str:
        """The address of an empty one; SQLite's is a new file in the folder."""
        if backend == "sqlite":
            if not self._template.exists():
                lay_out(f"sqlite:///{self._template}")
            shutil.copy(self._template, folder / "paygate.db")
            return f"sqlite:///{folder / 'paygate.db'}"
        engine = self._engine(backend)
        with engine.begin() as connection:
            for table in metadata.sorted_tables:
                connection.execute(table.delete())
        return _address(engine)

    @contextmanager
    def bare(self, backend: str, folder: Path) -> Iterator[str]:
        """The address of one without any table: a file that is not there, or dropped in the end."""
        if backend == "sqlite":
            yield f"sqlite:///{folder / 'paygate.db'}"
        elif backend == "postgresql":  # a schema, for dropping a database takes a second
            engine = self._engine(backend)
            name = f"bare_{os.urandom(4).hex()}"
            with engine.begin() as connection:
                connection.exec_driver_sql(f"CREATE SCHEMA {name}")
            yield f"{_address(engine)}?options=-csearch_path%3D{name}"
            with engine.begin() as connection:
                connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
        else:
            with own_database(backend) as url:
                yield url

    def _engine(self, backend: str) -> sa.Engine:
        if backend not in self._engines:
            url = self._open.enter_context(own_database(backend))
            lay_out(url)
            self._engines[backend] = sa.create_engine(url, poolclass=sa.NullPool)
        return self._engines[backend]


def _address(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=False)
