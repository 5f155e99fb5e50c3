"""A journal and an inbox of so many charges, as a shop has them after a year: written in bulk.

Each kind of life that a charge may have is lived once, by paygate itself, in a database of its own; what that
left in the tables is then copied, with references, numbers, keys and times of their own.
"""

import itertools
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
import sqlalchemy as sa

from benchmarks.callback import BODY, signed_headers
from benchmarks.charge import CALLBACK_PATH, RUPIAH
from benchmarks.server import CHARGE_PATH, PAYLOAD, REPLIES
from paygate import (
    Callback,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeRequest,
    ChargeStatus,
    Money,
    OutcomeUnknown,
    QrCode,
    Qris,
    Refused,
)
from paygate.redaction import Secret
from paygate.store import Store, StoreSettings
from paygate.store.entries import Entry, Source
from paygate.store.moments import MICRO
from paygate.store.requests import digest
from paygate.store.schema import callbacks, charges, facts, flags
from paygate.store.telling import Telling

GATEWAY: Final = "main"
DAYS: Final = 395
"""Over how many days the charges are spread."""

CHUNK: Final = 20_000

MINUTES: Final = 15
OLD: Final = ("INV-0000000000000000", "AYO2026010200000001")
ANSWERED: Final = CallbackReply(200, {}, b"")
TABLES: Final = (charges, facts, callbacks, flags)
SHARES: Final = {"noted": 60, "expired": 70, "pending": 10, "late": 2, "refused": 5, "unknown": 1}
"""Of a thousand charges; all others are paid in time, and their callback is handled."""

MOMENTS: Final = frozenset(
    {"sent_at", "created_at", "changed_at", "at", "received_at", "lease_until", "due_at"}
)
Rows: TypeAlias = Mapping[str, list[dict[str, Any]]]
"""What one charge left, by the names of the tables."""


class Clock:
    """A time that goes on when it is told to, in seconds since 1970."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def order(reference: str) -> ChargeRequest:
    """What a shop asks for."""
    return ChargeRequest(reference=reference, amount=Money.idr(RUPIAH), method=Qris())


def answer(reference: str, number: str, now: float) -> Charge:
    """What the provider answers to it."""
    return Charge(
        gateway=GATEWAY,
        reference=reference,
        provider_reference=number,
        status=ChargeStatus.PENDING,
        amount=Money.idr(RUPIAH),
        method=Qris(),
        instructions=QrCode(PAYLOAD),
        expires_at=datetime.fromtimestamp(now, UTC) + timedelta(minutes=MINUTES),
        raw=REPLIES[CHARGE_PATH],
    )


def paid(reference: str, number: str, now: float) -> tuple[Callback, CallbackRequest]:
    """The provider's call when it is paid."""
    body = BODY.replace(b"PG-0000000000000001", reference.encode()).replace(OLD[1].encode(), number.encode())
    charge = Charge(
        gateway=GATEWAY,
        reference=reference,
        provider_reference=number,
        status=ChargeStatus.PAID,
        amount=Money.idr(RUPIAH),
        method=Qris(),
        paid_at=datetime.fromtimestamp(now, UTC),
        paid_amount=Money.idr(RUPIAH),
        raw=body,
    )
    told = Callback(gateway=GATEWAY, charges=(charge,), reply=ANSWERED, sent_at=None)
    return told, CallbackRequest("POST", CALLBACK_PATH, _HEADERS, body)


def references(seed: int) -> Iterator[tuple[str, str]]:
    """References and providers' numbers, in no order, always the same ones for a seed."""
    chance = random.Random(seed)
    while True:
        yield f"INV-{chance.getrandbits(64):016x}", f"AYO{chance.getrandbits(52):016d}"


def kinds(seed: int) -> list[str]:
    """Of which kind the charges are, one after the other; then again from the first on."""
    found = [kind for kind, share in SHARES.items() for _ in range(share)]
    found += ["paid"] * (1000 - len(found))
    random.Random(seed).shuffle(found)
    return found


def fill(store: Store, size: int, seed: int = 1) -> None:
    """Write so many charges, with their facts, flags and callbacks, into tables that are empty."""
    lives = _lives()
    write = _into_sqlite if store.database.dialect == "sqlite" else _into_postgresql
    write(store, lambda: _copies(lives, size, seed))


def _lives() -> dict[str, Rows]:
    """Live each kind of life once."""
    found: dict[str, Rows] = {}
    for kind, live in _KINDS.items():
        with tempfile.TemporaryDirectory(prefix="paygate-scale-") as folder:
            clock = Clock(float(_START))
            settings = StoreSettings(url=Secret(f"sqlite:///{Path(folder) / 'life.db'}"))
            with Store(settings, clock) as store:
                live(store, clock)
                with store.database.reading() as connection:
                    found[kind] = {
                        table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
                        for table in TABLES
                    }
    return found


def _begun(store: Store, clock: Clock) -> Entry:
    entry = store.journal.begin(GATEWAY, order(OLD[0]), "179562868651012965982293130703297")
    clock.now += 0.3
    return entry


def _pending(store: Store, clock: Clock) -> None:
    store.outcomes.answered(_begun(store, clock), answer(*OLD, clock.now), None)


def _called(store: Store, clock: Clock) -> None:
    clock.now += 45
    store.inbox.receive(*paid(*OLD, clock.now))
    telling = Telling(store.database, lambda _, __: None)
    for taken in store.inbox.take(10, [GATEWAY]):
        ready = store.inbox.apply(taken) if taken.is_new else None
        telling.tell(taken if ready is None or ready.ready is None else ready.ready)


def _paid(store: Store, clock: Clock) -> None:
    _pending(store, clock)
    _called(store, clock)


def _noted(store: Store, clock: Clock) -> None:
    """Its answer was lost, and the provider was asked."""
    store.outcomes.failed(_begun(store, clock), OutcomeUnknown("the answer was lost"))
    clock.now += 60
    [entry] = store.agenda.take(1)
    store.history.learn(answer(entry.reference, OLD[1], clock.now), Source.QUERY)
    _called(store, clock)


def _expired(store: Store, clock: Clock) -> None:
    _pending(store, clock)
    clock.now += 2 * MINUTES * 60
    told = msgspec.structs.replace(answer(*OLD, clock.now), status=ChargeStatus.EXPIRED, instructions=None)
    store.history.learn(told, Source.QUERY)
    _handled(store)


def _late(store: Store, clock: Clock) -> None:
    _expired(store, clock)
    _called(store, clock)


def _handled(store: Store) -> None:
    telling = Telling(store.database, lambda _, __: None)
    for taken in store.inbox.take(10, [GATEWAY]):
        telling.tell(taken)


def _refused(store: Store, clock: Clock) -> None:
    store.outcomes.failed(_begun(store, clock), Refused("no", provider_code="4034715"))


def _unknown(store: Store, clock: Clock) -> None:
    store.outcomes.failed(_begun(store, clock), OutcomeUnknown("the answer was lost"))


_START: Final = 1_767_225_600
_HEADERS: Final = signed_headers()
_KINDS: Final[dict[str, Callable[[Store, Clock], None]]] = {
    "paid": _paid,
    "noted": _noted,
    "expired": _expired,
    "pending": _pending,
    "late": _late,
    "refused": _refused,
    "unknown": _unknown,
}


def _copies(lives: Mapping[str, Rows], size: int, seed: int) -> Iterator[tuple[int, Rows]]:
    """So many charges, the oldest first, with their numbers."""
    now = time.time()
    lots = itertools.cycle(kinds(seed))
    chance = random.Random(seed)
    for number, (reference, theirs) in zip(range(size), references(seed), strict=False):
        kind = next(lots)
        moment = now - DAYS * 86_400 * (1 - number / size)
        changed = {OLD[0].encode(): reference.encode(), OLD[1].encode(): theirs.encode()}
        rows = _copy(lives[kind], reference, theirs, round((moment - _START) * MICRO), changed)
        [charge] = rows[charges.name]
        charge["digest"] = digest(order(reference))
        if charge["due_at"] is not None:
            charge["due_at"] = round((now + chance.uniform(3_600, 86_400)) * MICRO)
        for name in (facts.name, flags.name):
            for row in rows[name]:
                row["charge_id"] = number + 1
        charge["id"] = number + 1
        yield number, rows


def _copy(life: Rows, reference: str, theirs: str, later: int, changed: Mapping[bytes, bytes]) -> Rows:
    keys: dict[bytes, bytes] = {}
    words = {OLD[0]: reference, OLD[1]: theirs}
    return {
        table: [
            {
                name: keys.setdefault(value, os.urandom(16))
                if name == "key"
                else _changed(name, value, later, words, changed)
                for name, value in row.items()
                if name != "id"
            }
            for row in rows
        ]
        for table, rows in life.items()
    }


def _changed(
    name: str, value: Any, later: int, words: Mapping[str, str], changed: Mapping[bytes, bytes]
) -> Any:
    if isinstance(value, bytes):
        for old, new in changed.items():
            value = value.replace(old, new)
        return value
    if isinstance(value, str):
        return words.get(value, value)
    return value + later if name in MOMENTS and value else value


def _names(table: sa.Table) -> list[str]:
    """The columns that are written: only a charge's number is given."""
    return [one.name for one in table.columns if one.name != "id" or table is charges]


def _into_sqlite(store: Store, copies: Callable[[], Iterator[tuple[int, Rows]]]) -> None:
    with store.database.writing() as connection:
        raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA cache_size=-1000000")
    raw.execute("PRAGMA synchronous=OFF")
    statements = {
        table.name: f"INSERT INTO {table.name} ({', '.join(_names(table))}) "
        f"VALUES ({', '.join(':' + name for name in _names(table))})"
        for table in TABLES
    }
    raw.execute("BEGIN IMMEDIATE")
    for number, rows in copies():
        for table, ones in rows.items():
            raw.executemany(statements[table], ones)
        if number % CHUNK == CHUNK - 1:
            raw.execute("COMMIT")
            raw.execute("BEGIN IMMEDIATE")
    raw.execute("COMMIT")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.database.close()


def _into_postgresql(store: Store, copies: Callable[[], Iterator[tuple[int, Rows]]]) -> None:
    written = copies()
    with store.database.writing() as connection:
        raw: Any = connection.connection.dbapi_connection
        while some := [rows for _, rows in itertools.islice(written, CHUNK)]:
            for table in TABLES:
                names = _names(table)
                with raw.cursor().copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
                    for row in itertools.chain.from_iterable(rows[table.name] for rows in some):
                        copy.write_row([row[name] for name in names])
        number = "(SELECT max(id) FROM paygate_charges)"
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('paygate_charges', 'id'), {number})"
        )
