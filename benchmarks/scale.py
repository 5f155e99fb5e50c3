"""What a journal costs as it grows, and how much several processes write: `python -m benchmarks.scale`.

It fills databases of its own in SQLite, below `--folder`, and in PostgreSQL, and takes them away again. A
million charges need 7 GB in each. Ratios can be trusted on a machine that others use too; rates cannot.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks import queueing
from benchmarks.crowd import JOBS as CROWDS
from benchmarks.crowd import crowded, syncs
from benchmarks.filling import TABLES, fill
from benchmarks.growth import World, grown, plans, ratio, reported, whole
from benchmarks.rounds import Broken
from paygate.redaction import Secret
from paygate.store import Store, StoreSettings
from paygate.store.migrations import upgrade

URL: Final = "postgresql+psycopg://root@127.0.0.1:5432/test"
SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
PROCESSES: Final = (1, 2, 4, 8)
PARTS: Final = ("growth", "crowd", "queue")
BAR: Final = 1.30
TIMES: Final = 7
_run: Final = os.urandom(4).hex()


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for, and print it as tables."""
    options = _options(arguments)
    print(f"load when it began: {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores\n", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="paygate-scale-", dir=options.folder) as folder:
            for backend in options.backends:
                if "growth" in options.parts:
                    _growth(backend, options.url, Path(folder), options.sizes, options.rounds)
                if "crowd" in options.parts:
                    _crowd(backend, options.url, Path(folder), options.processes, options.rounds)
        if "queue" in options.parts:
            _queue()
    except Broken as error:
        print(f"BROKEN {error}", file=sys.stderr)
        return 1
    print(f"load when it ended: {os.getloadavg()[0]:.2f}")
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--url", default=URL, help=f"the PostgreSQL; {URL} unless told")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="how many charges, the least first"
    )
    parser.add_argument("--processes", type=int, nargs="+", default=PROCESSES)
    parser.add_argument("--rounds", type=int, default=33)
    parser.add_argument(
        "--backends", nargs="+", choices=("sqlite", "postgresql"), default=("sqlite", "postgresql")
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--folder", type=Path, help="where the SQLite files are, on the disk to be measured")
    return parser.parse_args(arguments)


def _growth(backend: str, url: str, folder: Path, sizes: Sequence[int], rounds: int) -> None:
    with ExitStack() as stack:
        worlds = []
        for size in sizes:
            store = stack.enter_context(_store(backend, url, folder, connections=1))
            began = time.monotonic()
            fill(store, size)
            _settle(store)
            print(f"{backend}: {size:,} charges written in {time.monotonic() - began:.0f} s", flush=True)
            worlds.append(World(store, size))
        _size(worlds[-1])
        found = grown(worlds, rounds)
        heads = [f"{size:,}" for size in sizes]
        print(f"\n| {backend}, CPU (wall) in us | {' | '.join(heads)} | ratio | with all | wall | |")
        print(f"|---|{'---|' * len(sizes)}---|---|---|---|")
        for name, each in found.items():
            cells = [
                f"{statistics.median(one.cpu for one in some) * 1e6:.0f} "
                f"({statistics.median(one.wall for one in some) * 1e6:.0f})"
                for some in each
            ]
            grew = ratio(each[-1], each[0])
            clock = statistics.median(a.wall / b.wall for a, b in zip(each[-1], each[0], strict=True))
            verdict = "holds" if grew <= BAR else "MORE"
            print(
                f"| {name} | {' | '.join(cells)} | **{grew:.2f}** | {whole(each[-1], each[0]):.2f} "
                f"| {clock:.2f} | {verdict} |",
                flush=True,
            )
        print(f"\n| {backend}, wall in ms | {' | '.join(heads)} |\n|---|{'---|' * len(sizes)}")
        for name, times in reported(worlds).items():
            print(f"| {name} | {' | '.join(f'{one * 1e3:.1f}' for one in times)} |", flush=True)
        print(f"\nHow {backend} goes about it, at {sizes[-1]:,}:")
        for name, lines in plans(worlds[-1]).items():
            print(f"- {name}")
            for text in lines:
                print(f"    {text}")
        print(flush=True)


def _crowd(backend: str, url: str, folder: Path, processes: Sequence[int], rounds: int) -> None:
    print(f"{backend}: this disk takes {syncs(folder):.0f} pages a second for good, one after the other")
    print(
        f"| {backend}, a second (share of the CPUs) | {' | '.join(f'{one} processes' for one in processes)} |"
    )
    print(f"|---|{'---|' * len(processes)}")
    for name, worker in CROWDS.items():
        with _store(backend, url, folder, connections=1) as store:
            found = crowded(worker, store.settings.url.reveal(), processes, min(rounds, TIMES))
        cells = []
        for some in found:
            rate, share = (statistics.median(values) for values in zip(*some, strict=True))
            cells.append(f"{rate:.0f} ({share:.0%})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(flush=True)


def _queue() -> None:
    print(
        "| charges a second | provider answers in | in flight | at most (99.9 %) | threads |\n|---|---|---|---|---|"
    )
    for one in queueing.lines():
        print(
            f"| {one.rate:,} | {one.mean} s | {one.in_flight:.1f} | {one.most} | {one.threads} |", flush=True
        )


def _size(world: World) -> None:
    """How much room a charge needs, table by table."""
    with world.store.database.reading() as connection:
        if world.store.database.dialect == "sqlite":
            names = connection.exec_driver_sql(
                "SELECT count(*) FROM pragma_compile_options WHERE compile_options = 'ENABLE_DBSTAT_VTAB'"
            ).scalar()
            rows = (
                connection.exec_driver_sql(
                    "SELECT name, sum(pgsize) FROM dbstat GROUP BY name HAVING name LIKE '%paygate%' ORDER BY 2 DESC"
                ).all()
                if names
                else connection.exec_driver_sql(
                    "SELECT 'all', page_count * page_size FROM pragma_page_count, pragma_page_size"
                ).all()
            )
        else:
            rows = connection.exec_driver_sql(
                "SELECT relname, pg_relation_size(oid) + coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0) "
                "FROM pg_class WHERE relnamespace = current_schema::regnamespace AND relkind IN ('r', 'i') ORDER BY 2 DESC"
            ).all()
    whole_size = sum(size for _, size in rows)
    print(f"\n{whole_size / world.size:.0f} bytes a charge, at {world.size:,}:")
    for name, size in rows:
        if size >= world.size:
            print(f"- {name}: {size / world.size:.0f}")
    sys.stdout.flush()


def _settle(store: Store) -> None:
    """Have the server do at once what it does by itself in time."""
    if store.database.dialect == "sqlite":
        return
    with store.database.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.exec_driver_sql(f"VACUUM ANALYZE {', '.join(table.name for table in TABLES)}")
        alone.exec_driver_sql("CHECKPOINT")


@contextmanager
def _store(backend: str, url: str, folder: Path, *, connections: int) -> Iterator[Store]:
    """A new, empty store."""
    place = _file if backend == "sqlite" else _schema
    with (
        place(url, folder) as address,
        Store(StoreSettings(url=Secret(address), connections=connections)) as store,
    ):
        upgrade(store.database)
        yield store


@contextmanager
def _file(_: str, folder: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory(dir=folder) as own:
        yield f"sqlite:///{own}/scale.db"


@contextmanager
def _schema(url: str, _: Path) -> Iterator[str]:
    """A schema of its own in the PostgreSQL that is given."""
    import psycopg

    name = f"paygate_scale_{_run}_{time.monotonic_ns()}"
    address = url.replace("+psycopg", "")
    try:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
    except psycopg.OperationalError as error:
        raise Broken(f"no PostgreSQL answers: {type(error).__name__}") from None
    try:
        yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"
    finally:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


if __name__ == "__main__":
    sys.exit(main())
