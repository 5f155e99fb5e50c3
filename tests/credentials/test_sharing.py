"""One credential for several processes: what each finds in Redis, and what it leaves there."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import example, given, settings
from hypothesis import strategies as st
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import AsyncPaygate, ChargeRef, ChargeRequest, Money, NotAuthorized, Paygate, Qris
from paygate.sandbox import AsyncSimulatorTransport, Turned
from paygate.settings import from_mapping
from paygate.sharing import SharedPlace
from tests.credentials.redis_servers import RedisServer

Process = Callable[..., Paygate]


def charge(paygate: Paygate, reference: str = "INV-1") -> None:
    """Make a charge; what goes wrong is raised."""
    paygate.create_charge(order(reference))


def order(reference: str) -> ChargeRequest:
    return ChargeRequest(reference=reference, amount=Money.idr(25_000), method=Qris())


def credentials_in(redis: RedisServer) -> dict[str, bytes]:
    return {name: value for name, value in redis.kept().items() if not name.endswith(":lock")}


def place_of(document: dict[str, Any]) -> SharedPlace:
    """Where the gateway "main" of a configuration keeps its credential."""
    from paygate_ayolinx import Ayolinx

    settings = from_mapping(document)
    one = settings.gateways["main"]
    assert settings.credentials is not None
    own = one.fitted(Ayolinx.settings_type)
    return SharedPlace(settings.credentials, one.name, one.adapter, own, one.timeout_seconds)


def test_the_second_process_logs_in_no_more(
    simulator: AyolinxSimulator, redis: RedisServer, process: Process
) -> None:
    """It takes up what the first one left."""
    for number in range(3):
        charge(process(simulator, redis.url), f"INV-{number}")
    assert (1, 3) == (simulator.door.logins, len(simulator.ledger.charges))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_processes_share_as_well_and_with_the_blocking_ones(
    backend: str, simulator: AyolinxSimulator, redis: RedisServer, process: Process, shared: Any
) -> None:
    """On either event loop, many tasks at once."""
    document = shared(simulator, redis.url)

    async def run(first: int) -> None:
        transport = AsyncSimulatorTransport(simulator)
        async with AsyncPaygate.from_mapping(document, transport=transport) as paygate:
            async with anyio.create_task_group() as group:
                for number in range(first, first + 20):
                    group.start_soon(paygate.create_charge, order(f"INV-{number}"))

    anyio.run(run, 0, backend=backend)
    anyio.run(run, 20, backend=backend)
    charge(process(simulator, redis.url), "INV-40")
    assert (1, 41) == (simulator.door.logins, len(simulator.ledger.charges))


def test_no_token_lies_in_redis_in_plain_and_none_for_longer_than_it_lives(
    simulator: AyolinxSimulator, redis: RedisServer, process: Process, account: SandboxAccount
) -> None:
    """What is kept shows neither the token nor any setting, and goes when the credential ends."""
    issued: list[str] = []
    issue = simulator.door.log_in

    def log_in(request: Any) -> dict[str, str]:
        told = issue(request)
        issued.append(told["accessToken"])
        return told

    simulator.door.log_in = log_in  # type: ignore[method-assign]
    charge(process(simulator, redis.url))
    with redis.client() as client:
        [name] = client.keys()
        assert 0 < client.pttl(name) <= 3_600_000
        kept = name + client.get(name)
    [token] = issued
    for hidden in (token, account.client_secret, account.client_key, "expires", "token"):
        assert hidden.encode() not in kept
        assert hidden.encode().hex().encode() not in kept
    assert kept.startswith(b"paygate:credential:main:")


def test_another_merchants_gateway_of_the_same_name_has_another_place(
    simulator: AyolinxSimulator, redis: RedisServer, process: Process, shared: Any
) -> None:
    """Their credentials never meet, and neither opens the other's, wherever it lies."""
    other = AyolinxSimulator("https://shop.example/callbacks/main")
    charge(process(simulator, redis.url))
    charge(process(other, redis.url))
    assert (1, 1) == (simulator.door.logins, other.door.logins)
    [one, two] = credentials_in(redis)
    place = place_of(shared(simulator, redis.url))
    assert place.name in (one, two)
    with redis.client() as client:
        stolen = client.get(two if place.name == one else one)
        client.set(place.name, stolen)
    charge(process(simulator, redis.url), "INV-2")
    assert (2, 1) == (simulator.door.logins, other.door.logins)


@pytest.mark.parametrize(
    ("key", "value"),
    [("client_secret", "another"), ("sub_merchant_id", "7"), ("base_url", "http://127.0.0.1:2")],
)
def test_any_other_setting_is_another_place(
    key: str, value: str, simulator: AyolinxSimulator, shared: Any
) -> None:
    """Not the secret alone says whose money it is."""
    url = "redis://127.0.0.1:1/0"
    ours = place_of(shared(simulator, url))
    theirs = place_of(shared(simulator, url, **{key: value}))
    assert ours.name != theirs.name
    with pytest.raises(InvalidTag):
        theirs.opened(ours.sealed(b"kept"))
    assert b"kept" == ours.opened(ours.sealed(b"kept"))


@settings(max_examples=30)
@given(garbage=st.binary(max_size=100))
@example(garbage=b"")
@example(garbage=b"\x01")
@example(garbage=b"\x02" + bytes(60))
def test_whatever_else_lies_there_is_as_nothing(
    garbage: bytes, simulator: AyolinxSimulator, one_redis: RedisServer, process: Process, shared: Any
) -> None:
    """Garbage, a piece, another version: the process logs in, and leaves its own instead."""
    name, before = place_of(shared(simulator, one_redis.url)).name, simulator.door.logins
    with one_redis.client() as client:
        client.set(name, garbage)
        charge(process(simulator, one_redis.url), f"INV-{os.urandom(8).hex()}")
        assert garbage != client.get(name)
    assert before + 1 == simulator.door.logins


def test_a_rejected_credential_is_renewed_once_for_all(
    simulator: AyolinxSimulator, redis: RedisServer, process: Process
) -> None:
    """Who is turned away takes the newer one where there is one, and logs in where there is none."""
    processes = [process(simulator, redis.url) for _ in range(4)]
    for number, one in enumerate(processes):
        charge(one, f"INV-a{number}")
    for round_ in range(3):
        simulator.revoke_tokens()
        for number, one in enumerate(processes):
            charge(one, f"INV-{round_}-{number}")
    assert (4, 16) == (simulator.door.logins, len(simulator.ledger.charges))


def test_a_rejected_credential_is_taken_away_even_if_the_login_fails(
    simulator: AyolinxSimulator, redis: RedisServer, process: Process
) -> None:
    """Nobody takes up what the provider has rejected, and nobody waits for who has failed."""
    one = process(simulator, redis.url)
    charge(one)
    simulator.revoke_tokens()
    issue = simulator.door.log_in

    def refuse(request: Any) -> dict[str, str]:
        raise Turned(401, "00", "Unauthorized")

    simulator.door.log_in = refuse  # type: ignore[method-assign]
    with pytest.raises(NotAuthorized):
        one.query(ChargeRef("main", "INV-1", Qris()))
    assert {} == redis.kept()
    simulator.door.log_in = issue  # type: ignore[method-assign]
    charge(process(simulator, redis.url), "INV-3")
    assert 2 == simulator.door.logins


def test_one_that_ends_sooner_than_the_rejected_one_is_not_taken(
    simulator: AyolinxSimulator, redis: RedisServer, process: Process
) -> None:
    """After an outage Redis may hold an old one; that is a login more, and no request turned away."""
    old, new = process(simulator, redis.url), process(simulator, redis.url)
    charge(old)
    with redis.client() as client:
        [name] = client.keys()
        kept = client.get(name)
        client.delete(name)
        charge(new, "INV-2")
        client.set(name, kept)
    simulator.revoke_tokens()
    asked: list[Any] = []
    let_in = simulator.door.let_in

    def noted(request: Any) -> dict[str, Any]:
        asked.append(request)
        return let_in(request)

    simulator.door.let_in = noted  # type: ignore[method-assign]
    charge(new, "INV-3")
    assert (3, 2) == (simulator.door.logins, len(asked))


def test_an_expired_one_is_not_taken(
    simulator: AyolinxSimulator, redis: RedisServer, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where Redis still holds it, as for a process whose clock is ahead."""
    monkeypatch.setattr("paygate.sandbox.snap.door.TOKEN_SECONDS", 240)  # and so renewed after 180
    charge(process(simulator, redis.url))
    ahead = process(simulator, redis.url, clock=lambda: time.time() + 200)
    ahead.gateway("main").authorize()
    assert 2 == simulator.door.logins


def test_a_process_waits_for_one_that_logs_in(
    simulator: AyolinxSimulator, redis: RedisServer, process: Process
) -> None:
    """It gets what that one brings."""
    begun, release = threading.Event(), threading.Event()
    issue = simulator.door.log_in

    def log_in(request: Any) -> dict[str, str]:
        begun.set()
        assert release.wait(30)
        return issue(request)

    simulator.door.log_in = log_in  # type: ignore[method-assign]
    threads = [
        threading.Thread(target=charge, args=(process(simulator, redis.url), f"INV-{number}"))
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    release.set()
    for thread in threads:
        thread.join(30)
    assert (1, 4) == (simulator.door.logins, len(simulator.ledger.charges))


def test_a_holder_that_is_gone_is_followed_when_its_lease_ends(
    simulator: AyolinxSimulator, redis: RedisServer, process: Process, shared: Any
) -> None:
    """A process that was killed while it logged in delays the others, for no longer than its lease."""
    lock = place_of(shared(simulator, redis.url)).lock
    with redis.client() as client:
        client.set(lock, b"of a process that was killed", px=200)
        charge(process(simulator, redis.url))
        assert 1 == len(credentials_in(redis))
        assert client.get(lock) is None
    assert 1 == simulator.door.logins


def test_a_lock_that_never_ends_is_not_waited_for_for_ever(
    simulator: AyolinxSimulator,
    redis: RedisServer,
    process: Process,
    shared: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process logs in by itself in the end, and leaves a lock that is not its own."""
    monkeypatch.setattr("paygate.sharing.MARGIN", 0.1)
    lock = place_of(shared(simulator, redis.url, timeout_seconds=0.2)).lock
    with redis.client() as client:
        client.set(lock, b"for ever")
        charge(process(simulator, redis.url, timeout_seconds=0.2))
        assert b"for ever" == client.get(lock)
    assert {} == credentials_in(redis)


def test_a_login_that_took_too_long_overwrites_nothing(
    simulator: AyolinxSimulator, redis: RedisServer, process: Process, shared: Any
) -> None:
    """Who has lost the lock keeps what it got to itself: another's may be newer."""
    place = place_of(shared(simulator, redis.url))
    issue = simulator.door.log_in

    def log_in(request: Any) -> dict[str, str]:
        with redis.client() as client:
            client.set(place.lock, b"another")
            client.set(place.name, b"newer")
        return issue(request)

    simulator.door.log_in = log_in  # type: ignore[method-assign]
    charge(process(simulator, redis.url))
    assert {place.lock: b"another", place.name: b"newer"} == redis.kept()
