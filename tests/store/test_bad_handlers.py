"""Handlers that harm: they end the transaction, kill their process, or raise what no handler should."""

import asyncio
import threading
from typing import Any

import anyio
import pytest
import sqlalchemy as sa

from paygate import Callback
from paygate.handlers import ENDED
from paygate.store.inbox import KILLED
from paygate.worker import AsyncWorker, Worker
from tests.store.callers import deliver, drained, nothing, opened, opened_async


class Odd(BaseException):
    """What some libraries raise to end a greenlet, or a wait."""


def more_after(end: Any) -> Any:
    def ended(connection: sa.Connection) -> None:
        end(connection)
        connection.exec_driver_sql("SELECT 1")

    return ended


def by_text(word: str) -> Any:
    return lambda connection: connection.exec_driver_sql(word)


ENDS = {
    "rollback": sa.Connection.rollback,
    "rollback, and more": more_after(sa.Connection.rollback),
    "rollback by text": by_text("ROLLBACK"),
    "commit": sa.Connection.commit,
    "commit, and more": more_after(sa.Connection.commit),
    "commit by text": by_text("COMMIT"),
    "closed": sa.Connection.close,
    "left a savepoint": sa.Connection.begin_nested,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_handler_must_not_end_the_transaction(store_url: str, end: Any) -> None:
    """It has failed then, and is called again: nobody could tell any more what was done, and nothing is lost."""
    with opened(store_url) as shop:
        shop.charge()

        def handle(callback: Callback, connection: sa.Connection) -> None:
            deliver(callback, connection)
            end(connection)

        shop.call()
        assert 1 == Worker(shop.paygate, handle).run_once()
        assert [("ready", 1)] == shop.rows("state", "attempts")
        assert shop.rows("problem")[0].split(" in ")[0] in {ENDED, "InvalidRequestError"}
        assert shop.parcels() in ([], [("INV-1", "paid")])
        shop.clock.move(60)
        assert 1 == Worker(shop.paygate, deliver).run_once()
        assert (["done"], [("INV-1", "paid")]) == (shop.rows(), shop.parcels()[-1:])


def test_sqlite_that_gives_up_the_transaction_itself_loses_nothing(tmp_path: Any) -> None:
    """A table of the merchant's may do so (ON CONFLICT ROLLBACK), and the handler hide it."""
    with opened(f"sqlite:///{tmp_path / 'paygate.db'}") as shop:
        shop.charge()
        with shop.store.database.writing() as connection:
            connection.exec_driver_sql("CREATE TABLE once (word TEXT UNIQUE ON CONFLICT ROLLBACK)")
            connection.exec_driver_sql("INSERT INTO once VALUES ('there')")

        def handle(callback: Callback, connection: sa.Connection) -> None:
            deliver(callback, connection)
            with pytest.raises(sa.exc.IntegrityError):
                connection.exec_driver_sql("INSERT INTO once VALUES ('there')")

        shop.call()
        Worker(shop.paygate, handle).run_once()
        assert ([("ready", 1)], []) == (shop.rows("state", "attempts"), shop.parcels())


@pytest.mark.parametrize("error", [Odd, asyncio.CancelledError, SystemExit, GeneratorExit])
def test_whatever_a_handler_raises_ends_no_worker(store_url: str, error: type[BaseException]) -> None:
    """It has failed, as with any error; the others of its batch are handled."""
    with opened(store_url) as shop:
        for number in range(3):
            shop.charge(f"INV-{number}")
            shop.call(f"INV-{number}")

        def handle(callback: Callback) -> None:
            if callback.charges[0].reference == "INV-0":
                raise error

        assert 3 == Worker(shop.paygate, handle).run_once()
        assert [("ready", 1), ("done", 0), ("done", 0)] == shop.rows("state", "attempts")
        assert shop.rows("problem")[0].startswith(f"{error.__name__} in ")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("error", [Odd, asyncio.CancelledError, SystemExit])
def test_whatever_an_async_handler_raises_ends_no_worker(
    store_url: str, backend: str, error: type[BaseException]
) -> None:
    """Nor does the cancellation of another task, which it had awaited."""
    with opened(store_url) as shop:
        for number in range(2):
            shop.charge(f"INV-{number}")
            shop.call(f"INV-{number}")

        async def handle(callback: Callback) -> None:
            if callback.charges[0].reference == "INV-0":
                raise error

        async def run() -> int:
            async with opened_async(shop, store_url) as paygate:
                return await AsyncWorker(paygate, handle).run_once()

        assert 2 == anyio.run(run, backend=backend)
        assert [("ready", 1), ("done", 0)] == shop.rows("state", "attempts")


def test_two_that_die_with_the_same_process_do_not_meet_again(store_url: str) -> None:
    """One of them may be innocent, at work in another thread: each is due at another time."""
    with opened(store_url) as shop:
        for number in range(2):
            shop.call(f"INV-{number}")
        shop.inbox.take(10, ["main"])
        shop.clock.move(shop.store.settings.lease_seconds + 1)
        assert [1, 1] == [len(shop.inbox.take(10, ["main"])) for _ in range(2)]
        first, second = shop.rows("due_at")
        assert first != second


def test_what_kills_its_workers_ends_and_takes_nothing_with_it(
    store_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed process has taken a batch, and gives nothing back: the others are handled, and the killer is dead."""
    with opened(store_url, attempts=3) as shop:
        for number in range(5):
            shop.charge(f"INV-{number}")
            shop.call(f"INV-{number}")
        told: list[str] = []

        def handle(callback: Callback) -> None:
            [charge] = callback.charges
            if charge.reference == "INV-1":
                raise KeyboardInterrupt
            told.append(charge.reference)

        deaths = 0
        for _ in range(20):
            worker = Worker(shop.paygate, handle)
            with monkeypatch.context() as patch:
                patch.setattr(shop.inbox, "release", lambda _: None)
                try:
                    while worker.run_once():
                        pass
                except KeyboardInterrupt:
                    deaths += 1
            shop.clock.move(3 * 3600)
        assert (["INV-0", "INV-2", "INV-3", "INV-4"], 3) == (sorted(told), deaths)
        assert ["done", "dead", "done", "done", "done"] == shop.rows()
        assert [0, 3, 0, 0, 0] == shop.rows("attempts")
        assert KILLED == shop.rows("problem")[1]
        assert f"failed ({KILLED}), attempt 3 of 3: mend it" in caplog.text


def test_what_is_given_back_was_not_tried(store_url: str) -> None:
    """A worker that is stopped counts nothing as an attempt."""
    with opened(store_url) as shop:
        shop.call()
        for _ in range(3):
            shop.inbox.release(shop.inbox.take(10, ["main"]))
        assert [("new", 0)] == shop.rows("state", "attempts")
        assert 1 == drained(Worker(shop.paygate, nothing))


def test_what_is_found_dead_does_not_look_like_nothing_to_do(store_url: str) -> None:
    """`while worker.run_once()` goes on to the others."""
    with opened(store_url, attempts=1) as shop:
        shop.call("INV-0")
        shop.inbox.take(10, ["main"])
        shop.clock.move(shop.store.settings.lease_seconds + 1)
        for number in range(1, 4):
            shop.call(f"INV-{number}")
        assert 3 == drained(Worker(shop.paygate, nothing))
        assert ["stuck", "done", "done", "done"] == shop.rows()


def test_an_interrupted_handler_has_not_been_tried(store_url: str) -> None:
    """What was tried in vain before, when the provider did not answer, is no failure of the handler's."""
    with opened(store_url) as shop:
        shop.charge()
        shop.call()
        with shop.store.database.writing() as connection:
            connection.exec_driver_sql("UPDATE paygate_callbacks SET attempts = 7")

        def handle(callback: Callback) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Worker(shop.paygate, handle).run_once()
        assert [("ready", 0)] == shop.rows("state", "attempts")


def test_a_slow_handler_that_was_given_up_is_done_after_all(store_url: str) -> None:
    """Its lease ended, and so did its attempts; what it wrote is kept, and the callback closed."""
    with opened(store_url, attempts=1) as shop:
        shop.charge()
        seen: list[Any] = []

        def handle(callback: Callback) -> None:
            shop.clock.move(shop.store.settings.lease_seconds + 1)
            seen.append(Worker(shop.paygate, nothing).run_once())
            seen.append(shop.rows())

        shop.call()
        assert 1 == Worker(shop.paygate, handle).run_once()
        assert [0, ["dead"]] == seen
        assert [("done", None)] == shop.rows("state", "problem")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_worker_ends_whatever_its_handler_makes_of_it(store_url: str, backend: str) -> None:
    """It turns the cancellation into an error, or a group of them; nothing counts as tried."""
    with opened(store_url) as shop:
        for number in range(5):
            shop.charge(f"INV-{number}")
            shop.call(f"INV-{number}")
        begun: list[int] = []
        scopes: list[anyio.CancelScope] = []

        async def handle(callback: Callback) -> None:
            begun.append(1)
            try:
                scopes[0].cancel()
                await anyio.sleep(60)
            except anyio.get_cancelled_exc_class() as error:
                if backend == "asyncio":
                    raise ValueError("something else") from error
                raise BaseExceptionGroup("of a nursery", [error]) from None

        async def run() -> None:
            async with opened_async(shop, store_url) as paygate:
                with anyio.CancelScope() as scope:
                    scopes.append(scope)
                    await AsyncWorker(paygate, handle).run()

        anyio.run(run, backend=backend)
        assert (1, [0] * 5) == (len(begun), shop.rows("attempts"))
        assert 5 == drained(Worker(shop.paygate, nothing))


def test_a_task_that_is_cancelled_natively_ends_too(store_url: str) -> None:
    """As one of asyncio's own."""
    with opened(store_url) as shop:
        shop.charge()
        shop.call()
        begun = asyncio.Event()

        async def handle(callback: Callback) -> None:
            begun.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise ValueError("something else") from None

        async def run() -> None:
            async with opened_async(shop, store_url) as paygate:
                task = asyncio.create_task(AsyncWorker(paygate, handle).run())
                await begun.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.wait_for(task, 20)

        asyncio.run(run())
        assert [("ready", 0)] == shop.rows("state", "attempts")


def test_what_is_taken_for_nobody_is_given_back(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task may be cancelled while it takes; the thread takes to the end."""
    with opened(store_url) as shop:
        shop.call()
        taking = threading.Event()

        async def run() -> None:
            async with opened_async(shop, store_url) as paygate:
                assert paygate.store is not None
                inbox = paygate.store.blocking.inbox
                take = inbox.take

                def slow(*arguments: Any) -> Any:
                    found = take(*arguments)
                    taking.set()
                    ended.wait(20)
                    return found

                ended = threading.Event()
                monkeypatch.setattr(inbox, "take", slow)
                task = asyncio.create_task(AsyncWorker(paygate, nothing).run_once())
                await asyncio.to_thread(taking.wait, 20)
                task.cancel()
                await asyncio.sleep(0)
                ended.set()
                with pytest.raises(asyncio.CancelledError):
                    await task

        asyncio.run(run())
        assert [("new", 0)] == shop.rows("state", "attempts")
        assert 1 == drained(Worker(shop.paygate, nothing))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_worker_calls_no_plain_handler_any_more(store_url: str, backend: str) -> None:
    """Each is called in a thread that no cancellation reaches: it is heard in between."""
    with opened(store_url) as shop:
        for number in range(4):
            shop.charge(f"INV-{number}")
            shop.call(f"INV-{number}")
        called: list[int] = []
        scopes: list[anyio.CancelScope] = []

        def handle(callback: Callback) -> None:
            called.append(1)
            anyio.from_thread.run_sync(scopes[0].cancel)

        async def run() -> None:
            async with opened_async(shop, store_url) as paygate:
                with anyio.CancelScope() as scope:
                    scopes.append(scope)
                    await AsyncWorker(paygate, handle).run()

        anyio.run(run, backend=backend)
        assert (1, 1, [0] * 4) == (len(called), shop.rows().count("done"), shop.rows("attempts"))
        assert 3 == drained(Worker(shop.paygate, nothing))
