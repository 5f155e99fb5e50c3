"""How commands speak: to a person in colour, to a program in JSON, and with exit codes by what happened."""

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from paygate.advice import advice_for
from paygate.errors import (
    ConfigurationError,
    InvalidCharge,
    NotSent,
    OutcomeUnknown,
    PaygateError,
    Refused,
)

console = Console(highlight=False, soft_wrap=True)
problems = Console(stderr=True, highlight=False, soft_wrap=True)

BRANCHES = {NotSent: "not_sent", OutcomeUnknown: "outcome_unknown", Refused: "refused"}

AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Print JSON for programs instead.")]


def print_json(value: Any) -> None:
    """Print a value for programs."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


@contextmanager
def explained(
    *,
    as_json: bool,
    command: Callable[[PaygateError], str | None] = lambda _: None,
    hint: Callable[[PaygateError], str | None] = lambda _: None,
) -> Iterator[None]:
    """End with an error's text and its own exit code: 2 not sent, 3 outcome unknown, 4 refused.

    `command` says which command to run next because of an error, and `hint` what else to do, where there
    is anything.
    """
    try:
        yield
    except PaygateError as error:
        then = command(error)
        do = " ".join(filter(None, (cure_of(error), hint(error))))
        if as_json:
            told = _plain(error, do)
            print_json(told if then is None else {**told, "run": then})
        else:
            problems.print(f"[bold red]{type(error).__name__}[/]", end=" ")
            problems.print(error.what, markup=False)
            problems.print(do, markup=False)
            if then is not None:
                problems.print(f"Run: {then}", markup=False)
        raise typer.Exit(error.exit_code) from None


def misuse(what: str, cure: str) -> ConfigurationError:
    """The error of a command that cannot work so, with a cure of its own in the place of the general one."""
    error = ConfigurationError(what)
    error.add_note(cure)
    return error


def cure_of(error: PaygateError) -> str:
    """What to do about an error: its own cure, or the general one of its kind."""
    return " ".join(getattr(error, "__notes__", ())) or advice_for(type(error), "en")


def program() -> str:
    """The program that runs, as it can be called again: by its name where that finds it, by its path else."""
    own = Path(sys.argv[0])
    if own.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m paygate"
    found = shutil.which("paygate")
    if own.stem != "paygate" or (found is not None and own.exists() and own.samefile(found)):
        return "paygate"
    return shlex.quote(sys.argv[0])


def _plain(error: PaygateError, do: str) -> dict[str, Any]:
    """An error for programs."""
    branch = next((name for kind, name in BRANCHES.items() if isinstance(error, kind)), None)
    told = {"error": type(error).__name__, "message": str(error), "what": error.what, "do": do}
    field = {"field": error.field, "why": error.why} if isinstance(error, InvalidCharge) else {}
    return {**told, "branch": branch, **field, **error.context}
