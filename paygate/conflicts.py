"""What a callback tells, held against what the merchant knows: news may be acted upon, conflicts may not."""

from collections.abc import Sequence
from typing import Final

import msgspec

from paygate.callback import Callback, Conflict, ConflictKind
from paygate.model import Charge, ChargeStatus

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

    A charge that fits keeps its place, under your reference, with your method and amount. One that does
    not is moved to `conflicts`. Where one is unknown the reply asks the provider to call again: the charge
    may be stored a moment later. For any other conflict calling again would change nothing.
    """
    news: list[Charge] = []
    conflicts: list[Conflict] = []
    for told, ours in zip(callback.charges, known, strict=True):
        kind = _conflict(told, ours)
        if kind is not None:
            conflicts.append(Conflict(kind, told, ours))
        elif ours is not None:
            news.append(
                msgspec.structs.replace(
                    told, reference=ours.reference, method=ours.method, amount=ours.amount
                )
            )
    unknown = any(one.kind is ConflictKind.UNKNOWN for one in conflicts)
    return msgspec.structs.replace(
        callback,
        charges=tuple(news),
        conflicts=tuple(conflicts),
        reply=callback.again if unknown else callback.reply,
    )


def _conflict(told: Charge, ours: Charge | None) -> ConflictKind | None:
    """The gravest way in which a told charge contradicts ours, if it does."""
    if ours is None or ours.gateway != told.gateway:
        return ConflictKind.UNKNOWN
    if RANK[told.status] < RANK[ours.status]:
        return ConflictKind.REGRESSION
    if told.status is not ChargeStatus.PAID:
        return None
    is_repeat = ours.status is ChargeStatus.PAID
    numbers = (told.provider_reference, ours.provider_reference)
    if is_repeat and None not in numbers and numbers[0] != numbers[1]:
        return ConflictKind.TWICE
    expected = {ours.amount, ours.paid_amount if is_repeat else None} - {None}
    if any(amount != told.paid_amount for amount in expected):
        return ConflictKind.AMOUNT
    return ConflictKind.LATE if ours.status in ENDED else None
