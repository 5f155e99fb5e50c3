"""What a type checker sees of the store for async programs. Checked, never run.

Each `ignore` is a check: one that silences nothing is an error itself.
"""

from typing import assert_type

from paygate.guard import AsyncGuard, Guard
from paygate.store.entries import Entry
from paygate.store.refunds import RefundEntry
from paygate.store.store import Store
from paygate.store.threads import AsyncStore


async def forgotten(store: AsyncStore, entry: Entry) -> None:
    """A call that nobody awaits is found: nothing would be written down."""
    store.outcomes.failed(entry, None)  # type: ignore[unused-coroutine] # pyright: ignore[reportUnusedCoroutine]
    store.inbox.records.replay()  # type: ignore[unused-coroutine] # pyright: ignore[reportUnusedCoroutine]
    await store.outcomes.failed(entry, None)


async def threads(store: AsyncStore) -> None:
    """What runs in a thread has its arguments checked, and its result is known."""
    assert_type(await store.run(str.upper, "a"), str)
    await store.run(str.upper, 1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert_type(store.inbox.bell.rings, int)


def guards(store: Store, entry: Entry, refund: RefundEntry) -> None:
    """A guard has the entry that its book writes down, and no other."""
    assert_type(Guard(store.outcomes.again, entry, float).entry, Entry)
    assert_type(Guard(store.refunds.again, refund, float).entry, RefundEntry)
    Guard[Entry](store.refunds.again, entry, float)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


async def async_guards(store: AsyncStore, entry: Entry) -> None:
    """Nor may the async one be forgotten."""
    guard: AsyncGuard[Entry] = AsyncGuard(store.outcomes.again, entry, float)
    assert_type(guard.entry, Entry)
    guard.leaves(None)  # type: ignore[unused-coroutine] # pyright: ignore[reportUnusedCoroutine]
