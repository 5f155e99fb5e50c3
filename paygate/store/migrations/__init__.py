"""The versions of the tables, one after the other, and the way to the newest (Alembic)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from paygate.errors import ConfigurationError
from paygate.store.schema import VERSION, VERSIONS

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

    from paygate.store.database import Database

FOLDER: Final = Path(__file__).parent


def upgrade(database: "Database") -> tuple[str | None, str]:
    """Bring the tables to this paygate's version; tell the version before (None for no tables) and after.

    Several processes may do so at once: one works, the others wait and find it done. SQLite and PostgreSQL do
    it whole or not at all; MariaDB step by step, and a second run goes on where the first was broken off.
    Raises ConfigurationError for tables that are newer, and StoreUnavailable.
    """
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    scripts = scripts_of()

    def steps(found: Any, _: object) -> Any:
        return scripts._upgrade_revs(VERSION, found)  # noqa: SLF001 - what alembic's own command does

    with database.changing_tables() as connection:
        options = {"version_table": VERSIONS, "fn": steps, "transactional_ddl": False}
        context = MigrationContext.configure(connection, opts=options)
        before = context.get_current_revision()
        if before is not None and before not in {script.revision for script in scripts.walk_revisions()}:
            raise ConfigurationError(
                f"store.url: its tables are of version {before}, which this paygate does not know: "
                "upgrade paygate"
            )
        with Operations.context(context):
            context.run_migrations()
        return before, VERSION


def scripts_of() -> "ScriptDirectory":
    """The migrations as Alembic sees them."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory(FOLDER)
