"""Whole operations against the pretend Midtrans, which was written from the docs and not from the adapter."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from paygate_midtrans.simulator import MidtransSimulator

from paygate import (
    AccountNumber,
    AlreadyPaid,
    AmountRejected,
    Callback,
    CallbackRequest,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeStatus,
    DuplicateReference,
    InvalidRequest,
    Item,
    Money,
    Paygate,
    PermissionDenied,
    Qris,
    RefundRequest,
    RefundStatus,
    StateConflict,
)
from paygate.callbacks import WsgiCallbacks
from paygate.sandbox import PayerAction, SimulatorTransport
from tests.midtrans import CALLBACK_URL, CUSTOMER, METHODS, order
from tests.watch import CANARIES

Open = Callable[..., tuple[Paygate, MidtransSimulator]]
PART = RefundRequest(reference="R-1", reason="Barang habis", amount=Money.idr(5_000))
REST = RefundRequest(reference="R-2", reason="Barang habis", amount=Money.idr(20_000))


@pytest.fixture
def opened() -> Iterator[Open]:
    """Open paygate over a pretend Midtrans, with settings of the gateway, and options of Midtrans'."""
    with ExitStack() as stack:

        def make(settings: dict[str, Any] | None = None, **options: Any) -> tuple[Paygate, MidtransSimulator]:
            simulator = MidtransSimulator(CALLBACK_URL, **options)
            CANARIES.add(simulator.settings["server_key"])
            gateway = {**simulator.settings, "base_url": "http://127.0.0.1:1", **(settings or {})}
            document = {"gateways": {"main": gateway}}
            paygate = Paygate.from_mapping(document, transport=SimulatorTransport(simulator))
            return stack.enter_context(paygate), simulator

        yield make


def last_call(simulator: MidtransSimulator, reference: str) -> CallbackRequest:
    """What Midtrans called last about a charge."""
    sent = [one for one in simulator.deliveries.all if one.reference == reference][-1].request()
    return CallbackRequest(sent.method, sent.url.path, dict(sent.headers), sent.content)


@pytest.mark.parametrize("kind", METHODS)
def test_a_charge_is_made_paid_and_called_back(opened: Open, kind: str) -> None:
    """Every method: pending, then paid, by a query and by a notification that was confirmed."""
    paygate, simulator = opened()
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)
    items = (Item("Kopi susu", Money.idr(10_000), 2), Item("Roti", Money.idr(5_000)))
    wanted = order(
        kind, expires_at=expires_at, customer=CUSTOMER, items=items, return_url="https://shop.example/thanks"
    )
    charge = paygate.create_charge(wanted)
    [booked] = simulator.ledger.charges
    assert (ChargeStatus.PENDING, booked.provider_reference) == (charge.status, charge.provider_reference)
    assert expires_at == charge.expires_at == booked.expires_at.replace(microsecond=0)
    if kind == "mandiri":
        assert isinstance(charge.instructions, AccountNumber)
        assert charge.instructions.number.startswith("70012 ")
    else:
        assert booked.instructions == charge.instructions
    assert ChargeStatus.PENDING is paygate.query(charge).status
    simulator.act("INV-1", PayerAction.PAY)
    paid = paygate.query(charge)
    assert (ChargeStatus.PAID, Money.idr(25_000)) == (paid.status, paid.paid_amount)
    assert booked.finished_at is not None
    assert booked.finished_at.replace(microsecond=0) == paid.paid_at
    callback = paygate.parse_callback("main", last_call(simulator, "INV-1"))
    assert () == callback.charges
    [told] = paygate.gateway("main").confirm(callback).charges
    assert (paid.status, paid.paid_amount, paid.provider_reference) == (
        told.status,
        told.paid_amount,
        told.provider_reference,
    )
    with pytest.raises((StateConflict, AlreadyPaid)):
        paygate.cancel(charge)


@pytest.mark.parametrize("kind", METHODS)
@pytest.mark.parametrize(
    ("way", "end"), [("cancel", ChargeStatus.CANCELLED), ("expire", ChargeStatus.EXPIRED)]
)
def test_a_charge_is_ended(opened: Open, kind: str, way: str, end: ChargeStatus) -> None:
    """By either way it ends, once; only after the second may its reference be used again."""
    paygate, _ = opened({"cancel_by": way})
    charge = paygate.create_charge(order(kind))
    assert end is paygate.cancel(charge).status
    assert end is paygate.query(charge).status
    with pytest.raises(StateConflict):
        paygate.cancel(charge)
    anew = order(kind, amount=Money.idr(25_001))
    if way == "expire":
        assert ChargeStatus.PENDING is paygate.create_charge(anew).status
    else:
        with pytest.raises(DuplicateReference):
            paygate.create_charge(anew)


@pytest.mark.parametrize("kind", ["qris", "gopay"])
@pytest.mark.parametrize("refund_by", ["refund", "direct"])
def test_a_charge_is_given_back_in_parts(opened: Open, kind: str, refund_by: str) -> None:
    """A part, the same again, the rest; then there is nothing left."""
    paygate, simulator = opened({"refund_by": refund_by})
    charge = paygate.create_charge(order(kind))
    with pytest.raises(StateConflict):
        paygate.refund(charge, PART)
    simulator.act("INV-1", PayerAction.PAY)
    for _ in range(2):
        part = paygate.refund(charge, PART)
        assert (ChargeStatus.PARTIALLY_REFUNDED, Money.idr(5_000)) == (part.status, part.refunded_amount)
    with pytest.raises(AmountRejected):
        paygate.refund(charge, RefundRequest(reference="R-3", reason="x", amount=Money.idr(20_001)))
    whole = paygate.refund(part, REST)
    assert (ChargeStatus.REFUNDED, Money.idr(25_000)) == (whole.status, whole.refunded_amount)
    assert ["R-1", "R-2"] == [one.reference for one in whole.refunds]
    told = paygate.query(charge)
    assert (ChargeStatus.REFUNDED, Money.idr(25_000)) == (told.status, told.refunded_amount)
    assert [("R-1", Money.idr(5_000)), ("R-2", Money.idr(20_000))] == [
        (one.reference, one.amount) for one in told.refunds
    ]
    with pytest.raises(StateConflict):
        paygate.refund(charge, RefundRequest(reference="R-3", reason="x", amount=Money.idr(1)))
    with pytest.raises(DuplicateReference):
        paygate.refund(charge, RefundRequest(reference="R-1", reason="x", amount=Money.idr(6_000)))


def test_the_last_part_of_a_charge_that_is_not_known_in_full(opened: Open) -> None:
    """An answer that tells that refund's amount alone is taken for no more than that; a query tells it all."""
    paygate, simulator = opened()
    old = paygate.create_charge(order())
    simulator.act("INV-1", PayerAction.PAY)
    paygate.refund(old, PART)
    part = paygate.refund(old, REST)
    assert (ChargeStatus.PARTIALLY_REFUNDED, Money.idr(20_000)) == (part.status, part.refunded_amount)
    told = paygate.query(part)
    assert (ChargeStatus.REFUNDED, Money.idr(25_000)) == (told.status, told.refunded_amount)


@pytest.mark.parametrize("kind", ["qris", "gopay", "shopeepay"])
def test_a_whole_charge_is_given_back(opened: Open, kind: str) -> None:
    """All at once, also where only its name is known."""
    paygate, simulator = opened()
    paygate.create_charge(order(kind))
    simulator.act("INV-1", PayerAction.PAY)
    bare = ChargeRef("main", "INV-1", METHODS[kind])
    charge = paygate.refund(bare, RefundRequest(reference="R-1", reason="Batal"))
    assert (ChargeStatus.REFUNDED, Money.idr(25_000)) == (charge.status, charge.refunded_amount)


def test_a_refund_waits_for_the_bank(opened: Open) -> None:
    """It is pending until a query tells that the bank has confirmed it."""
    paygate, simulator = opened(refunds_wait=True)
    charge = paygate.create_charge(order())
    simulator.act("INV-1", PayerAction.PAY)

    def status_of(told: Charge) -> RefundStatus | None:
        refund = told.refund("R-1")
        return refund.status if refund is not None else None

    assert RefundStatus.PENDING is status_of(paygate.refund(charge, PART))
    assert RefundStatus.PENDING is status_of(paygate.query(charge))
    simulator.confirm_refund("INV-1", "R-1")
    callback = paygate.parse_callback("main", last_call(simulator, "INV-1"))
    [told] = paygate.gateway("main").confirm(callback).charges
    assert RefundStatus.DONE is status_of(told)


def test_what_midtrans_says_no_to(opened: Open) -> None:
    """Under HTTP 200 or under the status of its code, a "no" is a "no"."""
    for options in ({}, {"plain_status": True}):
        paygate, _ = opened(**options, closed=("gopay",))
        with pytest.raises(ChargeNotFound):
            paygate.query(ChargeRef("main", "NONE", Qris()))
        with pytest.raises(PermissionDenied):
            paygate.create_charge(order("gopay"))
        paygate.create_charge(order())
        with pytest.raises(DuplicateReference):
            paygate.create_charge(order("bca"))


@pytest.mark.parametrize("kind", METHODS)
def test_the_same_charge_again_is_a_duplicate(opened: Open, kind: str) -> None:
    """It is a duplicate at once, open or paid: no old answer takes a settled charge back to pending."""
    paygate, simulator = opened()
    wanted = order(kind)
    paygate.create_charge(wanted)
    with pytest.raises(DuplicateReference):
        paygate.create_charge(wanted)
    simulator.act("INV-1", PayerAction.PAY)
    with pytest.raises(DuplicateReference):
        paygate.create_charge(wanted)
    assert 1 == simulator.ledger.count("INV-1")


def test_a_shop_hears_of_a_payment(opened: Open) -> None:
    """The callback application asks by itself, and hands over what Midtrans answered."""
    paygate, simulator = opened()
    orders = {"INV-1": paygate.create_charge(order())}
    heard: list[Callback] = []
    shop = WsgiCallbacks(paygate.gateway("main"), heard.append, known=lambda told: orders.get(told.reference))
    simulator.act("INV-1", PayerAction.PAY)
    call = last_call(simulator, "INV-1")
    assert 200 == shop.answer(call).status
    assert [ChargeStatus.PAID] == [one.status for one in heard[0].charges]
    orders.clear()
    assert 502 == shop.answer(call).status, "a charge that nobody knows yet is to be told again"


def test_a_forged_notification_is_turned_away(opened: Open) -> None:
    """Without the key nobody tells of a payment, and nobody is asked."""
    paygate, simulator = opened()
    paygate.create_charge(order())
    shop = WsgiCallbacks(paygate.gateway("main"), lambda _: None)
    call = last_call(simulator, "INV-1")
    forged = CallbackRequest("POST", call.path, call.headers, call.body.replace(b"INV-1", b"INV-2"))
    assert 401 == shop.answer(forged).status


def test_a_price_that_midtrans_refuses(opened: Open) -> None:
    """Its own rules are its own to say: a "no" names the field."""
    paygate, _ = opened()
    with pytest.raises(InvalidRequest):
        paygate.create_charge(order(amount=Money("99999999999999.00")))
