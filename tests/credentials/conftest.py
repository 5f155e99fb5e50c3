"""Fixtures: a Redis, and merchants who share it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import Paygate
from paygate.sandbox import SimulatorTransport
from tests.credentials.redis_servers import RedisServer


@pytest.fixture(scope="module")
def one_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.stop()


@pytest.fixture
def redis(one_redis: RedisServer) -> RedisServer:
    """A Redis that is empty."""
    with one_redis.client() as client:
        client.flushall()
    return one_redis


@pytest.fixture
def mortal_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may stop."""
    server = RedisServer(tmp_path).start()
    yield server
    server.stop()


@pytest.fixture
def shared(configured: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Make a configuration whose credentials are shared at this URL."""

    def make(
        simulator: AyolinxSimulator, url: str, base_url: str = "http://127.0.0.1:1", **other: Any
    ) -> Any:
        return {**configured(simulator, base_url, **other), "credentials": {"url": url}}

    return make


@pytest.fixture
def process(shared: Callable[..., dict[str, Any]]) -> Iterator[Callable[..., Paygate]]:
    """Make what stands for a process: a paygate that shares nothing with others but its Redis."""
    made: list[Paygate] = []

    def make(simulator: AyolinxSimulator, url: str, **options: Any) -> Paygate:
        clock = options.pop("clock", None)
        more = {"clock": clock} if clock is not None else {}
        document = shared(simulator, url, **options)
        made.append(Paygate.from_mapping(document, transport=SimulatorTransport(simulator), **more))
        return made[-1]

    yield make
    for one in made:
        one.close()
