"""`paygate new-adapter`: what it writes, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from typer.testing import Result

Run = Callable[..., Result]

FILES: Final = {
    "CHANGELOG.md",
    "README.md",
    "pyproject.toml",
    "paygate_nusapay/__init__.py",
    "paygate_nusapay/adapter.py",
    "paygate_nusapay/codes.py",
    "paygate_nusapay/py.typed",
    "paygate_nusapay/settings.py",
    "paygate_nusapay/simulator.py",
    "paygate_nusapay/wire.py",
    "tests/test_nusapay_conforms.py",
}


def files_of(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_it_writes_a_whole_plugin_and_says_what(run: Run, tmp_path: Path) -> None:
    """Every file that it names is there and no other; the marks are told with file and line."""
    done = run("new-adapter", "nusapay", "--into", tmp_path, "--json")
    told = json.loads(done.stdout)
    folder = tmp_path / "paygate-nusapay"
    assert (0, str(folder)) == (done.exit_code, told["folder"])
    assert files_of(folder) == set(told["files"]) >= FILES
    assert told["owed"]
    for one in told["owed"]:
        line = (folder / one["file"]).read_text().splitlines()[one["line"] - 1]
        assert f"OWED: {one['what']}" in line


def test_it_tells_a_person_what_to_do_next(run: Run, tmp_path: Path) -> None:
    """The files, what is owed and where, and the commands that follow."""
    done = run("new-adapter", "nusapay", "--into", tmp_path)
    assert 0 == done.exit_code
    for told in (*FILES, "OWED:", "paygate_nusapay/wire.py:", f"cd {tmp_path / 'paygate-nusapay'}", "pytest"):
        assert told in done.stdout


def test_no_placeholder_is_left(run: Run, tmp_path: Path) -> None:
    """Neither in what is written nor in where it goes."""
    run("new-adapter", "nusa_pay", "--into", tmp_path)
    folder = tmp_path / "paygate-nusa-pay"
    for file in files_of(folder):
        assert "NAME" not in file.replace("README", "")
        text = (folder / file).read_text()
        assert "${" not in text
    assert 'name = "paygate-nusa-pay"' in (folder / "pyproject.toml").read_text()
    assert 'nusa_pay = "paygate_nusa_pay:NusaPay"' in (folder / "pyproject.toml").read_text()
    assert "class NusaPay:" in (folder / "paygate_nusa_pay" / "adapter.py").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Nusapay",
        "1pay",
        "nusa-pay",
        "nusa pay",
        "nusa.pay",
        "../nusa",
        "_nusa",
        "nusa_",
        "ñusa",
        "a" * 41,
    ],
)
def test_a_name_that_is_no_name_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    """Small letters and digits, parted by single underscores; nothing is written."""
    done = run("new-adapter", "--into", tmp_path, "--", name)
    assert 2 == done.exit_code
    assert "small letters and digits" in done.stderr
    assert set() == files_of(tmp_path)


@pytest.mark.parametrize(
    ("name", "why"), [("tiny", "installed already, by paygate-tiny"), ("core", "paygate itself")]
)
def test_a_name_that_is_taken_is_refused(run: Run, tmp_path: Path, name: str, why: str) -> None:
    """By an installed adapter, which is named, or by paygate."""
    done = run("new-adapter", name, "--into", tmp_path)
    assert 2 == done.exit_code
    assert why in done.stderr
    assert set() == files_of(tmp_path)


def test_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    """A folder that is there stays as it is, even an empty one."""
    (tmp_path / "paygate-nusapay").mkdir()
    done = run("new-adapter", "nusapay", "--into", tmp_path)
    assert 2 == done.exit_code
    assert "exists, and is not overwritten" in done.stderr
    assert set() == files_of(tmp_path)


def test_a_place_that_cannot_be_written_is_an_error(run: Run, tmp_path: Path) -> None:
    """Where a file stands in the way of the folder."""
    (tmp_path / "file").write_text("")
    done = run("new-adapter", "nusapay", "--into", tmp_path / "file")
    assert 2 == done.exit_code
    assert "cannot be written" in done.stderr
