"""Many processes over one store, and processes that are killed: one change, one effect, every call answered."""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from queue import Empty
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import Money, Paygate
from paygate.sandbox import PayerAction, SimulatorTransport
from paygate.store.schema import callbacks
from paygate.worker import Worker
from tests.provider import order
from tests.store.callers import deliver, document, drained, metadata, opened, parcels, request
from tests.store.crowd import PATIENCE, call, context, die, running, work


def counted(paygate: Paygate) -> dict[str, int]:
    """How often each charge's parcel was written."""
    assert paygate.store is not None
    with paygate.store.database.reading() as connection:
        return Counter(connection.scalars(sa.select(parcels.c.reference)))


def until(paygate: Paygate, condition: Callable[[Any], bool]) -> None:
    """Wait until the inbox's rows are as they should be."""
    assert paygate.store is not None
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        with paygate.store.database.reading() as connection:
            rows = connection.execute(sa.select(callbacks.c.state, callbacks.c.repeats)).all()
        if condition(rows):
            return
        time.sleep(0.02)
    pytest.fail(f"the inbox has {rows}")


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_one_call_a_hundred_times_over_eight_workers(
    store_url: str,
    simulator: AyolinxSimulator,
    configured: Callable[..., dict[str, Any]],
) -> None:
    """Eight processes receive it, eight others work: one change, one effect, a hundred acknowledgements."""
    settings: Mapping[str, Any] = {**configured(simulator), "store": {"url": store_url}}
    calls: list[httpx.Request] = []

    def keep(made: httpx.Request) -> httpx.Response:
        calls.append(made)
        return httpx.Response(200, json={"responseCode": "2005200", "responseMessage": "Successful"})

    with Paygate.from_mapping(settings, transport=SimulatorTransport(simulator)) as paygate:
        assert paygate.store is not None
        with paygate.store.database.writing() as connection:
            metadata.create_all(connection)
            connection.execute(parcels.delete())
        paygate.create_charge(order("INV-1", amount=Money.idr(25_000)))
        simulator.act("INV-1", PayerAction.PAY)
        simulator.deliveries.run(keep)
        made = next(one for one in calls if b"INV-1" in one.content)
        told = (made.url.path, dict(made.headers), made.content)
        start, stop, heard = context.Event(), context.Event(), context.Queue()
        with (
            running(work, settings, start, stop, heard, many=8),
            running(call, settings, told, 13, start, heard, many=4),
            running(call, settings, told, 12, start, heard, many=4),
        ):
            ready = [heard.get(timeout=PATIENCE) for _ in range(16)]
            assert [("ready", None)] * 16 == ready
            start.set()
            news: list[tuple[str, Any]] = []
            while sum(kind == "answered" for kind, _ in news) < 100:
                news.append(heard.get(timeout=PATIENCE))
            until(paygate, lambda rows: [("done", 99)] == [tuple(row) for row in rows])
            stop.set()
            while True:
                try:
                    news.append(heard.get(timeout=0.2))
                except Empty:
                    break
        answers = Counter(what for kind, what in news if kind == "answered")
        [(status, body)] = answers
        assert (200, 100) == (status, answers[status, body])
        assert b'"responseCode":"200' in body.replace(b" ", b"")
        assert [("changed", "paid"), ("received", "INV-1")] == sorted(
            one for one in news if one[0] != "answered"
        )
        assert {"INV-1": 1} == counted(paygate)


@pytest.mark.parametrize("takes_connection", [True, False])
def test_what_a_killed_worker_left_another_does(store_url: str, takes_connection: bool) -> None:
    """When its lease ends; what it wrote on its connection was never there."""
    with opened(store_url, clock=time.time, lease_seconds=1) as shop:  # type: ignore[arg-type]
        shop.charge()
        shop.call()
        with running(die, document(store_url, lease_seconds=1), takes_connection) as [process]:
            process.join(PATIENCE)
            assert -9 == process.exitcode
        worker = Worker(shop.paygate, deliver)
        assert 0 == worker.run_once()
        assert ["ready"] == shop.rows()
        ends = time.monotonic() + PATIENCE
        while not drained(worker) and time.monotonic() < ends:
            time.sleep(0.02)
        assert ({"INV-1": 1}, ["done"]) == (counted(shop.paygate), shop.rows())
        assert ("paid", 1) == (shop.facts()[-1][1], shop.heard.count(("changed", "pending")))


def test_workers_that_are_killed_at_random_lose_and_double_nothing(store_url: str) -> None:
    """Each of a hundred callbacks has its effect once."""
    settings = document(store_url, lease_seconds=1)
    with opened(store_url, clock=time.time, lease_seconds=1) as shop:  # type: ignore[arg-type]
        for number in range(100):
            assert 200 == shop.gateway.receive(request(f"INV-{number}", "open")).status
        chance = random.Random(5)
        start, heard = context.Event(), context.Queue()
        start.set()
        for _ in range(10):
            with running(work, settings, start, context.Event(), heard, many=2):
                time.sleep(chance.uniform(0.02, 0.25))
        worker = Worker(shop.paygate, deliver)
        until(shop.paygate, lambda rows: drained(worker) >= 0 and {row.state for row in rows} == {"done"})
        assert {f"INV-{number}": 1 for number in range(100)} == counted(shop.paygate)
