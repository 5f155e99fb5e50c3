"""A stranger's workshop: writes a plugin with `paygate new-adapter`, installs it, and runs what its author would."""

import ast
import copy
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from conftest import missing

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 300.0
NEEDED: Final = """\
from paygate import CallbackRejected, PluginError
from paygate_{name}.owed import OwedTable"""
"""What a part that is owed is written with."""


def uv() -> str:
    """The program that builds and installs."""
    found = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".venv" / "bin"))
    if found is None:
        missing("uv")
    return str(found)


class Report(Struct, frozen=True):
    """What pytest said: the names of what passed, and of what failed with the reason."""

    passed: frozenset[str]
    failed: dict[str, str]
    said: str


class Workshop:
    """One plugin on a table of its own, and the place where it is installed."""

    def __init__(self, folder: Path, name: str, *options: str, written: bool = True) -> None:
        self.name = name
        self.plugin = folder / f"paygate-{name}"
        self.installed = folder / "installed"
        if not written:  # somebody else writes it
            return
        done = self.run("-m", "paygate", "new-adapter", name, *options, "--json", cwd=folder)
        assert 0 == done.returncode, done.stdout + done.stderr
        self.written: dict[str, Any] = json.loads(done.stdout)

    @property
    def owed(self) -> list[str]:
        """What the author owes, as the command told it."""
        return [one["what"] for one in self.written["owed"]]

    def install(self) -> None:
        """Build it and put it beside nothing else, as pip would, without a network."""
        target = ("--target", str(self.installed))
        command = [uv(), "pip", "install", "--offline", "--no-deps", "--quiet", *target]
        done = subprocess.run(
            [*command, "--python", sys.executable, str(self.plugin)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert 0 == done.returncode, done.stderr

    def run(self, *words: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Run Python in the plugin's folder, with what is installed."""
        environment = {**os.environ, "PYTHONPATH": str(self.installed), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, *words],
            cwd=cwd or self.plugin,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def patch(self, patch: Path) -> None:
        """Write what the author owes, a patch of the plugin's folder; then nothing needs `owed.py`."""
        done = subprocess.run(
            ["git", "apply", "-p1", str(patch)], cwd=self.plugin, capture_output=True, text=True, check=False
        )
        assert 0 == done.returncode, done.stderr
        (self.plugin / f"paygate_{self.name}" / "owed.py").unlink()

    def copy(self, folder: Path) -> "Workshop":
        """The same plugin on another table; nothing of it is installed there."""
        other = copy.copy(self)
        other.plugin = folder / self.plugin.name
        other.installed = folder / "installed"
        shutil.copytree(self.plugin, other.plugin)
        return other

    def owe(self, fresh: "Workshop", place: str) -> None:
        """Undo one part that the author has written, so that it is as it was in a fresh plugin."""
        module, _, name = place.rpartition(".")
        module, _, inner = module.partition(".")
        file = f"paygate_{self.name}/{module}.py" if module else f"tests/test_{self.name}_conforms.py"
        wanted = f"{inner}.{name}".strip(".")
        before, now = ((one.plugin / file).read_text() for one in (fresh, self))
        undone = now.replace(segment(now, wanted), segment(before, wanted))
        assert undone != now
        lines = undone.splitlines()
        place_of_imports = next(
            number for number, line in enumerate(lines) if line.startswith(("import ", "from "))
        )
        more = [line for line in NEEDED.format(name=self.name).splitlines() if line not in lines]
        (self.plugin / file).write_text(
            "\n".join([*lines[:place_of_imports], *more, *lines[place_of_imports:], ""])
        )
        table = f"paygate_{self.name}/owed.py"
        shutil.copy(fresh.plugin / table, self.plugin / table)

    def tests(self, *words: str) -> Report:
        """Run the plugin's own tests."""
        file = self.plugin / "report.xml"
        done = self.run("-m", "pytest", "-p", "no:cacheprovider", "-q", f"--junitxml={file}", *words)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        passed, failed = set(), {}
        for case in ET.parse(file).iter("testcase"):
            name = str(case.get("name"))
            wrong = [one for one in case if one.tag in ("failure", "error")]
            if wrong:
                failed[name] = "\n".join(f"{one.get('message')}\n{one.text}" for one in wrong)
            else:
                passed.add(name)
        return Report(frozenset(passed), failed, done.stdout)

    def complaints(self) -> str:
        """What the type checker and the linter, with its default rules, find in the plugin."""
        told = ""
        for tool, *words in (("mypy",), ("ruff", "check", "."), ("ruff", "format", "--check", ".")):
            done = self.run("-m", tool, *words)
            told += "" if done.returncode == 0 else done.stdout + done.stderr
        return told


def segment(text: str, name: str) -> str:
    """The source of what a module calls by this name, in whatever class it is."""
    last = name.rpartition(".")[2]
    for node in ast.walk(ast.parse(text)):
        named = getattr(node, "name", None) or getattr(getattr(node, "target", None), "id", None)
        if named == last and isinstance(node, (ast.FunctionDef, ast.AnnAssign)):
            return str(ast.get_source_segment(text, node))
    raise AssertionError(f"there is no {name}")
