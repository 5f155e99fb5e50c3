"""One program, two configurations: everything here runs with each provider, blocking and async."""

import ast
import tomllib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final

import pytest

from paygate import (
    CallbackRequest,
    ChargeRequest,
    ChargeStatus,
    DuplicateReference,
    Method,
    Money,
    Qris,
    RefundRequest,
    VirtualAccount,
)
from paygate.sandbox import Fault, PayerAction
from tests.callbacks.processes import ROOT
from tests.examples.switching import SWITCH, Town, town

PROVIDERS: Final = sorted(file.stem for file in SWITCH.glob("*.toml"))
SHELLS: Final = ("blocking", "asyncio", "trio")
METHODS: Final = (Qris(), VirtualAccount("bni"))
ENDED: Final = (ChargeStatus.EXPIRED, ChargeStatus.CANCELLED)
"""SNAP BI has one word for both."""

REFERENCE: Final = "INV-2026-1"


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The program, in both of its forms."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    from switch import aprogram, program

    return SimpleNamespace(
        Till=program.Till, AsyncTill=aprogram.AsyncTill, shown=program.shown, wanted=program.wanted
    )


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    """Who collects."""
    name: str = request.param
    return name


@pytest.fixture(params=SHELLS)
def place(
    request: pytest.FixtureRequest, provider: str, switch: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Town]:
    """The program, its provider and a buyer."""
    with town(provider, request.param, switch, monkeypatch) as one:
        yield one


@pytest.fixture(params=METHODS, ids=lambda method: f"{method.kind}-{method.brand}".strip("-"))
def wanted(request: pytest.FixtureRequest, switch: Any) -> ChargeRequest:
    """An order, by each method that both providers have."""
    coffee = switch.wanted(REFERENCE)
    method: Method = request.param
    return ChargeRequest(reference=REFERENCE, amount=coffee.amount, method=method, customer=coffee.customer)


def test_an_order_is_paid_and_delivered_once(place: Town, switch: Any, wanted: ChargeRequest) -> None:
    """Made, shown, open, paid; the provider calls, and the program believes it and delivers."""
    charge = place.do("sell", wanted)
    assert (ChargeStatus.PENDING, Money.idr(25_000)) == (charge.status, charge.amount)
    assert switch.shown(charge.instructions).startswith(("scan 000201", "transfer to bni "))
    assert ChargeStatus.PENDING is place.do("look", REFERENCE).status
    place.pay(REFERENCE)
    paid = place.till.orders[REFERENCE]
    assert (ChargeStatus.PAID, Money.idr(25_000)) == (paid.status, paid.paid_amount)
    assert ChargeStatus.PAID is place.do("look", REFERENCE).status
    assert ([REFERENCE], []) == (place.till.delivered, place.till.doubts)


def test_a_call_that_comes_twice_delivers_once(place: Town, wanted: ChargeRequest) -> None:
    """The provider did not hear our answer."""
    place.do("sell", wanted)
    place.pay(REFERENCE)
    for number in [one.number for one in place.simulator.deliveries.all]:
        place.simulator.deliveries.duplicate(number)
    place.take(REFERENCE)
    assert ([REFERENCE], []) == (place.till.delivered, place.till.doubts)


def test_an_order_that_is_not_paid_in_time_is_not_delivered(place: Town, wanted: ChargeRequest) -> None:
    """The provider says so by a callback, and when it is asked."""
    place.do("sell", wanted)
    place.simulator.act(REFERENCE, PayerAction.EXPIRE)
    if place.simulator.deliveries.all:
        place.take(REFERENCE)
    assert place.do("look", REFERENCE).status in ENDED
    assert place.till.orders[REFERENCE].status in ENDED
    assert [] == place.till.delivered


def test_an_answer_that_is_lost_makes_no_second_charge(place: Town, wanted: ChargeRequest) -> None:
    """The charge was made and nobody heard of it: the program asks, and knows."""
    place.simulator.faults.plan(Fault.CLOSE)
    charge = place.do("sell", wanted)
    assert (ChargeStatus.PENDING, 1) == (charge.status, place.simulator.ledger.count(REFERENCE))
    place.pay(REFERENCE)
    assert [REFERENCE] == place.till.delivered


def test_a_reference_is_sold_once(place: Town, wanted: ChargeRequest) -> None:
    """Whoever collects, a second order of the same number is refused, and makes no second charge."""
    place.do("sell", wanted)
    with pytest.raises(DuplicateReference):
        place.do("sell", wanted)
    assert 1 == place.simulator.ledger.count(REFERENCE)


def test_an_order_is_given_up_where_the_provider_can(place: Town, wanted: ChargeRequest) -> None:
    """The program asks what its gateway offers, and not who it is."""
    charge = place.do("sell", wanted)
    ended = place.do("give_up", REFERENCE)
    if ended is None:
        assert ChargeStatus.PENDING is place.do("look", REFERENCE).status
    else:
        assert (ChargeStatus.CANCELLED, charge.reference) == (ended.status, ended.reference)
        assert ChargeStatus.CANCELLED is place.do("look", REFERENCE).status


def test_money_is_given_back_where_the_provider_can(place: Town, wanted: ChargeRequest) -> None:
    """The same: None where it cannot, and nothing is sent."""
    place.do("sell", wanted)
    place.pay(REFERENCE)
    given = place.do("give_back", REFERENCE, RefundRequest(reference="REF-1", reason="Spilt"))
    if given is None:
        assert ChargeStatus.PAID is place.do("look", REFERENCE).status
    else:
        assert ChargeStatus.REFUNDED is given.status
        assert given.refund("REF-1").amount == Money.idr(25_000)


def test_a_call_that_was_changed_is_not_believed(place: Town, wanted: ChargeRequest) -> None:
    """A signature that does not fit, and rubbish."""
    place.do("sell", wanted)
    place.pay(REFERENCE)
    place.do(
        "sell",
        ChargeRequest(
            reference="INV-2", amount=wanted.amount, method=wanted.method, customer=wanted.customer
        ),
    )
    call = place.simulator.deliveries.all[0].request()

    for body in (call.content.replace(REFERENCE.encode(), b"INV-2"), b"{}", b""):
        request = CallbackRequest("POST", call.url.path, dict(call.headers), body)
        assert place.do("receive", "main", request).status >= 400
    assert [REFERENCE] == place.till.delivered


def test_the_program_names_no_provider() -> None:
    """It imports paygate's public names and nothing of a plugin's."""
    for file in (SWITCH / "program.py", SWITCH / "aprogram.py"):
        text = file.read_text()
        tree = ast.parse(text)
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {
            name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
        }
        assert modules <= {"paygate", "switch.program", "sys", "anyio"}
        code = text.replace(str(ast.get_docstring(tree)), "").lower()
        assert not [provider for provider in PROVIDERS if provider in code]


def test_the_configurations_have_the_same_gateways_and_routes() -> None:
    """They differ in who collects and in its settings, and in nothing that the program sees."""
    read = [tomllib.loads((SWITCH / f"{provider}.toml").read_text()) for provider in PROVIDERS]
    assert len(PROVIDERS) > 1
    assert all(one["routes"] == read[0]["routes"] for one in read)
    assert all([*one["gateways"]] == ["main"] for one in read)
    assert sorted(one["gateways"]["main"]["adapter"] for one in read) == PROVIDERS
