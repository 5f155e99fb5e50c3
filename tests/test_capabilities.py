"""What an adapter can do, read off its implementations."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from paygate_tiny import Tiny

from paygate import (
    EWallet,
    Gateway,
    InvalidCharge,
    Method,
    PaymentLink,
    Qris,
    Retail,
    UnsupportedOperation,
    VirtualAccount,
    for_methods,
    hookimpl,
)
from paygate.capabilities import OPERATIONS, Served, of_adapter, table
from paygate.methods import METHODS
from tests.provider import Provider, named, order, tiny

Marks = tuple[type[Method] | Method, ...]


class Choosy(Tiny):
    """Charges two banks, every store and links; asks about one bank alone; ends nothing."""

    @hookimpl
    @for_methods(VirtualAccount("bni"), VirtualAccount("bri"), Retail, PaymentLink)
    def create_charge(self, request: Any) -> Any:
        return super().create_charge(request)

    @hookimpl
    @for_methods(VirtualAccount("bni"), Retail("alfamart"))
    def query(self, charge: Any) -> Any:
        return super().query(charge)

    @hookimpl
    @for_methods()
    def cancel(self, charge: Any) -> Any:
        raise AssertionError("nobody may get here")


@pytest.mark.parametrize(
    ("marks", "inside", "outside"),
    [
        ((), [], [Qris(), EWallet("dana"), VirtualAccount("bni"), Retail("x"), PaymentLink()]),
        ((Qris,), [Qris()], [PaymentLink(), EWallet("")]),
        ((Qris(),), [Qris()], [PaymentLink(), EWallet("")]),
        ((VirtualAccount,), [VirtualAccount("bni"), VirtualAccount("x", "1")], [Retail("bni"), Qris()]),
        (
            (VirtualAccount("bni"), EWallet("dana")),
            [VirtualAccount("bni"), VirtualAccount("bni", "123"), EWallet("dana")],
            [
                VirtualAccount("bri"),
                VirtualAccount("BNI"),
                EWallet("bni"),
                Retail("dana"),
                VirtualAccount(""),
            ],
        ),
        ((PaymentLink,), [PaymentLink(), PaymentLink((Qris(),))], [Qris()]),
        ((PaymentLink(),), [PaymentLink(), PaymentLink((Qris(),))], [Qris()]),
        (METHODS, [Qris(), EWallet("any"), Retail("any"), VirtualAccount("any"), PaymentLink()], []),
    ],
    ids=repr,
)
def test_a_mark_stands_for_a_method_or_a_brand(
    marks: Marks, inside: list[Method], outside: list[Method]
) -> None:
    """A class is the whole method, an object one brand of it; a number of your own changes nothing."""
    served = Served(marks)
    assert [True] * len(inside) == [method in served for method in inside]
    assert [False] * len(outside) == [method in served for method in outside]
    assert None not in served


def test_a_method_is_taken_where_a_brand_of_it_is() -> None:
    """Asked about a whole method, one brand is enough."""
    served = Served((VirtualAccount("bni"), Retail))
    assert [False, False, True, True, False] == [served.takes(kind) for kind in METHODS]
    assert (["bni"], []) == (list(served.brands(VirtualAccount)), list(served.brands(Retail)))


def test_the_table_is_read_off_the_implementations() -> None:
    """A row for each brand that is named, and one for a method that is served as a whole."""
    yes_no = {name: dict(row) for name, row in table(Choosy)}
    every = {"cancel": False, "refund": False, "partial_refund": False, "parse_callback": True}
    assert {
        "virtual_account bni": {"create_charge": True, "query": True, **every},
        "virtual_account bri": {"create_charge": True, "query": False, **every},
        "retail": {"create_charge": True, "query": False, **every},
        "retail alfamart": {"create_charge": True, "query": True, **every},
        "payment_link": {"create_charge": True, "query": False, **every},
    } == yes_no
    assert set(OPERATIONS) == set(yes_no["retail"])


def test_an_operation_without_a_mark_serves_every_method() -> None:
    """Tiny charges QRIS alone, and can be asked about anything."""
    assert [
        (
            kind.kind,
            {
                "create_charge": kind is Qris,
                "query": True,
                "cancel": False,
                "refund": False,
                "partial_refund": False,
                "parse_callback": True,
            },
        )
        for kind in METHODS
    ] == table(Tiny)


def test_an_operation_without_a_hook_is_not_offered() -> None:
    """A method of the same name that is no implementation counts for nothing."""

    class Plain:
        def create_charge(self, request: Any) -> Any: ...

    assert {} == of_adapter(Plain)
    assert [] == table(Plain)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway that is choosy, and a provider that counts."""
    provider = Provider()
    with Gateway("main", tiny(kind=Choosy), transport=provider) as one:
        yield one
    assert [] == provider.requests


@pytest.mark.parametrize(
    ("operation", "method", "offered"),
    [
        ("create_charge", None, True),
        ("create_charge", VirtualAccount, True),
        ("create_charge", VirtualAccount("bri", "15574123"), True),
        ("create_charge", VirtualAccount("bca"), False),
        ("create_charge", Qris, False),
        ("query", VirtualAccount("bri"), False),
        ("query", Retail, True),
        ("query", Retail("indomaret"), False),
        ("cancel", None, True),
        ("cancel", VirtualAccount, False),
        ("parse_callback", None, True),
        ("refund", None, False),
        ("diagnose", Qris, False),
    ],
    ids=str,
)
def test_supports_says_what_the_gateway_then_does(
    gateway: Gateway, operation: str, method: Any, offered: bool
) -> None:
    """For an operation, for a whole method, and for one brand of it."""
    assert offered is gateway.supports(operation, method)


@pytest.mark.parametrize("method", [Qris(), VirtualAccount("bca"), EWallet("dana")], ids=repr)
def test_what_is_not_offered_is_refused_before_anything_is_sent(gateway: Gateway, method: Method) -> None:
    """The error names operation, kind and brand."""
    with pytest.raises(UnsupportedOperation, match=f"create_charge for {method.kind}") as refused:
        gateway.create_charge(order(method=method))
    assert (method.brand in str(refused.value), "INV-1") == (True, refused.value.reference)
    with pytest.raises(UnsupportedOperation, match="cancel for"):
        gateway.cancel(named())


def test_a_charge_without_a_method_cannot_be_asked_about(gateway: Gateway) -> None:
    """A callback may tell none: then your order says how it was paid."""
    for operation in (gateway.query, gateway.cancel):
        with pytest.raises(InvalidCharge, match="name the method") as refused:
            operation(msgspec.structs.replace(named(), method=None))
        assert ("method", "INV-1") == (refused.value.field, refused.value.reference)


@pytest.mark.parametrize("method", ["qris", Qris, 7, {"kind": "qris"}], ids=repr)
def test_a_method_that_is_none_is_a_mistake_of_yours(gateway: Gateway, method: Any) -> None:
    """A text or a class in its place is refused by name, before anything is sent."""
    with pytest.raises(InvalidCharge) as refused:
        gateway.query(msgspec.structs.replace(named(), method=method))
    assert "method" == refused.value.field
