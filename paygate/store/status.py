"""How a store stands: its tables' version, and how much there is in which state."""

from collections.abc import Mapping

import sqlalchemy as sa
from msgspec import Struct

from paygate.store.database import Database
from paygate.store.schema import VERSION, callbacks, charges, flags


class Status(Struct, frozen=True, kw_only=True):
    """What there is; `version` is None without tables, and nothing is counted in those of another version."""

    backend: str
    version: str | None
    charges: Mapping[str, int] = {}
    callbacks: Mapping[str, int] = {}
    flags: Mapping[str, int] = {}

    @property
    def is_current(self) -> bool:
        """Whether the tables are of this paygate's version."""
        return self.version == VERSION


def status_of(database: Database) -> Status:
    """Look and count; nothing is changed, and no file is made. Raises StoreUnavailable."""
    version = database.version()
    status = Status(backend=database.dialect, version=version)
    if not status.is_current:
        return status
    with database.reading() as connection:
        counts = {
            column.table.name: {
                str(value): int(count)
                for value, count in connection.execute(
                    sa.select(column, sa.func.count()).group_by(column).order_by(column)
                )
            }
            for column in (charges.c.state, callbacks.c.state, flags.c.kind)
        }
    return Status(
        backend=status.backend,
        version=version,
        charges=counts[charges.name],
        callbacks=counts[callbacks.name],
        flags=counts[flags.name],
    )
