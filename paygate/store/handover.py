"""What the merchant's handler is told; that it was told is written down in the handler's own transaction.

A row is not kept locked while the handler works, so that repeats of the call are acknowledged meanwhile.
Whoever closes it first wins, and all others undo what they did.
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from paygate.callback import Callback, CallbackReply, Conflict, ConflictKind
from paygate.conflicts import has_paid
from paygate.model import Charge
from paygate.store.deliveries import LEASED, Delivery, decoded, done
from paygate.store.entries import DeliveryState, charge_of, reference_of
from paygate.store.schema import callbacks, charges, flags

ANSWERED: Final = CallbackReply(200, {}, b"")
"""The reply of a callback that the inbox hands out: its provider has its answer already."""

APART: Final = frozenset(ConflictKind) - {ConflictKind.LATE}
"""What keeps a charge out of those that may be acted upon; one that was paid late may."""

_HELD: Final = sa.select(callbacks.c.told).where(*LEASED)
_OPEN: Final = callbacks.update().where(
    callbacks.c.id == bindparam("own_id"),
    callbacks.c.state.in_((DeliveryState.READY.value, DeliveryState.DEAD.value)),
)
"""A delivery that nobody has closed; one that was given up while its handler was slow is done after all."""
_CHARGE: Final = sa.select(charges).where(
    charges.c.reference == bindparam("reference"), charges.c.gateway == bindparam("gateway")
)
_FLAGGED: Final = (
    sa.select(flags.c.kind)
    .join(charges, charges.c.id == flags.c.charge_id)
    .where(
        charges.c.reference == bindparam("reference"),
        charges.c.gateway == bindparam("gateway"),
        flags.c.kind == ConflictKind.AMOUNT.value,
    )
)


class Overtaken(Exception):
    """Another worker did it meanwhile: what was done here is to be undone."""


class Moved(Exception):
    """The charge moved while the handler worked: it is to be told again, how it stands now."""


def given(connection: sa.Connection, taken: Delivery) -> Callback | None:
    """What the handler is to be told now; None where the delivery is no more this worker's."""
    row = connection.execute(_HELD, taken.own).first()
    if row is None:
        return None
    told = decoded(row.told)
    apart = {one.told.reference for one in told.conflicts if one.kind in APART}
    standing, conflicts = [], [*told.conflicts]
    for charge in told.charges:
        if charge.reference in apart:
            continue
        now = _standing(connection, _CHARGE, charge)
        if has_paid(now) and not has_paid(charge):
            continue  # it was paid meanwhile, and that is told by itself: once, and not once more for this
        if _is_doubtful(connection, now):
            conflicts.append(Conflict(ConflictKind.AMOUNT, now, now))
        else:
            standing.append(now)
    return Callback(
        gateway=taken.gateway,
        charges=tuple(standing),
        conflicts=tuple(conflicts),
        reply=ANSWERED,
        sent_at=None,
    )


def is_overtaken(told: Callback) -> bool:
    """Whether nothing is left to tell: the charge was paid since, and that is told by itself."""
    return not (told.charges or told.conflicts)


def finish(connection: sa.Connection, taken: Delivery, told: Callback) -> None:
    """Close a delivery in the handler's own transaction. Raises Overtaken or Moved: then undo it all."""
    for charge in told.charges:
        if _standing(connection, _CHARGE.with_for_update(), charge) != charge:
            raise Moved
    if not connection.execute(_OPEN.values(done(taken)), taken.own).rowcount:
        raise Overtaken


def _standing(connection: sa.Connection, asked: sa.Select[Any], charge: Charge) -> Charge:
    """How a charge stands now in the journal."""
    row = connection.execute(asked, _named(charge)).mappings().first()
    return charge if row is None else charge_of(row)


def _is_doubtful(connection: sa.Connection, charge: Charge) -> bool:
    """Whether another amount was paid than was asked for, as another fact than this one has told."""
    if not has_paid(charge) or charge.paid_amount == charge.amount:
        return False
    return connection.execute(_FLAGGED, _named(charge)).first() is not None


def _named(charge: Charge) -> dict[str, str]:
    return {"reference": reference_of(charge), "gateway": charge.gateway}
