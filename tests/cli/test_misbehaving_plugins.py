"""Broken, misspelt, duplicate, slow and noisy plugins beside good ones, as real distributions in real processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.cli.running import PATIENCE
from tests.cli.shop import Shop
from tests.cli.strangers import BAD, GOOD, install_in

Alone = Callable[..., "subprocess.CompletedProcess[str]"]

LIMIT: Final = 6
TATTLING: Final = "import os\nopen(os.environ['TATTLED'], 'a').write('imported')\n" + GOOD


@pytest.fixture
def crowd(tmp_path: Path) -> Path:
    """A folder with every bad plugin, and some that are only odd."""
    folder = tmp_path / "crowd"
    for name, (code, _, _) in BAD.items():
        install_in(folder, name, code)
    install_in(folder, "moduleless", None)
    install_in(folder, "twin-a", GOOD, adapter="twin")
    install_in(folder, "twin-b", GOOD, adapter="twin")
    install_in(folder, "anonymous", GOOD, metadata="Metadata-Version: 2.1\nVersion: 1.0\n")
    install_in(folder, "scrambled", GOOD, points="[paygate.adapters]\nscrambled = x:Y\n".encode("utf-16"))
    install_in(folder, "unfinished", GOOD, points=b"[paygate.adapters]\nunfinished\n")
    install_in(folder, "foreign", GOOD, points=b"\xff\xfe[console_scripts]\n")
    install_in(folder, "chatty", "print('hello')\n" + GOOD)
    install_in(folder, "slow", "import time\ntime.sleep(2.5)\n" + GOOD)
    install_in(folder, "good", GOOD)
    return folder


def environment(folder: Path, **more: str) -> dict[str, str]:
    """That of a process in which what is in a folder is installed too."""
    return {**os.environ, "PYTHONPATH": str(folder), **more}


UNREADABLE: Final = {
    "anonymous-1.0.dist-info": ("anonymous", "its metadata tells no name of the distribution"),
    "scrambled": (None, "its entry points cannot be read (UnicodeDecodeError)"),
    "unfinished": (None, "its entry points cannot be read"),
}
TWINS: Final = "adapter 'twin' is claimed by twin-a 1.0 and twin-b 1.0: uninstall all but one"


def test_the_list_names_each_bad_plugin_and_harms_no_good_one(crowd: Path, run_alone: Alone) -> None:
    """Distribution, version, stage, reason and cure of each; in time, though one hangs; exit code 2.

    What offers no adapter is passed over. An odd one is ready, with a remark.
    """
    done = run_alone("plugins", "--json", "--limit", LIMIT, env=environment(crowd))
    assert (2, "") == (done.returncode, done.stderr)
    rows = {row["distribution"]: row for row in json.loads(done.stdout)}
    for name, (_, stage, why) in BAD.items():
        row = rows.pop(f"{name} 1.0")
        assert (name, stage, []) == (row["adapter"], row["stage"], row["answers"])
        told, _, cure = row["problem"].rpartition("; ")
        assert told.startswith(f"adapter '{name}' of {name} 1.0 failed at {stage}: ")
        assert why in told
        assert name in cure
    for source, (adapter, why) in UNREADABLE.items():
        row = rows.pop(f"{source} 1.0")
        assert (adapter, "metadata") == (row["adapter"], row["stage"])
        assert why in row["problem"]
        assert row["problem"].endswith("; install it again, or remove it")
    for name in ("twin-a 1.0", "twin-b 1.0"):
        row = rows.pop(name)
        assert ("names", TWINS) == (row["stage"], row["problem"])
    assert "ModuleNotFoundError" in rows.pop("moduleless 1.0")["problem"]
    assert {"paygate-ayolinx", "paygate-tiny", "good", "chatty", "slow"} <= {name.split()[0] for name in rows}
    assert "foreign 1.0" not in rows
    for row in rows.values():
        assert row["problem"] is None
        assert "create_charge" in row["answers"]
    assert ["it prints when it is imported, and spoils what programs print"] == rows["chatty 1.0"]["remarks"]
    [remark] = rows["slow 1.0"]["remarks"]
    assert remark.startswith("its import takes ")


def test_the_good_ones_charge_beside_the_bad(crowd: Path, run_alone: Alone, shop: Shop) -> None:
    """A charge through Ayolinx, and every gateway shown, in that same environment; nothing is said of the bad."""
    for words in (
        ("charge", "INV-1", "25000", "--method", "qris", "--config", shop.file, "--json"),
        ("gateways", "--config", shop.file, "--json"),
    ):
        done = run_alone(*words, env=environment(crowd))
        assert (0, "") == (done.returncode, done.stderr)
        assert json.loads(done.stdout)
    assert 1 == shop.simulator.ledger.count("INV-1")


def test_a_bad_gateway_hides_none_of_the_others(crowd: Path, run_alone: Alone, shop: Shop) -> None:
    """Each says what is wrong with it, one that hangs included, and "main" is reached."""
    names = ("hanging", "quitting", "misspelt", "twin", "anonymous", "scrambled")
    tables = "".join(f'\n[gateways.{name}]\nadapter = "{name}"\napi_key = "x"\n' for name in names)
    file = shop.file.parent / "many.toml"
    file.write_text(shop.file.read_text() + tables)
    done = run_alone("gateways", "--config", file, "--json", env=environment(crowd))
    told = {one["gateway"]: one for one in json.loads(done.stdout)["gateways"]}
    assert (2, "") == (done.returncode, done.stderr)
    assert ["good"] == [one["verdict"] for one in told["main"]["findings"]]
    assert told["main"]["methods"]
    for name, why in (
        ("hanging", "it is not done after 10 seconds"),
        ("quitting", "SystemExit: 7"),
        ("misspelt", "did you mean 'create_charge'?"),
        ("twin", "is claimed by twin-a 1.0 and twin-b 1.0"),
        ("anonymous", "its metadata tells no name"),
        ("scrambled", "the metadata of scrambled 1.0, unfinished 1.0 cannot be read"),
    ):
        [finding] = told[name]["findings"]
        assert ("plugin", "bad") == (finding["subject"], finding["verdict"])
        assert why in finding["what"].replace(
            "unfinished 1.0, scrambled 1.0", "scrambled 1.0, unfinished 1.0"
        )


FROM_FILE: Final = "import sys; from paygate import Paygate; Paygate.from_file(sys.argv[1]).close()"


@pytest.mark.parametrize(
    "words",
    [
        ("-c", FROM_FILE, "FILE"),
        ("-m", "paygate", "charge", "INV-1", "25000", "--method", "qris", "--config", "FILE"),
        ("-m", "paygate", "query", "INV-1", "--method", "qris", "--config", "FILE"),
        ("-m", "paygate", "gateways", "--config", "FILE"),
        ("-m", "paygate", "doctor", "--offline", "--config", "FILE"),
        ("-m", "paygate", "plugins", "ayolinx"),
        ("-m", "paygate", "sandbox", "nobody"),
        ("-m", "paygate", "--version"),
    ],
    ids=["from_file", "charge", "query", "gateways", "doctor", "plugins ayolinx", "sandbox", "--version"],
)
def test_what_the_configuration_does_not_name_is_not_imported(
    tmp_path: Path, shop: Shop, words: tuple[str, ...]
) -> None:
    """A plugin whose import would write a file is installed, and no file is written."""
    install_in(tmp_path / "site", "tattling", TATTLING)
    tattled = tmp_path / "tattled"
    command = [sys.executable, *(str(shop.file) if word == "FILE" else word for word in words)]
    done = subprocess.run(
        command,
        env=environment(tmp_path / "site", TATTLED=str(tattled)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    expected = {"query": 4, "sandbox": 2}.get(words[2], 0)
    assert expected == done.returncode, done.stderr
    assert not tattled.exists()


def test_what_is_listed_is_imported(tmp_path: Path, run_alone: Alone) -> None:
    """The proof that the file would be there: listing is the one command that tries them all."""
    install_in(tmp_path / "site", "tattling", TATTLING)
    tattled = tmp_path / "tattled"
    done = run_alone("plugins", "--json", env=environment(tmp_path / "site", TATTLED=str(tattled)))
    assert 0 == done.returncode
    assert "imported" == tattled.read_text()


def test_a_child_that_the_import_leaves_behind_delays_nobody(tmp_path: Path, run_alone: Alone) -> None:
    """It keeps the streams open, and the list does not wait for it."""
    sleeper = (
        "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])\n"
    )
    install_in(tmp_path, "parent", sleeper + GOOD)
    started = time.monotonic()
    done = run_alone("plugins", "parent", "--json", env=environment(tmp_path))
    assert 0 == done.returncode
    assert time.monotonic() - started < 18
