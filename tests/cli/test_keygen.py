import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typer.testing import Result

from conftest import missing
from paygate import ConfigurationError
from paygate.cli.keygen import write_new
from paygate.snap import are_pair, load_private_key, load_public_key

Run = Callable[..., Result]


@pytest.fixture
def openssl() -> Callable[..., bytes]:
    """The openssl command line."""
    program = shutil.which("openssl")
    if program is None:
        missing("the openssl command line")

    def do(*words: object) -> bytes:
        command = [str(program), *(str(word) for word in words)]
        return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout

    return do


@pytest.fixture
def careless() -> Iterator[None]:
    """A umask that takes no permission away."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_pair_of_keys_is_made(run: Run, tmp_path: Path) -> None:
    """Two PEM files that belong together, in a folder that is made for them."""
    folder = tmp_path / "a" / "b"
    done = run("keygen", folder)
    assert 0 == done.exit_code
    assert {"merchant.pem", "merchant.pub.pem"} == {file.name for file in folder.iterdir()}
    private = load_private_key((folder / "merchant.pem").read_text())
    public = load_public_key((folder / "merchant.pub.pem").read_text())
    assert are_pair(private, public)
    assert 2048 == private.key_size


def test_openssl_reads_both_files(run: Run, tmp_path: Path, openssl: Callable[..., bytes]) -> None:
    """It finds the private key sound, and derives the public file from it."""
    run("keygen", tmp_path)
    private, public = tmp_path / "merchant.pem", tmp_path / "merchant.pub.pem"
    assert b"valid" in openssl("pkey", "-in", private, "-check", "-noout")
    assert public.read_bytes() == openssl("pkey", "-in", private, "-pubout")
    assert b"Public-Key: (2048 bit)" in openssl("pkey", "-pubin", "-in", public, "-text", "-noout")


def test_only_the_owner_may_read_the_private_key(run: Run, tmp_path: Path, careless: None) -> None:
    """Its mode is 0600 from the beginning, whatever the umask."""
    run("keygen", tmp_path)
    assert 0o600 == mode(tmp_path / "merchant.pem")


def test_two_pairs_are_two_pairs(run: Run, tmp_path: Path) -> None:
    """Every run makes a new key."""
    run("keygen", tmp_path, "--name", "one")
    run("keygen", tmp_path, "--name", "two")
    assert (tmp_path / "one.pem").read_bytes() != (tmp_path / "two.pem").read_bytes()


def test_a_larger_key_can_be_wanted(run: Run, tmp_path: Path) -> None:
    """--bits is the size of the key."""
    run("keygen", tmp_path, "--bits", 3072)
    key = load_pem_private_key((tmp_path / "merchant.pem").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    assert 3072 == key.key_size


@pytest.mark.parametrize("bits", [1024, 2047, 8193, 0, -2048])
def test_a_weak_or_endless_key_is_refused(run: Run, tmp_path: Path, bits: int) -> None:
    """Less than 2048 or more than 8192 bits is a wrong use of the command."""
    done = run("keygen", tmp_path / "keys", "--bits", bits)
    assert 2 == done.exit_code
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("there", ["merchant.pem", "merchant.pub.pem"])
def test_a_file_that_exists_is_not_overwritten(run: Run, tmp_path: Path, there: str) -> None:
    """It stays as it is, it is named, and its partner is not made either."""
    (tmp_path / there).write_text("precious")
    done = run("keygen", tmp_path)
    assert 2 == done.exit_code
    assert f"{there} exists, and is not overwritten" in done.stderr
    assert "Name the new pair with --name, or give another folder." in done.stderr
    assert "precious" == (tmp_path / there).read_text()
    assert [there] == [file.name for file in tmp_path.iterdir()]


def test_a_link_to_nowhere_is_not_followed(run: Run, tmp_path: Path) -> None:
    """Somebody's link cannot send the private key to another place."""
    (tmp_path / "merchant.pem").symlink_to(tmp_path / "elsewhere.pem")
    done = run("keygen", tmp_path)
    assert 2 == done.exit_code
    assert not (tmp_path / "elsewhere.pem").exists()


def test_a_folder_that_cannot_be_written_is_an_error(run: Run, tmp_path: Path) -> None:
    """Where a file stands instead of a folder, the error names what could not be written and why."""
    (tmp_path / "file").write_text("")
    done = run("keygen", tmp_path / "file" / "keys")
    assert 2 == done.exit_code
    assert f"{tmp_path / 'file' / 'keys' / 'merchant.pem'} cannot be written (" in done.stderr


def test_a_public_key_that_cannot_be_written_is_an_error(run: Run, tmp_path: Path) -> None:
    """The same for the second file: an explanation, no traceback."""
    (tmp_path / "merchant.pub.pem").symlink_to(tmp_path / "no" / "such" / "folder")
    done = run("keygen", tmp_path)
    assert 2 == done.exit_code
    assert "merchant.pub.pem cannot be written (" in done.stderr


def test_programs_are_told_the_files_as_json(run: Run, tmp_path: Path) -> None:
    """--json prints one object with both paths and the size."""
    done = run("keygen", tmp_path, "--name", "toko", "--json")
    assert {
        "private_key": str(tmp_path / "toko.pem"),
        "public_key": str(tmp_path / "toko.pub.pem"),
        "bits": 2048,
    } == json.loads(done.stdout)


def test_programs_are_told_an_error_as_json(run: Run, tmp_path: Path) -> None:
    """It is on the standard output, with the exit code that a person would get."""
    (tmp_path / "merchant.pem").write_text("precious")
    done = run("keygen", tmp_path, "--json")
    assert (2, "ConfigurationError") == (done.exit_code, json.loads(done.stdout)["error"])
    assert "" == done.stderr


def test_the_private_key_is_not_printed(run: Run, tmp_path: Path) -> None:
    """Only the names of the files are."""
    done = run("keygen", tmp_path)
    assert "BEGIN" not in done.output
    for line in (tmp_path / "merchant.pem").read_text().splitlines()[1:-1]:
        assert line not in done.output


@pytest.mark.parametrize("name", ["[bold]", "a [red] folder", "[/x]", "[1]"])
def test_square_brackets_in_a_folders_name_are_shown(run: Run, tmp_path: Path, name: str) -> None:
    """The path that is printed is the path that was written."""
    folder = tmp_path / name
    done = run("keygen", folder)
    assert 0 == done.exit_code
    assert f"{folder / 'merchant.pem'} " in done.stdout


def test_write_new_makes_the_folder_and_the_file(tmp_path: Path, careless: None) -> None:
    """The content is written as it is, for the owner alone."""
    file = tmp_path / "new" / "secret"
    write_new(file, b"\x00\xff")
    assert (b"\x00\xff", 0o600) == (file.read_bytes(), mode(file))


def test_write_new_overwrites_nothing(tmp_path: Path) -> None:
    """A file that is there is an error, and stays."""
    file = tmp_path / "secret"
    file.write_bytes(b"precious")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_new(file, b"new")
    assert b"precious" == file.read_bytes()
