"""Real processes, a real Redis, and a provider over HTTP where only the newest token lives."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate.sandbox.host import serve
from tests.credentials.redis_servers import RedisServer
from tests.sandbox.waiting import until
from tests.watch import leaks

ROOT: Final = Path(__file__).parent.parent.parent
PROCESSES: Final = 4
FULL: Final = bool(os.environ.get("PAYGATE_FULL"))

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture
def only_newest(simulator: AyolinxSimulator) -> AyolinxSimulator:
    """A provider where each login ends the token before."""
    issue = simulator.door.log_in

    def log_in(request: Any) -> dict[str, str]:
        issued = issue(request)
        newest = issued["accessToken"]
        simulator.door._tokens = {newest: simulator.door._tokens[newest]}
        return issued

    simulator.door.log_in = log_in  # type: ignore[method-assign]
    return simulator


@contextmanager
def merchants(
    document: dict[str, Any], shell: str, charges: int
) -> Iterator[Callable[[], tuple[list[dict[str, int]], str]]]:
    """Processes that charge; the function waits for them, and says what each came to and what they warned of."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.credentials.merchants", shell, str(PROCESSES), str(charges)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(document))
    process.stdin.close()
    process.stdin = None

    def ended() -> tuple[list[dict[str, int]], str]:
        told, warned = process.communicate(timeout=60)
        assert not leaks(told + warned)
        return [json.loads(line) for line in told.splitlines()], warned

    try:
        yield ended
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("shell", ["blocking", "asyncio"])
def test_all_processes_make_one_login(
    shell: str, only_newest: AyolinxSimulator, redis: RedisServer, shared: Any
) -> None:
    """Several processes begin at the same moment, and no token of one ends that of another."""
    with (
        serve(only_newest) as server,
        merchants(shared(only_newest, redis.url, server.url), shell, 10) as ended,
    ):
        outcomes, warned = ended()
    assert ([{"made": 10}] * PROCESSES, "") == (outcomes, warned)
    assert (1, 10 * PROCESSES) == (only_newest.door.logins, len(only_newest.ledger.charges))


def test_a_token_that_ends_during_a_run_is_renewed_once(
    only_newest: AyolinxSimulator, redis: RedisServer, shared: Any
) -> None:
    """All processes are turned away at once; one logs in, and the others take what it got."""
    with serve(only_newest) as server:
        with merchants(shared(only_newest, redis.url, server.url), "blocking", 50) as ended:
            for number in range(1, 4):
                until(lambda number=number: len(only_newest.ledger.charges) >= 40 * number)  # type: ignore[misc]
                only_newest.revoke_tokens()
            outcomes, warned = ended()
    assert ([{"made": 50}] * PROCESSES, "") == (outcomes, warned)
    assert 4 == only_newest.door.logins


def test_without_redis_processes_that_end_each_others_tokens_charge_all_the_same(
    only_newest: AyolinxSimulator, mortal_redis: RedisServer, shared: Any
) -> None:
    """Redis is killed and the token ends, while every process charges as fast as it can: the worst that can be."""
    charges = 250 if FULL else 60
    with serve(only_newest) as server:
        with merchants(shared(only_newest, mortal_redis.url, server.url), "blocking", charges) as ended:
            until(lambda: len(only_newest.ledger.charges) >= charges // 2)
            mortal_redis.stop()
            only_newest.revoke_tokens()
            outcomes, warned = ended()
    assert [{"made": charges}] * PROCESSES == outcomes
    counts = only_newest.ledger.counts()
    assert {1} == set(counts.values())
    assert charges * PROCESSES == len(counts)
    assert only_newest.door.logins < charges * PROCESSES / 2
    assert 1 <= warned.count("cannot be used") <= PROCESSES
