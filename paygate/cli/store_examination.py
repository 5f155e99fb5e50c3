"""What `paygate doctor` looks at of what a configuration keeps: the store, and shared credentials."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

from paygate.assembly import opened
from paygate.cli.examination import problem
from paygate.cli.showing import timed
from paygate.diagnosis import Finding, Verdict
from paygate.errors import PaygateError
from paygate.settings import Settings
from paygate.sharing import SharedPlace

STORE: Final = "store"
CREDENTIALS: Final = "credentials"
LATE_SECONDS: Final = 600.0
"""How long a charge may be due before it is remarked that nobody asks."""


class _Nothing(Struct, frozen=True):
    """Settings without a secret: nothing is kept under them, and none is needed to see who answers."""


def keeping_findings(settings: Settings, file: Path) -> Iterator[Finding]:
    """Whether the store answers and what is left to do in it; whether the Redis of shared credentials answers."""
    if settings.store is not None:
        yield from _store(settings, file)
    if settings.credentials is not None:
        yield _redis(settings)


def _store(settings: Settings, file: Path) -> Iterator[Finding]:
    try:
        store = opened(settings, time.time)
        assert store is not None
        with store:
            kind, version = store.database.dialect, store.database.version()
            if version is None and kind == "sqlite":
                yield Finding(
                    STORE, Verdict.GOOD, "its file is not there yet, and made when it is first used"
                )
                return
            counts = store.listing.counts()
    except PaygateError as error:
        yield problem(STORE, error, file)
        return
    yield Finding(STORE, Verdict.GOOD, f"{kind} answers, and its tables are of version {version}")
    late = datetime.now(UTC) - timedelta(seconds=LATE_SECONDS)
    is_late = counts.next_at is not None and counts.next_at < late
    if counts.unknown or is_late:
        since = f", since {timed(counts.next_at)}" if is_late and counts.next_at is not None else ""
        yield Finding(
            STORE,
            Verdict.UNSURE,
            f"{counts.unknown} charges are unknown, and {counts.due} are due to be asked about{since}",
            "Run `paygate reconcile`, and have it run every few minutes or with --watch.",
        )
    if counts.flags:
        kinds = ", ".join(f"{count} {kind.value}" for kind, count in sorted(counts.flags.items()))
        cure = "See them with `paygate charges --flagged`."
        yield Finding(STORE, Verdict.UNSURE, f"charges contradict what was known of them: {kinds}", cure)
    if counts.dead:
        what = f"{counts.dead} callbacks were given up, and your program does not know of them"
        yield Finding(
            STORE,
            Verdict.UNSURE,
            what,
            "See them with `paygate callbacks list --dead`, mend it, and replay them.",
        )


def _redis(settings: Settings) -> Finding:
    assert settings.credentials is not None
    try:
        SharedPlace(settings.credentials, "paygate-doctor", "", _Nothing(), 1.0).client().ping()
    except PaygateError as error:
        return problem(CREDENTIALS, error)
    except Exception as error:  # noqa: BLE001 - redis's own, whose text may quote the address
        return Finding(
            CREDENTIALS,
            Verdict.BAD,
            f"their Redis does not answer ({type(error).__name__})",
            "Start it, or mend credentials.url. No charge is lost meanwhile, but each process logs in by itself.",
        )
    return Finding(CREDENTIALS, Verdict.GOOD, "their Redis answers")
