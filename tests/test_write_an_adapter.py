"""docs/write-an-adapter.md, followed literally, in both of its languages.

Only `pip install` is not taken literally: what it would fetch is here already, and the plugin alone is
installed. Commands are run by this Python.
"""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Final

import pytest
from msgspec import Struct

from tests.scaffold.workshop import ROOT, Workshop
from tests.snap.test_nusapay_conforms import MOST_LINES, written

ENGLISH: Final = ROOT / "docs" / "write-an-adapter.md"
INDONESIAN: Final = ROOT / "docs" / "id" / "write-an-adapter.md"
BLOCK: Final = re.compile(r"^```(\w+)(?: title=\"(.+?)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND: Final = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
MODULES: Final = ("paygate", "pytest", "mypy", "ruff")


class Block(Struct, frozen=True):
    """A block of code on the page: its language, the file it is of, and its text."""

    language: str
    file: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    return [Block(*found) for found in BLOCK.findall(page.read_text())]


class Reader:
    """Somebody who does what the page says, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.table = Workshop(folder, "nusapay", "--snap", written=False)
        self.place = folder

    def do(self, block: Block) -> None:
        """Write a file, change one, or run commands and compare what they say."""
        if block.language == "console":
            for command, shown in COMMAND.findall(block.text):
                said = self.run(shlex.split(command))
                assert re.search(pattern(shown), said), f"$ {command}\n{said}\n--- does not fit\n{shown}"
        elif block.language == "diff":
            done = subprocess.run(
                ["git", "apply", "-"],
                cwd=self.place,
                input=block.text,
                text=True,
                capture_output=True,
                check=False,
            )
            assert 0 == done.returncode, done.stderr
        else:
            assert (self.place / block.file).is_file()
            (self.place / block.file).write_text(block.text)

    def run(self, words: list[str]) -> str:
        """Run one command; what it says."""
        if words[0] == "cd":
            self.place /= words[1]
            return ""
        if words[0] == "rm":
            (self.place / words[1]).unlink()
            return ""
        if words[:3] == ["pip", "install", "-e"]:
            self.table.install()
            return ""
        assert words[0] in MODULES, words
        done = self.table.run("-m", *words, cwd=self.place)
        return done.stdout + done.stderr


def pattern(shown: str) -> str:
    """What fits the output on the page: "…" stands for anything, and blanks at the ends of lines do not count."""
    lines = (re.escape(line.rstrip()).replace("…", "(?s:.*)") + "[ ]*" for line in shown.splitlines())
    return "\n".join(lines).replace("(?s:.*)[ ]*\n", "(?s:.*)")


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A reader who has done all that the page says."""
    reader = Reader(tmp_path_factory.mktemp("reader"))
    for block in blocks_of(ENGLISH):
        reader.do(block)
    return reader


def test_both_languages_show_the_same_code() -> None:
    """Block by block."""
    assert blocks_of(ENGLISH) == blocks_of(INDONESIAN)
    assert {"console", "python", "diff"} == {block.language for block in blocks_of(ENGLISH)}


def test_the_kit_is_green_when_the_page_has_been_followed(followed: Reader) -> None:
    """Every promise is kept, nothing is owed any more, and types and style are clean."""
    report = followed.table.tests()
    assert {} == report.failed, report.said
    assert len(report.passed) > 60
    assert "" == followed.table.complaints()
    assert [] == [file for file in followed.place.rglob("*.py") if "OWED" in file.read_text()]


def test_it_takes_no_more_lines_than_the_page_says(followed: Reader) -> None:
    """The whole package counts, what was generated included: all of it is the provider's."""
    counted = {
        file.name: written(file.read_text())
        for file in sorted((followed.place / "paygate_nusapay").glob("*.py"))
    }
    assert sum(counted.values()) <= MOST_LINES, counted
    assert f"{MOST_LINES} lines" in ENGLISH.read_text()
