"""Whatever goes wrong and however many ask at once: one gateway at most has, or may have, a reference."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, Final

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paygate_tiny import Tiny, answer

from paygate import (
    AsyncPaygate,
    Charge,
    ChargeRequest,
    ChargeStatus,
    DuplicateReference,
    Flow,
    OutcomeUnknown,
    Paygate,
    PaygateError,
    PermissionDenied,
    hookimpl,
    read,
)
from tests.estate import NAMES, Estate, Providers, document
from tests.provider import Provider, opened, order

ENDS: Final = ("made", "lost and made", "lost", "unreachable", "cannot", "wrong", "garbage", "busy")


class Frank(Tiny):
    """Tiny that says what it cannot do."""

    @hookimpl
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        url = f"{self._settings.base_url}/charges/{request.reference}"
        reply = yield httpx.Request("POST", url)
        if reply.status_code == 403:
            raise PermissionDenied("not here", http_status=403)
        if reply.status_code == 409:
            raise DuplicateReference("it exists", http_status=409)
        read(reply, answer)
        return Charge(
            gateway=self._gateway,
            reference=request.reference,
            status=ChargeStatus.PENDING,
            method=request.method,
        )


@pytest.fixture
def patched() -> Iterator[pytest.MonkeyPatch]:
    """Frank for every gateway, and no long waits."""
    with pytest.MonkeyPatch.context() as patch:
        Estate("blocking", patch).adapters(**dict.fromkeys(NAMES, Frank))
        yield patch


class Books(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Three providers in one: each ends a request as it is told to, and writes down what it has made.

    `has` is what there is or may be: by reference, the gateways that made its charge or lost an answer to it.
    """

    def __init__(self, end: Callable[[str, str], str]) -> None:
        self._end = end
        self.has: dict[str, set[str]] = defaultdict(set)
        self.made: dict[str, set[str]] = defaultdict(set)
        self.seen: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        gateway, reference = request.url.host.split(".")[0], request.url.path.rsplit("/", 1)[1]
        end = self._end(gateway, reference)
        self.seen.add(gateway)
        if end == "unreachable":
            raise httpx.ConnectError("refused")
        if end == "cannot":
            return httpx.Response(403, json={})
        if end == "wrong":
            return httpx.Response(409, json={"error": "exists"})
        self.has[reference].add(gateway)
        if end in ("made", "lost and made"):
            self.made[reference].add(gateway)
        if end == "made":
            return opened(reference)
        if end == "garbage":
            return httpx.Response(200, text="<html>")
        raise httpx.ReadTimeout("no answer")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        return self.handle_request(request)

    def check(self) -> None:
        """Nobody else has what one has or may have."""
        assert {} == {reference: names for reference, names in self.has.items() if len(names) > 1}


def tried(paygate: Paygate, reference: str) -> Charge | PaygateError:
    """What comes of asking for a charge."""
    try:
        return paygate.create_charge(order(reference))
    except PaygateError as error:
        return error


HISTORIES: Final = st.lists(
    st.tuples(st.integers(1, 3), st.lists(st.sampled_from(ENDS), min_size=3, max_size=3)), max_size=12
)


@settings(max_examples=60)
@given(
    history=HISTORIES,
    route=st.permutations(NAMES).flatmap(lambda names: st.integers(1, 3).map(lambda size: names[:size])),
)
@pytest.mark.parametrize("breaker_failures", [2, 100])
def test_no_history_of_faults_gives_a_reference_to_two(
    patched: pytest.MonkeyPatch, breaker_failures: int, history: list[Any], route: list[str]
) -> None:
    """Any route, any sequence of calls for a few references, any end at each gateway."""
    ends: list[str] = []
    books = Books(lambda _, __: ends.pop(0) if ends else "unreachable")
    configuration = document({"qris": route}, breaker_failures=breaker_failures, breaker_seconds=1e-3)
    with Paygate.from_mapping(configuration, transport=books) as paygate:
        for number, planned in history:
            ends[:] = planned
            outcome = tried(paygate, f"INV-{number}")
            if isinstance(outcome, OutcomeUnknown):
                assert {outcome.gateway} == books.has[f"INV-{number}"], "it says where to ask"
            elif isinstance(outcome, Charge):
                assert {outcome.gateway} == books.made[f"INV-{number}"]
            books.check()
    assert books.seen <= set(route)


@pytest.mark.parametrize("seed", range(4))
def test_many_threads_with_the_same_few_references(patched: pytest.MonkeyPatch, seed: int) -> None:
    """A buyer clicks four times, or a queue hands the same task out twice: it is still one gateway's."""
    chance, lock = Random(seed), threading.Lock()

    def end(_: str, __: str) -> str:
        with lock:
            return chance.choice(["unreachable", "cannot", "cannot", "made", "lost", "lost and made"])

    books = Books(end)
    references = [f"INV-{number // 4}" for number in range(400)]
    with Paygate.from_mapping(document(breaker_failures=10_000), transport=books) as paygate:

        def create(reference: str) -> str | None:
            return tried(paygate, reference).gateway

        with ThreadPoolExecutor(16) as pool:
            told = list(pool.map(create, references))
    books.check()
    assert {"main", "backup"} <= books.seen & set(told), "more than one was needed"


def test_while_another_call_is_at_the_gateway_none_goes_on(patched: pytest.MonkeyPatch) -> None:
    """The slow one may still make the charge there, so the quick no is raised; afterwards it is known who has it."""
    has_come, may_end = threading.Event(), threading.Event()

    def slow(_: httpx.Request) -> httpx.Response:
        has_come.set()
        assert may_end.wait(10)
        return opened()

    providers = Providers(main=Provider(slow, httpx.Response(403, json={}), opened()))
    with (
        Paygate.from_mapping(document(), transport=providers) as paygate,
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(paygate.create_charge, order())
        assert has_come.wait(10)
        with pytest.raises(PermissionDenied) as refused:
            paygate.create_charge(order())
        may_end.set()
        assert ["main"] * 3 == [
            refused.value.gateway,
            first.result(10).gateway,
            paygate.create_charge(order()).gateway,
        ]
    assert {"main": 3} == providers.asked()


def test_a_call_that_comes_in_between_follows_the_first_to_the_next(patched: pytest.MonkeyPatch) -> None:
    """The first has gone on to the second gateway: whoever comes now is sent there, not to the first."""
    has_come, may_end = threading.Event(), threading.Event()

    def slow(_: httpx.Request) -> httpx.Response:
        has_come.set()
        assert may_end.wait(10)
        return httpx.Response(403, json={})

    providers = Providers(
        main=Provider(httpx.Response(403, json={}), opened()), backup=Provider(slow, httpx.Response(403))
    )
    with (
        Paygate.from_mapping(document(), transport=providers) as paygate,
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(paygate.create_charge, order())
        assert has_come.wait(10)
        with pytest.raises(PermissionDenied) as refused:
            paygate.create_charge(order())
        may_end.set()
        assert ["backup", "third"] == [refused.value.gateway, first.result(10).gateway]
    assert {"main": 1, "backup": 2, "third": 1} == providers.asked()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_charge_that_is_cancelled_on_its_way_never_reaches_the_next(
    patched: pytest.MonkeyPatch, backend: str
) -> None:
    """The first may have it: it stays there, also when it is asked for again."""

    class Slow(Providers):
        """The first request never gets its answer."""

        arrived: anyio.Event

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            if sum(self.asked().values()) == 1:
                self.arrived.set()
                await anyio.sleep_forever()
            return response

    providers = Slow(main=Provider(opened(), httpx.ConnectError("refused")))

    async def run() -> None:
        providers.arrived = anyio.Event()
        async with AsyncPaygate.from_mapping(document(), transport=providers) as paygate:
            async with anyio.create_task_group() as group:
                group.start_soon(paygate.create_charge, order())
                await providers.arrived.wait()
                group.cancel_scope.cancel()
            assert {"main": 1} == providers.asked()
            with pytest.raises(PaygateError) as failure:
                await paygate.create_charge(order())
            assert "main" == failure.value.gateway

    anyio.run(run, backend=backend)
    assert {"main": 4} == providers.asked()
