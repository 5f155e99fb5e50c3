"""A merchant with a store, and Tiny's provider who calls: what the tests of inbox and workers share."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import sqlalchemy as sa

from paygate import (
    AsyncPaygate,
    Callback,
    CallbackReply,
    CallbackRequest,
    Charge,
    Conflict,
    Paygate,
    hookimpl,
)
from paygate.store.moments import MICRO
from paygate.store.schema import callbacks, facts
from tests.callbacks.doors import sealed, told
from tests.provider import CANARY, Provider, order

START: Final = 1_800_000_000.0

metadata: Final = sa.MetaData()
parcels: Final = sa.Table(
    "shop_parcels",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("reference", sa.String(64), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
)
"""A merchant's own table: a row for each time that the handler had its way."""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = START

    def __call__(self) -> float:
        return self.seconds

    def move(self, seconds: float) -> None:
        self.seconds += seconds


class Hearer:
    """Hears the announcements that concern callbacks, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    @hookimpl
    def callback_received(self, callback: Callback) -> None:
        self._add("received", str(len(callback.charges) or len(callback.confirm)))

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        self._add("changed", charge.status.value)

    @hookimpl
    def conflict_found(self, conflict: Conflict) -> None:
        self._add("conflict", conflict.kind.value)

    def _add(self, *news: str) -> None:
        with self._lock:
            self.heard.append((news[0], news[1]))


class Shop:
    """One merchant's paygate over a database, blocking, with the provider behind it."""

    def __init__(self, paygate: Paygate, provider: Provider, clock: Clock, hearer: Hearer) -> None:
        assert paygate.store is not None
        self.paygate = paygate
        self.provider = provider
        self.clock = clock
        self.heard = hearer.heard
        self.store = paygate.store
        self.inbox = paygate.store.inbox
        self.gateway = paygate.gateway("main")

    def charge(self, reference: str = "INV-1") -> Charge:
        """Make a charge."""
        return self.paygate.create_charge(order(reference))

    def call(self, reference: str = "INV-1", status: str = "paid", amount: str = "25000") -> CallbackReply:
        """Let the provider call."""
        return self.gateway.receive(request(reference, status, amount))

    def rows(self, *names: str) -> list[Any]:
        """The inbox's rows, oldest first: one column, or several."""
        columns = [callbacks.c[name] for name in names or ("state",)]
        with self.store.database.reading() as connection:
            found = connection.execute(sa.select(*columns).order_by(callbacks.c.id)).all()
        return [row[0] if len(columns) == 1 else tuple(row) for row in found]

    def facts(self) -> list[tuple[str, str | None]]:
        """Source and status of all that was told of charges."""
        with self.store.database.reading() as connection:
            found = connection.execute(sa.select(facts.c.source, facts.c.status).order_by(facts.c.id))
            return [(row.source, row.status) for row in found]

    def parcels(self) -> list[tuple[str, str]]:
        """What handlers wrote on their connection."""
        with self.store.database.reading() as connection:
            found = connection.execute(sa.select(parcels).order_by(parcels.c.id))
            return [(row.reference, row.status) for row in found]

    def pause(self) -> float:
        """Seconds until the oldest row that waits is due."""
        return min(float(due) / MICRO - self.clock() for due in self.rows("due_at") if due is not None)


def request(reference: str = "INV-1", status: str = "paid", amount: str = "25000") -> CallbackRequest:
    """A true call of Tiny's."""
    body = told(reference, status, amount)
    return CallbackRequest("POST", "/callbacks/main", sealed(body), body)


def document(store_url: str, **store: Any) -> dict[str, Any]:
    """The configuration of one gateway of Tiny's, and a store."""
    gateway = {"adapter": "tiny", "api_key": CANARY, "base_url": "https://tiny.example"}
    return {"gateways": {"main": gateway}, "store": {"url": store_url, **store}}


@contextmanager
def opened(store_url: str, *answers: Any, clock: Clock | None = None, **store: Any) -> Iterator[Shop]:
    """A shop, with a provider that gives these answers, and its own tables."""
    clock, provider, hearer = clock or Clock(), Provider(*answers), Hearer()
    with Paygate.from_mapping(
        document(store_url, **store), transport=provider, listeners=[hearer], clock=clock
    ) as paygate:
        shop = Shop(paygate, provider, clock, hearer)
        with shop.store.database.writing() as connection:
            metadata.drop_all(connection)
            metadata.create_all(connection)
        yield shop


def opened_async(shop: Shop, store_url: str, **options: Any) -> AsyncPaygate:
    """An async paygate over the same database, provider and clock."""
    return AsyncPaygate.from_mapping(
        document(store_url), transport=shop.provider, clock=shop.clock, **options
    )


def deliver(callback: Callback, connection: sa.Connection) -> None:
    """A handler that writes a row for each charge, and for each conflict."""
    rows = [(charge.reference, charge.status.value) for charge in callback.charges]
    rows += [(conflict.told.reference, conflict.kind.value) for conflict in callback.conflicts]
    for reference, status in rows:
        connection.execute(parcels.insert().values(reference=reference, status=status))


class Notes:
    """A handler with one argument that remembers what it was told, and fails as often as it is to."""

    def __init__(self, failures: int = 0) -> None:
        self.told: list[Callback] = []
        self.failures = failures

    def __call__(self, callback: Callback) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("personal: Siti")
        self.told.append(callback)

    @property
    def statuses(self) -> list[list[str]]:
        """How the charges stood each time."""
        return [[charge.status.value for charge in one.charges] for one in self.told]

    @property
    def conflicts(self) -> list[list[str]]:
        """The kinds of conflicts each time."""
        return [[conflict.kind.value for conflict in one.conflicts] for one in self.told]


def answer(status: str = "paid", amount: str = "25000", reference: str = "INV-1") -> httpx.Response:
    """What Tiny answers when asked."""
    return httpx.Response(200, json={"id": reference, "status": status, "amount": amount, "qr": "QR"})


def drained(worker: Any) -> int:
    """Work until nothing is due; how much there was."""
    total = 0
    while done := worker.run_once():
        total += done
    return total


def nothing(_: Callback) -> None:
    """A handler that has nothing to do."""


Handler = Callable[..., None]
