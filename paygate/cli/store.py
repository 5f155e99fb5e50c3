"""`paygate store`: the database under the store, set up and upgraded, looked at, and purged."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
import typer

from paygate.cli.configuration import FILE, Config, read, store_of
from paygate.cli.output import AsJson, configured, explained, print_json, show
from paygate.errors import NotSent

NEXT: Final = {
    None: "There are no tables yet: a file's are made on first use, a server's by `{}`.",
    True: "This paygate works on another version: upgrade the tables by `{}`.",
    False: "They are newer than this paygate: upgrade paygate itself.",
}

store = typer.Typer(no_args_is_help=True, help="The database of charges and callbacks: upgrade, look, purge.")


@store.command()
def upgrade(config: Config = FILE, as_json: AsJson = False) -> None:
    """Make the tables, or bring them to this paygate's version; several may do so at once."""
    with explained(as_json=as_json, config=config), store_of(read(config)) as opened:
        from paygate.store.migrations import upgrade as upgraded

        before, after = upgraded(opened.database)
        if as_json:
            print_json({"before": before, "after": after})
        elif before == after:
            show(f"The tables are of version {after} already.")
        else:
            was = "there were none" if before is None else f"they were of version {before}"
            show(f"The tables are of version {after} now; {was}.")


@store.command()
def status(config: Config = FILE, as_json: AsJson = False) -> None:
    """Show the tables' version, and how many charges, callbacks and flags there are in which state."""
    with explained(as_json=as_json, config=config), store_of(read(config)) as opened:
        from paygate.store.schema import VERSION
        from paygate.store.status import status_of

        found = status_of(opened.database)
        is_made_later = found.version is None and found.backend == "sqlite"
        if as_json:
            print_json({**msgspec.to_builtins(found), "current": found.is_current})
        else:
            version = "no tables" if found.version is None else f"version {found.version}"
            show((found.backend, "bold"), f": {version}")
            if found.is_current:
                for name in ("charges", "callbacks", "flags"):
                    show(f"{name}: {_counted(getattr(found, name))}")
            else:
                is_older = None if found.version is None else found.version < VERSION
                show(NEXT[is_older].format(configured("store upgrade", config)))
    if not found.is_current and not is_made_later:
        raise typer.Exit(NotSent.exit_code)


@store.command()
def purge(
    days: Annotated[
        float | None,
        typer.Option(
            min=1, help="Forget what is older than so many days; keep_days of [store], unless told."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Count it, and forget nothing.")
    ] = False,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """Forget old bodies, headers and handled callbacks; charges, and what was told of them, stay."""
    with explained(as_json=as_json, config=config), store_of(read(config)) as opened:
        from paygate.store import retention

        older = opened.settings.keep_days if days is None else days
        purged = retention.purge(opened.database, older, dry_run=dry_run)
        if as_json:
            print_json({"days": older, "dry_run": dry_run, **msgspec.to_builtins(purged)})
            return
        show(
            f"{'Older' if dry_run else 'Forgotten, older'} than {older:g} days: bodies of {purged.bodies} facts, "
            f"body and headers of {purged.callbacks} callbacks, and {purged.rows} callbacks as a whole."
        )
        if dry_run:
            show(("Nothing was forgotten: leave out --dry-run.", "dim"))


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
