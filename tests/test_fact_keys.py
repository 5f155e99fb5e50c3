"""What makes two tellings the same fact: a key that is stored, and compared with new ones for years."""

import subprocess
import sys
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from paygate import ChargeStatus, Money, QrCode, Qris, RefundStatus
from paygate.derivation import fact_key
from tests.test_derivation import ASKED, LESS, NOW, PAID, PARTIALLY, back, known, told

WHOLE: Final = msgspec.structs.replace(
    back(PARTIALLY, 9_000, R1=(5_000, "done"), R2=(4_000, "pending")),
    paid_amount=ASKED,
    provider_reference="Ré-1",
)
KEY: Final = "df6f40a18ac5f8e779c0d93bafb80143"


def test_the_key_of_a_fact_is_the_same_for_ever() -> None:
    """Stored keys are compared with new ones, by other processes and after years."""
    assert KEY == fact_key(WHOLE).hex()
    code = (
        "from paygate import *; from paygate.derivation import fact_key; "
        "print(fact_key(Charge(gateway='main', reference='INV-1', status=ChargeStatus.PAID, method=None)).hex())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert other == fact_key(known(PAID)).hex()


@pytest.mark.parametrize(
    "other",
    [
        {"raw": b"another"},
        {"paid_at": NOW + timedelta(days=1), "expires_at": NOW},
        {"method": Qris(), "amount": LESS, "instructions": QrCode("QR")},
        {"refunds": WHOLE.refunds[::-1]},
    ],
    ids=" ".join,
)
def test_the_same_fact_in_other_words(other: dict[str, Any]) -> None:
    """Bytes, times, order and what was asked for make no new fact."""
    assert fact_key(WHOLE) == fact_key(msgspec.structs.replace(WHOLE, **other))


def test_facts_that_differ() -> None:
    """Pending and then paid are two, and so is each other number, amount and refund; None is no empty text."""
    first, second = WHOLE.refunds
    differing = [
        WHOLE,
        *(
            msgspec.structs.replace(WHOLE, status=status)
            for status in ChargeStatus
            if status is not PARTIALLY
        ),
        *(
            msgspec.structs.replace(WHOLE, **{name: "x"})
            for name in ("gateway", "reference", "provider_reference")
        ),
        *(msgspec.structs.replace(WHOLE, provider_reference=number) for number in (None, "", "-")),
        *(msgspec.structs.replace(WHOLE, paid_amount=one) for one in (None, LESS, Money(25_000, "USD"))),
        *(msgspec.structs.replace(WHOLE, refunded_amount=one) for one in (None, LESS)),
        msgspec.structs.replace(WHOLE, gateway="mainI", reference="NV-1"),
        *(
            msgspec.structs.replace(WHOLE, refunds=refunds)
            for refunds in (
                (),
                (first,),
                (second,),
                (first, msgspec.structs.replace(second, status=RefundStatus.DONE)),
                (first, msgspec.structs.replace(second, amount=Money.idr(4_001))),
                (first, msgspec.structs.replace(second, reference="R3")),
            )
        ),
    ]
    assert len(differing) == len({fact_key(one) for one in differing})
    assert {16} == {len(fact_key(one)) for one in differing}


def test_equal_charges_have_equal_keys() -> None:
    """There is a zero below zero, and it is the same money."""
    keys = {fact_key(told(paid_amount=Money(zero))) for zero in ("0.00", "-0.00")}
    assert 1 == len(keys)
