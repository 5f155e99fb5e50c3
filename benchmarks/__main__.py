"""What paygate costs, beside doing the same by hand: `python -m benchmarks [NAME ...]`.

Nothing here fails because it is slow: the table says which bars are kept, and the exit status is other than
zero only where something did not work.
"""

import argparse
import math
import platform
import statistics
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks import callback, charge, concurrency, imports, inbox, journal, mounted
from benchmarks.rounds import Benchmark, Broken, Row, pin

CPU: Final = 0
ROUNDS: Final = 41
BENCHMARKS: Final[dict[str, Benchmark]] = {
    "charge": charge.blocking,
    "charge-async": charge.asynchronous,
    "charge-canned": charge.blocking_canned,
    "charge-async-canned": charge.asynchronous_canned,
    "tasks": concurrency.tasks,
    "threads": concurrency.threads,
    "callback": callback.parsing,
    "callback-asgi": mounted.asgi,
    "callback-asgi-thread": mounted.asgi_in_thread,
    "callback-wsgi": mounted.wsgi,
    "journal": journal.sqlite,
    "journal-async": journal.sqlite_async,
    "journal-postgresql": journal.postgresql,
    "journal-by-hand": journal.by_hand,
    "journal-million": journal.million,
    "inbox": inbox.sqlite,
    "inbox-postgresql": inbox.postgresql,
    "gateways": charge.ten_gateways,
    "import": imports.whole_import,
    "import-from": imports.named_import,
    "ready": imports.ready,
}
LIBRARIES: Final = ("paygate-core", "httpx", "httpcore", "anyio", "msgspec", "cryptography", "pluggy")
HEAD: Final = """\
| row | what | CPU (best) | beside | CPU (best) | ratio (quartiles) | best | bar | |
|---|---|---|---|---|---|---|---|---|"""
LEGEND: Final = """
CPU is user and system time of one operation, the median of all rounds; the ratio is the median of the
rounds' own ratios, and it is what the bar is held against. "best" is taken from each side's best round."""


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for, or everything, and print the table."""
    options = _options(arguments)
    pin(CPU)
    print(f"{_machine()}\n\n{HEAD}", flush=True)
    rows, broken = [], []
    for name in options.names or BENCHMARKS:
        try:
            row = BENCHMARKS[name](options.rounds)
        except Broken as error:
            broken.append(f"{name}: {error}")
            continue
        rows.append(row)
        print(_line(row), flush=True)
    print(LEGEND)
    for row in rows:
        if row.note:
            print(f"- {row.name}: {row.note}.")
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(_document(rows, broken))))
    for failure in broken:
        print(f"BROKEN {failure}", file=sys.stderr)
    return 1 if broken else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"{ROUNDS} unless told; fewer for the slow ones"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round's numbers there")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"no benchmark is named {name!r}; there are: {', '.join(BENCHMARKS)}")
    if options.rounds < 1:
        parser.error("--rounds: use at least 1")
    return options


def _machine() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    return f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}; {versions}"


def _line(row: Row) -> str:
    result = row.result
    low, high = result.quartiles
    cells = (
        row.name,
        row.subject,
        _time(result.subject),
        row.baseline,
        _time(result.baseline),
        f"**{result.ratio:.3f}** ({low:.2f}-{high:.2f})",
        f"{result.best_ratio:.2f}",
        f"<= {row.bar:.2f}" if math.isfinite(row.bar) else "none",
        "holds" if row.holds else "MISSED",
    )
    return f"| {' | '.join(cells)} |"


def _time(samples: list[float]) -> str:
    middle = statistics.median(samples)
    unit, factor = ("ms", 1e3) if middle >= 0.01 else ("us", 1e6)
    return f"{middle * factor:.1f} ({min(samples) * factor:.1f}) {unit}"


def _document(rows: list[Row], broken: list[str]) -> dict[str, Any]:
    return {
        "machine": _machine(),
        "broken": broken,
        "rows": [
            {
                **msgspec.structs.asdict(row),
                "ratio": row.result.ratio,
                "quartiles": row.result.quartiles,
                "best_ratio": row.result.best_ratio,
                "holds": row.holds,
            }
            for row in rows
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
