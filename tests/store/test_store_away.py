"""The database goes away in the middle of charges, and comes back: nothing is sent that is not written down."""

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import anyio
import httpx
import pytest
import sqlalchemy as sa
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import AsyncPaygate, InstructionsLost, Paygate, PaygateError, StoreUnavailable
from paygate.sandbox import SimulatorTransport
from paygate.store.schema import charges, facts
from tests.databases import lay_out
from tests.sandbox.waiting import until
from tests.store.audit import differences, numbers_of, settle_all
from tests.store.clusters import Cluster, cluster
from tests.store.merchants import order

pytestmark = pytest.mark.slow

CALLS: Final = 240
WORKERS: Final = 8
OUTAGES: Final = 2
PATIENCE: Final = {"lease_seconds": 1, "grace_seconds": 0.5}
CREATE: Final = "/v1.0/qr/qr-mpm-generate"


class Line(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """The line to the provider; it keeps with which number each charge was sent."""

    def __init__(self, simulator: AyolinxSimulator) -> None:
        self._way = SimulatorTransport(simulator)
        self.sent: list[tuple[str, str]] = []
        self.when_answered: Callable[[], None] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_charge = request.url.path == CREATE
        if is_charge:
            reference = json.loads(request.content)["partnerReferenceNo"]
            self.sent.append((reference, request.headers["X-EXTERNAL-ID"]))
        response = self._way.handle_request(request)
        if is_charge and self.when_answered is not None:
            self.when_answered()
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        return self.handle_request(request)


class Run:
    """A merchant who has many charges to make, and tries each until it is made, in one of the two shells."""

    def __init__(self, shell: str, document: dict[str, Any], line: Line) -> None:
        self._shell = shell
        self._document = document
        self._line = line
        self.made: list[str] = []
        self.refused: Counter[str] = Counter()
        self.texts: set[str] = set()

    def __call__(self) -> None:
        left = [*range(CALLS)]
        if self._shell != "blocking":
            anyio.run(self._tasks, left, backend=self._shell)
            return
        with (
            Paygate.from_mapping(self._document, transport=self._line) as paygate,
            ThreadPoolExecutor(WORKERS) as pool,
        ):
            for done in [pool.submit(self._thread, paygate, left) for _ in range(WORKERS)]:
                done.result()

    def _thread(self, paygate: Paygate, left: list[int]) -> None:
        pause = threading.Event()
        while left:
            number = left.pop(0)
            try:
                self.made.append(paygate.create_charge(order(number)).reference)
            except PaygateError as error:
                self._failed(error, number, left)
                pause.wait(0.02)

    async def _tasks(self, left: list[int]) -> None:
        async def work(paygate: AsyncPaygate) -> None:
            while left:
                number = left.pop(0)
                try:
                    self.made.append((await paygate.create_charge(order(number))).reference)
                except PaygateError as error:
                    self._failed(error, number, left)
                    await anyio.sleep(0.02)

        async with (
            AsyncPaygate.from_mapping(self._document, transport=self._line) as paygate,
            anyio.create_task_group() as group,
        ):
            for _ in range(WORKERS):
                group.start_soon(work, paygate)

    def _failed(self, error: PaygateError, number: int, left: list[int]) -> None:
        self.refused[type(error).__name__] += 1
        self.texts.add(str(error))
        if isinstance(error, InstructionsLost):
            self.made.append(order(number).reference)
        else:
            left.append(number)


@pytest.fixture(scope="module")
def mortal() -> Iterator[Cluster]:
    """A PostgreSQL that is stopped and started, with the tables in it."""
    with cluster() as one:
        one.start()
        lay_out(one.url)
        yield one


@pytest.fixture
def document(
    mortal: Cluster, simulator: AyolinxSimulator, configured: Callable[..., dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """A configuration with this database, which is empty."""
    yield {**configured(simulator), "store": {"url": mortal.url, **PATIENCE}}
    engine = sa.create_engine(mortal.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(charges.delete())
        connection.execute(facts.delete())


@pytest.fixture
def simulator(make_simulator: Callable[..., AyolinxSimulator]) -> AyolinxSimulator:
    """A careless provider."""
    return make_simulator(refuse_duplicates=False)


@contextmanager
def in_background(run: Run) -> Iterator["Future[None]"]:
    """Let the merchant work in a thread of its own; whatever it failed by fails the test."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run)
        yield done
        done.result()


@pytest.mark.parametrize("shell", ["blocking", "asyncio", "trio"])
def test_a_database_that_crashes_in_the_middle_of_charges(
    shell: str, document: dict[str, Any], simulator: AyolinxSimulator, mortal: Cluster
) -> None:
    """While it is away nothing is sent; once it is back all goes on, and each charge is made once."""
    line = Line(simulator)
    run = Run(shell, document, line)
    with in_background(run) as done:
        for outage in range(1, OUTAGES + 1):
            until(lambda outage=outage: len(run.made) >= outage * CALLS // 4 or done.done())  # type: ignore[misc]
            assert not done.done()
            mortal.stop()
            try:
                refused = run.refused["StoreUnavailable"]
                until(lambda refused=refused: run.refused["StoreUnavailable"] >= refused + WORKERS)  # type: ignore[misc]
                sent = len(line.sent)
                until(lambda refused=refused: run.refused["StoreUnavailable"] >= refused + 5 * WORKERS)  # type: ignore[misc]
                assert WORKERS >= len(line.sent) - sent, "what had been written down may leave, and no more"
            finally:
                mortal.start()
    assert {"StoreUnavailable", "OutcomeUnknown", "InstructionsLost"} >= set(run.refused)
    assert all("canary" not in text and "SELECT" not in text for text in run.texts)
    with Paygate.from_mapping(document, transport=line) as paygate:
        settle_all(paygate)
        assert paygate.store is not None
        database = paygate.store.database
        assert [] == differences(database, {"main": simulator})
        numbers = numbers_of(database)
    assert {f"INV-{number}": 1 for number in range(CALLS)} == simulator.ledger.counts()
    assert {1} == set(Counter(run.made).values())
    assert set(simulator.ledger.counts()) == set(run.made)
    assert [] == [(reference, number) for reference, number in line.sent if number not in numbers[reference]]


def test_an_answer_that_cannot_be_written_down_is_given_all_the_same(
    document: dict[str, Any],
    simulator: AyolinxSimulator,
    mortal: Cluster,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who asked has the charge and can show how it is paid; the journal learns of it by a reconcile."""
    line = Line(simulator)
    with Paygate.from_mapping(document, transport=line) as paygate, caplog.at_level(logging.ERROR, "paygate"):
        assert paygate.store is not None
        paygate.create_charge(order(1))
        line.when_answered = mortal.stop
        try:
            charge = paygate.create_charge(order(2))
            assert charge.instructions is not None
            assert "could not be written down" in caplog.text
            assert "INV-2" in caplog.text

            with pytest.raises(StoreUnavailable) as refused:
                paygate.create_charge(order(3))
            assert "the store does not answer" in str(refused.value)
            with pytest.raises(StoreUnavailable):
                paygate.reconcile()
            assert 2 == len(line.sent)
        finally:
            line.when_answered = None
            mortal.start()
        settle_all(paygate)
        assert [] == differences(paygate.store.database, {"main": simulator})
        with pytest.raises(InstructionsLost):
            paygate.create_charge(order(2))
        paygate.create_charge(order(3))
    assert {"INV-1": 1, "INV-2": 1, "INV-3": 1} == simulator.ledger.counts()
