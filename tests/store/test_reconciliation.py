"""A pass of `reconcile`: what it asks about when answers take long, or something breaks it off, in both shells."""

from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
import sqlalchemy as sa

from paygate import Charge, OutcomeUnknown, Reconciled
from paygate.desk import Desk
from paygate.store.agenda import Agenda
from paygate.store.entries import Entry
from paygate.store.moments import MICRO
from paygate.store.schema import charges
from tests.provider import opened as is_open
from tests.provider import order
from tests.store.callers import Clock, Shop, opened, opened_async

ALL = ("LOST-0", "LOST-1", "LOST-2")


def asked_about(request: httpx.Request) -> str:
    """Which charge a question is about."""
    return request.url.path.rpartition("/")[2]


def lose(shop: Shop) -> None:
    """Have charges made whose answers are lost."""
    for reference in ALL:
        with pytest.raises(OutcomeUnknown):
            shop.paygate.create_charge(order(reference))


def answering(get: Callable[[httpx.Request], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
    """A provider whose answers to a new charge are lost, and that answers a question so."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ReadError("the connection was cut")
        return get(request)

    return answer


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seconds", [1, 50])
@pytest.mark.parametrize("shell", ["blocking", "asyncio", "trio"])
def test_each_is_asked_about_once_and_within_its_lease(
    store_url: str, shell: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a lease is for the answer: what is not asked about before is given back, and taken anew."""
    clock, taken = Clock(), []

    def slow(request: httpx.Request) -> httpx.Response:
        clock.move(seconds)
        return is_open(asked_about(request))

    with opened(store_url, answering(slow), clock=clock) as shop:
        lose(shop)
        take, half = Agenda.take, shop.store.settings.lease_seconds / 2

        def counting(agenda: Agenda, limit: int) -> list[Entry]:
            found = take(agenda, limit)
            taken.append(len(found))
            return found

        async def asked() -> Reconciled:
            async with opened_async(shop, store_url) as paygate:
                return await paygate.reconcile()

        monkeypatch.setattr(Agenda, "take", counting)
        done = shop.paygate.reconcile() if shell == "blocking" else anyio.run(asked, backend=shell)
        gets = [asked_about(one) for one in shop.provider.requests if one.method == "GET"]
        assert (Reconciled(3, 3, {}), [*ALL]) == (done, gets)
        assert ([3, 0] if seconds < half else [3, 2, 1, 0]) == taken
        assert 0 == shop.store.agenda.waiting()


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_what_a_pass_that_is_broken_off_had_taken_is_due_at_once(store_url: str) -> None:
    """Ctrl-C while the first is asked about: the others wait for no lease to end."""

    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    with opened(store_url, answering(interrupted)) as shop:
        lose(shop)
        with pytest.raises(KeyboardInterrupt):
            shop.paygate.reconcile()
        assert 2 == shop.store.agenda.waiting()


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_what_a_cancelled_pass_had_taken_is_due_at_once(store_url: str, backend: str) -> None:
    """Cancelled while the first is asked about: the last waits for no lease to end."""
    scopes: list[anyio.CancelScope] = []

    def cancelling(request: httpx.Request) -> httpx.Response:
        scopes[0].cancel()
        return is_open(asked_about(request))

    with opened(store_url, answering(cancelling)) as shop:
        lose(shop)

        async def cancelled() -> None:
            async with opened_async(shop, store_url) as paygate:
                with anyio.CancelScope() as scope:
                    scopes.append(scope)
                    await paygate.reconcile()
                assert scope.cancelled_caught

        anyio.run(cancelled, backend=backend)
        left = {one.reference for one in shop.store.agenda.take(10)}
        assert "LOST-2" in left
        assert "LOST-0" not in left


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("shell", ["blocking", "asyncio", "trio"])
def test_an_adapters_own_mistake_stands_in_the_way_of_one_charge(
    store_url: str, shell: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted and logged, by its kind and place and none of its words; the others are settled."""
    settled = Desk.query

    def mistaken(desk: Desk, charge: Charge) -> Any:
        if charge.reference == "LOST-0":
            raise LookupError("siti@shop.example")
        return settled(desk, charge)

    with opened(store_url, answering(lambda request: is_open(asked_about(request)))) as shop:
        lose(shop)

        async def asked() -> Reconciled:
            async with opened_async(shop, store_url) as paygate:
                return await paygate.reconcile()

        monkeypatch.setattr(Desk, "query", mistaken)
        done = shop.paygate.reconcile() if shell == "blocking" else anyio.run(asked, backend=shell)
        assert Reconciled(3, 2, {"LookupError": 1}) == done
        assert "LOST-0 of gateway main could not be asked about, by a mistake in its adapter" in caplog.text
        assert "siti" not in caplog.text
        assert 0 == shop.store.agenda.waiting()


def test_what_dies_with_a_process_that_asked_is_due_one_by_one(store_url: str) -> None:
    """One whose asking kills the process does not keep its batch from being asked for ever."""
    with opened(store_url, answering(lambda request: is_open(asked_about(request)))) as shop:
        lose(shop)
        assert 3 == len(shop.store.agenda.take(10))
        with shop.store.database.reading() as connection:
            due = connection.execute(sa.select(charges.c.due_at, charges.c.lease_until)).all()
        assert 3 == len({row.due_at for row in due})
        lease = round(shop.store.settings.lease_seconds * MICRO)
        assert all(0 <= row.due_at - row.lease_until < lease for row in due)
