"""A third provider's adapter, written with the SNAP layer, keeps every promise in at most 150 lines."""

import ast
from pathlib import Path

from paygate.conformance.snap import SnapConformance
from tests.snap.nusapay.paygate_nusapay import NusaPay
from tests.snap.nusapay.paygate_nusapay.codes import PROFILE

PACKAGE = Path(__file__).parent / "nusapay" / "paygate_nusapay"
MOST_LINES = 150


class TestNusaPay(SnapConformance):
    """NusaPay keeps paygate's promises."""

    adapter = NusaPay
    profile = PROFILE


def written(source: str) -> int:
    """The lines that say something: no blank ones, no comments, no docstrings."""
    silent: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            text = node.body[0]
            silent.update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in silent
        for number, line in lines
    )


def test_it_takes_few_lines() -> None:
    """Adapter, codes, settings and simulator together have at most 150 lines that are the provider's."""
    counted = {file.name: written(file.read_text()) for file in sorted(PACKAGE.glob("*.py"))}
    assert sum(counted.values()) <= MOST_LINES, counted


def test_lines_are_counted_honestly() -> None:
    """Only blank lines, comments and docstrings are left out."""
    assert 3 == written('"""A module.\n\nIts text."""\n\n# why\nA = """\nx"""\nB = 1  # not this\n')
