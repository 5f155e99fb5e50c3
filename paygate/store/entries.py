"""What stands in the journal, as its rows are read and written: states, entries, and charges as JSON."""

from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping

from paygate.callback import Conflict
from paygate.model import Charge, ChargeRef, ChargeStatus

LONGEST_REFERENCE: Final = 64
LONGEST_NUMBER: Final = 128
NUL: Final = "\0"
DIGEST: Final = 16
Row: TypeAlias = RowMapping | dict[Any, Any]
"""A row of a table, by the names of its columns."""

_encoder: Final = msgspec.json.Encoder()
_charge: Final = msgspec.json.Decoder(Charge)


class State(StrEnum):
    """What the journal knows of a charge's being made; how it stands is another matter (ChargeStatus)."""

    SENDING = "sending"
    """It is being sent, or was when its process died."""
    UNKNOWN = "unknown"
    """It was sent, and nobody can say what became of it."""
    KNOWN = "known"
    """The provider has it."""
    FREE = "free"
    """The provider does not have it: not sent, refused, or asked about and never there."""


class DeliveryState(StrEnum):
    """How far a callback in the inbox has come, or a fact on its way to the merchant's handler."""

    NEW = "new"
    """It is to be applied to the journal."""
    READY = "ready"
    """It is applied; the handler is to be told."""
    DONE = "done"
    """The handler was told, or there was nothing to tell."""
    DEAD = "dead"
    """The handler failed on it too often."""
    STUCK = "stuck"
    """The provider did not answer what had to be asked about it."""


class Step(StrEnum):
    """What the caller who finds a charge in the journal is to do."""

    SEND = "send"
    """It is yours to send: nobody else will."""
    TAKE = "take"
    """It is there: take it as it stands."""
    WAIT = "wait"
    """Another caller is sending it at this moment."""
    ASK = "ask"
    """Its outcome is unknown; asking the provider is yours, and nobody else will."""


class Source(StrEnum):
    """Where a line of a charge's history comes from."""

    SENT = "sent"
    REPLY = "reply"
    CALLBACK = "callback"
    QUERY = "query"


class Entry(Struct, frozen=True, kw_only=True):
    """A charge in the journal, and what to do now. `charge` is how it stands, as far as is known.

    `sent_at` and `lease_until` are microseconds; a lease is what makes an entry this caller's own. `is_lost`
    is a charge whose instructions nobody was told.
    """

    id: int
    gateway: str
    reference: str
    step: Step
    attempt: int
    external_id: str | None
    sent_at: int
    lease_until: int
    charge: Charge
    is_lost: bool = False


class Learnt(Struct, frozen=True, kw_only=True):
    """What became of the journal by something that was told.

    `charge` is how it stands now, `before` its status until then (None where it was not known), `conflicts`
    what contradicts it, and `is_news` whether it had not been told before.
    """

    charge: Charge
    before: ChargeStatus | None
    conflicts: tuple[Conflict, ...] = ()
    is_news: bool = True


class Told(Struct, frozen=True, kw_only=True):
    """What a callback, or an answer, is about: as it was read, and in the end as it was applied."""

    charges: tuple[Charge, ...] = ()
    confirm: tuple[ChargeRef, ...] = ()
    claimed: tuple[ChargeStatus | None, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def entry_of(row: Row, step: Step, charge: Charge) -> Entry:
    """The entry of a row of the table of charges."""
    return Entry(
        id=row["id"],
        gateway=row["gateway"],
        reference=row["reference"],
        step=step,
        attempt=row["attempt"],
        external_id=row["external_id"],
        sent_at=row["sent_at"],
        lease_until=row["lease_until"],
        charge=charge,
    )


def written(charge: Charge) -> bytes:
    """A charge as JSON, without the provider's own message."""
    return _encoder.encode(bare(charge))


def bare(charge: Charge) -> Charge:
    """A charge without the provider's own message, which may hold personal data."""
    return msgspec.structs.replace(charge, raw=b"") if charge.raw else charge


def charge_of(row: Row) -> Charge:
    """How the charge of a row stands; what was asked for, where the provider has told nothing yet."""
    if row["charge"] is not None:
        return _charge.decode(row["charge"])
    asked = msgspec.json.decode(row["request"])
    fields = {key: asked[key] for key in ("reference", "amount", "method", "expires_at") if key in asked}
    return msgspec.convert(
        {**fields, "gateway": row["gateway"], "status": ChargeStatus.PENDING.value}, Charge
    )


def reference_of(charge: Charge | ChargeRef) -> str:
    """The reference of a charge as it is looked up by; that of a charge not made here may be any text."""
    return word_of(charge.reference, LONGEST_REFERENCE)


def number_of(charge: Charge) -> str | None:
    """The provider's own number of a charge, as it is looked up by."""
    number = charge.provider_reference
    return None if number is None else word_of(number, LONGEST_NUMBER)


def word_of(text: str, longest: int) -> str:
    """Text as a column of words takes it: a digest tells apart what is too long, or has a NUL.

    PostgreSQL takes no NUL in a text. Inside JSON both stand as they came.
    """
    if len(text) <= longest and NUL not in text:
        return text
    digest = blake2b(text.encode(), digest_size=DIGEST).hexdigest()
    return f"{text[: longest - len(digest) - 1]}#{digest}".replace(NUL, "?")
