"""The part of the shop that is the same in every framework: what is sold, and the book of orders.

The book is one SQLite file, so that several workers share it.
"""

import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from paygate import (
    Callback,
    Charge,
    ChargeRequest,
    ChargeStatus,
    Customer,
    InvalidCharge,
    Item,
    Method,
    Money,
    NotSent,
    Refused,
    UnsupportedOperation,
)

GATEWAY: Final = "main"
PRICES: Final = {"coffee": Money.idr(25_000), "cake": Money.idr(40_000)}
SHOP_URL: Final = os.environ.get("SHOP_URL", "http://127.0.0.1:8000")
TIME_TO_PAY: Final = timedelta(hours=1)
REFUNDS: Final = (ChargeStatus.REFUNDED, ChargeStatus.PARTIALLY_REFUNDED)

TABLES: Final = """
CREATE TABLE IF NOT EXISTS orders (
    reference TEXT PRIMARY KEY, provider_reference TEXT, status TEXT NOT NULL, charge BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS parcels (reference TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS conflicts (
    kind TEXT, reference TEXT, provider_reference TEXT, status TEXT, paid_amount TEXT,
    UNIQUE (kind, reference, provider_reference, status, paid_amount)
);
"""
UPDATE: Final = "UPDATE orders SET provider_reference = ?, status = ?, charge = ? WHERE reference = ? AND "
UPDATE_OPEN: Final = UPDATE + "status = 'pending'"
UPDATE_PAID: Final = UPDATE + "status IN ('pending', 'paid', 'partially_refunded')"


class Wanted(msgspec.Struct):
    """What a buyer sends: what, and how it will be paid. The price is not the buyer's to say."""

    item: Literal["coffee", "cake"]
    method: Method
    customer: Customer | None = None


WRONG: Final = (msgspec.ValidationError, msgspec.DecodeError, InvalidCharge)


def wanted(body: bytes) -> ChargeRequest:
    """Make a charge request of a buyer's JSON. Raises one of WRONG."""
    order = msgspec.json.decode(body, type=Wanted)
    price = PRICES[order.item]
    reference = f"INV-{uuid.uuid4().hex[:16]}"
    return ChargeRequest(
        reference=reference,
        amount=price,
        method=order.method,
        customer=order.customer,
        expires_at=datetime.now(UTC) + TIME_TO_PAY,
        description=f"One {order.item}",
        items=(Item(order.item, price),),
        return_url=f"{SHOP_URL}/orders/{reference}",  # where a wallet sends the buyer's browser
    )


def shown(charge: Charge) -> dict[str, Any]:
    """What the buyer may see of an order."""
    return {
        "reference": charge.reference,
        "status": charge.status.value,
        "amount": str(charge.amount),
        "instructions": msgspec.to_builtins(charge.instructions),
    }


def refusal(error: NotSent | Refused) -> tuple[int, str]:
    """The HTTP status and the words for a buyer whose order came to nothing."""
    if isinstance(error, (InvalidCharge, UnsupportedOperation)):
        return 422, error.what
    return 502, "this way of paying does not work just now; choose another"


class Orders:
    """The book. Every method is safe in any thread or process."""

    def __init__(self, file: str | os.PathLike[str]) -> None:
        self._file = file
        with self._database() as database:
            database.executescript(TABLES)

    def begin(self, request: ChargeRequest) -> None:
        """Enter an order *before* its charge is asked for, so that a callback always finds it."""
        charge = Charge(
            gateway=GATEWAY,
            reference=request.reference,
            status=ChargeStatus.PENDING,
            method=request.method,
            amount=request.amount,
        )
        row = (charge.reference, None, charge.status, msgspec.json.encode(charge))
        with self._database() as database:
            database.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", row)

    def made(self, charge: Charge) -> None:
        """Enter what the provider answered, unless a callback was faster."""
        with self._database() as database:
            database.execute(UPDATE_OPEN, _row(charge))

    def drop(self, reference: str) -> None:
        """Strike out an order whose charge was certainly not made."""
        with self._database() as database:
            database.execute("DELETE FROM orders WHERE reference = ? AND status = 'pending'", [reference])

    def find(self, reference: str) -> Charge | None:
        """How an order stands."""
        return self._one("SELECT charge FROM orders WHERE reference = ?", reference)

    def known(self, told: Charge) -> Charge | None:
        """What we know of a charge that a callback tells of, by our number or by the provider's."""
        by_theirs = "SELECT charge FROM orders WHERE provider_reference IN (?, ?)"
        return self.find(told.reference) or self._one(by_theirs, told.reference, told.provider_reference)

    def take(self, callback: Callback) -> None:
        """Act upon a callback, all of it or nothing. The same one may come again: it changes nothing."""
        with self._database() as database:
            for charge in callback.charges:
                update = UPDATE_PAID if charge.status in REFUNDS else UPDATE_OPEN
                is_new = database.execute(update, _row(charge)).rowcount == 1
                if is_new and charge.status is ChargeStatus.PAID:
                    database.execute(
                        "INSERT INTO parcels VALUES (?)", [charge.reference]
                    )  # goods go out once
            for conflict in callback.conflicts:  # a person looks at these; nothing is delivered
                told = conflict.told
                row = (conflict.kind, told.reference, told.provider_reference or "", told.status)
                database.execute(
                    "INSERT OR IGNORE INTO conflicts VALUES (?, ?, ?, ?, ?)", [*row, str(told.paid_amount)]
                )

    def _one(self, query: str, *values: str | None) -> Charge | None:
        with self._database() as database:
            row = database.execute(query, values).fetchone()
        return msgspec.json.decode(row[0], type=Charge) if row else None

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=30)) as database, database:
            yield database


def _row(charge: Charge) -> tuple[str | None, str, bytes, str]:
    return charge.provider_reference, charge.status, msgspec.json.encode(charge), charge.reference
