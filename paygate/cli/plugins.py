"""`paygate plugins`: every installed adapter, broken ones included."""

from typing import Annotated, Final

import typer
from msgspec.structs import replace
from rich.table import Table

from paygate import adapters, capabilities
from paygate.cli.inspection import LIMIT, Inspected, inspect, inspected, plain
from paygate.cli.output import AsJson, console, explained, print_json, show, styled
from paygate.errors import NotSent, PluginError

COLUMNS: Final = tuple(name for name in capabilities.OPERATIONS if name != "parse_callback")


def plugins(
    adapter: Annotated[str | None, typer.Argument(help="Show what this one can do, by method.")] = None,
    limit: Annotated[
        float, typer.Option(min=0.1, max=3600, help="How many seconds the import of each may take.")
    ] = LIMIT,
    as_json: AsJson = False,
) -> None:
    """List the installed adapters: who offers them, what they answer, and what is wrong with them."""
    if adapter is not None:
        with explained(as_json=as_json):
            _capabilities(adapter, limit, as_json=as_json)
        return
    found = [_judged(one) for one in inspected(_installed(), limit)]
    if as_json:
        print_json([plain(one) for one in found])
    elif not found:
        show("No adapter is installed: install a plugin beside paygate.")
    else:
        _print(found)
    if any(one.failure is not None for one in found):
        raise typer.Exit(NotSent.exit_code)


def _installed() -> list[adapters.Plugin]:
    claims = [plugin for claims in adapters.installed().values() for plugin in claims]
    return [*claims, *adapters.unreadable()]


def _judged(one: Inspected) -> Inspected:
    """What was found of one, and that another claims its name."""
    if one.failure is not None:
        return one
    try:
        adapters.find(one.plugin.name)
    except PluginError as error:
        return replace(one, failure=error)
    return one


def _print(found: list[Inspected]) -> None:
    table = Table("adapter", "distribution", "answers", "state", box=None, pad_edge=False)
    for one in found:
        state = styled("ready", "green")
        if one.failure is not None:
            state = styled(f"broken: {one.failure.stage}", "red")
        elif one.remarks:
            state = styled("ready, but", "yellow")
        names = (one.plugin.name or "?", one.plugin.source, ", ".join(one.answers))
        table.add_row(*map(styled, names), state)
    console.print(table)
    for one in found:
        if one.failure is not None:
            show(("✗ ", "bold red"), one.failure.what)
        for remark in one.remarks:
            show(("? ", "yellow"), f"adapter {one.plugin.name!r} of {one.plugin.source}: {remark}")


def _capabilities(adapter: str, limit: float, *, as_json: bool) -> None:
    one = inspect(adapters.find(adapter), limit)
    if one.failure is not None:
        raise one.failure
    if as_json:
        print_json([{"method": method, **can} for method, can in one.methods])
        return
    table = Table("method", *COLUMNS, box=None, pad_edge=False)
    for method, can in one.methods:
        cells = (styled("yes", "green") if can[name] else styled("no", "dim") for name in COLUMNS)
        table.add_row(styled(method), *cells)
    console.print(table)
