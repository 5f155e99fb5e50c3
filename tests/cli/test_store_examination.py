"""What `paygate doctor` says of the store and of shared credentials."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError
from typer.testing import Result

from conftest import missing
from paygate import Charge, ChargeStatus, Money, Paygate, Qris
from paygate.sandbox import Fault
from paygate.store.entries import Source
from paygate.store.schema import callbacks
from tests.cli.journals import hurry, lost, store_of, stored
from tests.cli.shop import Shop
from tests.databases import own_database

Run = Callable[..., Result]
REDIS = "redis://127.0.0.1:6379/0"


def found(run: Run, file: Path, subject: str, *words: str) -> list[dict[str, Any]]:
    """What is found of a subject."""
    told = json.loads(run("doctor", "--config", file, "--json", *words).stdout)["findings"]
    return [one for one in told if one["subject"] == subject]


def with_redis(file: Path, url: str) -> Path:
    """The same configuration with shared credentials."""
    other = file.with_name("shared.toml")
    other.write_text(f'{file.read_text()}\n[credentials]\nurl = "{url}"\n')
    return other


def test_a_store_that_is_well_is_one_good_line(run: Run, shop: Shop) -> None:
    """Without a store, and under --offline, there is none."""
    file = stored(shop.file)
    [one] = found(run, file, "store")
    assert ("good", "sqlite answers, and its tables are of version 0001") == (one["verdict"], one["what"])
    assert [] == found(run, shop.file, "store") == found(run, file, "store", "--offline")
    assert [] == found(run, file, "store", "--gateway", "main")


def test_a_file_that_is_not_there_yet_is_not_made(run: Run, shop: Shop, tmp_path: Path) -> None:
    """Looking changes nothing."""
    file = stored(shop.file, f"sqlite:///{tmp_path / 'new.db'}")
    [one] = found(run, file, "store")
    assert ("good", True) == (one["verdict"], "not there yet" in one["what"])
    assert not (tmp_path / "new.db").exists()


def test_what_is_left_to_do_in_a_store_is_remarked(run: Run, shop: Shop) -> None:
    """Unknown and long due charges, flags, and callbacks that were given up: none of it is bad."""
    file = stored(shop.file)
    lost(file, shop.simulator, 1, Fault.CUT)
    hurry(file)
    with Paygate.from_file(file) as paygate:
        store = store_of(paygate)
        paid = Charge(
            gateway="main", reference="X", status=ChargeStatus.PAID, method=Qris(), paid_amount=Money.idr(1)
        )
        store.history.learn(paid, Source.CALLBACK)
        with store.database.writing() as connection:
            connection.execute(callbacks.update().values(state="dead", due_at=None))
    well, *remarks = found(run, file, "store")
    assert ["good", *["unsure"] * 3] == [one["verdict"] for one in (well, *remarks)]
    assert remarks[0]["what"].startswith(
        "1 charges are unknown, and 1 are due to be asked about, since 1970-"
    )
    assert "charges contradict what was known of them: 1 unknown" == remarks[1]["what"]
    assert remarks[2]["what"].startswith("1 callbacks were given up")
    assert "Run `paygate reconcile`" in remarks[0]["cure"]


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("postgresql+psycopg://siti:geheim@127.0.0.1:1/none", "the store does not answer"),
        (None, "paygate store upgrade"),
    ],
    ids=["away", "without tables"],
)
def test_a_store_that_cannot_be_worked_with_is_bad(run: Run, shop: Shop, url: str | None, what: str) -> None:
    """In its own words, without the address."""
    if url is not None:
        [one] = found(run, stored(shop.file, url), "store")
    else:
        with own_database("postgresql") as empty:
            file = stored(shop.file, empty)
            [one] = found(run, file, "store")
            assert one["cure"].endswith(f"store upgrade --config {file}")
    assert "bad" == one["verdict"]
    assert what in f"{one['what']} {one['cure']}"
    assert "geheim" not in str(one)


def test_the_redis_of_shared_credentials_is_asked(run: Run, shop: Shop) -> None:
    """Good where it answers, bad where it does not; never its address."""
    away = with_redis(shop.file, "redis://:geheim@127.0.0.1:1/0")
    [bad] = found(run, away, "credentials")
    assert ("bad", "their Redis does not answer (ConnectionError)") == (bad["verdict"], bad["what"])
    assert "geheim" not in run("doctor", "--config", away).output
    try:
        Redis.from_url(REDIS).ping()
    except RedisError:
        missing("a Redis at 127.0.0.1:6379")
    [good] = found(run, with_redis(shop.file, REDIS), "credentials")
    assert ("good", "their Redis answers") == (good["verdict"], good["what"])
