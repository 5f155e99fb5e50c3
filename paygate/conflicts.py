"""What a callback tells, held against what the merchant knows: news may be acted upon, conflicts may not."""

from collections.abc import Sequence
from typing import Final

import msgspec

from paygate.callback import Callback, Conflict, ConflictKind
from paygate.model import Charge, ChargeStatus
from paygate.returns import is_undone, merged

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
    """A callback whose charges were asked about: they stand in `charges`, as the provider answered.

    Where an answer is behind what the call claimed, the reply asks the provider to call again.
    """
    if not callback.confirm:
        return callback
    is_behind = any(
        claim is not None and RANK[one.status] < RANK[claim]
        for one, claim in zip(asked, callback.claimed, strict=False)
    )
    return msgspec.structs.replace(
        callback,
        charges=(*callback.charges, *asked),
        confirm=(),
        claimed=(),
        reply=callback.again if is_behind else callback.reply,
    )


def contradiction(told: Charge, before: Charge) -> Conflict | None:
    """How the answer to a query contradicts what was known before it, if it does.

    An answer that tells no paid amount, or another number of the provider's, contradicts nothing.
    """
    kind = _conflict(unnumbered(told, before), before)
    if kind is ConflictKind.AMOUNT and None in (told.paid_amount, before.amount):
        kind = ConflictKind.LATE if before.status in ENDED else None
    return None if kind is None else Conflict(kind, told, before)


def learnt(told: Charge, before: Charge, made: str | None = None) -> tuple[Charge, Conflict | None]:
    """What to tell of the answer to a query or a refund, and how it contradicts what was known, if it does.

    No refund that was told is lost, on either side: an answer that is behind gives way to what was known,
    with the refunds that are new in it. `made` is the reference of a refund that was asked for: its answer is
    never behind, for some providers tell a charge as paid until the refund is through, and name no other.
    """
    conflict = contradiction(told, before)
    if conflict is None or conflict.kind is not ConflictKind.REGRESSION:
        return merged(told, before, told.status, made), conflict
    after = merged(told, before, max(told.status, before.status, key=RANK.__getitem__), made)
    if made is not None:
        return after, None
    ours = msgspec.structs.replace(
        before, status=after.status, refunds=after.refunds, refunded_amount=after.refunded_amount
    )
    return (before if ours == before else ours), conflict


def unnumbered(told: Charge, ours: Charge) -> Charge:
    """What an answer tells, without the provider's number where it is not the one that we know.

    An answer to a question is about the charge that was asked about, whatever number it goes by.
    """
    if told.provider_reference in (None, ours.provider_reference):
        return told
    return msgspec.structs.replace(told, provider_reference=None)


def has_paid(charge: Charge) -> bool:
    """Whether money came in for it, be it that it was given back since."""
    return RANK[charge.status] >= RANK[ChargeStatus.PAID]


def is_second(told: Charge, ours: Charge) -> bool:
    """Whether a payment is told of a charge that was paid under another number of the provider's."""
    numbers = {told.provider_reference, ours.provider_reference} - {None}
    return told.status is ChargeStatus.PAID and has_paid(ours) and len(numbers) > 1


def goes_back(told: Charge, ours: Charge) -> bool:
    """Whether the news is behind what we know; less given back than was told before is that, too.

    An answer that tells a refund which is new to us is not: some name no other in it, nor their sum.
    """
    if is_undone(told, ours):
        return True
    if told.status is not ours.status:
        return RANK[told.status] < RANK[ours.status]
    now, before = told.refunded_amount, ours.refunded_amount
    if now is None or before is None or any(ours.refund(one.reference) is None for one in told.refunds):
        return False
    return now.amount < before.amount


def are_one(told: Charge, ours: Charge) -> bool:
    """Whether both are the same charge: by your reference, or by the provider's number of it."""
    if told.gateway != ours.gateway:
        return False
    number = ours.provider_reference
    return told.reference == ours.reference or (
        number is not None and number in (told.reference, told.provider_reference)
    )


def _conflict(told: Charge, ours: Charge | None) -> ConflictKind | None:
    """The gravest way in which a told charge contradicts ours, if it does."""
    if ours is None or not are_one(told, ours):
        return ConflictKind.UNKNOWN
    if is_second(told, ours):
        return ConflictKind.TWICE
    if goes_back(told, ours):
        return ConflictKind.REGRESSION
    if told.status is not ChargeStatus.PAID:
        return None
    if told.paid_amount is None or told.paid_amount != ours.amount:
        return ConflictKind.AMOUNT
    if has_paid(ours) and ours.paid_amount not in (None, told.paid_amount):
        return ConflictKind.AMOUNT
    return ConflictKind.LATE if ours.status in ENDED else None


def _updated(told: Charge, ours: Charge) -> Charge:
    """Our charge as it stands now; what the callback does not tell stays as it was known."""
    after = merged(told, ours, told.status)
    return msgspec.structs.replace(
        ours,
        status=after.status,
        provider_reference=told.provider_reference or ours.provider_reference,
        paid_at=told.paid_at or ours.paid_at,
        paid_amount=told.paid_amount or ours.paid_amount,
        refunded_amount=after.refunded_amount,
        refunds=after.refunds,
        raw=told.raw,
    )
