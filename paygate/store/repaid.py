"""The refunds of a charge that were asked for here, held against what is told of it."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from paygate.model import Charge
from paygate.refunds import RefundStatus
from paygate.store.entries import Row, State, reference_of
from paygate.store.schema import refunds

OPEN: Final = (State.SENDING.value, State.UNKNOWN.value)

_OF: Final = sa.select(refunds).where(refunds.c.charge_id == bindparam("charge_id"))
_SENT: Final = sa.select(refunds.c.reference, refunds.c.sent_at).where(
    refunds.c.charge_id == bindparam("charge_id"), refunds.c.state.in_(OPEN)
)
_SETTLED: Final = (
    refunds.update()
    .where(refunds.c.id == bindparam("own_id"))
    .values(state=bindparam("state"), lease_until=0)
)


def adopt(connection: sa.Connection, charge_id: int, charge: Charge) -> None:
    """Join a charge that was just taken in with the refunds that were asked for before it was there."""
    waiting = (refunds.c.charge_id.is_(None), refunds.c.gateway == charge.gateway)
    mine = refunds.update().where(*waiting, refunds.c.charge_reference == reference_of(charge))
    connection.execute(mine.values(charge_id=charge_id))


def asked_for(connection: sa.Connection, charge_id: int, told: Charge) -> Sequence[Row]:
    """The refunds that were asked for here, where what is told is of any."""
    if not told.refunds and told.refunded_amount is None and "refund" not in told.status:
        return ()
    return connection.execute(_OF, {"charge_id": charge_id}).mappings().all()


def settle(
    connection: sa.Connection,
    rows: Sequence[Row],
    told: Charge,
    stands: Charge,
    made: str | None,
    grace: int,
    now: int,
) -> None:
    """Write down of each refund that is told now whether the provider has it, or it failed and is free.

    What counts is how it stands after what was told. A failure may be that of an earlier attempt: it frees
    one that was sent again only where it is the answer to that (`made`), or where the provider had
    this one and the grace time is over.
    """
    for row in rows:
        one = stands.refund(row["reference"]) if told.refund(row["reference"]) is not None else None
        if one is None:
            continue
        state = State.KNOWN
        if one.status is RefundStatus.FAILED:
            is_late = row["state"] == State.KNOWN and now >= row["sent_at"] + grace
            if one.reference != made and row["attempt"] > 1 and not is_late:
                continue
            state = State.FREE
        connection.execute(_SETTLED, {"own_id": row["id"], "state": state})


def open_since(connection: sa.Connection, charge_id: int, made: str | None) -> int | None:
    """When the oldest refund was sent of which nobody can say whether it was made; None where there is none.

    `made` is one whose answer is being written down.
    """
    found = connection.execute(_SENT, {"charge_id": charge_id})
    return min((sent_at for reference, sent_at in found if reference != made), default=None)
