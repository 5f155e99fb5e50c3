"""The versions of the tables: how they are made, by many at once, and what is refused."""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from paygate.errors import ConfigurationError, StoreUnavailable
from paygate.redaction import Secret
from paygate.store.database import NEW, Database
from paygate.store.migrations import FOLDER, scripts_of, upgrade
from paygate.store.schema import VERSION, VERSIONS, charges, metadata
from paygate.store_settings import StoreSettings
from tests.store.rows import charge, references

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture
def bare(bare_url: str) -> Iterator[Database]:
    """A database without any table."""
    one = Database(StoreSettings(url=Secret(bare_url)))
    try:
        yield one
    finally:
        one.close()


def differences(database: Database) -> list[Any]:
    """What alembic finds between the tables that are there and those that the code works on."""
    options = {
        "version_table": VERSIONS,
        "compare_type": True,
        "compare_server_default": True,
    }
    with database.changing_tables() as connection:
        return [*compare_metadata(MigrationContext.configure(connection, opts=options), metadata)]


def constraints(database: Database) -> dict[str, Any]:
    """What alembic does not compare."""
    with database.changing_tables() as connection:
        looking = sa.inspect(connection)
        return {
            table.name: (
                looking.get_pk_constraint(table.name)["constrained_columns"],
                sorted(
                    (one["name"], tuple(one["column_names"]))
                    for one in looking.get_unique_constraints(table.name)
                ),
                [
                    (column["name"], str(column["type"]), getattr(column["type"], "collation", None))
                    for column in looking.get_columns(table.name)
                ],
            )
            for table in metadata.sorted_tables
        }


def set_version(database: Database, version: str) -> None:
    with database.changing_tables() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSIONS} SET version_num = '{version}'")
        if database.dialect == "mariadb":
            connection.commit()


def test_the_migrations_make_the_tables_that_the_code_works_on(bare: Database) -> None:
    """From nothing, each database ends with exactly the tables of the schema, and says so."""
    assert upgrade(bare) == (None, VERSION)
    assert differences(bare) == []
    assert bare.version() == VERSION
    migrated = constraints(bare)
    with bare.changing_tables() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert constraints(bare) == migrated


def test_a_difference_would_be_found(bare: Database) -> None:
    """The comparison notices a column that is missing."""
    upgrade(bare)
    with bare.changing_tables() as connection:
        connection.exec_driver_sql("ALTER TABLE paygate_refunds DROP COLUMN amount")
    assert differences(bare) != []


def test_the_newest_migration_is_the_version_of_the_code() -> None:
    """The schema's version is the only head, and the modules stand in order, named by their versions."""
    scripts = scripts_of()
    assert scripts.get_heads() == [VERSION]
    found = [script.revision for script in scripts.walk_revisions()][::-1]
    files = sorted(file.name for file in (FOLDER / "versions").glob("0*.py"))
    assert [name.partition("_")[0] for name in files] == found
    assert found == [f"{number:04}" for number in range(1, len(found) + 1)]


def test_upgrading_again_changes_nothing(database: Database) -> None:
    """What is of this version already stays as it is, with its rows."""
    with database.writing() as connection:
        connection.execute(charges.insert(), charge("INV-1"))
    assert upgrade(database) == (VERSION, VERSION)
    assert references(database) == ["INV-1"]


def test_many_that_upgrade_at_once(bare_url: str) -> None:
    """One does it, the others wait and find it done; none fails."""
    databases = [Database(StoreSettings(url=Secret(bare_url), connections=2)) for _ in range(6)]
    with ThreadPoolExecutor(len(databases)) as pool:
        told = [*pool.map(upgrade, databases)]
    assert sorted(told, key=str) == sorted([(None, VERSION), *[(VERSION, VERSION)] * 5], key=str)
    assert differences(databases[0]) == []
    for one in databases:
        one.close()


FIRST_USE: Final = """
import sys
from paygate.redaction import Secret
from paygate.store.database import Database
from paygate.store.schema import charges
from paygate.store_settings import StoreSettings
from tests.store.rows import charge

sys.stdin.readline()
database = Database(StoreSettings(url=Secret(sys.argv[1])))
with database.writing() as connection:
    connection.execute(charges.insert(), charge(sys.argv[2]))
database.close()
"""


def test_a_file_is_made_on_first_use_by_many_processes(tmp_path: Path) -> None:
    """Nobody has to set up an embedded database, also where several begin at once; one says that it is new."""
    url = f"sqlite:///{tmp_path / 'paygate.db'}"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_USE, url, f"INV-{number}"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for number in range(3)
    ]
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    assert sorted(one.communicate(timeout=60)[1] for one in running) == ["", "", f"{NEW}\n"]
    database = Database(StoreSettings(url=Secret(url)))
    assert sorted(references(database)) == [f"INV-{number}" for number in range(3)]
    database.close()


def test_a_server_without_tables_is_refused_with_the_command_to_run(bare: Database) -> None:
    """A server's tables are made on purpose; once they are, the same object works."""
    if bare.dialect == "sqlite":
        assert bare.version() is None
        assert not Path(bare.settings.url.reveal().removeprefix("sqlite:///")).exists()
        return
    with pytest.raises(ConfigurationError, match=re.escape("run `paygate store upgrade --config FILE`")):
        references(bare)
    upgrade(bare)
    assert references(bare) == []


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("0000", r"version 0000, older than this paygate's \d+: run `paygate store upgrade --config FILE`"),
        ("9999", r"version 9999, newer than this paygate's \d+: upgrade paygate"),
    ],
)
def test_tables_of_another_version_are_refused(database: Database, version: str, told: str) -> None:
    """Neither looking nor writing works on them, until they are of this version."""
    set_version(database, version)
    for opened in (database.reading, database.writing):
        with pytest.raises(ConfigurationError, match=told), opened():
            pass
    with pytest.raises(ConfigurationError, match=f"version {version}, which this paygate does not know"):
        upgrade(database)
    set_version(database, VERSION)
    assert references(database) == []


def test_tables_that_vanish_are_not_made_anew(database: Database) -> None:
    """A database that lost its tables while it was worked on has lost its charges: nobody begins from nothing."""
    assert references(database) == []
    with database.changing_tables() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql(f"DROP TABLE {VERSIONS}")
    try:
        with pytest.raises(StoreUnavailable, match="lost its tables"):
            references(database)
    finally:
        upgrade(database)
    assert references(database) == []


@pytest.mark.parametrize("bare_url", ["mariadb"], indirect=True)
def test_a_migration_that_was_broken_off_is_gone_on_with(bare: Database) -> None:
    """MariaDB keeps each table by itself: the next run makes the rest."""
    with bare.changing_tables() as connection:
        charges.create(connection)
    assert bare.version() is None
    assert upgrade(bare) == (None, VERSION)
    assert differences(bare) == []


@pytest.mark.parametrize("bare_url", ["sqlite", "postgresql"], indirect=True)
def test_a_migration_that_fails_leaves_nothing(bare: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made whole, or not at all."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("stopped")

    with monkeypatch.context() as patched:
        patched.setattr(MigrationContext, "_ensure_version_table", lambda *_, **__: None)
        with pytest.raises(StoreUnavailable):
            upgrade(bare)
    assert bare.version() is None
    with bare.changing_tables() as connection:
        assert sa.inspect(connection).get_table_names() == []
    assert upgrade(bare) == (None, VERSION)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_alembic_waits_until_it_is_needed(database: Database) -> None:
    """Working on tables that are there does not import it."""
    code = (
        "import sys; from paygate.redaction import Secret; from paygate.store.database import Database; "
        "from paygate.store_settings import StoreSettings; from tests.store.rows import references; "
        "d = Database(StoreSettings(url=Secret(sys.argv[1]))); assert references(d) == []; d.close(); "
        "assert 'alembic' not in sys.modules"
    )
    url = database.settings.url.reveal()
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
