"""Calls that do not prove what they say: stored and acknowledged, then asked about before anything counts."""

from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
import sqlalchemy as sa
from paygate_midtrans.simulator import MidtransSimulator

from paygate import CallbackRequest, Paygate, Qris
from paygate.sandbox import PayerAction, SimulatorTransport
from paygate.worker import AsyncWorker, Worker
from tests.callbacks.test_confirming import UNKNOWN, Claiming, Doubtful, stands
from tests.provider import QUICK, order
from tests.provider import opened as open_charge
from tests.store.callers import Notes, drained, opened, opened_async


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have the gateways' adapter be one whose callbacks are to be confirmed."""

    def have(kind: type[Any]) -> None:
        found = SimpleNamespace(load=lambda: kind, source="a test")
        monkeypatch.setattr("paygate.assembly.adapters.find", lambda *_: found)
        for name in ("Gateway", "AsyncGateway"):
            options = getattr(__import__("paygate"), name).__init__.__kwdefaults__
            monkeypatch.setitem(options, "retry", QUICK)

    return have


def test_what_it_says_does_not_count_until_the_provider_says_so(store_url: str, asking: Any) -> None:
    """The call is acknowledged without a question; then the answer is what is applied."""
    asking(Claiming)
    with opened(store_url, open_charge("INV-1"), stands("paid", "25000")) as shop:
        shop.charge()
        notes = Notes()
        assert 200 == shop.call(amount="1").status
        assert 1 == len(shop.provider.requests)
        assert ["pending"] == [status for _, status in shop.facts() if status]
        assert 2 == drained(Worker(shop.paygate, notes))
        assert ([["paid"]], [[]]) == (notes.statuses, notes.conflicts)
        assert ("callback", "paid") == shop.facts()[-1]
        assert [("done", "callback"), ("done", "callback")] == shop.rows("state", "source")
        assert [("changed", "pending"), ("received", "1"), ("changed", "paid")] == shop.heard


def test_nothing_is_open_while_the_provider_is_asked(store_url: str, asking: Any) -> None:
    """No connection is out, and another one may write."""
    asking(Doubtful)
    seen: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        pool: Any = shop.store.database.engine.pool
        with shop.store.database.writing() as connection:
            seen.append(pool.checkedout() - (0 if shop.store.database.dialect == "sqlite" else 1))
            connection.execute(sa.text("UPDATE paygate_callbacks SET repeats = repeats"))
            connection.execute(sa.text("UPDATE paygate_charges SET attempt = attempt"))
        return stands()

    with opened(store_url, open_charge("INV-1"), answer) as shop:
        shop.charge()
        shop.call()
        drained(Worker(shop.paygate, Notes()))
        assert ([0], ["done", "done"]) == (seen, shop.rows())


def test_a_repeat_and_a_query_bring_no_second_run(store_url: str, asking: Any) -> None:
    """However the fact is learnt, and how often."""
    asking(Claiming)
    with opened(store_url, open_charge("INV-1"), stands()) as shop:
        made = shop.charge()
        notes = Notes()
        worker = Worker(shop.paygate, notes)
        shop.paygate.query(made)
        shop.call()
        drained(worker)
        shop.call()
        drained(worker)
        assert [["paid"]] == notes.statuses
        assert 3 == len(shop.provider.requests)  # a claim that was confirmed is not asked about again


def test_a_call_that_claims_nothing_is_asked_about_each_time(store_url: str, asking: Any) -> None:
    """The same words may mean another thing by now; many at once are one question."""
    asking(Doubtful)
    with opened(store_url, open_charge("INV-1"), stands("open", ""), stands()) as shop:
        shop.charge()
        notes = Notes()
        worker = Worker(shop.paygate, notes)
        shop.call()
        drained(worker)
        assert ([], ["done"]) == (notes.statuses, shop.rows())
        for _ in range(3):
            shop.call()
        drained(worker)
        assert ([["paid"]], 3) == (notes.statuses, len(shop.provider.requests))


def test_a_call_that_comes_while_the_provider_is_asked_is_asked_about(store_url: str, asking: Any) -> None:
    """The answer to the first may be older than the second."""
    asking(Doubtful)
    answers = [stands(), stands("open", "")]

    def answer(_: httpx.Request) -> httpx.Response:
        if len(answers) == 2:
            shop.call()
        return answers.pop()

    with opened(store_url, open_charge("INV-1"), answer) as shop:
        shop.charge()
        notes = Notes()
        shop.call()
        drained(Worker(shop.paygate, notes))
        assert ([["paid"]], []) == (notes.statuses, answers)


def test_a_provider_that_does_not_answer_is_asked_again_later(store_url: str, asking: Any) -> None:
    """The call is not lost; its attempts are not the handler's."""
    asking(Claiming)
    with opened(store_url, open_charge("INV-1"), UNKNOWN, httpx.ConnectError("refused"), stands()) as shop:
        shop.charge()
        notes = Notes(failures=1)
        worker = Worker(shop.paygate, notes)
        shop.call()
        assert 1 == worker.run_once()
        assert [("new", 1, "ChargeNotFound")] == shop.rows("state", "attempts", "problem")
        shop.clock.move(10)
        drained(worker)
        assert [("done", 1), ("ready", 1)] == shop.rows("state", "attempts")
        shop.clock.move(10)
        drained(worker)
        assert [["paid"]] == notes.statuses


def test_a_question_that_nobody_answers_gets_stuck_and_is_listed(store_url: str, asking: Any) -> None:
    """A person may have it asked again, and so does the provider's next call."""
    asking(Claiming)
    with opened(store_url, open_charge("INV-1"), UNKNOWN, UNKNOWN, UNKNOWN, stands(), attempts=2) as shop:
        shop.charge()
        notes = Notes()
        worker = Worker(shop.paygate, notes)
        shop.call()
        for _ in range(2):
            drained(worker)
            shop.clock.move(10)
        assert ["stuck"] == [one.state for one in shop.inbox.records.listed({"stuck", "dead"})]
        assert 1 == shop.inbox.records.replay()
        drained(worker)
        assert [("new", 1)] == shop.rows("state", "attempts")
        shop.clock.move(10)
        drained(worker)
        assert [["paid"]] == notes.statuses


def test_an_answer_behind_the_claim_is_applied_and_asked_for_again(store_url: str, asking: Any) -> None:
    """The provider's own query may lag; what it says already is told at once."""
    asking(Claiming)
    behind = [stands("open", "") for _ in range(2)]
    with opened(store_url, open_charge("INV-1"), *behind, stands()) as shop:
        shop.charge()
        notes = Notes()
        worker = Worker(shop.paygate, notes)
        shop.call(status="paid")
        for attempts in (1, 2):
            drained(worker)
            expected = ("new", attempts, "the provider's answer is behind what this call says")
            assert [expected] == shop.rows("state", "attempts", "problem")
            shop.clock.move(20)
        drained(worker)
        assert [["paid"]] == notes.statuses


def test_another_amount_is_a_conflict_after_the_question(store_url: str, asking: Any) -> None:
    """Whatever the call said of it."""
    asking(Claiming)
    with opened(store_url, open_charge("INV-1"), stands(amount="1")) as shop:
        shop.charge()
        notes = Notes()
        shop.call(amount="25000")
        drained(Worker(shop.paygate, notes))
        assert ([[]], [["amount"]]) == (notes.statuses, notes.conflicts)


def test_a_call_about_several_charges_is_told_fact_by_fact(store_url: str, asking: Any) -> None:
    """Proven ones and such that were asked about."""
    asking(Doubtful)
    with opened(store_url, open_charge(), stands()) as shop:
        shop.charge("P-1")
        shop.paygate.create_charge(order("INV-1"))
        notes = Notes()
        shop.call("P-1+INV-1")
        drained(Worker(shop.paygate, notes))
        told = {one.reference for callback in notes.told for one in callback.charges}
        assert {"P-1", "INV-1"} == told
        assert ["done"] * len(shop.rows()) == shop.rows()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_worker_asks_as_well(store_url: str, asking: Any, backend: str) -> None:
    """In its own loop."""
    asking(Claiming)
    with opened(store_url, open_charge("INV-1"), UNKNOWN, stands()) as shop:
        shop.charge()
        shop.call()
        notes = Notes()

        async def run() -> None:
            async with opened_async(shop, store_url) as paygate:
                worker = AsyncWorker(paygate, notes)
                for _ in range(2):
                    while await worker.run_once():
                        pass
                    shop.clock.move(10)

        anyio.run(run, backend=backend)
        assert [["paid"]] == notes.statuses


def test_midtrans_is_asked_before_its_call_counts(store_url: str) -> None:
    """Its notification is acknowledged at once; paid is what its own status says."""
    simulator = MidtransSimulator("https://shop.example/callbacks/main")
    document = {
        "gateways": {"main": {"adapter": "midtrans", **simulator.settings}},
        "store": {"url": store_url},
    }
    calls: list[httpx.Request] = []

    def post(call: httpx.Request) -> httpx.Response:
        calls.append(call)
        received = CallbackRequest("POST", call.url.path, call.headers, call.content)
        reply = paygate.gateway("main").receive(received)
        return httpx.Response(reply.status, content=reply.body)

    with Paygate.from_mapping(document, transport=SimulatorTransport(simulator)) as paygate:
        paygate.create_charge(order("INV-1", method=Qris()))
        notes = Notes()
        worker = Worker(paygate, notes)
        simulator.act("INV-1", PayerAction.PAY)
        simulator.deliveries.run(post)
        assert calls
        assert [] == notes.told
        drained(worker)
        assert [["paid"]] == notes.statuses
        forged = calls[-1].content.replace(b"settlement", b"cancel")
        assert forged != calls[-1].content
        headers = dict(calls[-1].headers)
        again = paygate.gateway("main").receive(CallbackRequest("POST", calls[-1].url.path, headers, forged))
        assert 200 == again.status
        drained(worker)
        assert [["paid"]] == notes.statuses
