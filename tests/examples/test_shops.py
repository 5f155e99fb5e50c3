"""Each shop in examples/ as a reader would run it: a real server, and a pretend Ayolinx that calls it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import Paygate
from paygate.cli.sandbox import write_account
from paygate.sandbox import Fault, PayerAction, SimulatorTransport
from paygate.sandbox.host import serve
from tests.callbacks.processes import GUNICORN, ROOT, UVICORN, listening, serving, url_of
from tests.provider import order
from tests.sandbox.waiting import PATIENCE, until

FAST: Final = 1e6
PATH: Final = "/callbacks/main-0f5e2a"
SHOPS: Final = {
    "starlette": (*UVICORN, "starlette_shop:app"),
    "fastapi": (*UVICORN, "fastapi_shop:app"),
    "flask": (*GUNICORN, "flask_shop:app"),
    "django": (*GUNICORN, "django_shop:application"),
}
BUYER: Final = {"name": "Siti", "email": "siti@shop.example", "phone": "+6281234567890"}
METHODS: Final = [
    {"kind": "qris"},
    {"kind": "e_wallet", "wallet": "dana"},
    {"kind": "virtual_account", "bank": "bni"},
    {"kind": "retail", "store": "alfamart"},
    {"kind": "payment_link"},
]


class Town:
    """A shop that runs, and the pretend provider that it and its buyers use."""

    def __init__(self, url: str, book: Path, simulator: Any) -> None:
        self.url = url
        self.simulator = simulator
        self._book = book

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Talk to the shop."""
        with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
            return client.request(method, self.url + path, **request)

    def order(self, method: dict[str, str] | None = None) -> str:
        """Order a coffee; its reference."""
        sent = {"item": "coffee", "method": method or METHODS[0], "customer": BUYER}
        made = self.call("POST", "/orders", json=sent)
        assert 201 == made.status_code, made.text
        reference: str = made.json()["reference"]
        assert f"/orders/{reference}" == made.json()["see"]
        return reference

    def shown(self, reference: str) -> dict[str, Any]:
        """What the buyer sees."""
        seen: dict[str, Any] = self.call("GET", f"/orders/{reference}").json()
        return seen

    def told(self, reference: str) -> list[int | None]:
        """Wait until the provider has finished with its callbacks of an order; the shop's answers."""
        calls = [one for one in self.simulator.deliveries.all if one.reference == reference]
        assert calls
        until(lambda: all(one.done for one in calls))
        return [attempt.status for one in calls for attempt in one.attempts]

    def rows(self, query: str, *values: str) -> list[Any]:
        """Look into the shop's book."""
        with closing(sqlite3.connect(self._book)) as database:
            return database.execute(query, values).fetchall()

    def parcels(self, reference: str) -> int:
        """How often the goods of an order went out."""
        return len(self.rows("SELECT 1 FROM parcels WHERE reference = ?", reference))


@pytest.fixture(scope="module", params=SHOPS)
def town(
    request: pytest.FixtureRequest, account: SandboxAccount, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """One of the shops, for all tests of this module."""
    folder = tmp_path_factory.mktemp(request.param)
    book = folder / "shop.db"
    with listening() as taken:
        url = url_of(taken)
        simulator = AyolinxSimulator(url + PATH, account=account, pace=FAST)
        with serve(simulator) as provider:
            file = write_account(folder, {**simulator.settings, "base_url": provider.url})
            environment = {
                "PAYGATE_CONFIG": str(file),
                "CALLBACK_PATH": PATH,
                "SHOP_DATABASE": str(book),
            }
            with serving(taken, SHOPS[request.param], folder=ROOT / "examples", environment=environment):
                yield Town(url, book, simulator)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method["kind"])
def test_an_order_is_paid_because_the_provider_calls(town: Town, method: dict[str, str]) -> None:
    """By every method: made, shown with what the payer needs, paid, told once, delivered once."""
    reference = town.order(method)
    open_order = town.shown(reference)
    assert ("pending", "IDR 25000.00") == (open_order["status"], open_order["amount"])
    assert open_order["instructions"]
    town.simulator.act(reference, PayerAction.PAY)
    assert [200] == town.told(reference)
    assert "paid" == town.shown(reference)["status"]
    assert 1 == town.parcels(reference)


@pytest.mark.parametrize("method", [METHODS[0], METHODS[2]], ids=lambda method: method["kind"])
def test_an_order_is_paid_by_a_call_with_a_token(town: Town, method: dict[str, str]) -> None:
    """The provider's other way to call: below the same address, first for a token and then with it."""
    town.simulator.variant = "snap"
    try:
        reference = town.order(method)
        town.simulator.act(reference, PayerAction.PAY)
        assert [200] == town.told(reference)
    finally:
        town.simulator.variant = "notice"
    assert ("paid", 1) == (town.shown(reference)["status"], town.parcels(reference))


def test_an_order_that_fails_is_not_delivered(town: Town) -> None:
    """The buyer sees that it came to nothing."""
    reference = town.order()
    town.simulator.act(reference, PayerAction.FAIL)
    assert [200] == town.told(reference)
    assert ("failed", 0) == (town.shown(reference)["status"], town.parcels(reference))


def test_a_forged_callback_is_refused(town: Town) -> None:
    """A true callback of one order, changed to pay for another."""
    paid, open_order = town.order(), town.order()
    town.simulator.act(paid, PayerAction.PAY)
    town.told(paid)
    [call] = [one.request() for one in town.simulator.deliveries.all if one.reference == paid]
    body = call.content.replace(paid.encode(), open_order.encode())
    for content, headers in (
        (body, dict(call.headers)),
        (call.content, {"content-type": "application/json"}),
    ):
        headers.pop("content-length", None)
        assert 401 == town.call("POST", PATH, content=content, headers=headers).status_code
    assert ("pending", 0) == (town.shown(open_order)["status"], town.parcels(open_order))


def test_a_repeat_gets_the_same_success_and_delivers_nothing(town: Town) -> None:
    """The provider did not hear us, or calls twice at once."""
    reference = town.order()
    town.simulator.act(reference, PayerAction.PAY)
    town.told(reference)
    [delivery] = [one for one in town.simulator.deliveries.all if one.reference == reference]
    call = delivery.request()
    replies = [town.call("POST", PATH, content=call.content, headers=dict(call.headers)) for _ in range(2)]
    assert [(200, delivery.attempts[0].reply)] * 2 == [(one.status_code, one.text) for one in replies]
    assert ("paid", 1) == (town.shown(reference)["status"], town.parcels(reference))


def test_a_charge_that_nobody_ordered_is_put_aside(town: Town) -> None:
    """The provider is asked to call again until it gives up; a person finds it among the conflicts, once."""
    own = {"gateways": {"main": {**town.simulator.settings, "base_url": "http://127.0.0.1:1"}}}
    with Paygate.from_mapping(own, transport=SimulatorTransport(town.simulator)) as elsewhere:
        elsewhere.create_charge(order("NOT-OURS"))
    town.simulator.act("NOT-OURS", PayerAction.PAY)
    assert [500] * 5 == town.told("NOT-OURS")
    query = "SELECT kind, status FROM conflicts WHERE reference = ?"
    assert [("unknown", "paid")] == town.rows(query, "NOT-OURS")


def test_an_answer_that_is_lost_loses_no_order(town: Town) -> None:
    """The charge was made and nobody heard of it; its callback finds the order all the same."""
    town.simulator.faults.plan(Fault.CLOSE)
    reference = town.order()
    assert (1, None) == (
        town.simulator.ledger.count(reference),
        town.shown(reference)["instructions"],
    )
    town.simulator.act(reference, PayerAction.PAY)
    assert [200] == town.told(reference)
    assert ("paid", 1) == (town.shown(reference)["status"], town.parcels(reference))


def test_an_order_that_the_provider_says_it_has_stays(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy turned the answer away, so the charge was sent again and refused as a duplicate: it exists."""
    simulator: AyolinxSimulator = town.simulator
    handle = simulator.handle
    turned_away: list[httpx.Request] = []

    def busy_once(request: httpx.Request) -> httpx.Response:
        reply = handle(request)
        if simulator.operation(request) != "create_charge" or turned_away:
            return reply
        turned_away.append(request)
        return simulator.busy(request, 0)

    monkeypatch.setattr(simulator, "handle", busy_once)
    reference = town.order()
    assert (1, 1) == (len(turned_away), simulator.ledger.count(reference))
    simulator.act(reference, PayerAction.PAY)
    assert [200] == town.told(reference)
    assert ("paid", 1) == (town.shown(reference)["status"], town.parcels(reference))


@pytest.mark.parametrize(
    "sent",
    [
        {"item": "yacht", "method": {"kind": "qris"}},
        {"item": "coffee", "method": {"kind": "shells"}},
        {"item": "coffee", "method": {"kind": "e_wallet", "wallet": "none"}},
        {"item": "coffee", "method": {"kind": "virtual_account", "bank": "bni"}},
        {"item": "coffee"},
        {"item": "coffee", "method": {"kind": "qris"}, "customer": {"phone": "12"}},
        [],
    ],
)
def test_an_order_that_cannot_be_is_refused(town: Town, sent: object) -> None:
    """The buyer is told, and nothing is left in the book."""
    before = town.rows("SELECT count(*) FROM orders")
    assert 422 == town.call("POST", "/orders", json=sent).status_code
    assert before == town.rows("SELECT count(*) FROM orders")


def test_an_order_that_is_not_there(town: Town) -> None:
    """404, in words."""
    reply = town.call("GET", "/orders/INV-0")
    assert 404 == reply.status_code
    assert "no such order" in reply.text
