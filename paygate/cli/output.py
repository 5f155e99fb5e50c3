"""How commands speak: to a person in colour, to a program in JSON, and with exit codes by what happened."""

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from paygate.errors import (
    ConfigurationError,
    InvalidCharge,
    NotSent,
    OutcomeUnknown,
    PaygateError,
    Refused,
)
from paygate.hints import Command

console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)
problems = Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)

BRANCHES = {NotSent: "not_sent", OutcomeUnknown: "outcome_unknown", Refused: "refused"}

AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Print JSON for programs instead.")]


def visible(value: str) -> str:
    """A value with a mark in the place of each character that cannot be seen, as Python writes it.

    Controls would move the terminal, format characters turn the line round, and a line end fake another
    line: strangers write callbacks, and providers messages.
    """
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in value)


def styled(value: str, style: str = "") -> Text:
    """A visible value that means no markup, for a line or a table's cell."""
    return Text(visible(value), style)


def show(*parts: str | tuple[str, str], to: Console = console) -> None:
    """Print one line to a person, of values that may have a style each; all that commands say goes through it."""
    to.print(Text.assemble(*(styled(*((part,) if isinstance(part, str) else part)) for part in parts)))


def print_lines(lines: Sequence[tuple[str, str, str]]) -> None:
    """Print lines of a name, a value and a style each; values stand below each other, and none is cut."""
    width = max(len(name) for name, *_ in lines)
    for name, value, style in lines:
        show((name.ljust(width + 2), "dim"), (value, style))


def print_columns(headings: Sequence[str], rows: Iterable[Sequence[str | tuple[str, str]]]) -> None:
    """Print rows under headings, of values that may have a style each.

    It is no table of rich's: that would cut what must be copied whole.
    """
    table = [[_celled((heading, "bold")) for heading in headings], *([*map(_celled, row)] for row in rows)]
    widths = [max(len(value) for value, _ in column) for column in zip(*table, strict=True)]
    for row in table:
        while len(row) > 1 and not row[-1][0]:
            row.pop()
        padded = [(value.ljust(width + 2), style) for (value, style), width in zip(row, widths, strict=False)]
        show(*padded[:-1], row[-1])


def _celled(part: str | tuple[str, str]) -> tuple[str, str]:
    """A cell as it is shown: what cannot be seen takes as much room as the mark in its place."""
    value, style = (part, "") if isinstance(part, str) else part
    return visible(value), style


def print_json(value: Any) -> None:
    """Print a value for programs, with every character escaped that cannot be seen."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    typer.echo(
        "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)
    )


class Cure(str):
    """What to do about one error, in the place of the general advice for its kind: a note of that error."""

    __slots__ = ()


@contextmanager
def explained(
    *,
    as_json: bool,
    config: Path | None = None,
    command: Callable[[PaygateError], str | None] = lambda _: None,
    hint: Callable[[PaygateError], str | None] = lambda _: None,
) -> Iterator[None]:
    """End with an error's text and its own exit code: 2 not sent, 3 outcome unknown, 4 refused.

    `config` is the configuration that is worked with; `command` says which command to run next because of an
    error, and `hint` what else to do, where there is anything.
    """
    try:
        yield
    except PaygateError as error:
        then = command(error)
        if then is None:
            then = mending(error, config)
        do = " ".join(filter(None, (cure_of(error), hint(error))))
        if as_json:
            told = _plain(error, do)
            print_json(told if then is None else {**told, "run": then})
        else:
            _show(error, do)
            if then is not None:
                show(f"Run: {then}", to=problems)
        raise typer.Exit(error.exit_code) from None


def misuse(what: str, cure: str) -> ConfigurationError:
    """The error of a command that cannot work so, with a cure of its own in the place of the general one."""
    error = ConfigurationError(what)
    error.add_note(Cure(cure))
    return error


def cure_of(error: PaygateError) -> str:
    """What to do about an error, its own cure or the general one of its kind; then what else is noted."""
    notes = getattr(error, "__notes__", ())
    cures = [note for note in notes if isinstance(note, Cure)]
    others = [note for note in notes if not isinstance(note, Cure | Command)]
    return " ".join(dict.fromkeys([*(cures or (error.advice(),)), *others]))


def mending(error: PaygateError, config: Path | None) -> str | None:
    """The command that mends an error, for the same configuration, where it has one."""
    commands = [note for note in getattr(error, "__notes__", ()) if isinstance(note, Command)]
    if config is None or not commands:
        return None
    return configured(commands[0].removeprefix("paygate "), config)


def configured(command: str, config: Path) -> str:
    """A command of the program that runs, for this configuration."""
    return f"{program()} {command} --config {shlex.quote(str(config))}"


def program() -> str:
    """The program that runs, as it can be called again: by its name where that finds it, by its path else."""
    own = Path(sys.argv[0])
    if own.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m paygate"
    found = shutil.which("paygate")
    if own.stem != "paygate" or (found is not None and own.exists() and own.samefile(found)):
        return "paygate"
    return shlex.quote(sys.argv[0])


def _show(error: PaygateError, do: str) -> None:
    """An error for a person; only a configuration's has lines of its own, for all others' may be foreign."""
    first, *rest = error.what.split("\n") if isinstance(error, ConfigurationError) else [error.what]
    show((type(error).__name__, "bold red"), " ", first, to=problems)
    for line in (*rest, do):
        show(line, to=problems)


def _plain(error: PaygateError, do: str) -> dict[str, Any]:
    """An error for programs."""
    branch = next((name for kind, name in BRANCHES.items() if isinstance(error, kind)), None)
    told = {"error": type(error).__name__, "message": str(error), "what": error.what, "do": do}
    field = {"field": error.field, "why": error.why} if isinstance(error, InvalidCharge) else {}
    return {**told, "branch": branch, **field, **error.context}
