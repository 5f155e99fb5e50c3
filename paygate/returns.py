"""Refunds held against what is known of their charge: what may be asked for, and what stands afterwards."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from paygate.errors import InvalidCharge
from paygate.model import Charge, ChargeRef, ChargeStatus
from paygate.money import LARGEST, Money
from paygate.refunds import Refund, RefundRequest, RefundStatus

NEWER: Final = {RefundStatus.PENDING: 0, RefundStatus.FAILED: 1, RefundStatus.DONE: 2}
"""How far a refund has gone; one that failed may be made again, one that is done stays done."""


def check(charge: Charge | ChargeRef, refund: RefundRequest) -> None:
    """Raise InvalidCharge for more than the charge, and for a known refund with another amount."""
    whole, asked = charge.amount, refund.amount
    if asked is not None and whole is not None and asked.amount > whole.amount:
        raise InvalidCharge(
            "refund.amount", f"is more than the charge, which was {whole}", reference=charge.reference
        )
    if not isinstance(charge, Charge):
        return
    known = charge.refund(refund.reference)
    if known is not None and known.amount.amount not in _amounts(charge, refund, known):
        raise InvalidCharge(
            "refund.amount",
            f"refund {refund.reference} is one of {known.amount}: another refund needs another reference",
            reference=charge.reference,
        )


def merged(told: Charge, ours: Charge, status: ChargeStatus, made: str | None = None) -> Charge:
    """What was told, under this status, with the refunds that we know and the sum of all.

    What is told of a refund is taken unless it is behind what we know. `made` is the refund that was asked
    for just now: of that one "pending" is news even after it had failed. A sum is never less than was told
    or known before; where it is the whole, though the provider named only a part, all was given back.
    """
    refunds = {one.reference: one for one in ours.refunds}
    for one in told.refunds:
        known = refunds.get(one.reference, one)
        is_again = one.reference == made and known.status is RefundStatus.FAILED
        if is_again or NEWER[one.status] >= NEWER[known.status]:
            refunds[one.reference] = one
    done = [one for one in refunds.values() if one.status is RefundStatus.DONE]
    sums = [one.amount for one in (told.refunded_amount, ours.refunded_amount) if one is not None]
    if done:
        sums.append(min(sum_of(done), LARGEST))  # more is nobody's money, and nothing to fail on here
    whole = ours.paid_amount or ours.amount or told.paid_amount or told.amount
    both = _with_earlier(told, ours, made) if made is not None else None
    if both is not None and whole is not None and both <= whole.amount:
        sums.append(both)
    total = max(sums) if sums else None
    if status is ChargeStatus.PARTIALLY_REFUNDED and total is not None and whole is not None:
        is_more = told.refunded_amount is None or told.refunded_amount.amount < total
        if is_more and total >= whole.amount:
            status = ChargeStatus.REFUNDED
    return msgspec.structs.replace(
        told,
        status=status,
        refunds=tuple(refunds.values()),
        refunded_amount=None if total is None else Money(total),
    )


def is_undone(told: Charge, ours: Charge) -> bool:
    """Whether a refund that was done is told as failed."""
    failed = {one.reference for one in told.refunds if one.status is RefundStatus.FAILED}
    return any(one.reference in failed and one.status is RefundStatus.DONE for one in ours.refunds)


def sum_of(refunds: Iterable[Refund]) -> Decimal:
    """What some refunds come to."""
    return sum((one.amount.amount for one in refunds), Decimal(0))


def _with_earlier(told: Charge, ours: Charge, made: str) -> Decimal | None:
    """What was given back before, and by a new refund that the provider counts alone for the sum."""
    one, before = told.refund(made), ours.refunded_amount
    if one is None or before is None or ours.refund(made) is not None or told.refunded_amount != one.amount:
        return None
    return before.amount + one.amount.amount


def _amounts(charge: Charge, refund: RefundRequest, known: Refund) -> tuple[Decimal, ...]:
    """What a refund may be of that we know already; without an amount it is the whole, or what was left."""
    if refund.amount is not None:
        return (refund.amount.amount,)
    if charge.amount is None:
        return (known.amount.amount,)
    others = (one for one in charge.refunds if one is not known and one.status is not RefundStatus.FAILED)
    return (charge.amount.amount, charge.amount.amount - sum_of(others))
