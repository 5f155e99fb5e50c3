"""`paygate new-adapter`: the whole plugin of a new provider, with a mark at each part that its author owes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Annotated, Final

import typer
from msgspec import Struct, to_builtins

from paygate import adapters
from paygate.cli.keygen import write_new
from paygate.cli.output import AsJson, explained, misuse, print_json, program, show
from paygate.errors import ConfigurationError

SCAFFOLD: Final = Path(__file__).parents[1] / "scaffold"
NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII)
LONGEST_NAME: Final = 40
SUFFIX: Final = ".tmpl"
OWED: Final = "OWED:"
"""What a part that the author owes is marked by; `grep` finds it, and a failure says it."""

MARK: Final = re.compile(rf'"{OWED} ([^"]+)"')


class Owed(Struct, frozen=True):
    """One part that the author owes: where it is, and what is to be written."""

    file: str
    line: int
    what: str


def new_adapter(
    name: Annotated[str, typer.Argument(help="The provider's name, as in nusapay.")],
    snap: Annotated[
        bool, typer.Option("--snap", metavar="", help="For a provider that speaks SNAP BI.")
    ] = False,
    into: Annotated[Path, typer.Option(metavar="DIR", help="Where the plugin's folder goes.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Write the plugin of a new provider: it installs, and its tests fail only on what you owe."""
    with explained(as_json=as_json):
        _check(name)
        folder = into / f"paygate-{name.replace('_', '-')}"
        if folder.exists() or folder.is_symlink():
            raise misuse(
                f"{folder} exists, and is not overwritten",
                "Take another name, or another folder with --into.",
            )
        files = dict(_written(name, "snap" if snap else "plain"))
        for file, text in files.items():
            write_new(folder / file, text.encode(), mode=0o644)
        owed = [one for file, text in files.items() for one in _owed(file, text)]
        if as_json:
            print_json({"folder": str(folder), "files": [*files], "owed": [to_builtins(one) for one in owed]})
        else:
            _tell(folder, files, owed)


def _check(name: str) -> None:
    if NAME.fullmatch(name) is None or len(name) > LONGEST_NAME:
        raise misuse(
            f"an adapter's name is 1 to {LONGEST_NAME} small letters and digits, as in nusapay or nusa_pay",
            "Take the provider's own name.",
        )
    if f"paygate-{name}" == adapters.OURS:
        raise misuse(f"{adapters.OURS} is paygate itself", "Take the provider's own name.")
    claims = adapters.installed().get(name)
    if claims:
        raise misuse(
            f"an adapter named {name} is installed already, by {claims[0].source}",
            "Take another name, or uninstall that one.",
        )


def _written(name: str, kind: str) -> Iterator[tuple[str, str]]:
    """Every file of the plugin with its text, in order."""
    values = {
        "name": name,
        "Name": "".join(part.capitalize() for part in name.split("_")),
        "NAME": name.upper(),
        "dashed": name.replace("_", "-"),
        "version": adapters.own_version(),
    }
    found = {
        file.relative_to(room).as_posix(): file
        for room in (SCAFFOLD / "shared", SCAFFOLD / kind)
        for file in room.rglob(f"*{SUFFIX}")
    }
    if not found:
        raise ConfigurationError("paygate is installed without its scaffold: install it again")
    for path in sorted(found, key=lambda one: (one.count("/"), one)):
        text = Template(found[path].read_text("utf-8")).substitute(values)
        yield path.removesuffix(SUFFIX).replace("NAME", name), text


def _owed(file: str, text: str) -> Iterator[Owed]:
    """The marks in a file of code; those in a README only speak of them."""
    for number, line in enumerate(text.splitlines() if file.endswith(".py") else (), start=1):
        found = MARK.search(line)
        if found is not None:
            yield Owed(file, number, found[1])


def _tell(folder: Path, files: dict[str, str], owed: list[Owed]) -> None:
    show(f"{folder} is the plugin:")
    for file in files:
        show("  ", file)
    show()
    show(f"What only you can write is marked {OWED}")
    for one in owed:
        show(f"  {one.file}:{one.line}  ", one.what)
    show()
    show("Next:")
    for command, why in (
        (f"pip install -e {shlex.quote(f'{folder}[test]')}", ""),
        (f"{program()} plugins", "it is listed, and ready"),
        (f"cd {shlex.quote(str(folder))}", ""),
        ("pytest", "fails on what you owe, and says so; README.md has the order"),
    ):
        show(f"  {command:<28}" if why else f"  {command}", (f"  # {why}" if why else "", "dim"))
