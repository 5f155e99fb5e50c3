"""Redis goes away, hangs, refuses or talks nonsense: that costs logins, and never a charge."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import anyio
import anyio.to_thread
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import AsyncPaygate, AuthenticationFailed, ChargeRequest, Money, Paygate, Qris
from paygate.sandbox import AsyncSimulatorTransport, SimulatorTransport
from tests.credentials.redis_servers import FalseRedis, RedisServer, free_port
from tests.watch import leaks

CHARGES = 1000
RENEWED_EVERY = 50
AWAY = "cannot be used"
BACK = "answers"

Process = Callable[..., Paygate]


def order(number: int) -> ChargeRequest:
    return ChargeRequest(reference=f"INV-{number}", amount=Money.idr(25_000), method=Qris())


def said(caplog: pytest.LogCaptureFixture, what: str) -> int:
    """How often a warning was given."""
    return sum(what in record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def run(request: pytest.FixtureRequest, shared: Any) -> Callable[..., None]:
    """Make charges one after the other, with something to happen before some of them."""

    def run_in(simulator: AyolinxSimulator, url: str, events: Callable[[int], None], count: int) -> None:
        document = shared(simulator, url)
        if request.param == "blocking":
            with Paygate.from_mapping(document, transport=SimulatorTransport(simulator)) as paygate:
                for number in range(count):
                    events(number)
                    paygate.create_charge(order(number))
            return

        async def main() -> None:
            transport = AsyncSimulatorTransport(simulator)
            async with AsyncPaygate.from_mapping(document, transport=transport) as paygate:
                for number in range(count):
                    events(number)
                    await paygate.create_charge(order(number))

        anyio.run(main, backend=request.param)

    return run_in


def test_redis_stopped_during_a_thousand_charges(
    run: Callable[..., None],
    simulator: AyolinxSimulator,
    mortal_redis: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """All thousand are made; there is no login more than the provider asked for, and one warning."""
    monkeypatch.setattr("paygate.sharing.FIRST_PAUSE", 0.0)

    def events(number: int) -> None:
        if number == CHARGES // 2:
            mortal_redis.stop()
        if number and number % RENEWED_EVERY == 0:
            simulator.revoke_tokens()

    run(simulator, mortal_redis.url, events, CHARGES)
    counts = simulator.ledger.counts()
    assert {f"INV-{number}": 1 for number in range(CHARGES)} == counts
    assert simulator.door.logins == CHARGES // RENEWED_EVERY
    assert (1, 0) == (said(caplog, AWAY), said(caplog, BACK))


def test_a_redis_that_comes_back_is_used_again(
    run: Callable[..., None],
    simulator: AyolinxSimulator,
    mortal_redis: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By itself, and it is said once."""
    monkeypatch.setattr("paygate.sharing.REST_SECONDS", 0.0)

    def events(number: int) -> None:
        if number == 5:
            mortal_redis.stop()
        if number == 10:
            mortal_redis.start()
        simulator.revoke_tokens()

    run(simulator, mortal_redis.url, events, 15)
    assert 15 == len(simulator.ledger.charges)
    assert 1 == len(mortal_redis.kept())
    assert (1, 1) == (said(caplog, AWAY), said(caplog, BACK))


@pytest.fixture(params=["silent", "nonsense", "an error", "half an answer"])
def false_redis(request: pytest.FixtureRequest) -> Iterator[FalseRedis]:
    answers = {
        "silent": b"",
        "nonsense": b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "an error": b"-ERR go away canary\r\n" * 9,
        "half an answer": b"+OK\r\n+OK\r\n$1000\r\nabc",
    }
    with closing(FalseRedis(answers[request.param])) as server:
        yield server


def test_one_that_does_not_do_its_work_is_asked_once_and_left_in_peace(
    false_redis: FalseRedis,
    simulator: AyolinxSimulator,
    shared: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its timeout is paid once in a while, not for each charge nor for each login."""
    monkeypatch.setattr("paygate.sharing.FIRST_PAUSE", 0.0)
    document = shared(simulator, false_redis.url)
    document["credentials"]["timeout_seconds"] = 0.1
    with Paygate.from_mapping(document, transport=SimulatorTransport(simulator)) as paygate:
        for number in range(100):
            simulator.revoke_tokens()
            paygate.create_charge(order(number))
    assert (100, 100) == (len(simulator.ledger.charges), simulator.door.logins)
    assert 1 <= false_redis.callers <= 2  # redis-py itself connects anew where an answer comes unasked
    assert 1 == said(caplog, AWAY)
    assert "canary" not in caplog.text


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_silent_one_stops_no_event_loop_and_needs_no_thread_of_the_program(
    backend: str, simulator: AyolinxSimulator, shared: Any
) -> None:
    """Other tasks go on while it is waited for, also where every worker thread of the program is taken."""
    ticks, release = 0, threading.Event()

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    async def occupied() -> None:
        await anyio.to_thread.run_sync(release.wait)

    async def main(url: str) -> None:
        document = shared(simulator, url)
        document["credentials"]["timeout_seconds"] = 0.5
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1
        transport = AsyncSimulatorTransport(simulator)
        async with AsyncPaygate.from_mapping(document, transport=transport) as paygate:
            async with anyio.create_task_group() as group:
                group.start_soon(occupied)
                group.start_soon(tick)
                await anyio.sleep(0.01)
                await paygate.create_charge(order(1))
                release.set()
                group.cancel_scope.cancel()

    with closing(FalseRedis()) as silent:
        anyio.run(main, silent.url, backend=backend)
        assert 1 == silent.callers
    assert 1 == len(simulator.ledger.charges)
    assert ticks >= 10


def test_one_that_cannot_be_written_to_costs_a_login(
    redis: RedisServer, process: Process, simulator: AyolinxSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """As a replica, or one whose memory is full."""
    with redis.client() as client:
        client.config_set("min-replicas-to-write", 1)
        try:
            for number in range(2):
                process(simulator, redis.url).create_charge(order(number))
        finally:
            client.config_set("min-replicas-to-write", 0)
    assert (2, 2) == (len(simulator.ledger.charges), simulator.door.logins)
    assert 2 == said(caplog, AWAY)


def test_one_that_stops_while_a_process_logs_in_costs_nothing(
    mortal_redis: RedisServer, process: Process, simulator: AyolinxSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """What the login brought is used all the same."""
    issue = simulator.door.log_in

    def log_in(request: Any) -> dict[str, str]:
        mortal_redis.stop()
        return issue(request)

    simulator.door.log_in = log_in  # type: ignore[method-assign]
    paygate = process(simulator, mortal_redis.url)
    for number in range(3):
        paygate.create_charge(order(number))
    assert (3, 1) == (len(simulator.ledger.charges), simulator.door.logins)
    assert 1 == said(caplog, AWAY)


def test_a_wrong_password_is_told_by_its_kind_alone(
    redis: RedisServer, process: Process, simulator: AyolinxSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning holds nothing of the URL."""
    word = "a-wrong-word"
    url = redis.url.replace("://", f"://:{word}@")
    process(simulator, url).create_charge(order(1))
    assert 1 == said(caplog, AWAY)
    assert word not in caplog.text
    assert str(redis.port) not in caplog.text
    assert not leaks(caplog.text)


def test_a_redis_that_was_never_there_is_no_reason_not_to_start(
    process: Process, simulator: AyolinxSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A program starts, and charges."""
    process(simulator, f"redis://127.0.0.1:{free_port()}/0").create_charge(order(1))
    assert (1, 1) == (len(simulator.ledger.charges), said(caplog, AWAY))


@pytest.mark.parametrize(("others", "sent"), [(0, 1), (7, 8), (8, 9), (100, 9)])
def test_a_token_that_others_end_again_and_again_is_renewed_several_times(
    others: int, sent: int, process: Process, simulator: AyolinxSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Redis, where only the newest token lives; not without end, and a refused charge was not made."""
    monkeypatch.setattr("paygate.sharing.FIRST_PAUSE", 0.0)
    issue, let_in = simulator.door.log_in, simulator.door.let_in
    asked: list[Any] = []

    def log_in(request: Any) -> dict[str, str]:
        issued = issue(request)
        if simulator.door.logins <= others:
            simulator.revoke_tokens()
        return issued

    def noted(request: Any) -> dict[str, Any]:
        asked.append(request)
        return let_in(request)

    monkeypatch.setattr(simulator.door, "log_in", log_in)
    monkeypatch.setattr(simulator.door, "let_in", noted)
    paygate = process(simulator, f"redis://127.0.0.1:{free_port()}/0")
    if others > 8:
        with pytest.raises(AuthenticationFailed):
            paygate.create_charge(order(1))
    else:
        paygate.create_charge(order(1))
    assert (sent, sent) == (len(asked), simulator.door.logins)
    assert (others <= 8) == len(simulator.ledger.charges)
