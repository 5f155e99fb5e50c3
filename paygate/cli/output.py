"""How commands speak: to a person in colour, to a program in JSON, and with exit codes by what happened."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

from paygate.advice import advice_for
from paygate.errors import PaygateError

console = Console(highlight=False, soft_wrap=True)
problems = Console(stderr=True, highlight=False, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead.")]


def print_json(value: Any) -> None:
    """Print a value for programs."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


@contextmanager
def explained(
    *, as_json: bool, command: Callable[[PaygateError], str | None] = lambda _: None
) -> Iterator[None]:
    """End with an error's text and its own exit code: 2 not sent, 3 outcome unknown, 4 refused.

    `command` says which command to run next because of an error, where there is one.
    """
    try:
        yield
    except PaygateError as error:
        then = command(error)
        if as_json:
            told = {"error": type(error).__name__, "message": str(error), **error.context}
            print_json(told if then is None else {**told, "run": then})
        else:
            problems.print(f"[bold red]{type(error).__name__}[/]", end=" ")
            problems.print(error.what, markup=False)
            problems.print(advice_for(type(error), "en"), markup=False)
            if then is not None:
                problems.print(f"Run: {then}", markup=False)
        raise typer.Exit(error.exit_code) from None
