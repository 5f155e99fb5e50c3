"""What is listed of charges: a charge, the lines of its history, its refunds, and what is open."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from paygate.callback import ConflictKind
from paygate.model import Charge, ChargeStatus
from paygate.money import Money
from paygate.store import notes
from paygate.store.entries import DeliveryState, Row, Source, State, charge_of
from paygate.store.moments import moment
from paygate.store.notes import Note

_charge: Final = msgspec.json.Decoder(Charge)


class StoredCharge(Struct, frozen=True, kw_only=True):
    """A charge in the journal.

    `charge` is how it stands; while `state` is not "known" it is what was asked for, and its status says
    nothing. `attempt` is how often it was sent, 0 where it was not made through this store; `external_id` is
    the last sending's X-EXTERNAL-ID. Until `lease_until` a process is at work on it; at `due_at` it is to be
    asked about, None where nothing is left to ask. `flags` is what contradicts itself in its history.
    """

    id: int
    gateway: str
    reference: str
    state: State
    charge: Charge
    attempt: int
    external_id: str | None
    sent_at: datetime
    lease_until: datetime | None
    due_at: datetime | None
    created_at: datetime
    changed_at: datetime
    flags: tuple[ConflictKind, ...] = ()


class HandedOver(Struct, frozen=True, kw_only=True):
    """What became of a fact on its way to the merchant's handler: `state` is the inbox's."""

    state: DeliveryState
    attempts: int
    problem: str | None


class HistoryLine(Struct, frozen=True, kw_only=True):
    """One line of a charge's history: a fact, with how it stood (`told`), or a note of what was tried.

    `conflicts` is how a fact contradicted what was known, `handed` what became of it on its way to the
    handler, where it was for it. `Listing.body` has the body by the line's `id`, where `has_body`.
    """

    id: int
    at: datetime
    source: Source
    status: ChargeStatus | None = None
    told: Charge | None = None
    note: Note | None = None
    conflicts: tuple[ConflictKind, ...] = ()
    has_body: bool = False
    handed: HandedOver | None = None


class AskedRefund(Struct, frozen=True, kw_only=True):
    """A refund that was asked for here, and what is known of it; no `amount` is the whole charge."""

    reference: str
    amount: Money | None
    state: State
    attempt: int
    external_id: str | None
    sent_at: datetime


class Counts(Struct, frozen=True, kw_only=True):
    """What is open in a store.

    `sending` and `unknown` charges are unsettled; `waiting` are known, and to be asked about later. `due` are
    those of all three whose time has come. `next_at` is when the next one's comes, or came. `flags` are
    flagged charges by kind, `dead` the callbacks that nobody tries any more.
    """

    sending: int = 0
    unknown: int = 0
    waiting: int = 0
    due: int = 0
    next_at: datetime | None = None
    flags: Mapping[ConflictKind, int] = {}
    dead: int = 0


def stored_of(row: Row, kinds: tuple[ConflictKind, ...]) -> StoredCharge:
    """A charge of a row, with the kinds of its flags."""
    return StoredCharge(
        id=row["id"],
        gateway=row["gateway"],
        reference=row["reference"],
        state=State(row["state"]),
        charge=charge_of(row),
        attempt=row["attempt"],
        external_id=row["external_id"],
        sent_at=moment(row["sent_at"]),
        lease_until=moment(row["lease_until"]) if row["lease_until"] else None,
        due_at=moment(row["due_at"]) if row["due_at"] is not None else None,
        created_at=moment(row["created_at"]),
        changed_at=moment(row["changed_at"]),
        flags=kinds,
    )


def line_of(row: Row, handed: HandedOver | None) -> HistoryLine:
    """A line of a row of the table of facts."""
    return HistoryLine(
        id=row["id"],
        at=moment(row["at"]),
        source=Source(row["source"]),
        status=ChargeStatus(row["status"]) if row["status"] is not None else None,
        told=_charge.decode(row["told"]) if row["told"] is not None else None,
        note=notes.read(row["note"]) if row["note"] is not None else None,
        conflicts=tuple(ConflictKind(kind) for kind in row["conflicts"].split()),
        has_body=bool(row["has_body"]),
        handed=handed,
    )


def refund_of(row: Row) -> AskedRefund:
    """A refund of a row."""
    return AskedRefund(
        reference=row["reference"],
        amount=Money(row["amount"], "IDR") if row["amount"] is not None else None,
        state=State(row["state"]),
        attempt=row["attempt"],
        external_id=row["external_id"],
        sent_at=moment(row["sent_at"]),
    )
