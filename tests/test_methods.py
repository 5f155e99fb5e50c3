"""How a charge can be paid: kinds, brands and instructions."""

from typing import Any

import msgspec
import pytest

from paygate import (
    AccountNumber,
    Charge,
    ChargeStatus,
    EWallet,
    Instructions,
    Method,
    PaymentCode,
    PaymentLink,
    QrCode,
    Qris,
    Redirect,
    Retail,
    VirtualAccount,
)
from paygate.methods import METHODS

KINDS: list[tuple[Method, str, str]] = [
    (Qris(), "qris", ""),
    (EWallet("dana"), "e_wallet", "dana"),
    (VirtualAccount("bni"), "virtual_account", "bni"),
    (VirtualAccount("bni", "98829172123"), "virtual_account", "bni"),
    (Retail("alfamart"), "retail", "alfamart"),
    (PaymentLink(), "payment_link", ""),
    (PaymentLink((Qris(), VirtualAccount("bri"))), "payment_link", ""),
]


@pytest.mark.parametrize(("method", "kind", "brand"), KINDS, ids=str)
def test_a_method_has_a_kind_and_a_brand(method: Method, kind: str, brand: str) -> None:
    """The brand is whose it is; where it is nobody's in particular, it is empty."""
    assert (kind, brand, type(method).kind) == (method.kind, method.brand, kind)
    assert type(method) in METHODS


@pytest.mark.parametrize(("method", "kind", "brand"), KINDS, ids=str)
def test_a_method_is_a_value(method: Method, kind: str, brand: str) -> None:
    """It can be stored, comes back equal and of its own kind, and is a key of a dictionary."""
    stored = msgspec.json.encode(method)
    assert kind == msgspec.json.decode(stored)["kind"]
    again: Any = msgspec.json.decode(stored, type=Method)
    assert (method, hash(method), type(method)) == (again, hash(again), type(again))


def test_a_number_of_your_own_makes_it_another_charge_but_no_other_brand() -> None:
    """Two virtual accounts of one bank differ by their number."""
    assert VirtualAccount("bni", "1") != VirtualAccount("bni")
    assert VirtualAccount("bni", "1").brand == VirtualAccount("bni").brand


@pytest.mark.parametrize("inside", [PaymentLink(), "qris"], ids=repr)
def test_a_link_offers_what_a_payer_can_choose(inside: Any) -> None:
    """A link within a link is none of it; that is seen when it is read from outside."""
    stored = msgspec.json.encode(PaymentLink((inside,)))
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(stored, type=PaymentLink)


@pytest.mark.parametrize(
    "instructions",
    [
        QrCode("00020101"),
        Redirect("https://wallet.example/pay"),
        AccountNumber("98829172123", "bni"),
        PaymentCode("123", "alfamart"),
        PaymentCode("123", "alfamart", "https://store.example"),
    ],
    ids=repr,
)
def test_instructions_come_back_with_their_charge(instructions: Instructions) -> None:
    """A stored charge still knows what its payer must be shown."""
    charge = Charge(
        gateway="main",
        reference="INV-1",
        status=ChargeStatus.PENDING,
        method=None,
        instructions=instructions,
    )
    assert charge == msgspec.json.decode(msgspec.json.encode(charge), type=Charge)
