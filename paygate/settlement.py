"""What is said of charges that are not settled yet: honest errors, and no less than is known."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from paygate import conflicts
from paygate.callback import ConflictKind
from paygate.errors import ChargeNotFound, InstructionsLost, OutcomeUnknown, PaygateError
from paygate.model import Charge, ChargeRef, ChargeStatus
from paygate.redaction import place_of
from paygate.refunds import RefundStatus
from paygate.returns import sum_of

if TYPE_CHECKING:
    from paygate.store.entries import Entry, Learnt

MORE_GIVEN_BACK: Final = (
    "an earlier call sent this refund, and more was given back than the provider names refunds for: this one "
    "may be among it. Look at the provider's dashboard"
)

log = logging.getLogger("paygate")


@contextmanager
def located(gateway: str, operation: str, reference: str) -> Iterator[None]:
    """Let errors say where they happened, and that it is written down."""
    try:
        yield
    except PaygateError as error:
        error.locate(gateway=gateway, operation=operation, reference=reference)
        error.is_kept = isinstance(error, OutcomeUnknown)
        raise


def as_ours(failure: BaseException) -> PaygateError | None:
    """A failure that says what happened to the money; None for one that does not, as a cancelled task."""
    return failure if isinstance(failure, PaygateError) else None


def taken(entry: "Entry", *, can_cancel: bool) -> Charge:
    """A charge that is there already, to be given to who asks for it once more; raise InstructionsLost."""
    charge = entry.charge
    if not entry.is_lost:
        return charge
    raise InstructionsLost(
        "the answer to it was lost, and this provider tells once only how it can be paid; "
        + way_out(charge, can_cancel=can_cancel),
        charge=charge,
    )


def way_out(charge: Charge, *, can_cancel: bool) -> str:
    """What to do about a charge whose payer cannot be shown how to pay."""
    if can_cancel:
        return "cancel it, and make a charge with a new reference"
    if charge.expires_at is not None:
        return f"it expires at {charge.expires_at.isoformat()}: make a charge with a new reference"
    return "make a charge with a new reference, and have this one's end looked after by `paygate reconcile`"


def unsettled(failure: PaygateError, what: str = "charge") -> OutcomeUnknown:
    """The error of a charge, or refund, that was sent before, and asking about it settles nothing."""
    if isinstance(failure, ChargeNotFound):
        why = "the provider does not know it yet, which is not believed so soon after it was sent"
    else:
        why = f"asking brought no answer ({type(failure).__name__}: {failure.what})"
    return OutcomeUnknown(
        f"an earlier call sent this {what}, and its outcome is unknown: {why}",
        provider_code=failure.provider_code,
        provider_message=failure.provider_message,
        http_status=failure.http_status,
        external_id=failure.external_id,
    )


def at_least(learnt: "Learnt", before: Charge | ChargeRef, made: str | None) -> "Learnt":
    """What the journal has learnt, and no less than the caller knows: paid stays paid, a refund a refund.

    The journal may have been begun after the charge was paid, or be told of it by nobody but the caller.
    """
    if not isinstance(before, Charge):
        return learnt
    charge, conflict = conflicts.learnt(learnt.charge, before, made)
    if conflict is None or conflict.kind is not ConflictKind.REGRESSION:
        known = before.status if learnt.before is None else learnt.before
        return msgspec.structs.replace(learnt, charge=charge, before=known)
    found = (*learnt.conflicts, conflict)
    return msgspec.structs.replace(learnt, charge=charge, before=charge.status, conflicts=found)


def busy() -> OutcomeUnknown:
    """The error where another caller was at work for as long as anybody waits."""
    return OutcomeUnknown("another call is at work on it all the time: its outcome is not known yet")


def unwritten(gateway: str, reference: str, failure: Exception, *, is_due: bool = True) -> None:
    """Say that the store did not take what was learnt.

    Nothing is lost where the charge is due to be asked about, as one is whose sending was begun. Where it is
    not, or the journal may not have it, nobody but the merchant will ask.
    """
    log.error(
        "paygate: what became of charge %s of gateway %s could not be written down (%s); %s",
        reference,
        gateway,
        failure.what if isinstance(failure, PaygateError) else place_of(failure),
        "`paygate reconcile` will ask" if is_due else "query it again, for nobody else may",
    )


def is_explained(charge: Charge) -> bool:
    """Whether all that was given back is told of by refunds: else one that is not told of may be among it."""
    listed = sum_of(one for one in charge.refunds if one.status is not RefundStatus.FAILED)
    given = charge.refunded_amount
    if given is not None:
        return given.amount <= listed
    return charge.status not in (ChargeStatus.REFUNDED, ChargeStatus.PARTIALLY_REFUNDED) or listed > 0


def mistaken(gateway: str, reference: str, error: Exception) -> None:
    """Say that an adapter made a mistake of its own when it was to ask about a charge."""
    log.error(
        "paygate: charge %s of gateway %s could not be asked about, by a mistake in its adapter (%s); it is "
        "asked about again later",
        reference,
        gateway,
        place_of(error),
    )


def unstored(gateway: str, failure: PaygateError) -> None:
    """Say that a callback was not stored, and so not acknowledged."""
    log.error(
        "paygate: a callback of gateway %s could not be stored (%s); the provider is to repeat it",
        gateway,
        failure.what,
    )
