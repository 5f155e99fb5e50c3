"""The book of orders that all examples share, for its tests."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from paygate import Charge, ChargeStatus, QrCode, Qris
from tests.callbacks.processes import ROOT
from tests.examples.telling import ORDER


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
