"""`paygate store`: the tables made and upgraded, how much there is, and what is forgotten."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from typer.testing import Result

from paygate.store.schema import VERSION, VERSIONS, callbacks, charges, flags
from tests.databases import BACKENDS, lay_out, own_database
from tests.provider import CANARY
from tests.store.rows import charge
from tests.watch import CANARIES

Run = Callable[..., Result]
PASSWORD: Final = "canary-hunter2-of-the-command"
CANARIES.add(PASSWORD)
LONG_AGO: Final = 1_000_000


def configure(folder: Path, url: str) -> Path:
    """A configuration with a store; its address stands in a file of its own."""
    (folder / "address").write_text(url)
    file = folder / "paygate.toml"
    gateway = f'[gateways.main]\nadapter = "tiny"\napi_key = "{CANARY}"\n'
    file.write_text(gateway + '[store]\nurl = { file = "address" }\nkeep_days = 7\n')
    return file


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'paygate.db'}"
    else:
        with own_database(request.param) as one:
            yield one


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a file that has tables, and something of everything in them."""
    url = f"sqlite:///{tmp_path / 'paygate.db'}"
    lay_out(url)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    row = {
        "gateway": "main",
        "source": "callback",
        "told": b"{}",
        "path": "/callbacks/main",
        "received_at": LONG_AGO,
        "repeats": 0,
        "attempts": 0,
    }
    with engine.begin() as connection:
        connection.execute(
            charges.insert(),
            [
                charge("INV-1", state="known"),
                charge("INV-2", state="known"),
                charge("INV-3", state="unknown"),
            ],
        )
        connection.execute(flags.insert(), {"charge_id": 1, "kind": "LATE", "at": 1})
        connection.execute(
            callbacks.insert(),
            [
                {**row, "key": bytes([number] * 16), "state": state}
                for number, state in enumerate(("done", "dead"))
            ],
        )
    return configure(tmp_path, url)


def outdated(config: Path, version: str = "0000") -> None:
    """Have the tables be of another version."""
    engine = sa.create_engine(f"sqlite:///{config.parent / 'paygate.db'}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSIONS} SET version_num = '{version}'")


def test_from_no_tables_to_this_version(run: Run, tmp_path: Path, url: str) -> None:
    """Before, the state says what to run; the upgrade tells what it did, and again that nothing was to do."""
    config = configure(tmp_path, url)
    before = run("store", "status", "--config", config)
    assert "no tables" in before.output
    assert f"store upgrade --config {config}" in before.output
    assert before.exit_code == (0 if url.startswith("sqlite") else 2)
    if url.startswith("sqlite"):
        assert not (tmp_path / "paygate.db").exists()
    done = run("store", "upgrade", "--config", config, "--json")
    assert (done.exit_code, json.loads(done.output)) == (0, {"before": None, "after": VERSION})
    again = run("store", "upgrade", "--config", config)
    assert (again.exit_code, again.output) == (0, f"The tables are of version {VERSION} already.\n")
    after = run("store", "status", "--config", config)
    assert after.exit_code == 0
    assert f"version {VERSION}\ncharges: none\ncallbacks: none\nflags: none\n" in after.output


def test_an_upgrade_is_told_in_words(run: Run, tmp_path: Path) -> None:
    """A person reads of which version the tables were, and are."""
    config = configure(tmp_path, "sqlite:///paygate.db")
    assert run("store", "upgrade", "--config", config).output == (
        f"The tables are of version {VERSION} now; there were none.\n"
    )


@pytest.mark.parametrize(
    ("version", "told"),
    [("9999", "newer than this paygate: upgrade paygate itself"), ("0000", "upgrade the tables by `")],
)
def test_tables_of_another_version_end_with_what_to_do(
    run: Run, config: Path, version: str, told: str
) -> None:
    """The state tells it and the exit code is 2; purging refuses."""
    outdated(config, version)
    status = run("store", "status", "--config", config)
    assert status.exit_code == 2
    assert told in status.output
    assert json.loads(run("store", "status", "--config", config, "--json").output) == {
        "backend": "sqlite",
        "version": version,
        "charges": {},
        "callbacks": {},
        "flags": {},
        "current": False,
    }
    purged = run("store", "purge", "--config", config, "--json")
    assert purged.exit_code == 2
    error = json.loads(purged.output)
    assert error["error"] == "ConfigurationError"
    if version == "0000":
        assert error["run"].endswith(f"store upgrade --config {config}")
    else:
        assert "run" not in error


@pytest.mark.parametrize(
    "words",
    [
        ("charge", "INV-1", "25000", "--method", "qris"),
        ("query", "INV-1"),
        ("cancel", "INV-1"),
        ("charges",),
        ("reconcile",),
        ("callbacks", "list"),
        ("callbacks", "show", "1"),
        ("callbacks", "replay", "1"),
        ("store", "purge"),
    ],
    ids=" ".join,
)
def test_where_the_tables_are_old_every_command_names_the_upgrade(
    run: Run, config: Path, words: tuple[str, ...]
) -> None:
    """With the configuration that it was given itself, to a person and to a program."""
    outdated(config)
    done = run(*words, "--config", config)
    assert done.exit_code == 2
    assert "\nRun: " in done.stderr
    assert done.stderr.endswith(f" store upgrade --config {config}\n")
    told = json.loads(run(*words, "--config", config, "--json").stdout)
    assert told["run"].endswith(f"store upgrade --config {config}")


def test_how_much_there_is(run: Run, config: Path) -> None:
    """Charges and callbacks by state, flags by kind."""
    told = run("store", "status", "--config", config)
    assert (told.exit_code, told.output) == (
        0,
        f"sqlite: version {VERSION}\ncharges: 2 known, 1 unknown\ncallbacks: 1 dead, 1 done\nflags: 1 LATE\n",
    )
    assert json.loads(run("store", "status", "--config", config, "--json").output) == {
        "backend": "sqlite",
        "version": VERSION,
        "charges": {"known": 2, "unknown": 1},
        "callbacks": {"dead": 1, "done": 1},
        "flags": {"LATE": 1},
        "current": True,
    }


def test_what_is_forgotten_is_counted_first(run: Run, config: Path) -> None:
    """A dry run changes nothing and says so; the days are those of the configuration unless told."""
    dry = run("store", "purge", "--dry-run", "--config", config)
    assert (dry.exit_code, dry.output) == (
        0,
        (
            "Older than 7 days: bodies of 0 facts, body and headers of 0 callbacks, and 1 callbacks as a whole.\n"
            "Nothing was forgotten: leave out --dry-run.\n"
        ),
    )
    done = run("store", "purge", "--days", "3", "--config", config, "--json")
    assert (done.exit_code, json.loads(done.output)) == (
        0,
        {"days": 3.0, "dry_run": False, "bodies": 0, "callbacks": 0, "rows": 1},
    )
    again = run("store", "purge", "--config", config)
    assert again.output == (
        "Forgotten, older than 7 days: bodies of 0 facts, body and headers of 0 callbacks, "
        "and 0 callbacks as a whole.\n"
    )
    assert "1 dead" in run("store", "status", "--config", config).output


def test_without_a_store_there_is_nothing_to_do(run: Run, tmp_path: Path) -> None:
    """Each of them says that none is configured."""
    config = tmp_path / "paygate.toml"
    config.write_text('[gateways.main]\nadapter = "tiny"\n')
    for command in ("upgrade", "status", "purge"):
        done = run("store", command, "--config", config)
        assert done.exit_code == 2
        assert "there is no store" in done.output


def test_a_server_that_is_away_is_told_without_its_address(run: Run, tmp_path: Path) -> None:
    """What is shown is what happened and what to do, and nothing of the configured address."""
    config = configure(tmp_path, f"postgresql://shop:{PASSWORD}@127.0.0.1:1/shop")
    for command in ("upgrade", "status", "purge"):
        done = run("store", command, "--config", config)
        assert done.exit_code == 2
        assert "the store does not answer: it cannot be reached, or hung up" in done.output
        assert "127.0.0.1" not in done.output
