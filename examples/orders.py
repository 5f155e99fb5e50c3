"""The part of the shop that is the same in every framework: what is sold, and the book of orders.

The book is one SQLite file, so that several workers share it.
"""

import logging
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from paygate import (
    AlreadyPaid,
    Callback,
    Charge,
    ChargeRequest,
    ChargeStatus,
    Customer,
    DuplicateReference,
    InvalidCharge,
    Item,
    Method,
    Money,
    OutcomeUnknown,
    PaygateError,
    StateConflict,
    UnsupportedOperation,
)

log = logging.getLogger("shop")

GATEWAY: Final = "main"
CONFIG: Final = os.environ.get("PAYGATE_CONFIG", "paygate.toml")
CALLBACK_PATH: Final = os.environ.get("CALLBACK_PATH", "/callbacks/main")  # the sandbox's: make your own
DATABASE: Final = os.environ.get("SHOP_DATABASE", "shop.db")
SHOP_URL: Final = os.environ.get("SHOP_URL", "http://127.0.0.1:8000")
PRICES: Final = {"coffee": Money.idr(25_000), "cake": Money.idr(40_000)}
TIME_TO_PAY: Final = timedelta(hours=1)

PENDING: Final = (ChargeStatus.PENDING,)
UNPAID: Final = (*PENDING, ChargeStatus.FAILED, ChargeStatus.EXPIRED, ChargeStatus.CANCELLED)
BEFORE: Final = {
    ChargeStatus.PENDING: PENDING,
    ChargeStatus.FAILED: UNPAID,
    ChargeStatus.EXPIRED: UNPAID,
    ChargeStatus.CANCELLED: UNPAID,
    ChargeStatus.PAID: PENDING,  # from here goods go out
    ChargeStatus.PARTIALLY_REFUNDED: (*UNPAID, ChargeStatus.PAID, ChargeStatus.PARTIALLY_REFUNDED),
    ChargeStatus.REFUNDED: tuple(ChargeStatus),
}
"""The states of an order in which it may be told to be in another."""

MAY_EXIST: Final = (OutcomeUnknown, DuplicateReference, AlreadyPaid, StateConflict)
"""Errors after which a charge may exist although we have no answer: our references are always fresh."""

TABLES: Final = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS orders (
    reference TEXT PRIMARY KEY, provider_reference TEXT, status TEXT NOT NULL, charge BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS parcels (reference TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS conflicts (
    kind TEXT, reference TEXT, provider_reference TEXT, status TEXT, paid_amount TEXT,
    UNIQUE (kind, reference, provider_reference, status, paid_amount)
);
COMMIT;
"""


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


def refusal(error: PaygateError) -> tuple[int, str]:
    """The HTTP status and the words for a buyer whose order came to nothing."""
    if isinstance(error, (InvalidCharge, UnsupportedOperation)):
        return 422, error.what
    return 502, "this way of paying does not work just now; choose another"


class Overtaken(Exception):
    """The book has changed since a callback was compared with it: the provider must call again."""


class Orders:
    """The book. Every method is safe in any thread or process."""

    def __init__(self, file: str | os.PathLike[str]) -> None:
        self._file = file
        with self._connection() as database:
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
        with self._writing() as database:
            database.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", row)

    def made(self, charge: Charge) -> None:
        """Enter how to pay. What a callback has told before stays: it is newer."""
        with self._writing() as database:
            order = _find(database, charge.reference)
            if order is None:
                raise LookupError(charge.reference)
            number = order.provider_reference or charge.provider_reference
            _write(
                database,
                msgspec.structs.replace(
                    order,
                    provider_reference=number,
                    instructions=charge.instructions,
                    expires_at=charge.expires_at,
                    raw=order.raw or charge.raw,
                ),
            )

    def failed(self, reference: str, error: PaygateError) -> tuple[int, str] | None:
        """Enter that no charge was made. What the buyer is told: HTTP status and words.

        None where it may have been made all the same. Then the order stays, and is never sent again: a
        callback or a query will tell.
        """
        log.warning("no charge for order %s: %s", reference, error)  # its text has nothing of the buyer's
        if isinstance(error, MAY_EXIST):
            return None
        self.drop(reference)
        return refusal(error)

    def drop(self, reference: str) -> None:
        """Strike out an order, unless a callback has told of it: then its charge exists."""
        untold = (
            "DELETE FROM orders WHERE reference = ? AND status = 'pending' AND provider_reference IS NULL"
        )
        with self._writing() as database:
            database.execute(untold, [reference])

    def find(self, reference: str) -> Charge | None:
        """How an order stands."""
        with self._connection() as database:
            return _find(database, reference)

    def known(self, told: Charge) -> Charge | None:
        """What we know of a charge that a callback tells of, by our number or by the provider's."""
        with self._connection() as database:
            return _find(database, told.reference) or _find_by_theirs(database, told)

    def take(self, callback: Callback) -> None:
        """Act upon a callback, all of it or nothing. The same one may come again: it changes nothing.

        Raises Overtaken where the book has changed since `known` looked into it, so that the provider calls
        again and it is compared anew.
        """
        with self._writing() as database:
            for news in callback.charges:
                _enter(database, news)
            for conflict in callback.conflicts:  # a person looks at these; nothing is delivered
                told = conflict.told
                row = (conflict.kind, told.reference, told.provider_reference or "", told.status)
                database.execute(
                    "INSERT OR IGNORE INTO conflicts VALUES (?, ?, ?, ?, ?)", [*row, str(told.paid_amount)]
                )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._file, timeout=30, isolation_level=None)
        with closing(connection) as database:
            yield database

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: from its first reading to its end nobody else writes."""
        with self._connection() as database:
            database.execute("BEGIN IMMEDIATE")
            with database:
                yield database


def _enter(database: sqlite3.Connection, news: Charge) -> None:
    """Write what is told of an order as it stands in this transaction, and no more than is told."""
    order = _find(database, news.reference)
    if order is None:
        raise Overtaken(news.reference)
    if order.status not in BEFORE[news.status]:
        if (order.status, order.provider_reference) != (news.status, news.provider_reference):
            raise Overtaken(news.reference)
        return  # a repeat
    _write(
        database,
        msgspec.structs.replace(
            order,
            status=news.status,
            provider_reference=news.provider_reference or order.provider_reference,
            paid_at=news.paid_at or order.paid_at,
            paid_amount=news.paid_amount or order.paid_amount,
            refunded_amount=news.refunded_amount or order.refunded_amount,
            refunds=news.refunds or order.refunds,
            raw=news.raw,
        ),
    )
    if news.status is ChargeStatus.PAID:
        database.execute("INSERT INTO parcels VALUES (?)", [news.reference])  # goods go out once


def _write(database: sqlite3.Connection, order: Charge) -> None:
    update = "UPDATE orders SET provider_reference = ?, status = ?, charge = ? WHERE reference = ?"
    row = (order.provider_reference, order.status, msgspec.json.encode(order), order.reference)
    database.execute(update, row)


def _find(database: sqlite3.Connection, reference: str) -> Charge | None:
    found = database.execute("SELECT charge FROM orders WHERE reference = ?", [reference])
    return _charge(found.fetchone())


def _find_by_theirs(database: sqlite3.Connection, told: Charge) -> Charge | None:
    query = "SELECT charge FROM orders WHERE provider_reference IN (?, ?)"
    found = database.execute(query, [told.reference, told.provider_reference])
    return _charge(found.fetchone())


def _charge(row: tuple[bytes] | None) -> Charge | None:
    return msgspec.json.decode(row[0], type=Charge) if row else None
