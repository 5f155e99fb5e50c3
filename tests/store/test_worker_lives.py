"""How workers begin and end: as often as they are entered, never twice at once, and leaving nothing behind."""

import threading
from typing import Any

import pytest

from paygate import Callback
from paygate.worker import AsyncWorker, Worker
from tests.store.callers import drained, nothing, opened, opened_async


def test_a_worker_can_be_entered_again(store_url: str) -> None:
    """After its end; each time with threads of its own, which are gone at the end."""
    with opened(store_url) as shop:
        done = threading.Semaphore(0)
        worker = Worker(shop.paygate, lambda _: done.release(), threads=2, poll_seconds=3600)
        for number in range(3):
            with worker:
                shop.call(f"INV-{number}")
                assert done.acquire(timeout=30)
            assert not [one for one in threading.enumerate() if one.name.startswith("paygate-worker")]
        assert ["done"] * 3 == shop.rows()


def test_a_worker_cannot_be_entered_while_it_works(tmp_path: Any) -> None:
    """The end of one `with` would stop the threads of the other; what goes on is left alone."""
    with opened(f"sqlite:///{tmp_path / 'paygate.db'}") as shop:
        done = threading.Semaphore(0)
        with Worker(shop.paygate, lambda _: done.release(), poll_seconds=3600) as worker:
            with pytest.raises(RuntimeError, match="at work already"), worker:
                pass
            shop.call()
            assert done.acquire(timeout=30)


def test_a_worker_that_is_stopped_does_nothing_and_says_so(store_url: str) -> None:
    """`while worker.run_once()` ends then, and what it took is there for another at once."""
    with opened(store_url) as shop:
        told: list[Callback] = []

        def handle(callback: Callback) -> None:
            told.append(callback)
            worker.stop()

        worker = Worker(shop.paygate, handle)
        for number in range(3):
            shop.call(f"INV-{number}")
        assert [1, 0, 0] == [worker.run_once() for _ in range(3)]
        assert 1 == len(told)
        assert 2 == drained(Worker(shop.paygate, nothing))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_worker_that_is_stopped_does_the_same(store_url: str, backend: str) -> None:
    """It leaves the rest of its batch to others, and `run` ends."""
    import anyio

    with opened(store_url) as shop:
        workers: list[AsyncWorker] = []

        async def handle(callback: Callback) -> None:
            workers[0].stop()

        async def run() -> None:
            async with opened_async(shop, store_url) as paygate:
                worker = AsyncWorker(paygate, handle, poll_seconds=3600)
                workers.append(worker)
                with anyio.fail_after(30):
                    await worker.run()
                assert 0 == await worker.run_once()

        for number in range(3):
            shop.call(f"INV-{number}")
        anyio.run(run, backend=backend)
        assert 2 == drained(Worker(shop.paygate, nothing))
