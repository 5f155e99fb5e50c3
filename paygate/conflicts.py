"""What a callback tells, held against what the merchant knows: news may be acted upon, conflicts may not."""

from collections.abc import Sequence
from typing import Final

import msgspec

from paygate.callback import Callback, Conflict, ConflictKind
from paygate.model import Charge, ChargeStatus
from paygate.refunds import Refund, RefundStatus

ENDED: Final = (ChargeStatus.FAILED, ChargeStatus.EXPIRED, ChargeStatus.CANCELLED)
RANK: Final = {
    ChargeStatus.PENDING: 0,
    **dict.fromkeys(ENDED, 1),
    ChargeStatus.PAID: 2,
    ChargeStatus.PARTIALLY_REFUNDED: 3,
    ChargeStatus.REFUNDED: 4,
}
"""How far a charge has gone; it never goes back."""


def compared(callback: Callback, known: Sequence[Charge | None]) -> Callback:
    """Hold each charge of a callback against yours, in the same order; None where you have none.

    A charge that fits keeps its place: yours, with what the callback tells of it. One that does not is moved
    to `conflicts`. Where one is unknown the reply asks the provider to call again: the charge may be stored
    a moment later. For any other conflict calling again would change nothing.
    """
    news: list[Charge] = []
    conflicts: list[Conflict] = []
    for told, ours in zip(callback.charges, known, strict=True):
        kind = _conflict(told, ours)
        if kind is not None:
            conflicts.append(Conflict(kind, told, ours))
        elif ours is not None:
            news.append(_updated(told, ours))
    unknown = any(one.kind is ConflictKind.UNKNOWN for one in conflicts)
    return msgspec.structs.replace(
        callback,
        charges=tuple(news),
        conflicts=tuple(conflicts),
        reply=callback.again if unknown else callback.reply,
    )


def confirmed(callback: Callback, asked: Sequence[Charge]) -> Callback:
    """A callback whose charges were asked about: they stand in `charges`, as the provider answered."""
    if not callback.confirm:
        return callback
    return msgspec.structs.replace(callback, charges=(*callback.charges, *asked), confirm=())


def contradiction(told: Charge, before: Charge) -> Conflict | None:
    """How the answer to a query contradicts what was known before it, if it does.

    An answer that tells no paid amount, or another number of the provider's, contradicts nothing.
    """
    kind = _conflict(told, before)
    if kind is ConflictKind.AMOUNT and None in (told.paid_amount, before.amount):
        kind = ConflictKind.LATE if before.status in ENDED else None
    return None if kind in (None, ConflictKind.TWICE) else Conflict(kind, told, before)


def _conflict(told: Charge, ours: Charge | None) -> ConflictKind | None:
    """The gravest way in which a told charge contradicts ours, if it does."""
    if ours is None or not _are_one(told, ours):
        return ConflictKind.UNKNOWN
    is_paid, was_paid = told.status is ChargeStatus.PAID, RANK[ours.status] >= RANK[ChargeStatus.PAID]
    numbers = {told.provider_reference, ours.provider_reference} - {None}
    if is_paid and was_paid and len(numbers) > 1:
        return ConflictKind.TWICE
    if _goes_back(told, ours):
        return ConflictKind.REGRESSION
    if not is_paid:
        return None
    if told.paid_amount is None or told.paid_amount != ours.amount:
        return ConflictKind.AMOUNT
    if was_paid and ours.paid_amount not in (None, told.paid_amount):
        return ConflictKind.AMOUNT
    return ConflictKind.LATE if ours.status in ENDED else None


def _goes_back(told: Charge, ours: Charge) -> bool:
    """Whether the news is behind what we know; less given back than was told before is that, too.

    An answer that tells a refund which is new to us is not: some name no other in it, nor their sum.
    """
    if told.status is not ours.status:
        return RANK[told.status] < RANK[ours.status]
    now, before = told.refunded_amount, ours.refunded_amount
    if now is None or before is None or any(ours.refund(one.reference) is None for one in told.refunds):
        return False
    return now.amount < before.amount


def _refunds(told: Charge, ours: Charge) -> tuple[Refund, ...]:
    """Our refunds as they stand now, and those that are new; one that has ended does not begin again."""
    merged = {one.reference: one for one in ours.refunds}
    for one in told.refunds:
        known = merged.get(one.reference, one)
        if one.status is not RefundStatus.PENDING or known.status is RefundStatus.PENDING:
            merged[one.reference] = one
    return tuple(merged.values())


def _are_one(told: Charge, ours: Charge) -> bool:
    """Whether both are the same charge: by your reference, or by the provider's number of it."""
    if told.gateway != ours.gateway:
        return False
    number = ours.provider_reference
    return told.reference == ours.reference or (
        number is not None and number in (told.reference, told.provider_reference)
    )


def _updated(told: Charge, ours: Charge) -> Charge:
    """Our charge as it stands now; what the callback does not tell stays as it was known."""
    return msgspec.structs.replace(
        ours,
        status=told.status,
        provider_reference=told.provider_reference or ours.provider_reference,
        paid_at=told.paid_at or ours.paid_at,
        paid_amount=told.paid_amount or ours.paid_amount,
        refunded_amount=told.refunded_amount or ours.refunded_amount,
        refunds=_refunds(told, ours),
        raw=told.raw,
    )
