"""The shop with a store, as a reader would run it: with a pretend Ayolinx, and with a pretend Midtrans."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator
from paygate_midtrans.simulator import MidtransSimulator

from paygate import Paygate
from paygate.cli.sandbox import write_account
from paygate.sandbox import Fault, PayerAction, SimulatorTransport
from paygate.sandbox.host import serve
from tests.callbacks.processes import ROOT, UVICORN, listening, serving, url_of
from tests.examples.test_shops import BUYER, FAST, METHODS, PATH, Town
from tests.provider import order
from tests.sandbox.waiting import until
from tests.watch import CANARIES

STORE: Final = '\n[store]\nurl = { env = "SHOP_STORE" }\n'
AYOLINX: Final = pytest.mark.parametrize("town", ["ayolinx"], indirect=True)
SOLD: Final = {"item": "coffee", "method": METHODS[0], "customer": BUYER}


@pytest.fixture(scope="module", params=["ayolinx", "midtrans"])
def town(
    request: pytest.FixtureRequest, account: SandboxAccount, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """The shop with a provider, for all tests of this module."""
    folder = tmp_path_factory.mktemp(request.param)
    book = folder / "shop.db"
    with listening() as taken:
        url = url_of(taken)
        simulator: Any
        if request.param == "ayolinx":
            simulator = AyolinxSimulator(url + PATH, account=account, pace=FAST)
        else:
            simulator = MidtransSimulator(url + PATH, pace=FAST)
            CANARIES.add(simulator.server_key)
        with serve(simulator) as provider:
            file = write_account(folder, {**simulator.settings, "base_url": provider.url})
            file.write_text(file.read_text() + STORE)
            environment = {
                "PAYGATE_CONFIG": str(file),
                "CALLBACK_PATH": PATH,
                "SHOP_STORE": f"sqlite:///{book}",
            }
            server = (*UVICORN, "store_shop:app")
            with serving(taken, server, folder=ROOT / "examples", environment=environment):
                yield Town(url, book, simulator)


def settled(town: Town) -> None:
    """Wait until the handler has been told of all that was stored."""
    until(lambda: [] == town.rows("SELECT 1 FROM paygate_callbacks WHERE state <> 'done'"))


@pytest.mark.parametrize("method", [METHODS[0], METHODS[2]], ids=lambda method: method["kind"])
def test_an_order_is_sent_because_the_provider_calls(town: Town, method: dict[str, str]) -> None:
    """Made, shown with what the payer needs, paid, told, sent once; for Midtrans also asked about."""
    reference = town.order(method)
    assert "pending" == town.shown(reference)["status"]
    assert town.shown(reference)["instructions"]
    town.simulator.act(reference, PayerAction.PAY)
    assert {200} == {*town.told(reference)}
    until(lambda: bool(town.parcels(reference)))
    settled(town)
    assert ("paid", 1) == (town.shown(reference)["status"], town.parcels(reference))


def test_a_callback_that_comes_three_times_sends_one_parcel(town: Town) -> None:
    """Each is acknowledged."""
    reference = town.order()
    town.simulator.act(reference, PayerAction.PAY)
    town.told(reference)
    call = [one for one in town.simulator.deliveries.all if one.reference == reference][-1].request()
    for _ in range(2):
        reply = town.call("POST", PATH, content=call.content, headers=dict(call.headers))
        assert 200 == reply.status_code
    until(lambda: bool(town.parcels(reference)))
    settled(town)
    assert 1 == town.parcels(reference)


def test_an_answer_that_is_lost_makes_no_second_charge(town: Town) -> None:
    """The shop asks again: Midtrans tells the account once more, Ayolinx does not, so the buyer orders anew."""
    before = {*town.simulator.ledger.counts()}
    town.simulator.faults.plan(Fault.CLOSE, "create_charge")
    made = town.call("POST", "/orders", json={**SOLD, "method": METHODS[2]})
    [reference] = {*town.simulator.ledger.counts()} - before
    assert 1 == town.simulator.ledger.count(reference)
    shown = town.shown(reference)
    is_told_again = isinstance(town.simulator, MidtransSimulator)
    assert (201 if is_told_again else 502) == made.status_code, made.text
    assert ("pending", is_told_again) == (shown["status"], shown["instructions"] is not None)
    town.simulator.act(reference, PayerAction.PAY)
    until(lambda: bool(town.parcels(reference)))
    assert 1 == town.parcels(reference)


def test_where_nobody_answers_nothing_is_known_yet(town: Town) -> None:
    """Neither the charge nor the question has an answer: the buyer is to look again."""
    town.simulator.faults.plan(Fault.LOSE, "create_charge")
    for nth in (1, 2, 3):
        town.simulator.faults.plan(Fault.ERROR, "query", nth)
    assert 502 == town.call("POST", "/orders", json=SOLD).status_code
    [[reference]] = town.rows("SELECT reference FROM paygate_charges ORDER BY id DESC LIMIT 1")
    assert 503 == town.call("GET", f"/orders/{reference}").status_code
    assert (0, 0) == (town.simulator.ledger.count(reference), town.parcels(reference))


def test_an_order_that_fails_is_not_sent(town: Town) -> None:
    """The buyer sees that it came to nothing."""
    reference = town.order()
    town.simulator.act(reference, PayerAction.FAIL)
    town.told(reference)
    until(lambda: "pending" != town.shown(reference)["status"])
    settled(town)
    assert 0 == town.parcels(reference)


@AYOLINX
def test_a_forged_callback_is_refused(town: Town) -> None:
    """A true callback of one order, changed to pay for another."""
    paid, open_order = town.order(), town.order()
    town.simulator.act(paid, PayerAction.PAY)
    town.told(paid)
    [call] = [one.request() for one in town.simulator.deliveries.all if one.reference == paid]
    headers = {name: value for name, value in call.headers.items() if name != "content-length"}
    body = call.content.replace(paid.encode(), open_order.encode())
    assert 401 == town.call("POST", PATH, content=body, headers=headers).status_code
    settled(town)
    assert ("pending", 0) == (town.shown(open_order)["status"], town.parcels(open_order))


@AYOLINX
def test_a_charge_that_nobody_ordered_is_flagged(town: Town) -> None:
    """It is acknowledged, for it is stored; nothing is sent, and a person finds it."""
    own = {"gateways": {"main": {**town.simulator.settings, "base_url": "http://127.0.0.1:1"}}}
    with Paygate.from_mapping(own, transport=SimulatorTransport(town.simulator)) as elsewhere:
        elsewhere.create_charge(order("NOT-OURS"))
    town.simulator.act("NOT-OURS", PayerAction.PAY)
    assert [200] == town.told("NOT-OURS")
    settled(town)
    flagged = (
        "SELECT kind FROM paygate_flags JOIN paygate_charges c ON c.id = charge_id WHERE c.reference = ?"
    )
    assert [("unknown",)] == town.rows(flagged, "NOT-OURS")
    assert 0 == town.parcels("NOT-OURS")


@AYOLINX
@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda town: town.call("POST", "/orders", json={"item": "yacht", "method": METHODS[0]}), 422),
        (lambda town: town.call("POST", "/orders", json={"item": "coffee", "method": METHODS[2]}), 422),
        (lambda town: town.call("GET", "/orders/INV-0"), 404),
    ],
    ids=["no such item", "no buyer", "no such order"],
)
def test_what_cannot_be_is_refused(town: Town, call: Callable[[Town], Any], status: int) -> None:
    """In words."""
    assert status == call(town).status_code
