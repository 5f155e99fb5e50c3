"""Callbacks stored and acknowledged, beside the bare insert-and-commit of the same row by the driver alone.

Time and not CPU: most of it is waiting for the disk, or for the server.
"""

import base64
import hashlib
import itertools
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks import journal
from benchmarks.callback import BODY, GATEWAY, signed_headers
from benchmarks.charge import ACCOUNT, CALLBACK_PATH, NOWHERE, configuration
from benchmarks.handwritten import HASH, JAKARTA, PADDING
from benchmarks.rounds import Broken, Row, interleave
from paygate import CallbackRequest, Paygate

COUNT: Final = 100
BAR: Final = 2.0
"""Half as many a second is twice the time of one."""

NAMES: Final = (
    *("gateway", "key", "source", "state", "told", "path", "headers", "body"),
    *("received_at", "repeats", "attempts", "due_at", "problem"),
)
_numbers: Final = itertools.count(os.getpid() << 20)  # others may receive at the same time
Insert = Callable[[tuple[Any, ...]], None]


def sqlite(rounds: int) -> Row:
    """Into a file, with SQLite's own module beside."""
    with tempfile.TemporaryDirectory(prefix="paygate-bench-") as folder:
        file = Path(folder) / "bench.db"
        return _beside("inbox", rounds, f"sqlite:///{file}", "SQLite", lambda: _bare_sqlite(file))


def postgresql(rounds: int) -> Row:
    """Into the PostgreSQL of this machine, with psycopg beside."""
    with journal._schema() as url:
        return _beside("inbox-postgresql", rounds, url, "PostgreSQL", lambda: _bare_postgresql(url))


def _beside(name: str, rounds: int, url: str, what: str, bare: Callable[[], Any]) -> Row:
    document = configuration(NOWHERE) | {"store": {"url": url}}
    with Paygate.from_mapping(document) as paygate:
        gateway = paygate.gateway(GATEWAY)

        def stored() -> float:
            calls = [call() for _ in range(COUNT)]
            started = time.perf_counter()
            replies = [gateway.receive(one) for one in calls]
            spent = time.perf_counter() - started
            if any(one.status != 200 for one in replies):
                raise Broken("a true callback was not acknowledged")
            return spent / COUNT

        stored()
        with bare() as (insert, rows):
            row = rows()

            def inserted() -> float:
                values = [(row[0], os.urandom(16), *row[2:]) for _ in range(COUNT)]
                started = time.perf_counter()
                for one in values:
                    insert(one)
                return (time.perf_counter() - started) / COUNT

            result = interleave(stored, inserted, rounds)
    a_second = 1 / sorted(result.subject)[len(result.subject) // 2]
    return Row(
        name=name,
        subject=f"Gateway.receive, {what}",
        baseline="bare insert and commit of that row",
        bar=BAR,
        result=result,
        note=f"time, not CPU; {a_second:.0f} callbacks a second, verified, read, stored and acknowledged by "
        f"one process, {1 / result.ratio:.2f} of the bare one's",
    )


def call() -> CallbackRequest:
    """A true callback about another charge each time."""
    body = BODY.replace(b"PG-0000000000000001", b"PG-%016d" % next(_numbers))
    stamp = datetime.fromtimestamp(time.time(), UTC).astimezone(JAKARTA).isoformat(timespec="seconds")
    text = f"POST:{CALLBACK_PATH}:{hashlib.sha256(body).hexdigest()}:{stamp}"
    signature = base64.b64encode(ACCOUNT.provider_key.sign(text.encode(), PADDING, HASH)).decode()
    headers = {**_HEADERS, "X-TIMESTAMP": stamp, "X-SIGNATURE": signature}
    return CallbackRequest("POST", CALLBACK_PATH, headers, body)


_HEADERS: Final = signed_headers()


@contextmanager
def _bare_sqlite(file: Path) -> Iterator[tuple[Insert, Callable[[], tuple[Any, ...]]]]:
    """As careful with the disk as the store is."""
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    marks = ", ".join("?" * len(NAMES))
    statement = f"INSERT INTO paygate_callbacks ({', '.join(NAMES)}) VALUES ({marks})"

    def insert(values: tuple[Any, ...]) -> None:
        database.execute("BEGIN IMMEDIATE")
        database.execute(statement, values)
        database.execute("COMMIT")

    def row() -> tuple[Any, ...]:
        found: tuple[Any, ...] = database.execute(_ONE).fetchone()
        return found

    try:
        yield insert, row
    finally:
        database.close()


@contextmanager
def _bare_postgresql(url: str) -> Iterator[tuple[Insert, Callable[[], tuple[Any, ...]]]]:
    import psycopg

    marks = ", ".join(["%s"] * len(NAMES))
    statement = f"INSERT INTO paygate_callbacks ({', '.join(NAMES)}) VALUES ({marks})"
    with psycopg.connect(url.replace("+psycopg", "")) as connection:

        def insert(values: tuple[Any, ...]) -> None:
            connection.execute(statement, values)
            connection.commit()

        def row() -> tuple[Any, ...]:
            found = connection.execute(_ONE).fetchone()
            connection.commit()
            assert found is not None
            return found

        yield insert, row


_ONE: Final = f"SELECT {', '.join(NAMES)} FROM paygate_callbacks LIMIT 1"
