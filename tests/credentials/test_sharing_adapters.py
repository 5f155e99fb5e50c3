"""Which adapters share their credential, and what becomes of one that does it wrong."""

import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from msgspec import Struct
from paygate_tiny import Key, Tiny

from paygate import Flow, Gateway, NotSent, Secret, hookimpl
from paygate.settings import from_mapping
from paygate.sharing import SharedPlace
from tests.credentials.redis_servers import RedisServer
from tests.provider import CANARY, Provider, opened, order, tiny


class Kept(Key, frozen=True):
    """A key that others may use."""

    def keep(self) -> bytes:
        return self.header.encode()


class Sharing(Tiny):
    """Logs in by a request, and shares what it gets."""

    made: Callable[[str], Any] = staticmethod(lambda header: Kept(header, expires_at=1_800_000_900.0))

    @hookimpl
    def authorize(self) -> Flow[Any]:
        yield httpx.Request("PUT", "https://tiny.example/login")
        return self.made("key-of-the-day")

    @hookimpl
    def restore_credential(self, kept: bytes) -> Any:
        return self.made(kept.decode())


class WithoutHook(Tiny):
    @hookimpl
    def authorize(self) -> Flow[Any]:
        yield httpx.Request("PUT", "https://tiny.example/login")
        return Kept("key", expires_at=1_800_000_900.0)


class CannotRestore(Sharing):
    @hookimpl
    def restore_credential(self, kept: bytes) -> Any:
        raise KeyError(kept)


class RestoresNothing(Sharing):
    @hookimpl
    def restore_credential(self, kept: bytes) -> Any:
        return None


class Unkeepable(Kept, frozen=True):
    def keep(self) -> bytes:
        raise KeyError("a bug")


class CannotKeep(Sharing):
    made = staticmethod(lambda header: Unkeepable(header, expires_at=1_800_000_900.0))


class KeepsNothing(Sharing):
    made = staticmethod(lambda header: Key(header, expires_at=1_800_000_900.0))


class NeverEnds(Sharing):
    made = staticmethod(Kept)


class Settings(Struct, frozen=True):
    api_key: Secret = Secret(CANARY)


class Open(Struct, frozen=True):
    name: str = "nothing secret"


def logins(redis: RedisServer, kind: type[Any], own: Struct) -> int:
    """How often two processes log in that make a charge each."""
    document = {"gateways": {"main": {"adapter": "tiny", "api_key": "k"}}, "credentials": {"url": redis.url}}
    shared = from_mapping(document).credentials
    assert shared is not None
    provider = Provider(lambda request: opened() if request.method == "POST" else httpx.Response(200))
    for number in range(2):
        place = SharedPlace(shared, "main", "tiny", own, 10.0)
        clock = lambda: 1_800_000_000.0  # noqa: E731
        with Gateway("main", tiny(kind=kind), transport=provider, clock=clock, shared_place=place) as gateway:
            gateway.create_charge(order(f"INV-{number}"))
    assert 2 == provider.creates
    return len(provider.requests) - 2


def test_an_adapter_with_both_halves_shares(redis: RedisServer) -> None:
    """`keep` and `restore_credential` are all that it needs."""
    assert 1 == logins(redis, Sharing, Settings())
    assert 1 == len(redis.kept())


@pytest.mark.parametrize("kind", [CannotRestore, RestoresNothing, CannotKeep, KeepsNothing, NeverEnds])
def test_one_that_does_it_wrong_logs_in_in_each_process(redis: RedisServer, kind: type[Any]) -> None:
    """Its charges are made, nobody waits for it, and no Redis is blamed."""
    assert 2 == logins(redis, kind, Settings())
    assert not [name for name in redis.kept() if name.endswith(":lock")]


@pytest.mark.parametrize(("kind", "own"), [(WithoutHook, Settings()), (Sharing, Open()), (Tiny, Settings())])
def test_one_that_cannot_share_keeps_it_in_the_process(
    redis: RedisServer, kind: type[Any], own: Struct, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the hook, or without a secret to encrypt with: nothing lies in Redis, and it is told, not warned of."""
    with caplog.at_level(logging.INFO, "paygate"):
        assert logins(redis, kind, own) == (0 if kind is Tiny else 2)
    assert {} == redis.kept()
    assert {(logging.INFO, "keeps its credential in the process")} == {
        (record.levelno, "keeps its credential in the process")
        for record in caplog.records
        if "keeps its credential in the process" in record.getMessage()
    }


def test_a_failed_login_is_told_as_ever(redis: RedisServer) -> None:
    """Sharing changes no error."""

    class Locked(Sharing):
        @hookimpl
        def authorize(self) -> Flow[Any]:
            yield from self._closed()

        def _closed(self) -> Flow[Any]:
            raise NotSent("no login today")

    with pytest.raises(NotSent, match="no login today"):
        logins(redis, Locked, Settings())
    assert {} == redis.kept()
