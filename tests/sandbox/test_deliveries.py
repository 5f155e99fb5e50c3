import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from paygate import Flow
from paygate.sandbox import Deliveries, Delivery
from paygate.sandbox.delivery import Exchange

WAITS = (60.0, 300.0, 600.0)


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
    """Deliveries by that clock."""
    return Deliveries(clock=clock)


def request() -> httpx.Request:
    return httpx.Request("POST", "https://shop.example/callbacks")


def is_ok(response: httpx.Response) -> bool:
    return response.text == "OK"


def add(deliveries: Deliveries, reference: str = "INV-1", waits: tuple[float, ...] = WAITS) -> None:
    def tell() -> Flow[bool]:
        return is_ok((yield request()))

    deliveries.add(reference, tell, waits)


def record(deliveries: Deliveries, delivery: Delivery, response: httpx.Response | None) -> None:
    exchange = Exchange(request()) if response is None else Exchange.answered(request(), response)
    deliveries.record(delivery, [exchange], accepted=response is not None and is_ok(response))


def fail(deliveries: Deliveries) -> Delivery:
    """Take the one that is due, and answer HTTP 500."""
    [delivery] = deliveries.take()
    record(deliveries, delivery, httpx.Response(500))
    return delivery


def test_a_new_callback_is_due_at_once(deliveries: Deliveries) -> None:
    """It waits for nobody but whoever delivers."""
    add(deliveries)
    [delivery] = deliveries.take()
    assert "INV-1" == delivery.reference


def test_what_is_taken_is_not_taken_again(deliveries: Deliveries) -> None:
    """One attempt is under way at a time."""
    add(deliveries)
    deliveries.take()
    assert [] == deliveries.take()


def test_an_accepted_callback_is_done(deliveries: Deliveries, clock: Clock) -> None:
    """It is never sent again."""
    add(deliveries)
    [delivery] = deliveries.take()
    record(deliveries, delivery, httpx.Response(200, text="OK"))
    clock.now += 1e9
    assert [] == deliveries.take()
    assert {"reference": "INV-1", "attempts": [200], "delivered": True, "done": True} == delivery.summary()


def test_a_failed_callback_is_sent_again_after_each_wait(deliveries: Deliveries, clock: Clock) -> None:
    """Not a moment before the wait is over, counted from the answer, and at the latest when it is."""
    add(deliveries)
    for wait in WAITS:
        fail(deliveries)
        clock.now += wait - 0.001
        assert [] == deliveries.take()
        clock.now += 0.002
    [delivery] = deliveries.take()
    assert not delivery.done


def test_a_wait_is_counted_from_the_answer(deliveries: Deliveries, clock: Clock) -> None:
    """The time that the merchant took to answer is not part of it."""
    add(deliveries)
    [delivery] = deliveries.take()
    clock.now += 50
    record(deliveries, delivery, httpx.Response(500))
    clock.now += 59
    assert [] == deliveries.take()
    clock.now += 1
    assert [delivery] == deliveries.take()


def test_the_pace_divides_the_waits(clock: Clock) -> None:
    """At a pace of 60 an hour is a minute."""
    deliveries = Deliveries(60.0, clock)
    add(deliveries, waits=(3600.0,))
    fail(deliveries)
    clock.now += 59
    assert [] == deliveries.take()
    clock.now += 1
    assert 1 == len(deliveries.take())


def test_it_is_given_up_when_the_waits_are_used_up(deliveries: Deliveries, clock: Clock) -> None:
    """One attempt more than there are waits, and then none."""
    add(deliveries)
    for _ in range(len(WAITS) + 1):
        delivery = fail(deliveries)
        clock.now += 1e6
    assert [] == deliveries.take()
    assert {
        "reference": "INV-1",
        "attempts": [500] * 4,
        "delivered": False,
        "done": True,
    } == delivery.summary()


def test_without_waits_there_is_one_attempt(deliveries: Deliveries, clock: Clock) -> None:
    """A provider that does not retry gives up at once."""
    add(deliveries, waits=())
    delivery = fail(deliveries)
    clock.now += 1e6
    assert [] == deliveries.take()
    assert delivery.done


def test_the_waits_may_follow_from_the_last_answer(deliveries: Deliveries, clock: Clock) -> None:
    """Each status has a plan of its own, no answer too; what went before counts as tries of any plan."""
    plans: dict[int | None, tuple[float, ...]] = {503: (10.0, 20.0, 30.0), 500: (40.0,), None: (50.0, 60.0)}

    def waits(status: int | None) -> tuple[float, ...]:
        return plans.get(status, ())

    def tell() -> Flow[bool]:
        return is_ok((yield request()))

    deliveries.add("INV-1", tell, waits)
    for response, wait in ((httpx.Response(503), 10), (None, 60), (httpx.Response(503), 30)):
        [delivery] = deliveries.take()
        record(deliveries, delivery, response)
        assert wait == deliveries.wait(delivery)
        clock.now += wait
    [delivery] = deliveries.take()
    record(deliveries, delivery, httpx.Response(500))
    assert delivery.done
    deliveries.add("INV-2", tell, waits)
    [delivery] = deliveries.take()
    record(deliveries, delivery, httpx.Response(404))
    assert delivery.done


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (httpx.Response(200, text="no"), 200),
        (httpx.Response(404, text=""), 404),
        (None, None),
    ],
)
def test_only_what_the_provider_accepts_is_a_delivery(
    deliveries: Deliveries, response: httpx.Response | None, status: int | None
) -> None:
    """A wrong body, another status and no answer at all are failures, and each is written down."""
    add(deliveries)
    [delivery] = deliveries.take()
    record(deliveries, delivery, response)
    assert [(1_000.0, status, False)] == [(one.at, one.status, one.accepted) for one in delivery.attempts]
    assert not delivery.done


def test_no_delivery_knows_the_attempts_of_another(deliveries: Deliveries) -> None:
    """Each has a list of its own."""
    add(deliveries, "INV-1")
    add(deliveries, "INV-2")
    first, second = deliveries.take()
    record(deliveries, first, None)
    assert (1, 0) == (len(first.attempts), len(second.attempts))
    assert (first, second) == deliveries.all


def test_two_threads_never_take_the_same_delivery() -> None:
    """Of many that ask at once, each delivery goes to exactly one."""
    deliveries = Deliveries()
    for number in range(500):
        add(deliveries, f"INV-{number}")
    ready = threading.Barrier(4, timeout=30)

    def all_that_is_due(_: int) -> list[Delivery]:
        ready.wait()
        return list(itertools.chain.from_iterable(deliveries.take() for _ in range(50)))

    with ThreadPoolExecutor(4) as threads:
        taken = list(itertools.chain.from_iterable(threads.map(all_that_is_due, range(4))))
    assert sorted(f"INV-{number}" for number in range(500)) == sorted(one.reference for one in taken)


def test_run_delivers_all_that_is_due_through_a_function(deliveries: Deliveries, clock: Clock) -> None:
    """A test needs no network: an answer is recorded, a broken connection is an attempt without one."""
    answers: Iterator[httpx.Response | None] = iter(
        [httpx.Response(503), None, httpx.Response(200, text="OK")]
    )
    sent: list[httpx.Request] = []

    def post(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        answer = next(answers)
        if answer is None:
            raise httpx.ConnectError("refused", request=request)
        return answer

    add(deliveries)
    for _ in range(4):
        deliveries.run(post)
        clock.now += 1e6
    assert [503, None, 200] == deliveries.all[0].summary()["attempts"]
    assert deliveries.all[0].done
    assert 3 == len({id(one) for one in sent})


@pytest.mark.parametrize("kind", [httpx.ReadTimeout, httpx.DecodingError, httpx.TooManyRedirects])
def test_an_answer_that_cannot_be_read_is_a_failed_attempt(
    deliveries: Deliveries, clock: Clock, kind: type[httpx.RequestError]
) -> None:
    """Whatever httpx raises, the callback is tried again, as the host does it."""

    def post(request: httpx.Request) -> httpx.Response:
        raise kind("no use", request=request)

    add(deliveries)
    deliveries.run(post)
    clock.now += 60
    assert 1 == len(deliveries.take())
