"""The store for async programs: what it has of the blocking one, and that its work is done once."""

from typing import Any

import anyio
import pytest

from paygate.store.store import Store
from paygate.store.threads import AsyncStore, InThreads
from tests.store.callers import opened, opened_async, request

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@BACKENDS
def test_the_records_of_the_inbox_are_awaited_too(store_url: str, backend: str) -> None:
    """By the names that they have in a blocking program."""
    with opened(store_url) as shop:

        async def run() -> list[str]:
            async with opened_async(shop, store_url) as paygate:
                assert paygate.store is not None
                await paygate.gateway("main").receive(request())
                listed = await paygate.store.inbox.records.listed(["new"])
                found = [await paygate.store.inbox.records.find(one.id) for one in listed]
                return [one.state for one in found]

        assert ["new"] == anyio.run(run, backend=backend)


def test_what_is_no_method_is_there_as_it_is(tmp_path: Any) -> None:
    """The database and the bell are those of the blocking store; a value of today is not kept for tomorrow."""
    with opened(f"sqlite:///{tmp_path / 'paygate.db'}") as shop:
        store: Store = shop.store
        waiting = AsyncStore(store)
        assert store.database is waiting.database
        assert store.inbox.bell is waiting.inbox.bell
        settings: Any = waiting.inbox.settings
        assert store.settings is settings
        facts: Any = InThreads(store.inbox.bell, waiting.run)
        heard = facts.rings
        store.inbox.bell.ring()
        assert heard + 1 == facts.rings


@BACKENDS
def test_what_a_call_raises_is_raised(tmp_path: Any, backend: str) -> None:
    """The error itself, and its result where there is one."""
    mistake = LookupError("mine")

    def fails() -> None:
        raise mistake

    with opened(f"sqlite:///{tmp_path / 'paygate.db'}") as shop:

        async def run() -> None:
            store = AsyncStore(shop.store)
            assert "xyz" == await store.run(str.lower, "XYZ")
            assert [3, 2, 1] == await store.run(sorted, [1, 3, 2], reverse=True)
            with pytest.raises(LookupError) as raised:
                await store.run(fails)
            assert mistake is raised.value

        anyio.run(run, backend=backend)
