"""`paygate plugins`: every installed adapter, broken ones included."""

from typing import Annotated, Any

import typer
from rich.table import Table

from paygate import adapters, capabilities
from paygate.cli.output import AsJson, console, explained, print_json, show, styled
from paygate.errors import PluginError
from paygate.hookspecs import ANNOUNCEMENTS, QUESTIONS


def plugins(
    adapter: Annotated[str | None, typer.Argument(help="Show what this one can do, by method.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the installed adapters: who offers them, what they answer, and what is wrong with them."""
    if adapter is not None:
        with explained(as_json=as_json):
            _capabilities(adapter, as_json=as_json)
        return
    rows = [row for name, claims in adapters.installed().items() for row in _rows(name, claims)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        show("No adapter is installed: install a plugin beside paygate.")
        return
    table = Table("adapter", "distribution", "answers", "state", box=None, pad_edge=False)
    for row in rows:
        problem = row["problem"]
        state = styled("ready", "green") if problem is None else styled(problem, "red")
        names = (row["adapter"], row["distribution"], ", ".join(row["answers"]))
        table.add_row(*map(styled, names), state)
    console.print(table)


def _capabilities(adapter: str, *, as_json: bool) -> None:
    rows = capabilities.table(adapters.find(adapter).load())
    if as_json:
        print_json([{"method": method, **can} for method, can in rows])
        return
    names = capabilities.OPERATIONS[:3]
    table = Table("method", *names, box=None, pad_edge=False)
    for method, can in rows:
        cells = (styled("yes", "green") if can[name] else styled("no", "dim") for name in names)
        table.add_row(styled(method), *cells)
    console.print(table)


def _rows(name: str, claims: list[adapters.Plugin]) -> list[dict[str, Any]]:
    rows = []
    for plugin in claims:
        answers, problem = [], None
        try:
            if len(claims) > 1:
                adapters.find(name)
            kind = plugin.load()
            answers = [hook for hook in (*QUESTIONS, *ANNOUNCEMENTS) if _is_implemented(kind, hook)]
        except PluginError as error:
            problem = error.what
        rows.append(
            {
                "adapter": name,
                "distribution": plugin.source,
                "answers": answers,
                "problem": problem,
            }
        )
    return rows


def _is_implemented(kind: type, hook: str) -> bool:
    return hasattr(getattr(kind, hook, None), "paygate_impl")
