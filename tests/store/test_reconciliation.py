"""A pass of `reconcile`: what it asks about when answers take long, in both shells."""

from collections.abc import Callable

import anyio
import httpx
import pytest

from paygate import OutcomeUnknown
from paygate.reconciliation import Reconciled
from paygate.store.agenda import Agenda
from paygate.store.entries import Entry
from tests.provider import opened as is_open
from tests.provider import order
from tests.store.callers import Clock, Shop, opened, opened_async

ALL = ("LOST-0", "LOST-1", "LOST-2")


def slow(clock: Clock, seconds: float) -> Callable[[httpx.Request], httpx.Response]:
    """A provider whose answers to a new charge are lost, and whose others take so many seconds."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ReadError("the connection was cut")
        clock.move(seconds)
        return is_open(request.url.path.rpartition("/")[2])

    return answer


def lose(shop: Shop) -> None:
    """Have charges made whose answers are lost."""
    for reference in ALL:
        with pytest.raises(OutcomeUnknown):
            shop.paygate.create_charge(order(reference))


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seconds", [1, 50])
@pytest.mark.parametrize("shell", ["blocking", "asyncio", "trio"])
def test_each_is_asked_about_once_and_within_its_lease(
    store_url: str, shell: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a lease is for the answer: what is not asked about before is given back, and taken anew."""
    clock, taken = Clock(), []
    with opened(store_url, slow(clock, seconds), clock=clock) as shop:
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
        gets = [one.url.path.rpartition("/")[2] for one in shop.provider.requests if one.method == "GET"]
        assert (Reconciled(3, 3, {}), [*ALL]) == (done, gets)
        assert ([3, 0] if seconds < half else [3, 2, 1, 0]) == taken
        assert 0 == shop.store.agenda.waiting()
