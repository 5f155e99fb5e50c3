"""Routes with a store: whatever the processes, a reference is given to one gateway."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import pytest

from paygate import (
    Charge,
    ChargeStatus,
    ConfigurationError,
    Money,
    OutcomeUnknown,
    Paygate,
    PaygateError,
    Qris,
    Retail,
    Unreachable,
)
from paygate.errors import ReferenceTaken, StoreUnavailable
from paygate.held import HeldElsewhere
from paygate.routes import Switchboard
from paygate.store.entries import Source
from tests.databases import Laid
from tests.estate import NAMES, Estate, Providers, document, made
from tests.provider import Provider, order
from tests.store.callers import Clock
from tests.store.tills import GRACE, SHELLS, Till
from tests.test_failover import Books, Frank
from tests.test_gateway import LOST

DOWN: Final = httpx.ConnectError("refused")
NOWHERE: Final = httpx.Response(404, json={"error": "unknown"})


@pytest.fixture
def url(laid: Laid, tmp_path: Path) -> str:
    """The address of an empty SQLite file."""
    return laid.url("sqlite", tmp_path)


class Chain:
    """A merchant's shops over one store: each call is a process of its own, with its own configuration."""

    def __init__(self, estate: Estate, url: str) -> None:
        self._estate = estate
        self._url = url
        self.clock = Clock()
        self.till = Till(url, clock=self.clock)

    def configured(self, *names: str, **own: Any) -> dict[str, Any]:
        """A configuration of these gateways, in this order."""
        names = names or NAMES
        return {**document({"qris": list(names)}, names, **own), "store": {"url": self._url}}

    def calls(
        self, providers: Providers, *steps: Any, names: tuple[str, ...] = NAMES, **own: Any
    ) -> list[Any]:
        """Do some steps in a new process."""
        return self._estate.calls(self.configured(*names, **own), providers, *steps, clock=self.clock)

    def create(
        self, providers: Providers, request: Any = None, names: tuple[str, ...] = NAMES, **named: Any
    ) -> Any:
        """Ask for a charge in a new process."""
        [outcome] = self.calls(providers, ("create_charge", request or order(), named), names=names)
        return outcome

    def states(self) -> dict[str, tuple[str, bool]]:
        """What each gateway's row says, and whether it holds the claim."""
        return {row["gateway"]: (row["state"], row["claim"] is not None) for row in self.till.rows()}


@pytest.fixture(params=SHELLS)
def chain(request: pytest.FixtureRequest, url: str, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """The shops in each shell."""
    return Chain(Estate(request.param, monkeypatch), url)


@pytest.fixture
def shop(url: str) -> Iterator[Chain]:
    """The shops, blocking."""
    with pytest.MonkeyPatch.context() as patch:
        yield Chain(Estate("blocking", patch), url)


def test_failover_moves_the_claim_and_the_next_process_follows(chain: Chain) -> None:
    """The first gateway was down: the second has the charge, also for a process to which the first is up again."""
    providers = Providers(main=Provider(DOWN))
    assert "backup" == chain.create(providers).gateway
    assert {"main": ("free", False), "backup": ("known", True)} == chain.states()
    again = Providers()
    charge = chain.create(again)
    assert ("backup", "QR", {}) == (charge.gateway, charge.instructions.payload, again.asked())


def test_an_unknown_outcome_keeps_every_process_at_its_gateway(chain: Chain) -> None:
    """It is asked there, and no other gateway hears of it, be it down or not."""
    assert isinstance(chain.create(Providers(main=Provider(LOST))), OutcomeUnknown)
    for answer in (DOWN, httpx.Response(500), NOWHERE):
        providers = Providers(main=Provider(answer))
        failure = chain.create(providers)
        assert (OutcomeUnknown, "main") == (type(failure), failure.gateway)
        assert {"main"} == set(providers.asked())
    assert {"main": ("unknown", True)} == chain.states()


def test_a_charge_that_never_was_goes_on_to_the_next(chain: Chain) -> None:
    """After the grace time the first has given it back; it is down now, so the second makes it."""
    chain.create(Providers(main=Provider(LOST)))
    chain.clock.move(GRACE + 1)
    providers = Providers(main=Provider(NOWHERE, DOWN))
    assert "backup" == chain.create(providers).gateway
    assert {"main": ("free", False), "backup": ("known", True)} == chain.states()


def test_a_gateway_that_is_named_overrules_the_routes_and_they_follow(chain: Chain) -> None:
    """It makes the charge there; the route leads to it then, for there is one charge of the reference."""
    assert "third" == chain.create(Providers(), gateway="third").gateway
    assert {"third": ("known", True)} == chain.states()
    providers = Providers()
    assert ("third", {}) == (chain.create(providers).gateway, providers.asked())


def test_a_gateway_that_is_named_makes_a_second_charge_where_it_is_told_to(chain: Chain) -> None:
    """Naming overrules that another gateway has the reference; the claim stays where it was."""
    assert "main" == chain.create(Providers()).gateway
    assert "backup" == chain.create(Providers(), gateway="backup").gateway
    assert {"main": ("known", True), "backup": ("known", False)} == chain.states()
    assert "main" == chain.create(Providers()).gateway


def test_a_charge_of_two_gateways_is_known_to_each(chain: Chain) -> None:
    """Another order of the routes asks nobody for a second charge."""
    chain.create(Providers())
    turned, providers = ("third", "backup", "main"), Providers()
    assert "main" == chain.create(providers, names=turned).gateway
    assert {} == providers.asked()
    failure = chain.create(providers, order(amount=Money.idr(1)), names=turned)
    assert (ReferenceTaken, "main", {}) == (type(failure), failure.gateway, providers.asked())


def test_from_one_gateway_to_several(chain: Chain) -> None:
    """A gateway is added in front: what the old one has stays with it, and only new references go to the new."""
    assert "main" == chain.create(Providers(), names=("main",)).gateway
    providers = Providers()
    assert "main" == chain.create(providers, names=("backup", "main")).gateway
    assert "backup" == chain.create(providers, order("INV-2"), names=("backup", "main")).gateway
    assert {"backup": 1} == providers.asked()


@pytest.mark.parametrize("left", [("main",), ("main", "third")], ids=["one", "two"])
@pytest.mark.parametrize("first", [None, LOST], ids=["known", "unknown"])
def test_a_gateway_that_has_it_and_is_gone_is_named(chain: Chain, left: tuple[str, ...], first: Any) -> None:
    """Nothing is sent anywhere else: its charge may be paid yet. The error says what to put back."""
    chain.create(Providers(backup=Provider(first or made)), names=("backup",))
    providers = Providers()
    failure = chain.create(providers, names=left)
    assert isinstance(failure, ConfigurationError), failure
    assert "put [gateways.backup] back" in failure.what
    assert ("INV-1", {}) == (failure.reference, providers.asked())
    assert "main" == chain.create(providers, order("INV-2"), names=left).gateway


def test_a_gateway_that_is_gone_and_gave_it_back_is_forgotten(chain: Chain) -> None:
    """It was refused there: the reference is free."""
    chain.create(Providers(backup=Provider(DOWN)), names=("backup",))
    assert "main" == chain.create(Providers(), names=("main",)).gateway


def test_references_at_a_gateway_that_is_gone_leave_nothing_behind(shop: Chain) -> None:
    """A process that is asked for them for days keeps no claim of each in its memory."""
    references = [f"INV-{number}" for number in range(20)]
    shop.calls(Providers(), *[("create_charge", order(one)) for one in references], names=("backup",))
    with Paygate.from_mapping(shop.configured("main", "third"), transport=Providers()) as paygate:
        for one in references:
            with pytest.raises(ConfigurationError):
                paygate.create_charge(order(one))
        claims = paygate._switchboard._given._claims
        assert [] == [one for one in claims.values() if one.calls]


def test_a_charge_that_was_made_without_the_store_stays_where_it_is(chain: Chain) -> None:
    """A query took it in: the routes do not make another of its reference at their first gateway."""
    answer = httpx.Response(200, json={"id": "INV-1", "status": "paid", "amount": "25000"})
    [told] = chain.calls(
        Providers(backup=Provider(answer)),
        (
            "query",
            Charge(
                gateway="backup",
                reference="INV-1",
                status=ChargeStatus.PENDING,
                method=Qris(),
                amount=Money.idr(25_000),
            ),
        ),
    )
    assert ChargeStatus.PAID is told.status
    providers = Providers()
    failure = chain.create(providers)
    assert isinstance(failure, ReferenceTaken)
    assert "was not made through this store: query it" in failure.why
    assert ("backup", {}) == (failure.gateway, providers.asked())


def test_a_charge_that_was_free_and_turns_up_after_all_is_claimed_again(chain: Chain) -> None:
    """The provider had refused it, and calls that it is paid: no other gateway is given its reference."""
    chain.create(Providers(main=Provider(httpx.Response(400, json={"error": "amount"}))), names=("main",))
    assert {"main": ("free", False)} == chain.states()
    paid = Charge(
        gateway="main",
        reference="INV-1",
        status=ChargeStatus.PAID,
        method=Qris(),
        paid_amount=Money.idr(25_000),
    )
    with chain.till.store() as store:
        store.history.learn(paid, Source.CALLBACK)
    assert {"main": ("known", True)} == chain.states()
    providers = Providers()
    charge = chain.create(providers, names=("backup", "main"))
    assert ("main", ChargeStatus.PAID, {}) == (charge.gateway, charge.status, providers.asked())


def test_a_charge_that_turns_up_late_takes_no_claim_from_another(chain: Chain) -> None:
    """The reference went on to the second gateway meanwhile: both are known, and the claim stays."""
    chain.create(Providers(main=Provider(DOWN)))
    paid = Charge(gateway="main", reference="INV-1", status=ChargeStatus.PAID, method=Qris())
    with chain.till.store() as store:
        assert ChargeStatus.PAID is store.history.learn(paid, Source.CALLBACK).charge.status
    assert {"main": ("known", False), "backup": ("known", True)} == chain.states()


def test_a_store_that_was_away_binds_no_reference_to_a_gateway(shop: Chain) -> None:
    """Nothing was sent: when it is back and the first gateway is down, the charge goes on to the next."""
    with Paygate.from_mapping(
        shop.configured(), transport=Providers(main=Provider(DOWN)), clock=shop.clock
    ) as paygate:
        assert paygate.store is not None
        begin = paygate.store.journal.begin

        def away(*_: Any, **__: Any) -> Any:
            raise StoreUnavailable("away")

        paygate.store.journal.begin = away  # type: ignore[method-assign]
        with pytest.raises(StoreUnavailable):
            paygate.create_charge(order())
        paygate.store.journal.begin = begin  # type: ignore[method-assign]
        assert "backup" == paygate.create_charge(order()).gateway


def test_two_processes_at_once_agree(shop: Chain) -> None:
    """One is on its way to the second gateway while the other looks at the first, which is up again."""
    at_backup, may_end = threading.Event(), threading.Event()

    def slow(request: httpx.Request) -> httpx.Response:
        at_backup.set()
        assert may_end.wait(10)
        return made(request)

    ones, others = Providers(main=Provider(DOWN), backup=Provider(slow)), Providers()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shop.create, ones)
        assert at_backup.wait(10)
        second = pool.submit(shop.create, others)
        may_end.set()
        assert ["backup"] * 2 == [first.result(10).gateway, second.result(10).gateway]
    assert {} == others.asked()


@pytest.mark.parametrize("seed", range(2))
def test_many_processes_with_faults_give_no_reference_to_two(shop: Chain, seed: int) -> None:
    """Four processes, few references, any end at each of three gateways: one of them at most has, or may have, each."""
    chance, lock = Random(seed), threading.Lock()

    def end(_: str, __: str) -> str:
        with lock:
            return chance.choice(["unreachable", "cannot", "cannot", "made", "lost", "lost and made"])

    books = Books(end)
    with pytest.MonkeyPatch.context() as patch:
        Estate("blocking", patch).adapters(**dict.fromkeys(NAMES, Frank))
        options = {"transport": books, "clock": shop.clock}
        shops = [Paygate.from_mapping(shop.configured(breaker_failures=10_000), **options) for _ in range(4)]

        def create(number: int) -> str | None:
            try:
                return shops[number % 4].create_charge(order(f"INV-{number // 8}")).gateway
            except PaygateError as failure:
                return failure.gateway

        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(create, range(160)))
        for one in shops:
            one.close()
    books.check()
    assert {"main", "backup"} <= books.seen & set(told), "more than one was needed"


def test_a_reference_that_is_handed_around_ends_where_it_is() -> None:
    """Each hop needs another process to have moved the claim: the offer follows, and ends with it."""
    hops: list[str] = []

    class Named:
        """A gateway that takes anything, or says who has it."""

        def __init__(self, name: str) -> None:
            self.name = name

        def supports(self, *_: Any) -> bool:
            return True

        def take(self) -> str:
            hops.append(self.name)
            if len(hops) < 6:
                raise HeldElsewhere("backup" if self.name == "main" else "main")
            return self.name

    switchboard: Any = Switchboard(
        {name: Named(name) for name in ("main", "backup")}, {("qris", ""): ("main",)}
    )
    offer = switchboard.offer(order(), None)
    for _ in range(10):
        with offer as taker:
            found = taker.take()
            break
    assert ["main", "backup"] * 3 == hops
    assert "backup" == found
    assert "backup" == switchboard.offer(order(), None)._claim.gateway


def test_a_method_that_the_holder_does_not_take_is_another_request(chain: Chain) -> None:
    """The reference is a QRIS of the first gateway: asked for as something else it is taken, in so many words."""
    chain.create(Providers())
    providers = Providers()
    with_cash = order(method=Retail("alfamart"))
    failure = chain.calls(providers, ("create_charge", with_cash, {"gateway": "main"}))[0]
    assert isinstance(failure, ReferenceTaken)
    assert "method was qris, now retail alfamart" in failure.why
    assert {} == providers.asked()


def test_the_first_gateway_being_down_is_told_where_nothing_else_is_left(chain: Chain) -> None:
    """All are down: nothing is kept, and the next process begins with the first again."""
    down = {name: Provider(DOWN) for name in NAMES}
    assert isinstance(chain.create(Providers(**down)), Unreachable)
    assert {("free", False)} == set(chain.states().values())
    providers = Providers()
    assert "main" == chain.create(providers).gateway
    assert {"main": 1} == providers.asked()


def test_what_is_free_at_one_gateway_may_be_another_request_at_the_next(chain: Chain) -> None:
    """A failed failover of one request does not keep a changed one from the second gateway."""
    chain.create(Providers(**{name: Provider(DOWN) for name in NAMES}))
    charge = chain.create(Providers(main=Provider(DOWN)), order(amount=Money.idr(7)))
    assert ("backup", Money.idr(7)) == (charge.gateway, charge.amount)
