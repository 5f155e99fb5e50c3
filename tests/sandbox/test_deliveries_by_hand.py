"""What a tester can do with callbacks: hold, release, reverse, resend, delay, duplicate, corrupt."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import Flow
from paygate.sandbox import Deliveries, Delivery, PayerAction
from paygate.sandbox.delivery import Exchange
from tests.sandbox.toy import ToySimulator, answering, signature

WAITS = (60.0, 300.0)
LOGIN = b'{"grant":"client"}'


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock for the deliveries of one test."""
    return Clock()


@pytest.fixture
def deliveries(clock: Clock) -> Deliveries:
    """Three callbacks by that clock, none of them sent."""
    made = Deliveries(clock=clock)
    for number in (1, 2, 3):
        add(made, f"INV-{number}")
    return made


def add(deliveries: Deliveries, reference: str) -> None:
    def tell() -> Flow[bool]:
        reply = yield httpx.Request("POST", "https://shop.example/", content=f"{reference} costs 10".encode())
        return reply.status_code == 200

    deliveries.add(reference, tell, WAITS)


def sent(deliveries: Deliveries, status: int = 200) -> list[str]:
    """Deliver what is due, and say which bodies arrived, in their order."""
    bodies = []

    def post(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content.decode())
        return httpx.Response(status)

    deliveries.run(post)
    return [body.split(" ")[0] for body in bodies]


def taken(deliveries: Deliveries) -> list[int]:
    return [one.number for one in deliveries.take()]


def test_nothing_goes_while_callbacks_are_held(deliveries: Deliveries, clock: Clock) -> None:
    """Neither those that wait, nor new ones, however long it takes; and none is lost."""
    deliveries.hold()
    add(deliveries, "INV-4")
    clock.now += 1e6
    assert ([], True) == (sent(deliveries), deliveries.held)
    deliveries.release()
    assert (["INV-1", "INV-2", "INV-3", "INV-4"], False) == (sent(deliveries), deliveries.held)
    assert [True] * 4 == [one.done for one in deliveries.all]


def test_a_retry_is_held_as_well(deliveries: Deliveries, clock: Clock) -> None:
    """The second attempt waits for the release, and the third for its own time after it."""
    assert 3 == len(sent(deliveries, 500))
    deliveries.hold()
    clock.now += 3600
    assert [] == sent(deliveries)
    deliveries.release()
    assert 3 == len(sent(deliveries, 500))
    clock.now += 299
    assert [] == sent(deliveries)
    clock.now += 1
    assert 3 == len(sent(deliveries))


def test_what_is_under_way_arrives_though_the_others_are_held(deliveries: Deliveries) -> None:
    """A hold interrupts no attempt, and its answer counts."""
    [first, *_] = deliveries.take()
    deliveries.hold()
    deliveries.record(first, [Exchange(first.request(), 200)], accepted=True)
    assert first.done


def test_what_was_held_goes_in_its_order_one_after_another(deliveries: Deliveries) -> None:
    """The next is not taken before the one ahead of it has ended, so nothing overtakes."""
    deliveries.hold()
    deliveries.release()
    for number in (1, 2, 3):
        [only] = deliveries.take()
        assert number == only.number
        assert [] == deliveries.take()
        deliveries.record(only, [], accepted=True)
    assert [] == deliveries.take()


def test_what_was_held_can_go_in_reverse_order(deliveries: Deliveries) -> None:
    """The newest first, the oldest last."""
    deliveries.hold()
    deliveries.release(newest_first=True)
    assert ["INV-3", "INV-2", "INV-1"] == sent(deliveries)


def test_one_that_fails_does_not_stop_the_line(deliveries: Deliveries, clock: Clock) -> None:
    """It leaves the line, and its retry comes at its own time."""
    deliveries.hold()
    deliveries.release(newest_first=True)
    assert ["INV-3", "INV-2", "INV-1"] == sent(deliveries, 500)
    clock.now += 60
    assert ["INV-1", "INV-2", "INV-3"] == sent(deliveries)


def test_a_new_callback_does_not_wait_for_the_line(deliveries: Deliveries) -> None:
    """Only what was held has an order."""
    deliveries.hold()
    deliveries.release(newest_first=True)
    add(deliveries, "INV-4")
    assert [3, 4] == sorted(taken(deliveries))


def test_a_line_can_be_held_again_and_turned(deliveries: Deliveries) -> None:
    """What has not gone yet waits, and goes in the order of the last release."""
    deliveries.hold()
    deliveries.release(newest_first=True)
    [third] = deliveries.take()
    deliveries.hold()
    deliveries.record(third, [], accepted=True)
    assert [] == deliveries.take()
    deliveries.release()
    assert ["INV-1", "INV-2"] == sent(deliveries)


def test_a_delayed_one_leaves_the_line(deliveries: Deliveries, clock: Clock) -> None:
    """The others do not wait for it."""
    deliveries.hold()
    deliveries.release()
    deliveries.delay(1, 60)
    assert ["INV-2", "INV-3"] == sent(deliveries)
    clock.now += 60
    assert ["INV-1"] == sent(deliveries)


def test_all_can_be_sent_now(deliveries: Deliveries, clock: Clock) -> None:
    """The hold ends, and so does the wait for a retry; what is done stays done."""
    deliveries.delay(2, 3600)
    assert ["INV-1", "INV-3"] == sent(deliveries)
    deliveries.hold()
    deliveries.send_now()
    assert ([2], False) == (taken(deliveries), deliveries.held)


def test_an_accepted_one_can_be_sent_again(deliveries: Deliveries, clock: Clock) -> None:
    """At once, in the same words, and not more often than asked for."""
    sent(deliveries)
    again = deliveries.resend(2)
    assert (2, ["INV-2"], []) == (again.number, sent(deliveries), sent(deliveries))
    assert {"reference": "INV-2", "attempts": [200, 200], "delivered": True, "done": True} == again.summary()


def test_one_that_was_given_up_can_be_sent_again(deliveries: Deliveries, clock: Clock) -> None:
    """One more attempt, without further retries."""
    for _ in range(3):
        sent(deliveries, 500)
        clock.now += 1e6
    deliveries.resend(1)
    assert ["INV-1"] == sent(deliveries, 500)
    clock.now += 1e6
    assert [] == sent(deliveries)
    assert deliveries.find(1).done


def test_a_resent_retry_is_the_next_attempt(deliveries: Deliveries, clock: Clock) -> None:
    """It comes before its time, and the retries go on from there."""
    sent(deliveries, 500)
    deliveries.resend(1)
    assert ["INV-1"] == sent(deliveries, 500)
    clock.now += 60
    assert ["INV-2", "INV-3"] == sent(deliveries)
    clock.now += 240
    assert ["INV-1"] == sent(deliveries)


def test_one_can_be_delayed(deliveries: Deliveries, clock: Clock) -> None:
    """By so many seconds from when it was due, and not by the provider's pace."""
    quick = Deliveries(pace=60.0, clock=clock)
    add(quick, "INV-1")
    quick.delay(1, 60)
    quick.delay(1, 60)
    clock.now += 119
    assert ([], 1.0) == (sent(quick), quick.wait(quick.find(1)))
    clock.now += 1
    assert ["INV-1"] == sent(quick)


def test_one_that_is_done_can_come_again_later(deliveries: Deliveries, clock: Clock) -> None:
    """A repeat long after the first is what providers do."""
    sent(deliveries)
    clock.now += 1e6
    deliveries.delay(1, 3600)
    assert [] == sent(deliveries)
    clock.now += 3600
    assert ["INV-1"] == sent(deliveries)


def test_a_duplicate_goes_at_the_same_time_as_the_first(deliveries: Deliveries) -> None:
    """Both are taken at once; the copy has a number of its own and the retries of the first."""
    sent(deliveries)
    copy = deliveries.duplicate(1)
    assert [1, 4] == taken(deliveries)
    assert (1, False, WAITS, "INV-1") == (copy.copy_of, copy.corrupted, copy.waits, copy.reference)


def test_one_under_way_can_be_duplicated(deliveries: Deliveries) -> None:
    """The copy goes beside it."""
    deliveries.take()
    deliveries.duplicate(1)
    assert [4] == taken(deliveries)


@pytest.mark.parametrize("what", [Deliveries.resend, lambda one, number: one.delay(number, 60)])
def test_what_is_under_way_is_not_touched(
    deliveries: Deliveries, what: Callable[[Deliveries, int], Delivery]
) -> None:
    """It would be lost when the answer comes; the error says to wait."""
    deliveries.take()
    with pytest.raises(ValueError, match="callback 1 is on its way"):
        what(deliveries, 1)


@pytest.mark.parametrize("number", [-1, 0, 4, 10**9])
def test_an_unknown_number_is_a_key_error(deliveries: Deliveries, number: int) -> None:
    """For every operation on one callback."""
    for what in (deliveries.find, deliveries.resend, deliveries.duplicate, deliveries.corrupt):
        with pytest.raises(KeyError):
            what(number)
    with pytest.raises(KeyError):
        deliveries.delay(number, 60)


def test_a_corrupted_copy_differs_in_one_digit_of_its_body(deliveries: Deliveries) -> None:
    """The headers are those of the first, signature included, and so is all else."""
    simulator = ToySimulator("https://shop.example/callbacks")
    simulator.charge("qris", "INV-1")
    simulator.act("INV-1", PayerAction.PAY)
    copy = simulator.deliveries.corrupt(1)
    first, second = simulator.deliveries.find(1).request(), copy.request()
    assert (first.method, first.url, first.headers) == (second.method, second.url, second.headers)
    changed = [pair for pair in zip(first.content, second.content, strict=True) if pair[0] != pair[1]]
    assert [(ord("0"), ord("1"))] == changed
    assert {"reference": "INV-1", "status": "paid", "amount": "25000.01"} == json.loads(second.content)
    assert (1, True, ()) == (copy.copy_of, copy.corrupted, copy.waits)


def test_a_corrupted_copy_logs_in_and_is_refused_for_its_signature() -> None:
    """A login before the callback is not what goes wrong: the last request is."""
    simulator = ToySimulator("https://shop.example/callbacks")
    simulator.variant = "login"
    simulator.charge("qris", "INV-1")
    simulator.act("INV-1", PayerAction.PAY)
    simulator.deliveries.run(answering)
    copy = simulator.deliveries.corrupt(1)
    simulator.deliveries.run(answering)
    [attempt] = copy.attempts
    login, told = attempt.exchanges
    assert (LOGIN, 200, 401) == (login.request.content, login.status, told.status)
    assert signature(told.request.content) != told.request.headers["X-Signature"]
    assert [True, False] == [one.accepted for one in simulator.deliveries.all]
    assert copy.done


def test_a_corrupted_copy_of_a_corrupted_copy_stays_corrupted(deliveries: Deliveries) -> None:
    """A second change must not undo the first, and a duplicate is as wrong as what it repeats."""
    deliveries.corrupt(1)
    bodies = {deliveries.corrupt(4).request().content, deliveries.duplicate(4).request().content}
    assert {b"INV-1 costs 11"} == bodies
    assert [True] * 3 == [one.corrupted for one in deliveries.all[3:]]


@given(st.recursive(st.none() | st.integers() | st.text() | st.floats(), st.lists, max_leaves=10))
def test_a_corrupted_body_is_changed_and_can_still_be_read(value: Any) -> None:
    """JSON stays JSON of the same length, so that only a check of the signature finds it out."""
    body = json.dumps({"amount": "25000.00", "value": value}).encode()
    deliveries = Deliveries()
    deliveries.add("INV-1", lambda: told(body), ())
    changed = deliveries.corrupt(1).request().content
    assert body != changed
    assert len(body) == len(changed)
    json.loads(changed)


def told(body: bytes) -> Flow[bool]:
    reply = yield httpx.Request("POST", "https://shop.example/", content=body)
    return reply.status_code == 200


def test_everything_that_was_said_is_kept(deliveries: Deliveries) -> None:
    """Each attempt has its requests and answers; of a long answer the beginning, of none nothing."""
    answers: Iterator[httpx.Response | Exception] = iter(
        [httpx.Response(200, text="x" * 5000), httpx.ConnectError("refused"), httpx.Response(500)]
    )

    def post(request: httpx.Request) -> httpx.Response:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    deliveries.run(post)
    first, second, third = (one.attempts[0] for one in deliveries.all)
    assert (200, "x" * 1000, True) == (first.status, first.reply, first.accepted)
    assert (None, "nobody listens at https://shop.example", False) == (
        second.status,
        second.reply,
        second.accepted,
    )
    assert (500, "", False) == (third.status, third.reply, third.accepted)
    assert b"INV-2 costs 10" == second.exchanges[0].request.content


def test_busy_means_that_something_can_be_expected_at_once(deliveries: Deliveries, clock: Clock) -> None:
    """While one is due or under way; not while all are done, wait for their time, or are held."""
    seen = [deliveries.busy]
    deliveries.hold()
    seen.append(deliveries.busy)
    deliveries.release()
    [first] = deliveries.take()
    deliveries.delay(2, 60)
    deliveries.delay(3, 60)
    seen.append(deliveries.busy)
    deliveries.record(first, [], accepted=True)
    seen.append(deliveries.busy)
    assert [True, False, True, False] == seen


def test_many_hands_at_once_lose_nothing() -> None:
    """Of callbacks held, resent, delayed, released and duplicated from four threads, each arrives."""
    deliveries = Deliveries()
    ready = threading.Barrier(4, timeout=30)

    def work(thread: int) -> list[int]:
        ready.wait()
        found = []
        for number in range(50):
            add(deliveries, f"INV-{thread}-{number}")
            deliveries.hold()
            deliveries.release(newest_first=bool(number % 2))
            for one in deliveries.take():
                found.append(one.number)
                deliveries.record(one, [], accepted=True)
        return found

    with ThreadPoolExecutor(4) as threads:
        taken = list(itertools.chain.from_iterable(threads.map(work, range(4))))
    deliveries.release()
    while due := deliveries.take():
        for one in due:
            taken.append(one.number)
            deliveries.record(one, [], accepted=True)
    assert list(range(1, 201)) == sorted(taken)
