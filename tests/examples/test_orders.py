"""The book of orders that all examples share: what is copied from it must hold under fire."""

import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from paygate import (
    Callback,
    CallbackReply,
    Charge,
    ChargeStatus,
    Conflict,
    ConflictKind,
    DuplicateReference,
    InvalidCharge,
    Money,
    PaymentLink,
    QrCode,
    Qris,
    UnsupportedOperation,
)
from tests.callbacks.processes import ROOT

OK = CallbackReply(200, {}, b"OK")
ORDER = b'{"item": "coffee", "method": {"kind": "qris"}}'


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module examples/orders.py."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import orders

    yield orders
    del sys.modules["orders"]


@pytest.fixture
def book(examples: ModuleType, tmp_path: Path) -> Any:
    """An empty book."""
    return examples.Orders(tmp_path / "shop.db")


@pytest.fixture
def ours(examples: ModuleType, book: Any) -> Charge:
    """An order in the book whose charge was made."""
    request = examples.wanted(ORDER)
    book.begin(request)
    charge = Charge(
        gateway="main",
        reference=request.reference,
        status=ChargeStatus.PENDING,
        method=Qris(),
        amount=request.amount,
        provider_reference="P-1",
        instructions=QrCode("QR"),
    )
    book.made(charge)
    return charge


def now(charge: Charge, status: ChargeStatus) -> Charge:
    """The same charge as a callback tells it."""
    paid = charge.amount if status is ChargeStatus.PAID else charge.paid_amount
    return msgspec.structs.replace(charge, status=status, paid_amount=paid, raw=b"\xff{}")


def callback(*charges: Charge, conflicts: tuple[Conflict, ...] = ()) -> Callback:
    """A callback that has been compared."""
    moment = datetime.now(UTC)
    return Callback(gateway="main", charges=charges, conflicts=conflicts, reply=OK, sent_at=moment)


def rows(book: Any, table: str) -> list[tuple[Any, ...]]:
    """What is in a table."""
    with closing(sqlite3.connect(book._file)) as database:
        return database.execute(f"SELECT * FROM {table}").fetchall()


def test_what_is_entered_is_found(book: Any, ours: Charge) -> None:
    """A charge comes back whole, by our number and by the provider's."""
    assert ours == book.find(ours.reference)
    assert ours == book.known(ours)
    link = Charge(gateway="main", reference="P-1", status=ChargeStatus.PAID, method=PaymentLink())
    assert ours == book.known(link)
    assert ours == book.known(msgspec.structs.replace(link, reference="X", provider_reference="P-1"))
    assert None is book.known(msgspec.structs.replace(link, reference="X"))


def test_an_order_is_known_before_its_charge_is_made(examples: ModuleType, book: Any) -> None:
    """A callback may overtake the provider's answer, and the answer then changes nothing."""
    request = examples.wanted(ORDER)
    book.begin(request)
    early = book.find(request.reference)
    assert (ChargeStatus.PENDING, Money.idr(25_000), Qris()) == (early.status, early.amount, early.method)
    book.take(callback(now(early, ChargeStatus.PAID)))
    book.made(early)
    book.drop(request.reference)
    assert ChargeStatus.PAID is book.find(request.reference).status


def test_goods_go_out_once_however_often_it_is_told(book: Any, ours: Charge) -> None:
    """Twenty workers get the same callback at once."""
    paid = callback(now(ours, ChargeStatus.PAID))
    workers = [threading.Thread(target=book.take, args=(paid,)) for _ in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [(ours.reference,)] == rows(book, "parcels")
    assert ChargeStatus.PAID is book.find(ours.reference).status


@pytest.mark.parametrize("late", [ChargeStatus.PENDING, ChargeStatus.FAILED, ChargeStatus.EXPIRED])
def test_a_paid_order_goes_no_way_back(book: Any, ours: Charge, late: ChargeStatus) -> None:
    """Even where two callbacks were compared at the same moment and the older is written last."""
    book.take(callback(now(ours, ChargeStatus.PAID)))
    book.take(callback(now(ours, late)))
    assert ChargeStatus.PAID is book.find(ours.reference).status


def test_a_refund_is_entered_and_delivers_nothing(book: Any, ours: Charge) -> None:
    """It follows a paid order, and nothing follows it."""
    for status in (
        ChargeStatus.PAID,
        ChargeStatus.PARTIALLY_REFUNDED,
        ChargeStatus.REFUNDED,
        ChargeStatus.PAID,
    ):
        book.take(callback(now(ours, status)))
    assert ChargeStatus.REFUNDED is book.find(ours.reference).status
    assert 1 == len(rows(book, "parcels"))


def test_a_conflict_is_put_aside_once_and_changes_no_order(book: Any, ours: Charge) -> None:
    """A person sees what was told; nothing is delivered."""
    conflict = Conflict(ConflictKind.AMOUNT, now(ours, ChargeStatus.PAID), ours)
    for _ in range(3):
        book.take(callback(conflicts=(conflict,)))
    assert [("amount", ours.reference, "P-1", "paid", "IDR 25000.00")] == rows(book, "conflicts")
    assert ([], ours) == (rows(book, "parcels"), book.find(ours.reference))


def test_a_dropped_order_is_gone(book: Any, ours: Charge) -> None:
    """Its charge was certainly not made."""
    book.drop(ours.reference)
    assert None is book.find(ours.reference)


def test_the_buyer_does_not_name_the_price(examples: ModuleType) -> None:
    """What is sent beside item and method is not looked at."""
    order = b'{"item": "coffee", "method": {"kind": "qris"}, "price": 1, "amount": "1"}'
    assert Money.idr(25_000) == examples.wanted(order).amount


def test_a_buyer_is_told_of_the_buyers_own_mistakes_alone(examples: ModuleType) -> None:
    """Any other refusal is between the shop and its provider."""
    status, words = examples.refusal(InvalidCharge("customer.email", "use an address"))
    assert (422, True) == (status, "use an address" in words)
    assert 422 == examples.refusal(UnsupportedOperation("no such wallet"))[0]
    status, words = examples.refusal(DuplicateReference("it exists", provider_code="4094701"))
    assert (502, False) == (status, "4094701" in words)
