"""Statements of every charge, made ready once: SQLAlchemy writes them, and the driver gets them as text.

Executing a statement of SQLAlchemy's costs three times what its text does, and a charge has three of them. A
file's driver is asked itself: a tenth of all that a charge costs in the journal was the way to it.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

Changes: TypeAlias = Callable[[Any], Sequence[tuple[str, Any]]]
"""What is to become of columns, one after the other, given what a row was to be inserted with, by name."""

Done: TypeAlias = sa.CursorResult[Any] | sqlite3.Cursor
"""What a statement came to: `rowcount`, and `lastrowid` of what is new."""


class Prepared:
    """A statement with named parameters, for one kind of database."""

    def __init__(self, statement: Any, engine: sa.Engine) -> None:
        compiled = statement.compile(dialect=engine.dialect)
        self._text = str(compiled)
        self._is_of_file = engine.dialect.name == "sqlite"
        self._order: Sequence[str] | None = compiled.positiontup
        self._fixed: dict[str, Any] = {
            name: value
            for name, value in compiled.params.items()
            if value is not None or compiled.positiontup is None
        }

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> Done:
        """Execute it; what it needs and `values` does not have is what it was made with, or null."""
        given = self._given(values)
        if self._is_of_file:
            raw: Any = connection.connection.dbapi_connection
            done: Done = raw.execute(self._text, given)
            return done
        return connection.exec_driver_sql(self._text, given)

    def returned(self, connection: sa.Connection, values: Mapping[str, Any]) -> Any:
        """Execute it, and tell the one value that it returns; None where it returns no row."""
        return connection.exec_driver_sql(self._text, self._given(values)).scalar()

    def _given(self, values: Mapping[str, Any]) -> Any:
        known = {**self._fixed, **values} if self._fixed else values
        return known if self._order is None else tuple([known.get(name) for name in self._order])


class NewRow:
    """An INSERT into one table that leaves a row alone which is there already.

    On MariaDB it locks that row for whoever finds it: of those who only share it (INSERT IGNORE), none could
    change it afterwards without waiting for the others in a ring.
    """

    def __init__(self, table: sa.Table, engine: sa.Engine) -> None:
        values = _parameters(table)
        number = table.autoincrement_column
        self._has_number = False
        if engine.dialect.name == "sqlite":
            statement: Any = sqlite.insert(table).values(values).on_conflict_do_nothing()
            self._has_number = True
        elif engine.dialect.name == "postgresql":
            new = postgresql.insert(table).values(values)
            statement = new.on_conflict_do_nothing().returning(table.c[0])
        elif number is not None:
            same = {number.name: number}
            statement = mysql.insert(table).values(values).on_duplicate_key_update(same)
            self._has_number = True
        else:
            statement = mysql.insert(table).values(values).prefix_with("IGNORE").returning(table.c[0])
        self._statement = Prepared(statement, engine)

    def add(self, connection: sa.Connection, values: Mapping[str, Any]) -> int | None:
        """Insert a row, and tell its number; None where one of the same keys is there.

        What `values` leaves out is null. A row of a table that does not count tells some number.
        """
        if not self._has_number:
            found: int | None = self._statement.returned(connection, values)
            return found
        done = self._statement.run(connection, values)
        return done.lastrowid or None if done.rowcount else None  # MariaDB's is 0 for a row that was there


class NewOrChanged:
    """An INSERT into one table that changes a row which is there already.

    `keys` are the columns that make two rows one. A server does both in one statement: with two, those who
    repeat the same row at once would wait for each other.
    """

    def __init__(self, table: sa.Table, engine: sa.Engine, keys: Sequence[str], changes: Changes) -> None:
        parameters = _parameters(table)
        self._new: NewRow | None = None
        self._tells = False
        if engine.dialect.name == "sqlite":
            self._new = NewRow(table, engine)
            own = (table.c[name] == _given(table.c[name]) for name in keys)
            values = changes({one.name: _given(one) for one in table.c})
            statement: Any = table.update().where(*own).values(dict(values))
        elif engine.dialect.name == "postgresql":
            new = postgresql.insert(table).values(parameters)
            change = new.on_conflict_do_update(index_elements=keys, set_=dict(changes(new.excluded)))
            statement = change.returning(sa.literal_column("xmax = 0"))  # nobody has changed a new row
            self._tells = True
        else:
            insert = mysql.insert(table).values(parameters)
            statement = insert.on_duplicate_key_update([*changes(insert.inserted)])
        self._statement = Prepared(statement, engine)

    def add(self, connection: sa.Connection, values: Mapping[str, Any]) -> bool:
        """Insert a row with all its columns, or change the one that is there; whether it is new."""
        if self._new is not None:
            if self._new.add(connection, values) is not None:
                return True
            self._statement.run(connection, {f"given_{name}": value for name, value in values.items()})
            return False
        if self._tells:
            return bool(self._statement.returned(connection, values))
        return self._statement.run(connection, values).rowcount == 1  # a changed row counts as two


def _parameters(table: sa.Table) -> dict[str, Any]:
    """A parameter for each column that the database does not count itself."""
    return {one.name: sa.bindparam(one.name) for one in table.c if one is not table.autoincrement_column}


def _given(column: sa.Column[Any]) -> sa.BindParameter[Any]:
    """What was to be inserted into a column; a name of its own, for SQLAlchemy keeps those of columns."""
    return sa.bindparam(f"given_{column.name}", type_=column.type)
