"""How a charge stands, derived from one more fact about it: what a journal adds, and what it flags.

`compared` holds back what contradicts the merchant, who acts upon the rest. A journal keeps all that is told:
here a contradiction is flagged, and applied all the same where it tells of money.
"""

from collections.abc import Collection, Iterator
from decimal import Decimal
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct

from paygate.callback import ConflictKind
from paygate.conflicts import ENDED, RANK, are_one, goes_back, has_paid, is_second, unnumbered
from paygate.model import Charge, ChargeStatus
from paygate.money import CENT, Money
from paygate.refunds import Refund, RefundStatus
from paygate.returns import merged, sum_of

KEY_LENGTH: Final = 16
NOTHING: Final = Decimal("0.00")


class Derived(Struct, frozen=True):
    """A charge after a fact: how it stands, and in which ways the fact contradicts what was known."""

    charge: Charge
    conflicts: tuple[ConflictKind, ...] = ()


def derived(
    ours: Charge,
    told: Charge,
    *,
    made: str | None = None,
    asked: Collection[str] = (),
    source: str = "callback",
) -> Derived:
    """How our charge stands after what was told of it, and how that contradicts what was known.

    The status never goes back. Of two ends, as expired and then cancelled, the first stays and nothing is
    flagged: neither brought money, and what follows from an end is to be done once. A payment is applied
    whenever it comes and whatever its amount; the number, time and amount that it was first told with stay.
    What later or older tellings know besides is filled in.

    `made` is the reference of a refund that was asked for just now, where `told` is its answer; `asked` are
    those of all refunds that were asked for here and not refused. One of them that was not told of yet may
    explain any amount given back. `source` is "reply", "callback" or "query": an answer contradicts nothing
    by another number of the provider's, nor by telling no amount; a callback does. `conflicts` is sorted.
    Raises ValueError for another charge than ours.
    """
    if not are_one(told, ours):
        raise ValueError("what was told is of another charge")
    is_answer = source != "callback"
    judged = unnumbered(told, ours) if is_answer else told
    is_old = made is None and goes_back(judged, ours)
    known = ours if is_second(judged, ours) else _filled(told, ours)
    after = merged(told, known, max(ours.status, told.status, key=RANK.__getitem__), made)
    charge = msgspec.structs.replace(
        known, status=after.status, refunds=after.refunds, refunded_amount=after.refunded_amount
    )
    is_applied = not is_old and (told.status not in ENDED or told.status is charge.status)
    if is_applied and (charge != ours or not ours.raw):
        charge = msgspec.structs.replace(charge, raw=told.raw)
    mine = {*asked} if made is None else {*asked, made}
    kinds = {*_payment_conflicts(judged, ours, is_old, is_answer)}
    if _is_outside(ours, charge, mine):
        kinds.add(ConflictKind.OUTSIDE)
    return Derived(charge, tuple(sorted(kinds)))


def fact_key(told: Charge) -> bytes:
    """What two tellings of the same fact have in common, in 16 bytes: the same ones for ever, everywhere.

    The fact is whose charge it is, how it stands, and what was paid and given back; not when, nor in which
    words it was told, nor in which order the refunds were listed.
    """
    charge = _framed(
        told.gateway,
        told.reference,
        told.provider_reference,
        told.status.value,
        _plain(told.paid_amount),
        _plain(told.refunded_amount),
    )
    refunds = sorted(_framed(one.reference, _plain(one.amount), one.status.value) for one in told.refunds)
    return blake2b(charge + b"".join(refunds), digest_size=KEY_LENGTH).digest()


def _filled(told: Charge, ours: Charge) -> Charge:
    """Ours with what it lacks; the first payment that is told brings its own number, time and amount."""
    is_first = told.status is ChargeStatus.PAID and not has_paid(ours)
    former, latter = (told, ours) if is_first else (ours, told)
    tells_money = has_paid(told)
    return msgspec.structs.replace(
        ours,
        provider_reference=former.provider_reference or latter.provider_reference,
        instructions=ours.instructions or told.instructions,
        expires_at=ours.expires_at or told.expires_at,
        paid_at=(former.paid_at or latter.paid_at) if tells_money else ours.paid_at,
        paid_amount=(former.paid_amount or latter.paid_amount) if tells_money else ours.paid_amount,
    )


def _payment_conflicts(told: Charge, ours: Charge, is_old: bool, is_answer: bool) -> Iterator[ConflictKind]:
    """How what is told of the payment contradicts ours; a second payment is no old news of the first."""
    if is_second(told, ours):
        yield ConflictKind.TWICE
    elif is_old:
        yield ConflictKind.REGRESSION
    if has_paid(told) and _is_other_amount(told, ours, is_answer):
        yield ConflictKind.AMOUNT
    if has_paid(told) and ours.status in ENDED:
        yield ConflictKind.LATE


def _is_other_amount(told: Charge, ours: Charge, is_answer: bool) -> bool:
    """Whether another amount is told than was told first; than was asked for, where none was told before.

    None on either side is an amount that cannot be compared: that counts in a callback, and once.
    """
    paid = ours.paid_amount if has_paid(ours) else None
    expected = paid or ours.amount
    if told.paid_amount is None:
        return told.status is ChargeStatus.PAID and not has_paid(ours) and not is_answer
    return expected != told.paid_amount and not (expected is None and is_answer)


def _is_outside(ours: Charge, after: Charge, asked: Collection[str]) -> bool:
    """Whether more was given back, or is about to be, than we knew, and nobody had asked for it here."""
    before = {one.reference for one in _standing(ours)}
    if any(one.reference not in before and one.reference not in asked for one in _standing(after)):
        return True
    if any(after.refund(reference) is None for reference in asked):
        return False
    whole = after.paid_amount or after.amount
    given, earlier = _given_back(after, whole), _given_back(ours, whole)
    unexplained = given - sum_of(_standing(after))
    return given > earlier and unexplained > max(earlier - sum_of(_standing(ours)), NOTHING)


def _given_back(charge: Charge, whole: Money | None) -> Decimal:
    """How much of a charge was given back; the least that there is, where only that it was is known."""
    given = charge.refunded_amount.amount if charge.refunded_amount is not None else NOTHING
    if charge.status is ChargeStatus.REFUNDED and whole is not None:
        return max(given, whole.amount)
    return max(given, CENT) if RANK[charge.status] > RANK[ChargeStatus.PAID] else given


def _standing(charge: Charge) -> list[Refund]:
    """The refunds that were told one by one and did not fail; some providers count those that are pending."""
    return [one for one in charge.refunds if one.status is not RefundStatus.FAILED]


def _plain(money: Money | None) -> str | None:
    """An amount as text, the same for equal ones: there is a zero below zero."""
    return None if money is None else f"{money.currency} {money.amount or NOTHING}"


def _framed(*fields: str | None) -> bytes:
    """Texts, each with its length before it, so that no two lists of them run together as one."""
    texts = (None if field is None else field.encode("utf-8", "surrogatepass") for field in fields)
    return b"".join(b"-" if text is None else b"%d:%s" % (len(text), text) for text in texts)
