"""What the journal adds to a charge, and what it costs when a million charges stand in it already."""

import asyncio
import itertools
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.charge import RUPIAH, configuration
from benchmarks.rounds import Broken, Row, alternate, repeated, repeated_async
from benchmarks.server import serving
from paygate import AsyncPaygate, Charge, ChargeRequest, Money, Paygate, QrCode, Qris
from paygate.store.embedded import LOG_PAGES

POSTGRESQL: Final = "postgresql+psycopg://root@127.0.0.1:5432/test"
FEW: Final = 1_000
MANY: Final = 1_000_000
SOME: Final = 10_000
NO_BAR: Final = float("inf")
ANSWERED: Final = ("state", "status", "charge", "external_id", "lease_until", "due_at", "changed_at")
_numbers: Final = itertools.count()
_run: Final = os.urandom(4).hex()


def sqlite(rounds: int) -> Row:
    """A charge with the SQLite journal beside one without."""
    with _folder() as folder:
        return _beside("journal", rounds, f"sqlite:///{folder}/bench.db", "with SQLite", bar=1.50)


def sqlite_async(rounds: int) -> Row:
    """The same, async."""
    with _folder() as folder, serving() as server, asyncio.Runner() as runner:
        plain = configuration(server.base_url)
        kept = AsyncPaygate.from_mapping(plain | {"store": {"url": f"sqlite:///{folder}/bench.db"}})
        bare = AsyncPaygate.from_mapping(plain)
        _check(runner.run(kept.create_charge(order())))
        result = alternate(
            repeated_async(lambda: kept.create_charge(order()), runner.run),
            repeated_async(lambda: bare.create_charge(order()), runner.run),
            rounds,
        )
        runner.run(kept.close())
        runner.run(bare.close())
    return Row(
        name="journal-async",
        subject="AsyncPaygate.create_charge with SQLite",
        baseline="without a store",
        bar=1.50,
        result=result,
    )


def postgresql(rounds: int) -> Row:
    """A charge with the journal in PostgreSQL: reported, for a network lies between."""
    with _schema() as url:
        return _beside("journal-postgresql", rounds, url, "with PostgreSQL", bar=NO_BAR)


def by_hand(rounds: int) -> Row:
    """The least that such a journal costs: the same rows in the same two commits, by the driver alone."""
    with _folder() as folder, serving() as server:
        plain = configuration(server.base_url)
        file = folder / "bench.db"
        with Paygate.from_mapping(plain | {"store": {"url": f"sqlite:///{file}"}}) as kept:
            kept.create_charge(order())
        with Paygate.from_mapping(plain) as bare, closing(Hand(file)) as hand:
            result = alternate(
                repeated(lambda: hand.charge(bare)), repeated(lambda: bare.create_charge(order())), rounds
            )
    return Row(
        name="journal-by-hand",
        subject="a charge without a store, and its rows by sqlite3 alone",
        baseline="without a store",
        bar=NO_BAR,
        result=result,
    )


class Hand:
    """Writes what the journal writes of a charge, copied from one that is there; nothing is looked at."""

    def __init__(self, file: Path) -> None:
        self._file = sqlite3.connect(file, isolation_level=None)
        self._file.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        self._charge = self._row("paygate_charges")
        self._fact = self._row("paygate_facts")
        self._answer = [self._charge[name] for name in ANSWERED]
        self._number = 1

    def charge(self, paygate: Paygate) -> None:
        """Make a charge between the two commits."""
        asked, now = order(), time.time_ns() // 1000
        self._number += 1
        first = {
            **self._charge,
            **dict.fromkeys(("status", "charge", "provider_reference")),
            "id": self._number,
            "reference": asked.reference,
            "claim": asked.reference,
            "due_at": now,
        }
        self._commit("FULL", (_insert("paygate_charges", first), [*first.values()]))
        paygate.create_charge(asked)
        answer = dict(zip(ANSWERED, self._answer, strict=True)) | {"provider_reference": f"AYO{now}"}
        fact = self._fact | {"id": self._number, "charge_id": self._number, "key": os.urandom(16)}
        changes = ", ".join(f"{name} = ?" for name in answer)
        change = f"UPDATE paygate_charges SET {changes} WHERE id = ?"
        self._commit(
            "NORMAL",
            (change, [*answer.values(), self._number]),
            (_insert("paygate_facts", fact), [*fact.values()]),
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _commit(self, synchronous: str, *statements: tuple[str, list[Any]]) -> None:
        self._file.execute(f"PRAGMA synchronous={synchronous}")
        self._file.execute("BEGIN IMMEDIATE")
        for statement, values in statements:
            self._file.execute(statement, values)
        self._file.execute("COMMIT")

    def _row(self, table: str) -> dict[str, Any]:
        found = self._file.execute(f"SELECT * FROM {table} WHERE id = 1")
        names = [column[0] for column in found.description]
        return dict(zip(names, found.fetchone(), strict=True))


def _insert(table: str, row: dict[str, Any]) -> str:
    places = ", ".join("?" * len(row))
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})"


def million(rounds: int) -> Row:
    """A charge into a journal of a million beside one into a journal of a thousand."""
    with _folder() as folder, serving() as server:
        plain = configuration(server.base_url)
        kept = []
        for size in (MANY, FEW):
            file = folder / f"{size}.db"
            paygate = Paygate.from_mapping(plain | {"store": {"url": f"sqlite:///{file}"}})
            paygate.create_charge(order())
            fill(file, size)
            kept.append(paygate)
        many, few = kept
        result = alternate(
            repeated(lambda: many.create_charge(order())),
            repeated(lambda: few.create_charge(order())),
            rounds,
        )
        for paygate in kept:
            paygate.close()
    return Row(
        name="journal-million",
        subject=f"Paygate.create_charge, {MANY:,} charges in the journal",
        baseline=f"{FEW:,} in it",
        bar=1.30,
        result=result,
    )


def fill(file: Path, size: int) -> None:
    """Copy one charge with its facts until there are so many; references and numbers are all different."""
    started = time.time()
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA synchronous=OFF")
        for table, changed in (
            (
                "paygate_charges",
                {"reference": "'OLD-' || n", "claim": "'OLD-' || n", "provider_reference": "'AYO' || n"},
            ),
            ("paygate_facts", {"charge_id": "n + 1", "key": "randomblob(16)"}),
        ):
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
            values = ", ".join(changed.get(name, name) for name in columns)
            database.execute(
                f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {size}) "
                f"INSERT INTO {table} ({', '.join(columns)}) "
                f"SELECT {values} FROM (SELECT * FROM {table} WHERE id = 1), numbers"
            )
            database.commit()
        found = database.execute("SELECT count(*) FROM paygate_charges").fetchone()[0]
    if found != size + 1:
        raise Broken(
            f"{found} charges stand in the journal, not {size} (after {time.time() - started:.0f} s)"
        )


def order() -> ChargeRequest:
    """What a shop asks for, each time another charge."""
    reference = f"PG-{_run}-{next(_numbers):08d}"
    return ChargeRequest(reference=reference, amount=Money.idr(RUPIAH), method=Qris())


def _beside(name: str, rounds: int, url: str, what: str, *, bar: float) -> Row:
    with serving() as server:
        plain = configuration(server.base_url)
        with (
            Paygate.from_mapping(plain | {"store": {"url": url}}) as kept,
            Paygate.from_mapping(plain) as bare,
        ):
            _check(kept.create_charge(order()))
            result = alternate(
                repeated(lambda: kept.create_charge(order())),
                repeated(lambda: bare.create_charge(order())),
                rounds,
            )
    return Row(
        name=name,
        subject=f"Paygate.create_charge {what}",
        baseline="without a store",
        bar=bar,
        result=result,
    )


def _check(charge: Charge) -> None:
    if not isinstance(charge.instructions, QrCode):
        raise Broken(f"no charge was made: {charge}")


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="paygate-bench-") as folder:
        yield Path(folder)


@contextmanager
def _schema() -> Iterator[str]:
    """A place of its own in the PostgreSQL of this machine."""
    import psycopg

    name = f"paygate_bench_{_run}"
    address = POSTGRESQL.replace("+psycopg", "")
    try:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
    except psycopg.OperationalError:
        raise Broken("no PostgreSQL answers on 127.0.0.1:5432") from None
    url = f"{POSTGRESQL}?options=-csearch_path%3D{name}"
    try:
        _upgrade(url)
        yield url
    finally:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


def _upgrade(url: str) -> None:
    from paygate.redaction import Secret
    from paygate.store import Store, StoreSettings
    from paygate.store.migrations import upgrade

    with Store(StoreSettings(url=Secret(url))) as store:
        upgrade(store.database)
