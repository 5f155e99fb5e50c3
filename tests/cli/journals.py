"""A shop with a store, for commands that work on one, and `paygate reconcile --watch` in a process of its own."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import ChargeRequest, Money, OutcomeUnknown, Paygate, Qris
from paygate.sandbox import Fault
from paygate.store import Store
from paygate.store.schema import charges
from tests.cli.running import PATIENCE, Running
from tests.databases import lay_out

PATIENT = 4
"""How many lost answers in a row a gateway's breaker bears."""


def stored(file: Path, url: str | None = None, **settings: Any) -> Path:
    """The same configuration with a store: an SQLite file beside it, unless an address is given."""
    kept = url or f"sqlite:///{file.parent / 'paygate.db'}"
    if url is None and not (file.parent / "paygate.db").exists():
        lay_out(kept)
    lines = [
        "",
        "[store]",
        f"url = {json.dumps(kept)}",
        *(f"{key} = {json.dumps(value)}" for key, value in settings.items()),
    ]
    other = file.with_name(f"stored-{len(list(file.parent.iterdir()))}.toml")
    other.write_text(file.read_text() + "\n".join(lines) + "\n")
    return other


def store_of(paygate: Paygate) -> Store:
    """Its store, which is there."""
    assert paygate.store is not None
    return paygate.store


def lost(file: Path, simulator: AyolinxSimulator, count: int, fault: Fault = Fault.CUT) -> list[str]:
    """Have charges made whose answers are lost; their references."""
    references = [f"LOST-{number}" for number in range(count)]
    for first in range(0, count, PATIENT):
        with Paygate.from_file(file) as paygate:
            for reference in references[first : first + PATIENT]:
                simulator.faults.plan(fault, "create_charge")
                order = ChargeRequest(reference=reference, amount=Money.idr(25_000), method=Qris())
                with pytest.raises(OutcomeUnknown):
                    paygate.create_charge(order)
    return references


def hurry(file: Path) -> None:
    """Let all that is to be asked about some day be due now."""
    with Paygate.from_file(file) as paygate, store_of(paygate).database.writing() as connection:
        connection.execute(charges.update().where(charges.c.due_at.is_not(None)).values(due_at=1))


def counted(simulator: AyolinxSimulator) -> Counter[str]:
    """How often each charge is asked about from now on."""
    queries: Counter[str] = Counter()
    lock, handle = threading.Lock(), simulator.handle

    def hear(request: httpx.Request) -> httpx.Response:
        if simulator.operation(request) == "query":
            with lock:
                queries[json.loads(request.content)["originalPartnerReferenceNo"]] += 1
        return handle(request)

    simulator.handle = hear  # type: ignore[method-assign]
    return queries


@contextmanager
def watching(file: Path, *words: str, terminal: bool = False) -> Iterator[Running]:
    """Run `paygate reconcile --watch`, its output and errors as one; it is ended whatever happens."""
    command = [
        sys.executable,
        "-m",
        "paygate",
        "reconcile",
        "--watch",
        "--every",
        "0.1",
        "--config",
        str(file),
    ]
    ours, theirs = os.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [*command, *words],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    bound = threading.Timer(PATIENCE, process.kill)
    bound.start()
    with process, os.fdopen(ours, errors="replace") as output:
        process.stdout = output  # type: ignore[assignment]
        try:
            yield Running(process)  # type: ignore[arg-type]
        finally:
            bound.cancel()
            process.kill()
