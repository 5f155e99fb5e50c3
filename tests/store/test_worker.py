"""Workers: a fact is applied once and told once, whatever fails, and whoever told it."""

import logging
import threading
from typing import Any

import anyio
import pytest
import sqlalchemy as sa

from paygate import AsyncPaygate, Callback, ConfigurationError, Money, Paygate
from paygate.store.schema import callbacks
from paygate.worker import AsyncWorker, Worker
from tests.provider import opened as open_charge
from tests.store.callers import (
    Notes,
    answer,
    deliver,
    document,
    drained,
    nothing,
    opened,
    opened_async,
    request,
)


def test_one_call_is_one_change_and_one_effect(store_url: str) -> None:
    """However often it comes, before and after it was handled."""
    with opened(store_url) as shop:
        shop.charge()
        worker = Worker(shop.paygate, deliver)
        assert [200, 200] == [shop.call().status for _ in range(2)]
        assert 1 == worker.run_once()
        assert 200 == shop.call().status
        assert 0 == worker.run_once()
        assert [("INV-1", "paid")] == shop.parcels()
        assert [("done", 2, 0)] == shop.rows("state", "repeats", "attempts")
        assert [("changed", "pending"), ("received", "1"), ("changed", "paid")] == shop.heard
        assert ("callback", "paid") == shop.facts()[-1]
        assert [None] == shop.rows("due_at")


def test_a_handler_gets_its_own_charge_as_it_stands_now(store_url: str) -> None:
    """With what was asked for in it. An older fact, overtaken by the payment, is not told once more as paid."""
    with opened(store_url) as shop:
        made = shop.charge()
        notes = Notes()
        shop.call(status="open")
        shop.call(status="paid")
        taken = shop.inbox.take(2, {"main"})
        for one in taken:
            shop.inbox.apply(one)
        shop.inbox.release(taken)
        assert 2 == drained(Worker(shop.paygate, notes))
        [only] = notes.told
        [charge] = only.charges
        assert (made.amount, made.instructions) == (charge.amount, charge.instructions)
        assert (Money.idr(25_000), b"", b"", ()) == (charge.paid_amount, charge.raw, only.raw, only.conflicts)
        assert ["done", "done"] == shop.rows()


def test_a_fact_that_is_behind_is_told_as_a_conflict(store_url: str) -> None:
    """And the charge stays paid."""
    with opened(store_url) as shop:
        shop.charge()
        notes = Notes()
        worker = Worker(shop.paygate, notes)
        shop.call(status="paid")
        drained(worker)
        shop.call(status="open")
        drained(worker)
        assert [["paid"], []] == notes.statuses
        assert [[], ["regression"]] == notes.conflicts
        assert ("conflict", "regression") == shop.heard[-1]


@pytest.mark.parametrize("order", ["open first", "paid first"])
def test_an_amount_that_is_not_ours_is_never_handed_out_as_a_charge(store_url: str, order: str) -> None:
    """Nor by an older fact whose turn comes later, when the charge stands paid already."""
    with opened(store_url) as shop:
        shop.charge()
        notes = Notes()
        worker = Worker(shop.paygate, notes, batch=1)
        shop.call(status="open")
        shop.call(status="paid", amount="1")
        taken = shop.inbox.take(2, {"main"})
        for one in taken if order == "open first" else reversed(taken):
            shop.inbox.apply(one)
        shop.inbox.release(taken)
        drained(worker)
        older = [] if order == "open first" else [["regression"]]
        assert [*older, ["amount"]] == notes.conflicts
        assert [[] for _ in notes.conflicts] == notes.statuses


def test_a_call_about_a_charge_that_was_not_made_here_is_a_conflict(store_url: str) -> None:
    """It stands in the journal all the same."""
    with opened(store_url) as shop:
        notes = Notes()
        shop.call("ELSEWHERE")
        drained(Worker(shop.paygate, notes))
        assert ([[]], [["unknown"]]) == (notes.statuses, notes.conflicts)
        assert [("callback", "paid")] == shop.facts()


def test_what_reconcile_learnt_and_a_callback_told_is_one_run(store_url: str) -> None:
    """The handler hears one fact once, whichever came first."""
    with opened(store_url, open_charge("INV-1"), answer()) as shop:
        made = shop.charge()
        notes = Notes()
        worker = Worker(shop.paygate, notes)
        assert "paid" == shop.paygate.query(made).status
        assert [("query", "ready", 0)] == shop.rows("source", "state", "repeats")
        shop.call()
        drained(worker)
        shop.call()
        drained(worker)
        assert [["paid"]] == notes.statuses
        assert [("query", "done", 2)] == shop.rows("source", "state", "repeats")
        assert shop.rows("body")[0]


@pytest.mark.parametrize("is_applied", [False, True])
def test_a_query_after_a_callback_tells_it_no_second_time(store_url: str, is_applied: bool) -> None:
    """Whether the callback was applied already or not; its conflicts are not lost on the way."""
    with opened(store_url, open_charge("INV-1"), answer(amount="7")) as shop:
        made = shop.charge()
        notes = Notes()
        worker = Worker(shop.paygate, notes)
        shop.call(amount="7")
        if is_applied:
            drained(worker)
        shop.paygate.query(made)
        drained(worker)
        assert ([[]], [["amount"]]) == (notes.statuses, notes.conflicts)
        assert 1 == len(shop.rows())


def test_a_repeat_of_what_was_purged_is_told_no_second_time(store_url: str) -> None:
    """The journal remembers what the inbox has forgotten."""
    with opened(store_url) as shop:
        shop.charge()
        notes = Notes()
        worker = Worker(shop.paygate, notes)
        for _ in range(2):
            shop.call()
            drained(worker)
            assert ([["paid"]], ["done"]) == (notes.statuses, shop.rows())
            with shop.store.database.writing() as connection:
                connection.execute(callbacks.delete())
            shop.clock.move(40 * 24 * 3600)


def test_a_handler_that_fails_is_called_again_later_and_later(store_url: str) -> None:
    """What it wrote is undone each time; the pauses grow, with a little chance in them."""
    with opened(store_url) as shop:
        failures = 4

        def handle(callback: Callback, connection: sa.Connection) -> None:
            nonlocal failures
            deliver(callback, connection)
            if failures:
                failures -= 1
                raise RuntimeError("personal: Siti")

        shop.charge()
        worker, pauses = Worker(shop.paygate, handle), []
        shop.call()
        for _ in range(4):
            assert 1 == worker.run_once()
            assert 0 == worker.run_once()
            assert [] == shop.parcels()
            pauses.append(shop.pause())
            shop.clock.move(pauses[-1] - 0.1)
            assert 0 == worker.run_once()
            shop.clock.move(0.2)
        [problem] = shop.rows("problem")
        assert problem.startswith("RuntimeError in ")
        assert "Siti" not in problem
        for pause, middle in zip(pauses, (5, 10, 20, 40), strict=True):
            assert 0.75 * middle <= pause <= 1.25 * middle
        assert 1 == worker.run_once()
        assert [("INV-1", "paid")] == shop.parcels()
        assert [("done", 4, None)] == shop.rows("state", "attempts", "problem")


def test_a_callback_ends_as_a_dead_letter_and_is_replayed(
    store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """After as many attempts as are configured it waits for a person, who has it tried again."""
    caplog.set_level(logging.WARNING, "paygate")
    with opened(store_url, attempts=3) as shop:
        shop.charge()
        notes = Notes(failures=3)
        worker = Worker(shop.paygate, notes)
        shop.call()
        for _ in range(3):
            assert 1 == worker.run_once()
            shop.clock.move(3600)
        assert 0 == worker.run_once()
        assert [("dead", 3, None)] == shop.rows("state", "attempts", "due_at")
        levels = [record.levelname for record in caplog.records]
        assert ["WARNING", "WARNING", "ERROR"] == levels
        assert "paygate callbacks replay" in caplog.messages[-1]
        assert not any("Siti" in message for message in caplog.messages)
        shop.call()  # the provider's repeat changes nothing: the handler has to be mended
        assert 0 == worker.run_once()
        assert 1 == shop.inbox.records.replay(shop.rows("id"))
        assert 1 == worker.run_once()
        assert [["paid"]] == notes.statuses


def test_the_longest_pause_is_an_hour(store_url: str) -> None:
    """However many attempts there were."""
    with opened(store_url, attempts=100) as shop:
        worker = Worker(shop.paygate, Notes(failures=100))
        shop.call()
        for _ in range(15):
            assert 1 == worker.run_once()
            assert shop.pause() <= 4500
            shop.clock.move(4600)


def test_a_charge_that_is_paid_meanwhile_is_told_as_paid_once(store_url: str) -> None:
    """The older fact is closed without being told again, for the payment is told by itself."""
    with opened(store_url) as shop:
        shop.charge()
        seen: list[str] = []

        def handle(callback: Callback) -> None:
            seen.extend(charge.status.value for charge in callback.charges)
            if seen == ["pending"]:
                shop.call(status="paid")
                [other] = [one for one in shop.inbox.take(5, {"main"}) if one.state == "new"]
                shop.inbox.apply(other)
                shop.inbox.release([other])

        shop.call(status="open")
        drained(Worker(shop.paygate, handle))
        assert ["pending", "paid"] == seen
        assert ["done", "done"] == shop.rows()


def test_two_who_handle_the_same_have_one_effect(store_url: str) -> None:
    """A lease that ended in the middle of the first: whoever commits first wins, the other is undone."""
    with opened(store_url, lease_seconds=30) as shop:
        shop.charge()
        calls: list[int] = []
        second = Worker(shop.paygate, lambda callback: calls.append(2))

        def slow(callback: Callback) -> None:
            calls.append(1)
            shop.clock.move(60)
            assert 1 == second.run_once()

        shop.call()
        assert 1 == Worker(shop.paygate, slow).run_once()
        assert ([1, 2], ["done"], [1]) == (calls, shop.rows(), shop.rows("attempts")), "the first was in vain"


@pytest.mark.parametrize("store_url", ["postgresql", "mariadb"], indirect=True)
def test_a_repeat_is_acknowledged_while_the_handler_works(store_url: str) -> None:
    """No lock of the handler's keeps the provider waiting, and its transaction undoes what came too late."""
    with opened(store_url, lease_seconds=30) as shop:
        shop.charge()
        answers: list[int] = []

        def slow(callback: Callback, connection: sa.Connection) -> None:
            deliver(callback, connection)
            if not answers:
                answers.append(shop.call().status)
                shop.clock.move(60)
                assert 1 == Worker(shop.paygate, slow).run_once()
            else:
                answers.append(0)

        shop.call()
        thread = threading.Thread(target=Worker(shop.paygate, slow).run_once)
        thread.start()
        thread.join(30)
        assert not thread.is_alive()
        assert ([200, 0], [("INV-1", "paid")]) == (answers, shop.parcels())
        assert [("done", 1)] == shop.rows("state", "repeats")


def test_a_statement_that_fails_is_the_handlers_failure(store_url: str) -> None:
    """It is not taken for the store's being away."""
    with opened(store_url) as shop:
        shop.charge()

        def handle(callback: Callback, connection: sa.Connection) -> None:
            connection.execute(sa.text("SELECT nothing FROM nowhere"))

        def hiding(callback: Callback, connection: sa.Connection) -> None:
            with pytest.raises(sa.exc.DBAPIError):
                handle(callback, connection)
            deliver(callback, connection)

        shop.call()
        Worker(shop.paygate, handle).run_once()
        [problem] = shop.rows("problem")
        assert "Error in " in problem
        shop.clock.move(10)
        Worker(shop.paygate, hiding).run_once()
        if shop.store.database.dialect == "postgresql":
            assert ([], [("ready", 2)]) == (shop.parcels(), shop.rows("state", "attempts"))
        else:
            assert ([("INV-1", "paid")], ["done"]) == (shop.parcels(), shop.rows())


def test_a_worker_that_is_interrupted_leaves_its_work_to_others(store_url: str) -> None:
    """At once, not when its lease ends."""
    with opened(store_url) as shop:

        def handle(callback: Callback) -> None:
            raise KeyboardInterrupt

        shop.call("INV-1")
        shop.call("INV-2")
        with pytest.raises(KeyboardInterrupt):
            Worker(shop.paygate, handle).run_once()
        assert 2 == drained(Worker(shop.paygate, nothing))
        assert ["done", "done"] == shop.rows()


def test_threads_work_until_the_end_and_hear_the_bell(store_url: str) -> None:
    """They need no poll for what this process receives."""
    with opened(store_url) as shop:
        done = threading.Semaphore(0)
        with Worker(shop.paygate, lambda _: done.release(), threads=3, poll_seconds=3600) as worker:
            for number in range(12):
                shop.call(f"INV-{number}")
            assert all(done.acquire(timeout=30) for _ in range(12))
            worker.stop()
        assert ["done"] * 12 == shop.rows()


def test_a_store_that_is_away_does_not_end_a_worker(
    store_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so, waits, and goes on."""
    with opened(store_url) as shop:
        done, take, failures = threading.Semaphore(0), shop.inbox.take, [sa.exc.OperationalError] * 2

        def flaky(*arguments: Any) -> Any:
            if failures:
                failures.pop()
                shop.inbox.bell.ring()
                with shop.store.database.writing() as connection:
                    connection.execute(sa.text("SELECT nothing FROM nowhere"))
            return take(*arguments)

        monkeypatch.setattr(shop.inbox, "take", flaky)
        shop.call()
        with Worker(shop.paygate, lambda _: done.release()):
            assert done.acquire(timeout=30)
        assert 2 == sum("a worker could not go on (the store" in message for message in caplog.messages)


@pytest.mark.parametrize(
    ("handle", "why"),
    [
        (lambda: None, "takes the callback"),
        (lambda one, two, three: None, "takes the callback"),
        ("handle", "use a function"),
    ],
)
def test_a_handler_that_cannot_be_called_is_refused(tmp_path: Any, handle: Any, why: str) -> None:
    """When the worker is made, not when money has come."""
    with opened(f"sqlite:///{tmp_path / 'paygate.db'}") as shop:
        with pytest.raises(TypeError, match=why):
            Worker(shop.paygate, handle)


def test_what_is_awaited_is_no_workers(tmp_path: Any) -> None:
    """A coroutine function is AsyncWorker's, and takes no connection; without a store there is no worker."""

    async def waits(callback: Callback) -> None: ...
    async def waits_long(callback: Callback, connection: Any) -> None: ...

    url = f"sqlite:///{tmp_path / 'paygate.db'}"
    with opened(url) as shop:
        with pytest.raises(TypeError, match="awaits nothing"):
            Worker(shop.paygate, waits)  # type: ignore[arg-type]
        shop.call()
        hidden: Any = lambda callback: waits(callback)  # noqa: E731, PLW0108 - as a decorator hides it
        Worker(shop.paygate, hidden).run_once()
        assert "TypeError" in shop.rows("problem")[0]
        with pytest.raises(TypeError, match="take it in a plain function"):
            AsyncWorker(opened_async(shop, url), waits_long)  # type: ignore[arg-type]
    bare = {"gateways": document(url)["gateways"]}
    with Paygate.from_mapping(bare) as paygate, pytest.raises(ConfigurationError, match=r"\[store\]"):
        Worker(paygate, nothing)
    with pytest.raises(ConfigurationError, match=r"\[store\]"):
        AsyncWorker(AsyncPaygate.from_mapping(bare), nothing)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("takes", ["awaited", "plain", "connection"])
def test_an_async_worker_does_the_same(store_url: str, backend: str, takes: str) -> None:
    """With a handler that is awaited, or a plain one in a thread, and the calls of an async gateway."""
    with opened(store_url) as shop:
        shop.charge()
        seen: list[tuple[str, str]] = []
        loop: list[int] = []

        def note(callback: Callback) -> None:
            loop.append(threading.get_ident())
            seen.extend((charge.reference, charge.status.value) for charge in callback.charges)

        def write(callback: Callback, connection: sa.Connection) -> None:
            note(callback)
            deliver(callback, connection)

        async def wait(callback: Callback) -> None:
            await anyio.lowlevel.checkpoint()
            note(callback)

        handle: Any = {"awaited": wait, "plain": note, "connection": write}[takes]

        async def run() -> None:
            async with opened_async(shop, store_url, listeners=[]) as paygate:
                worker = AsyncWorker(paygate, handle, poll_seconds=3600)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(worker.run)
                    replies = [await paygate.gateway("main").receive(request()) for _ in range(3)]
                    assert [200] * 3 == [one.status for one in replies]
                    with anyio.fail_after(30):
                        while shop.rows() != ["done"]:
                            await anyio.sleep(0.01)
                    worker.stop()
                assert (threading.get_ident() in loop) == (takes == "awaited")

        anyio.run(run, backend=backend)
        assert [("INV-1", "paid")] == seen
        assert [("done", 2)] == shop.rows("state", "repeats")
        assert ([("INV-1", "paid")] if takes == "connection" else []) == shop.parcels()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_async_worker_leaves_its_work_to_others(store_url: str, backend: str) -> None:
    """Its idle wait ends with it, too."""
    with opened(store_url) as shop:

        async def wait(callback: Callback) -> None:
            await anyio.sleep_forever()

        async def run() -> None:
            async with opened_async(shop, store_url) as paygate:
                worker = AsyncWorker(paygate, wait, poll_seconds=0.1)
                with anyio.move_on_after(0.3):
                    await worker.run()
                shop.call()
                with anyio.move_on_after(0.3):
                    await worker.run()

        anyio.run(run, backend=backend)
        assert 1 == drained(Worker(shop.paygate, nothing))


def test_a_row_that_cannot_be_applied_keeps_nobody_else_waiting(store_url: str, monkeypatch: Any) -> None:
    """It is tried again later, and in the end it is stuck; a call of the same brings it back."""
    with opened(store_url, attempts=2) as shop:
        notes = Notes()
        learn_in = shop.store.history.learn_in

        def broken(connection: Any, told: Any, *arguments: Any, **named: Any) -> Any:
            if told.reference == "INV-1":
                connection.execute(sa.text("SELECT nothing FROM nowhere"))
            return learn_in(connection, told, *arguments, **named)

        worker = Worker(shop.paygate, notes)
        shop.call("INV-1")
        shop.call("INV-2")
        with monkeypatch.context() as patch:
            patch.setattr(shop.store.history, "learn_in", broken)
            assert 2 == worker.run_once()
            shop.clock.move(3600)
            assert 1 == worker.run_once()
        assert ["stuck", "done"] == shop.rows()
        shop.call("INV-1")
        assert 1 == worker.run_once()
        assert ["done", "done"] == shop.rows()
