"""Each shop in examples/ with a provider that proves its calls and not what they say: the same code."""

from collections.abc import Iterator
from typing import Final

import pytest
from paygate_midtrans.simulator import MidtransSimulator

from paygate import ConflictKind
from paygate.cli.sandbox import write_account
from paygate.sandbox import Fault, PayerAction
from paygate.sandbox.host import serve
from tests.callbacks.processes import ROOT, listening, serving, url_of
from tests.examples.test_shops import FAST, PATH, SHOPS, Town
from tests.watch import CANARIES

METHODS: Final = [{"kind": "qris"}, {"kind": "virtual_account", "bank": "bni"}]


@pytest.fixture(scope="module", params=SHOPS)
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One of the shops with Midtrans, for all tests of this module."""
    folder = tmp_path_factory.mktemp(request.param)
    book = folder / "shop.db"
    with listening() as taken:
        url = url_of(taken)
        simulator = MidtransSimulator(url + PATH, pace=FAST)
        CANARIES.add(simulator.server_key)
        with serve(simulator) as provider:
            file = write_account(folder, {**simulator.settings, "base_url": provider.url})
            environment = {"PAYGATE_CONFIG": str(file), "CALLBACK_PATH": PATH, "SHOP_DATABASE": str(book)}
            with serving(taken, SHOPS[request.param], folder=ROOT / "examples", environment=environment):
                yield Town(url, book, simulator)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method["kind"])
def test_an_order_is_paid_because_the_provider_says_so_when_asked(town: Town, method: dict[str, str]) -> None:
    """Told when it is made and when it is paid; delivered once."""
    reference = town.order(method)
    assert town.shown(reference)["instructions"]
    assert [200] == town.told(reference)
    assert ("pending", 0) == (town.shown(reference)["status"], town.parcels(reference))
    town.simulator.act(reference, PayerAction.PAY)
    assert [200, 200] == town.told(reference)
    assert ("paid", 1) == (town.shown(reference)["status"], town.parcels(reference))


def test_an_order_that_is_told_as_paid_and_is_not_stays_open(town: Town) -> None:
    """The call is signed as it should be; what it says is another matter."""
    reference = town.order()
    town.told(reference)
    town.simulator.tell(reference, "settlement")
    first, *others = town.told(
        reference
    )  # the query may be behind the call, so the provider is to call again
    assert (200, {502}) == (first, set(others))
    assert ("pending", 0) == (town.shown(reference)["status"], town.parcels(reference))


def test_while_nobody_answers_the_provider_is_to_call_again(town: Town) -> None:
    """Three questions in vain, then the next call is answered; the goods go out once."""
    reference = town.order()
    town.told(reference)
    for nth in (1, 2, 3):
        town.simulator.faults.plan(Fault.ERROR, "query", nth)
    town.simulator.act(reference, PayerAction.PAY)
    assert [200, 502, 200] == town.told(reference)
    assert ("paid", 1) == (town.shown(reference)["status"], town.parcels(reference))


def test_a_forged_call_asks_nobody(town: Town) -> None:
    """It is refused, and the order stays open."""
    reference = town.order()
    town.told(reference)
    town.simulator.tell(reference, "settlement", key="another-key")
    assert 200 not in town.told(reference)[1:]
    assert ("pending", 0) == (town.shown(reference)["status"], town.parcels(reference))


def test_a_charge_that_was_never_made_is_not_believed(town: Town) -> None:
    """A signed call about a charge that the provider then does not know: it is to call again."""
    reference = town.order()
    town.told(reference)
    town.simulator.tell(reference, "settlement", order_id="NOT-THERE")
    assert {502} == set(town.told(reference)[1:])
    assert [] == town.rows("SELECT 1 FROM conflicts WHERE kind = ?", ConflictKind.UNKNOWN)
    assert 0 == town.parcels(reference)
