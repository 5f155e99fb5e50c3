"""Callbacks that cross each other in the book of orders, put between each other's steps by hand."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import httpx
import msgspec
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    Callback,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeRequest,
    ChargeStatus,
    Money,
    Paygate,
    QrCode,
    Qris,
)
from paygate.callbacks import WsgiCallbacks
from paygate.conflicts import compared
from paygate.sandbox import PayerAction
from tests.callbacks.processes import ROOT
from tests.examples.telling import ORDER, callback, now, rows
from tests.sandbox.waiting import PATIENCE

PAID, FAILED, PENDING = ChargeStatus.PAID, ChargeStatus.FAILED, ChargeStatus.PENDING
QR: Final = QrCode("QR")


def seen(book: Any, told: Charge) -> Callback:
    """A callback when its order has been looked up and nothing is written yet."""
    return compared(callback(told), [book.known(told)])


def told_at_once(examples: ModuleType, book: Any, *told: Charge) -> list[str]:
    """Look up the orders of all callbacks, then take one after another; one that fails comes again."""
    outcomes = []
    for heard, fitting in [(one, seen(book, one)) for one in told]:
        try:
            book.take(fitting)
            outcomes.append("taken")
        except examples.Overtaken:
            book.take(seen(book, heard))
            outcomes.append("taken when told again")
    return outcomes


def conflicts(book: Any) -> list[tuple[str, str, str]]:
    """Kind, number and status of each conflict in the book."""
    return [(kind, number, status) for kind, _, number, status, _ in rows(book, "conflicts")]


def test_paid_is_not_lost_where_a_failure_came_in_between(
    examples: ModuleType, book: Any, ours: Charge
) -> None:
    """Both found the order open. The money is there, so a person hears of it."""
    outcomes = told_at_once(examples, book, now(ours, FAILED), now(ours, PAID))
    assert ["taken", "taken when told again"] == outcomes
    assert [("late", "P-1", "paid")] == conflicts(book)
    assert (FAILED, []) == (book.find(ours.reference).status, rows(book, "parcels"))


def test_a_failure_changes_nothing_where_paid_came_in_between(
    examples: ModuleType, book: Any, ours: Charge
) -> None:
    """Both found the order open. The goods go out, and the old news is put aside."""
    outcomes = told_at_once(examples, book, now(ours, PAID), now(ours, FAILED))
    assert ["taken", "taken when told again"] == outcomes
    assert [("regression", "P-1", "failed")] == conflicts(book)
    assert (PAID, [(ours.reference,)]) == (book.find(ours.reference).status, rows(book, "parcels"))


def test_two_payments_at_once_are_two(examples: ModuleType, book: Any, ours: Charge) -> None:
    """One is delivered. The other, under another number, is somebody's money: a person hears of it."""
    told = [now(ours, PAID, number) for number in ("P-1", "P-2")]
    assert ["taken", "taken when told again"] == told_at_once(examples, book, *told)
    assert [("twice", "P-2", "paid")] == conflicts(book)
    assert [(ours.reference,)] == rows(book, "parcels")
    assert "P-1" == book.find(ours.reference).provider_reference


def test_a_repeat_at_the_same_moment_is_a_success(examples: ModuleType, book: Any, ours: Charge) -> None:
    """The row says exactly what is told: it was done, once."""
    told = now(ours, PAID)
    assert ["taken"] * 3 == told_at_once(examples, book, told, told, told)
    assert ([(ours.reference,)], []) == (rows(book, "parcels"), rows(book, "conflicts"))


STATES: Final = [(status, number) for status in ChargeStatus for number in ("P-1", "P-2")]


@pytest.mark.parametrize("before", ChargeStatus)
def test_whatever_crosses_ends_as_if_it_had_come_in_turn(
    examples: ModuleType, book: Any, ours: Charge, before: ChargeStatus
) -> None:
    """For each state of an order and each two callbacks: none is lost, and none fails a second time.

    What kind of conflict one is may depend on the moment; that a person hears of it may not.
    """
    for first, second in itertools.product(STATES, STATES):
        ends = []
        for tell in (told_in_turn, told_at_once):
            request = examples.wanted(ORDER)
            book.begin(request)
            order = msgspec.structs.replace(ours, reference=request.reference)
            book.made(order)
            book.take(callback(now(order, before)))
            outcomes = tell(examples, book, now(order, *first), now(order, *second))
            end = book.find(order.reference)
            aside = {row[2:] for row in rows(book, "conflicts") if row[1] == order.reference}
            sent = rows(book, "parcels").count((order.reference,))
            ends.append((end.status, end.provider_reference, sent, aside))
        assert ends[0] == ends[1], (first, second, outcomes)


def told_in_turn(examples: ModuleType, book: Any, *told: Charge) -> list[str]:
    """Take one callback after another."""
    return [outcome for one in told for outcome in told_at_once(examples, book, one)]


def begun(examples: ModuleType, book: Any) -> tuple[Charge, Charge]:
    """An order whose charge is being asked for, and the provider's answer, which is not entered yet."""
    request = examples.wanted(ORDER)
    book.begin(request)
    early = book.find(request.reference)
    return early, msgspec.structs.replace(early, instructions=QR, provider_reference="P-1", raw=b"made")


def test_news_that_is_older_than_the_answer_keeps_its_instructions(examples: ModuleType, book: Any) -> None:
    """A callback is looked up before the answer is entered, and written after it."""
    early, made = begun(examples, book)
    fitting = seen(book, now(early, PENDING))
    book.made(made)
    book.take(fitting)
    kept = book.find(early.reference)
    assert (QR, "P-1", b"\xff{}") == (kept.instructions, kept.provider_reference, kept.raw)


@pytest.mark.parametrize("status", [PENDING, PAID, FAILED])
def test_an_answer_keeps_what_a_callback_told_before_it(
    examples: ModuleType, book: Any, status: ChargeStatus
) -> None:
    """It adds how to pay and no more."""
    early, made = begun(examples, book)
    book.take(seen(book, now(early, status, "P-2")))
    told = book.find(early.reference)
    book.made(made)
    assert msgspec.structs.replace(told, instructions=QR) == book.find(early.reference)


def test_an_order_that_a_callback_has_told_of_is_not_struck_out(examples: ModuleType, book: Any) -> None:
    """Then its charge exists, whatever the answer was."""
    early, _ = begun(examples, book)
    book.take(seen(book, now(early, PENDING, "P-1")))
    book.drop(early.reference)
    assert book.find(early.reference) is not None


def answered(receive: WsgiCallbacks, call: httpx.Request) -> CallbackReply:
    """What a merchant answers to a provider's call."""
    return receive.answer(CallbackRequest("POST", call.url.path, dict(call.headers), call.content))


@pytest.mark.parametrize("winner", ["failed", "paid"])
def test_the_provider_calls_again_where_its_calls_have_crossed(
    book: Any, simulator: AyolinxSimulator, paygate: Paygate, winner: str
) -> None:
    """Through the real application: the one that comes too late is answered 500, and 200 the next time."""
    request = ChargeRequest(reference="INV-1", amount=Money.idr(25_000), method=Qris())
    book.begin(request)
    book.made(paygate.create_charge(request, "main"))
    simulator.tell("INV-1", "06")
    simulator.act("INV-1", PayerAction.PAY)
    failed, paid = (delivery.request() for delivery in simulator.deliveries.take())
    first, second = (failed, paid) if winner == "failed" else (paid, failed)
    gateway = paygate.gateway("main")
    plain = WsgiCallbacks(gateway, book.take, known=book.known)

    def known(told: Charge) -> Charge | None:
        before: Charge | None = book.known(told)
        assert answered(plain, first).status == 200
        return before

    assert 500 == answered(WsgiCallbacks(gateway, book.take, known=known), second).status
    assert 200 == answered(plain, second).status
    assert ["late" if winner == "failed" else "regression"] == [kind for kind, _, _ in conflicts(book)]


@pytest.fixture
def worker(book: Any, request: pytest.FixtureRequest) -> Callable[[Charge], "Worker"]:
    """Start workers of a shop, each a process of its own."""

    def start(told: Charge) -> Worker:
        one = Worker(str(book._file), told)
        request.addfinalizer(one.close)
        return one

    return start


class Worker:
    """A process that has been told of a charge and does one step at a time."""

    def __init__(self, book: str, told: Charge) -> None:
        path = os.pathsep.join([str(ROOT), str(ROOT / "examples")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.examples.worker", book],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say(msgspec.json.encode(told).decode())

    def does(self, step: str) -> str:
        """Let it do a step; what came of it."""
        self._say(step)
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=PATIENCE)


def test_two_processes_find_out_about_each_other(
    book: Any, ours: Charge, worker: Callable[[Charge], Worker]
) -> None:
    """Each has looked the order up before the other writes."""
    one, other = worker(now(ours, PAID, "P-1")), worker(now(ours, PAID, "P-2"))
    assert ["fits", "fits"] == [one.does("known"), other.does("known")]
    assert ["taken", "again"] == [one.does("take"), other.does("take")]
    assert ["conflict", "taken"] == [other.does("known"), other.does("take")]
    assert [("twice", "P-2", "paid")] == conflicts(book)
    assert [(ours.reference,)] == rows(book, "parcels")
