"""docs/commands.md names every command and option, and none that is not there."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main

from paygate.cli import app

PAGE: Final = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
LINES: Final = re.findall(r"^\$ paygate (\S+)(.*)$", PAGE, re.MULTILINE)
OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def options() -> dict[str, set[str]]:
    """Every command with its options, as the program has them; one of a group by both words."""
    found: dict[str, set[str]] = {}
    nested: list[tuple[str, Any]] = [("", typer.main.get_command(app))]
    while nested:
        name, command = nested.pop()
        for own, one in getattr(command, "commands", {}).items():
            nested.append((f"{name} {own}".strip(), one))
        if not hasattr(command, "commands"):
            found[name] = {option for one in command.params for option in one.opts if option.startswith("--")}
    return dict(sorted(found.items()))


def calls() -> list[tuple[str, str]]:
    """Every call on the page: the command, and the words after it."""
    groups = {name.partition(" ")[0] for name in OPTIONS if " " in name}
    parted = [(name, words.strip().partition(" ")) for name, words in LINES]
    return [
        (f"{name} {words[0]}", words[2]) if name in groups else (name, " ".join(filter(None, words)).strip())
        for name, words in parted
    ]


OPTIONS: Final = options()
CALLS: Final = calls()


@pytest.mark.parametrize("command", OPTIONS)
def test_every_command_has_an_example(command: str) -> None:
    """A console block calls it."""
    assert command in {name for name, _ in CALLS}


@pytest.mark.parametrize(("command", "words"), CALLS, ids=[f"{name} {words}"[:60] for name, words in CALLS])
def test_every_example_uses_what_there_is(command: str, words: str) -> None:
    """The command exists, and so do its options."""
    assert {*OPTION.findall(words)} <= OPTIONS[command]


def test_the_page_and_the_program_have_the_same_options() -> None:
    """Each option is explained or shown, and none that is told is missing."""
    told = {*OPTION.findall(PAGE)} - {"--help"}
    assert {option for one in OPTIONS.values() for option in one} == told - {"--version"}
    assert "--version" in told
