"""Ayolinx's calls through both applications, in both of its ways to call, until it is content."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import Callback, Charge, ConflictKind, Money, Paygate
from paygate.callbacks import AsgiCallbacks, WsgiCallbacks
from paygate.sandbox import PayerAction, SimulatorTransport
from tests.callbacks.doors import DOORS, Door, Handler
from tests.provider import order

FAST = 1e9
VARIANTS = ("notice", "snap")


class Merchant:
    """A merchant of Ayolinx's behind one of the applications: books, handler, and what was answered."""

    def __init__(self, door: Door, simulator: AyolinxSimulator, paygate: Paygate) -> None:
        self.door = door
        self.simulator = simulator
        self.paygate = paygate
        self.books: dict[str, Charge] = {}
        self.handler = Handler()
        self.answers: list[int] = []
        self.app = self.made(self.handler)

    def made(self, handle: Callable[[Callback], None]) -> AsgiCallbacks | WsgiCallbacks:
        """The application with another handler."""
        kind = WsgiCallbacks if self.door.kind == "wsgi" else AsgiCallbacks
        return kind(self.paygate.gateway("main"), handle, known=lambda told: self.books.get(told.reference))

    def paid(self, reference: str) -> None:
        """Have a charge made, and paid; its callback is due."""
        self.books[reference] = self.paygate.create_charge(order(reference))
        self.simulator.act(reference, PayerAction.PAY)

    def hear(self) -> bool:
        """Let Ayolinx make the next attempt of each callback; whether it has delivered the last one."""
        self.simulator.deliveries.run(self._post)
        return self.simulator.deliveries.all[-1].summary()["delivered"] is True

    def _post(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path
        headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        place: dict[str, Any] = (
            {"PATH_INFO": path.decode()}
            if self.door.kind == "wsgi"
            else {"path": path.decode(), "raw_path": path}
        )
        answer = self.door.call(self.app, [request.content], headers, **place)
        self.answers.append(answer.status)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


@pytest.fixture(params=DOORS)
def merchant(
    request: pytest.FixtureRequest,
    make_simulator: Callable[..., AyolinxSimulator],
    configured: Callable[..., dict[str, Any]],
) -> Iterator[Merchant]:
    """A merchant behind each of the applications."""
    simulator = make_simulator(pace=FAST)
    with Paygate.from_mapping(configured(simulator), transport=SimulatorTransport(simulator)) as paygate:
        yield Merchant(Door(request.param), simulator, paygate)


@pytest.mark.parametrize("variant", VARIANTS)
def test_ayolinx_is_content_at_once(merchant: Merchant, variant: str) -> None:
    """One notice, or a request for a token and the call with it; the handler is told of the charge alone."""
    merchant.simulator.variant = variant
    merchant.paid("INV-1")
    assert merchant.hear()
    assert ([200] if variant == "notice" else [200, 200]) == merchant.answers
    [callback] = merchant.handler.given
    [charge] = callback.charges
    assert ("INV-1", "paid", Money.idr(25_000)) == (charge.reference, charge.status, charge.paid_amount)
    assert () == callback.conflicts


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_charge_that_is_not_stored_yet_is_told_again(merchant: Merchant, variant: str) -> None:
    """Unknown at first, it is taken as soon as it is in the books."""
    merchant.simulator.variant = variant
    merchant.paid("INV-1")
    late = merchant.books.pop("INV-1")
    assert not merchant.hear()
    merchant.books["INV-1"] = late
    assert merchant.hear()
    unknown, taken = merchant.handler.given
    assert [ConflictKind.UNKNOWN] == [conflict.kind for conflict in unknown.conflicts]
    assert ["INV-1"] == [charge.reference for charge in taken.charges]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_handler_that_fails_is_told_again(merchant: Merchant, variant: str) -> None:
    """Ayolinx hears its own word for "again", and the next attempt succeeds."""

    def fail(_: Callback) -> None:
        raise LookupError

    merchant.simulator.variant = variant
    good, merchant.app = merchant.app, merchant.made(fail)
    merchant.paid("INV-1")
    assert not merchant.hear()
    assert 500 == merchant.answers[-1]
    merchant.app = good
    assert merchant.hear()
    assert 1 == len(merchant.handler.given)


def test_a_wrong_amount_is_a_conflict_and_no_reason_to_call_again(merchant: Merchant) -> None:
    """Ayolinx has done its part; the merchant has to look at it."""
    merchant.paid("INV-1")
    merchant.books["INV-1"] = msgspec.structs.replace(merchant.books["INV-1"], amount=Money.idr(26_000))
    assert merchant.hear()
    [callback] = merchant.handler.given
    assert ((), [ConflictKind.AMOUNT]) == (callback.charges, [one.kind for one in callback.conflicts])
