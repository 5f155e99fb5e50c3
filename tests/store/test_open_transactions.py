"""No transaction is open while a provider is waited for: looked at from inside the line to the provider."""

import sqlite3
from contextlib import closing
from typing import Any, Final

import anyio
import httpx
import pytest
import sqlalchemy as sa
from paygate_midtrans.simulator import MidtransSimulator

from paygate import (
    AsyncPaygate,
    CallbackRequest,
    ChargeRequest,
    InstructionsLost,
    Money,
    OutcomeUnknown,
    Paygate,
    Qris,
    RefundRequest,
)
from paygate.sandbox import Fault, PayerAction, SimulatorTransport
from paygate.store.schema import charges, metadata
from paygate.store.store import Store
from paygate.worker import AsyncWorker, Worker
from tests.store.audit import hurry
from tests.watch import CANARIES

POSTGRESQL: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""


def open_transactions(url: str) -> int:
    """How many transactions are open in a database, be it only to read: a stranger finds out."""
    place = sa.make_url(url)
    if place.get_backend_name() == "sqlite":
        return _open_in_file(str(place.database))
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if place.get_backend_name() == "postgresql":
            return int(connection.exec_driver_sql(POSTGRESQL).scalar_one())
        return _open_in_mariadb(connection)


def _open_in_mariadb(stranger: sa.Connection) -> int:
    """Whether somebody keeps a stranger from having all tables alone; the list of transactions is up to 0.1 s old."""
    tables = ", ".join(f"{table} WRITE" for table in metadata.tables)
    try:
        stranger.exec_driver_sql(f"LOCK TABLES {tables} NOWAIT")
        stranger.exec_driver_sql("UNLOCK TABLES")
    except sa.exc.OperationalError:
        return 1
    return 0


def _open_in_file(path: str) -> int:
    """Whether somebody keeps a stranger from writing, or the log from being emptied, as each reader would."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as stranger:
        try:
            stranger.execute("BEGIN IMMEDIATE")
            stranger.execute("COMMIT")
            [[is_busy, _, __]] = stranger.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.OperationalError:
            return 1
    return int(is_busy)


class Watched(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """The line to the provider; for each request it keeps what was open while it was answered."""

    def __init__(self, simulator: MidtransSimulator, url: str) -> None:
        self._simulator = simulator
        self._way = SimulatorTransport(simulator)
        self._url = url
        self.store: Store | None = None
        self.seen: list[tuple[str | None, int, int]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert self.store is not None
        in_use: int = self.store.database.engine.pool.checkedout()  # type: ignore[attr-defined]
        self.seen.append((self._simulator.operation(request), in_use, open_transactions(self._url)))
        return self._way.handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await anyio.to_thread.run_sync(self.handle_request, request)

    def check(self) -> None:
        """Everything was asked for that waits for a provider, and nothing was open."""
        assert [] == [one for one in self.seen if one[1:] != (0, 0)]
        assert {"create_charge", "query", "cancel", "refund"} == {one[0] for one in self.seen}


@pytest.fixture
def simulator() -> MidtransSimulator:
    """A provider whose callbacks are confirmed by a query."""
    simulator = MidtransSimulator("https://shop.example/callbacks/main", refuse_duplicates=False)
    CANARIES.add(simulator.server_key)
    return simulator


@pytest.fixture
def document(simulator: MidtransSimulator, store_url: str) -> dict[str, Any]:
    """A configuration with a store."""
    gateway = {**simulator.settings, "base_url": "https://midtrans.example"}
    return {"gateways": {"main": gateway}, "store": {"url": store_url, "grace_seconds": 0}}


def order(reference: str) -> ChargeRequest:
    return ChargeRequest(reference=reference, amount=Money.idr(25_000), method=Qris())


def called(simulator: MidtransSimulator) -> list[CallbackRequest]:
    """The calls that the provider has to make."""
    calls: list[CallbackRequest] = []

    def keep(request: httpx.Request) -> httpx.Response:
        headers = tuple(request.headers.items())
        calls.append(CallbackRequest("POST", request.url.path, headers, request.content))
        return httpx.Response(200)

    simulator.deliveries.run(keep)
    return calls


def test_blocking(document: dict[str, Any], store_url: str, simulator: MidtransSimulator) -> None:
    """A charge, a lost answer, a query, a cancellation, a refund, a reconcile, a callback that is confirmed."""
    line = Watched(simulator, store_url)
    with Paygate.from_mapping(document, transport=line) as paygate:
        line.store = paygate.store
        first = paygate.create_charge(order("INV-1"))
        simulator.faults.plan(Fault.CLOSE)
        with pytest.raises(OutcomeUnknown):
            paygate.create_charge(order("INV-2"))
        with pytest.raises(InstructionsLost):
            paygate.create_charge(order("INV-2"))
        simulator.faults.plan(Fault.LOSE)
        with pytest.raises(OutcomeUnknown):
            paygate.create_charge(order("INV-3"))
        paygate.cancel(paygate.create_charge(order("INV-3")))
        simulator.act("INV-1", PayerAction.PAY)
        paygate.refund(paygate.query(first), RefundRequest(reference="R-1", reason="Barang habis"))
        hurry(line.store.database)  # type: ignore[union-attr]
        assert paygate.reconcile().settled
        before = len(line.seen)
        for call in called(simulator):
            assert 200 == paygate.gateway("main").receive(call).status
        worker = Worker(paygate, lambda _: None)
        while worker.run_once():
            pass
    assert len(line.seen) > before, "the callbacks were confirmed"
    line.check()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async(backend: str, document: dict[str, Any], store_url: str, simulator: MidtransSimulator) -> None:
    """So it is with the async shell."""
    line = Watched(simulator, store_url)

    async def run() -> int:
        async with AsyncPaygate.from_mapping(document, transport=line) as paygate:
            assert paygate.store is not None
            line.store = paygate.store.blocking
            first = await paygate.create_charge(order("INV-1"))
            simulator.faults.plan(Fault.CLOSE)
            with pytest.raises(OutcomeUnknown):
                await paygate.create_charge(order("INV-2"))
            with pytest.raises(InstructionsLost):
                await paygate.create_charge(order("INV-2"))
            simulator.faults.plan(Fault.LOSE)
            with pytest.raises(OutcomeUnknown):
                await paygate.create_charge(order("INV-3"))
            await paygate.cancel(await paygate.create_charge(order("INV-3")))
            simulator.act("INV-1", PayerAction.PAY)
            await paygate.refund(
                await paygate.query(first), RefundRequest(reference="R-1", reason="Barang habis")
            )
            hurry(line.store.database)
            assert (await paygate.reconcile()).settled
            before = len(line.seen)
            for call in called(simulator):
                assert 200 == (await paygate.gateway("main").receive(call)).status
            worker = AsyncWorker(paygate, nothing)
            while await worker.run_once():
                pass
            return before

    assert anyio.run(run, backend=backend) < len(line.seen)
    line.check()


async def nothing(_: Any) -> None:
    """A handler that has nothing to do."""


def test_an_open_transaction_would_be_seen(
    document: dict[str, Any], store_url: str, simulator: MidtransSimulator
) -> None:
    """A merchant who charges within a piece of work of the store's is what the look is for."""
    with Paygate.from_mapping(document, transport=SimulatorTransport(simulator)) as paygate:
        assert paygate.store is not None
        paygate.create_charge(order("INV-1"))
        assert 0 == open_transactions(store_url)
        with paygate.store.database.writing() as connection:
            connection.execute(sa.select(charges.c.id)).all()
            assert 0 < open_transactions(store_url)
        assert 0 == open_transactions(store_url)
