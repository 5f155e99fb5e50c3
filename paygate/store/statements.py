"""Statements of every charge, made ready once: SQLAlchemy writes them, and the driver gets them as text.

Executing a statement of SQLAlchemy's costs three times what its text does, and a charge has three of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite


class Prepared:
    """A statement with named parameters, for one kind of database."""

    def __init__(self, statement: Any, engine: sa.Engine) -> None:
        compiled = statement.compile(dialect=engine.dialect)
        self._text = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup
        self._fixed: dict[str, Any] = {
            name: value for name, value in compiled.params.items() if value is not None
        }

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> sa.CursorResult[Any]:
        """Execute it; what it needs and `values` does not have is what it was made with, or null."""
        known = {**self._fixed, **values} if self._fixed else values
        if self._order is None:
            return connection.exec_driver_sql(self._text, known)
        return connection.exec_driver_sql(self._text, tuple([known.get(name) for name in self._order]))


class NewRow:
    """An INSERT into one table that leaves a row alone which is there already."""

    def __init__(self, table: sa.Table, engine: sa.Engine) -> None:
        self._names = [one.name for one in table.columns if one is not table.autoincrement_column]
        values: dict[str, Any] = {name: sa.bindparam(name) for name in self._names}
        self._is_told = engine.dialect.name == "sqlite"
        if engine.dialect.name == "sqlite":
            statement: Any = sqlite.insert(table).values(values).on_conflict_do_nothing()
        elif engine.dialect.name == "postgresql":
            statement = postgresql.insert(table).values(values).on_conflict_do_nothing()
        else:
            statement = mysql.insert(table).values(values).prefix_with("IGNORE")
        if not self._is_told:
            statement = statement.returning(table.c[0])
        self._statement = Prepared(statement, engine)

    def add(self, connection: sa.Connection, values: Mapping[str, Any]) -> int | None:
        """Insert a row, and tell its number; None where one of the same keys is there."""
        done = self._statement.run(connection, {name: values.get(name) for name in self._names})
        if not self._is_told:
            found: int | None = done.scalar()
            return found
        return done.lastrowid if done.rowcount else None
