"""Callbacks for the book of orders, and what stands in it afterwards."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from paygate import Callback, CallbackReply, Charge, ChargeStatus, Conflict

OK: Final = CallbackReply(200, {}, b"OK")
ORDER: Final = b'{"item": "coffee", "method": {"kind": "qris"}}'


def now(charge: Charge, status: ChargeStatus, number: str | None = None) -> Charge:
    """The same charge as a callback tells it, perhaps under another number of the provider's."""
    return msgspec.structs.replace(
        charge,
        status=status,
        provider_reference=number or charge.provider_reference,
        paid_amount=charge.amount if status is ChargeStatus.PAID else charge.paid_amount,
        raw=b"\xff{}",
    )


def callback(*charges: Charge, conflicts: tuple[Conflict, ...] = ()) -> Callback:
    """A callback, proven."""
    moment = datetime.now(UTC)
    return Callback(gateway="main", charges=charges, conflicts=conflicts, reply=OK, sent_at=moment)


def rows(book: Any, table: str) -> list[tuple[Any, ...]]:
    """What is in a table of the book."""
    with closing(sqlite3.connect(book._file)) as database:
        return database.execute(f"SELECT * FROM {table}").fetchall()
