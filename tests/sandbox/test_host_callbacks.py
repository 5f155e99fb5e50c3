"""Callbacks over real HTTP: from the host to a merchant's server, until it says that it has them."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import CallbackRejected, CallbackRequest, ChargeStatus, Money, Paygate
from paygate.sandbox import PayerAction
from paygate.sandbox.host import serve
from tests.sandbox.orders import place
from tests.sandbox.shop import SUCCESS, Answer, shop
from tests.sandbox.waiting import PATIENCE, until

FAST = 1e6
"""So many times faster than the provider: its waits are over at once."""

MakeSimulator = Callable[..., AyolinxSimulator]


def paid(simulator: AyolinxSimulator, *references: str) -> None:
    """Make charges and let the payer pay them."""
    for reference in references:
        place(simulator, reference)
        simulator.act(reference, PayerAction.PAY)


def finished(simulator: AyolinxSimulator) -> list[dict[str, Any]]:
    """The summaries of all deliveries, once all are done."""
    until(lambda: all(one.done for one in simulator.deliveries.all))
    return [one.summary() for one in simulator.deliveries.all]


def test_a_callback_is_delivered_once(make_simulator: MakeSimulator) -> None:
    """A merchant that says "yes" is told once, at the path of the callback's address."""
    with shop() as merchant:
        simulator = make_simulator(merchant.url + "?from=ayolinx", pace=FAST)
        with serve(simulator):
            paid(simulator, "INV-1")
            expected = {"reference": "INV-1", "attempts": [200], "delivered": True, "done": True}
            assert [expected] == finished(simulator)
    assert "/callbacks/main?from=ayolinx" == merchant.next().path
    assert merchant.arrived.empty()


def test_a_callback_is_repeated_until_http_200_with_a_success_body(make_simulator: MakeSimulator) -> None:
    """Neither an error, nor HTTP 200 without a word, nor a refusal in it, nor success under HTTP 201 will do."""
    answers = iter(
        [
            (500, b"oops"),
            (200, b"OK"),
            (200, b'{"responseCode":"4015200"}'),
            (201, SUCCESS[1]),
            SUCCESS,
        ]
    )
    with shop(lambda _: next(answers)) as merchant:
        simulator = make_simulator(merchant.url, pace=FAST)
        with serve(simulator):
            paid(simulator, "INV-1")
            assert [
                {"reference": "INV-1", "attempts": [500, 200, 200, 201, 200], "delivered": True, "done": True}
            ] == finished(simulator)
    sent = [merchant.next() for _ in range(5)]
    assert 1 == len({(one.body, one.header("x-signature"), one.header("x-timestamp")) for one in sent})


def test_a_callback_that_is_never_accepted_is_given_up(make_simulator: MakeSimulator) -> None:
    """After the first attempt and four more it is over."""
    with shop(lambda _: (500, b"")) as merchant:
        simulator = make_simulator(merchant.url, pace=FAST)
        with serve(simulator):
            paid(simulator, "INV-1")
            assert [
                {"reference": "INV-1", "attempts": [500] * 5, "delivered": False, "done": True}
            ] == finished(simulator)


def test_a_merchant_that_is_not_there_is_tried_as_often(make_simulator: MakeSimulator) -> None:
    """A refused connection is an attempt without a status."""
    simulator = make_simulator("http://127.0.0.1:1/callbacks/main", pace=FAST)
    with serve(simulator):
        paid(simulator, "INV-1")
        assert [None] * 5 == finished(simulator)[0]["attempts"]


def test_the_retries_wait_at_the_pace_of_the_provider(make_simulator: MakeSimulator) -> None:
    """At its own pace the second attempt is due a minute after the first."""
    with shop(lambda _: (500, b"")) as merchant:
        simulator = make_simulator(merchant.url)
        with serve(simulator):
            paid(simulator, "INV-1")
            [delivery] = simulator.deliveries.all
            until(lambda: bool(delivery.attempts))
    assert pytest.approx(delivery.attempts[0].at + 60) == delivery.due
    assert not delivery.done


def test_paygate_believes_the_callback_and_its_answer_ends_the_retries(
    make_simulator: MakeSimulator, configured: Callable[..., dict[str, Any]]
) -> None:
    """The whole way back: signed by the provider, verified by paygate, accepted by the provider."""
    told: list[tuple[str, ChargeStatus, Money | None]] = []

    def answer(request: CallbackRequest) -> Answer:
        callback = paygate.parse_callback("main", request)
        told.extend((one.reference, one.status, one.paid_amount) for one in callback.charges)
        return callback.reply.status, callback.reply.body

    with shop(answer) as merchant:
        simulator = make_simulator(merchant.url, pace=FAST)
        with serve(simulator) as host, Paygate.from_mapping(configured(simulator, host.url)) as paygate:
            paid(simulator, "INV-1")
            assert [200] == finished(simulator)[0]["attempts"]
    assert [("INV-1", ChargeStatus.PAID, Money.idr(25_000))] == told


def test_a_refused_callback_is_tried_again(
    make_simulator: MakeSimulator, configured: Callable[..., dict[str, Any]]
) -> None:
    """A merchant with another provider's key refuses every attempt, and the provider hears it."""
    stranger = make_simulator()
    document = configured(stranger)
    document["gateways"]["main"] |= {
        "callback_path": "/another/path",
        "callback_url": "https://shop.example/another/path",
    }

    def answer(request: CallbackRequest) -> Answer:
        with pytest.raises(CallbackRejected) as rejected:
            paygate.parse_callback("main", request)
        return rejected.value.reply.status, rejected.value.reply.body

    with Paygate.from_mapping(document) as paygate, shop(answer) as merchant:
        simulator = make_simulator(merchant.url, pace=FAST)
        with serve(simulator):
            paid(simulator, "INV-1")
            assert [401] * 5 == finished(simulator)[0]["attempts"]


def test_a_merchant_that_hangs_delays_no_other_callback(make_simulator: MakeSimulator) -> None:
    """While twenty callbacks are not answered, the others arrive and are done."""
    release = threading.Event()

    def answer(request: CallbackRequest) -> Answer:
        if b"HANG" in request.body:
            release.wait(PATIENCE)
        return SUCCESS

    with shop(answer) as merchant:
        simulator = make_simulator(merchant.url, pace=FAST)
        with serve(simulator):
            paid(simulator, *(f"HANG-{number}" for number in range(20)))
            until(lambda: merchant.arrived.qsize() == 20)
            paid(simulator, "INV-1", "INV-2")
            until(lambda: all(one.done for one in simulator.deliveries.all[20:]))
            states = {one.done for one in simulator.deliveries.all[:20]}
            release.set()
    assert {False} == states


def test_a_merchant_that_hangs_too_long_is_given_up_and_tried_again(
    make_simulator: MakeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that does not come in time is an attempt without a status."""
    monkeypatch.setattr("paygate.sandbox.host.POST_TIMEOUT", 0.5)
    release = threading.Event()
    first = threading.Event()

    def answer(_: CallbackRequest) -> Answer:
        if not first.is_set():
            first.set()
            release.wait(PATIENCE)
        return SUCCESS

    with shop(answer) as merchant:
        simulator = make_simulator(merchant.url, pace=FAST)
        with serve(simulator):
            paid(simulator, "INV-1")
            attempts = finished(simulator)[0]["attempts"]
            release.set()
    assert None is attempts[0]
    assert 200 == attempts[-1]


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[1]", id="no object"),
        pytest.param(b'"200"', id="a text"),
        pytest.param(b'{"responseCode":null}', id="no code"),
        pytest.param(b"1" * 10_000, id="a long number"),
    ],
)
def test_an_answer_that_nobody_can_read_ends_no_other_callback(
    make_simulator: MakeSimulator, nonsense: bytes
) -> None:
    """It is a failed attempt; the next callback is delivered, and so is the retry."""
    answers = iter([(200, nonsense)])
    with shop(lambda _: next(answers, SUCCESS)) as merchant:
        simulator = make_simulator(merchant.url, pace=FAST)
        with serve(simulator):
            paid(simulator, "INV-1")
            merchant.next()
            paid(simulator, "INV-2")
            assert [[200, 200], [200]] == [one["attempts"] for one in finished(simulator)]


def test_a_redirect_is_not_followed(make_simulator: MakeSimulator) -> None:
    """A callback goes where it is configured to go, and nowhere else."""
    with shop(lambda _: (302, b"")) as merchant:
        simulator = make_simulator(merchant.url, pace=FAST)
        with serve(simulator):
            paid(simulator, "INV-1")
            assert [302] * 5 == finished(simulator)[0]["attempts"]


def test_no_proxy_stands_between_the_host_and_the_merchant(
    make_simulator: MakeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's proxy is not asked: the merchant is on this machine."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with shop() as merchant:
        simulator = make_simulator(merchant.url, pace=FAST)
        with serve(simulator) as host, httpx.Client(trust_env=False) as client:
            paid(simulator, "INV-1")
            assert finished(simulator)[0]["delivered"]
            assert finished(simulator) == client.get(f"{host.url}/_sandbox/callbacks").json()
