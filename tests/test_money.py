import copy
import pickle
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import InvalidCharge, Money


@pytest.mark.parametrize(
    "given_amount", [25_000, "25000", "25000.00", "25000.0", Decimal(25_000), Decimal("2.5E4")]
)
def test_every_exact_form_is_the_same_money(given_amount: Any) -> None:
    """An int, plain decimal text and a Decimal of one amount are equal, and shown with two decimals."""
    assert Money("25000.00", "IDR") == Money.idr(given_amount)
    assert "IDR 25000.00" == str(Money.idr(given_amount))
    assert hash(Money.idr(25_000)) == hash(Money.idr(given_amount))


@pytest.mark.parametrize(
    ("given_amount", "cure"),
    [
        (25_000.0, "float"),
        (True, "bool"),
        (None, "NoneType"),
        (b"25000", "bytes"),
        ("20.000,00", "plain digits"),
        ("20,000.00", "plain digits"),
        ("1e3", "plain digits"),
        (" 25000", "plain digits"),
        ("25000.001", "plain digits"),
        ("٢٥", "plain digits"),
        ("", "plain digits"),
        ("-", "plain digits"),
        (Decimal("25000.001"), "two decimals"),
        (Decimal("NaN"), "finite"),
        (Decimal("Infinity"), "finite"),
        (10**15, "14 digits"),
        ("1" * 15, "plain digits"),
    ],
)
def test_an_inexact_or_ambiguous_amount_is_refused(given_amount: Any, cure: str) -> None:
    """What cannot be exact rupiah is refused with what to write instead."""
    with pytest.raises(InvalidCharge, match=cure) as refused:
        Money(given_amount)
    assert "amount" == refused.value.field


@pytest.mark.parametrize("currency", ["idr", "RP", "IDRR", "", 360, "ÏDR"])
def test_a_currency_is_three_capital_letters(currency: Any) -> None:
    """Anything but an ISO 4217 code is refused."""
    with pytest.raises(InvalidCharge, match="ISO 4217"):
        Money(1, currency)


def test_money_cannot_be_changed() -> None:
    """Money is frozen."""
    with pytest.raises(AttributeError):
        Money.idr(1).amount = Decimal(2)  # type: ignore[misc]


@given(st.decimals(min_value="-99999999999999.99", max_value="99999999999999.99", places=2))
def test_money_survives_every_round_trip(amount: Decimal) -> None:
    """No amount changes by being written, read, copied or pickled."""
    money = Money.idr(amount)
    assert amount == money.amount
    assert money == Money(str(money.amount))
    assert money == msgspec.json.decode(msgspec.json.encode(money), type=Money)
    assert money == pickle.loads(pickle.dumps(money)) == copy.deepcopy(money)


@given(st.floats())
def test_no_float_ever_becomes_money(number: float) -> None:
    """A float is refused, also one that looks whole."""
    with pytest.raises(InvalidCharge, match="float"):
        Money(number)  # type: ignore[arg-type]
