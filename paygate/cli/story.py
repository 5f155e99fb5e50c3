"""A charge's history in plain words: what happened, what contradicts itself and what to do, and what is next."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from paygate import errors
from paygate.callback import ConflictKind
from paygate.cli.showing import in_jakarta, timed
from paygate.model import Charge, ChargeStatus
from paygate.refunds import RefundStatus
from paygate.settlement import way_out
from paygate.store.deliveries import ENDED
from paygate.store.entries import DeliveryState, Source, State
from paygate.store.listed import AskedRefund, HandedOver, HistoryLine, StoredCharge
from paygate.store.notes import Note, NoteKind

STATES: Final = {
    State.SENDING: "UNKNOWN: it is being sent, or its process ended meanwhile",
    State.UNKNOWN: "UNKNOWN: it was sent, and nobody knows what became of it",
    State.FREE: "NOT THERE: the provider does not have it",
}
"""How a charge stands while nobody can say that the provider has it."""

CONFLICTS: Final = {
    ConflictKind.UNKNOWN: (
        "a callback told of a charge that was not made here",
        "Find out who made it before anything is delivered: another program, or an older store.",
    ),
    ConflictKind.AMOUNT: (
        "the amount is not the one that was asked for, or not the one that was told before, or none was told",
        "Compare it with the order before you deliver: collect the rest, or give it back.",
    ),
    ConflictKind.REGRESSION: (
        "the news is older than what was known: it is kept, and changed nothing",
        "Nothing is to be done.",
    ),
    ConflictKind.LATE: (
        "it was paid after it had ended: the money is there all the same",
        "Deliver it, or give the money back: the payer has paid.",
    ),
    ConflictKind.TWICE: (
        "it was paid a second time, under another number of the provider's",
        "Give one of the two payments back, in the provider's portal where this one cannot be named.",
    ),
    ConflictKind.OUTSIDE: (
        "money was given back that was not asked for here",
        "Somebody did so in the provider's portal, or another program did: take it into your books.",
    ),
}
"""What each kind means, and what to do."""

NOTES: Final = {
    NoteKind.BROKEN_OFF: "it was broken off here before an answer came: nobody knew whether it arrived",
    NoteKind.ABSENT: "asked, and the provider never had it: it may be sent again",
    NoteKind.DOUBTED: ("asked, and the provider does not know it: too soon after it was sent to be believed"),
}
HANDED: Final = {
    DeliveryState.NEW: "it waits to be worked on, before your handler is told",
    DeliveryState.READY: "your handler is to be told",
    DeliveryState.DONE: "your handler was told",
    DeliveryState.DEAD: "your handler failed too often, and is not told any more",
    DeliveryState.STUCK: "the provider did not answer what had to be asked about it, and nobody asks any more",
}
REPLAY: Final = (
    "Mend it, and have it tried again: `paygate callbacks list --dead` has its number, for `replay`."
)


class Said(Struct, frozen=True):
    """One line of a story: when, what, and what to do about it; `line` is the history's, where it is of one."""

    at: datetime
    text: str
    cures: tuple[str, ...] = ()
    line: HistoryLine | None = None


def story(one: StoredCharge, lines: Sequence[HistoryLine]) -> Iterator[Said]:
    """All that happened to a charge, in order."""
    yield Said(one.created_at, _beginning(one, lines))
    for line in lines:
        if line.note is not None:
            yield Said(line.at, _noted(line.source, line.note), line=line)
            continue
        texts, cures = [_told(line)], []
        for kind in line.conflicts:
            what, cure = CONFLICTS[kind]
            texts.append(f"{kind.value}: {what}")
            cures.append(cure)
        if line.handed is not None:
            texts.append(_handed(line.handed))
            if line.handed.state in ENDED:
                cures.append(REPLAY)
        yield Said(line.at, "; ".join(texts), tuple(cures), line)


def next_of(one: StoredCharge, lines: Sequence[HistoryLine], now: datetime, *, can_cancel: bool) -> str:
    """What is next, and which way out there is where nobody can be shown how to pay."""
    due = one.due_at
    if one.state is State.FREE:
        return "the same request may be sent again; another one needs a reference of its own"
    if due is None:
        return "nothing is left to ask"
    is_busy = one.lease_until is not None and one.lease_until > now
    if is_busy and one.state is State.SENDING:
        return f"a process is sending it; if it does not finish, the provider is asked after {timed(due)}"
    if is_busy:
        return f"a process is asking about it; if it does not finish, it is asked about after {timed(due)}"
    when = f"and has been since {timed(due)}" if due <= now else f"at {timed(due)}"
    if one.state is not State.KNOWN:
        return (
            f"it is due to be asked about {when}: `paygate reconcile` does, and so does the same charge when "
            "it is asked for again; nothing is sent twice"
        )
    if is_lost(one, lines):
        told = replace(one.charge, expires_at=one.charge.expires_at and in_jakarta(one.charge.expires_at))
        way = way_out(told, can_cancel=can_cancel)
        return f"its payer cannot be shown how to pay, for the answer to it was lost: {way}"
    if one.charge.status is not ChargeStatus.PENDING:
        return f"a change was asked for, and it is due to be asked about {when}: `paygate reconcile` does"
    if due <= now:
        return f"it is due to be asked about {when}: `paygate reconcile` does"
    return f"it waits for its payer; unless a callback tells, it is due to be asked about {when}"


def is_lost(one: StoredCharge, lines: Sequence[HistoryLine]) -> bool:
    """Whether nobody was ever told how this charge is paid."""
    return (
        one.state is State.KNOWN
        and one.charge.status is ChargeStatus.PENDING
        and one.charge.instructions is None
        and not any(line.source is Source.REPLY and line.status is not None for line in lines)
    )


def refund_words(refund: AskedRefund, charge: Charge) -> str:
    """What is known of a refund that was asked for here."""
    amount = str(refund.amount) if refund.amount is not None else "the whole charge"
    told = charge.refund(refund.reference)
    if told is not None:
        stands = f"the provider tells that it is {told.status.name}"
    elif refund.state is State.KNOWN:
        stands = "the provider took it"
    elif refund.state is State.FREE:
        stands = "it was not made: the same refund may be asked for again"
    else:
        stands = "UNKNOWN: the same refund, asked for again, asks the provider first"
    return f"{refund.reference}  {amount}: {stands}"


def _beginning(one: StoredCharge, lines: Sequence[HistoryLine]) -> str:
    if one.attempt == 0:
        return f"heard of for the first time: it was not made through this store, at {one.gateway}"
    number = one.external_id if one.attempt == 1 else _first_number(lines)
    told = f", X-EXTERNAL-ID {number}" if number else ""
    return f"written down, to be sent to {one.gateway}{told}"


def _first_number(lines: Sequence[HistoryLine]) -> str | None:
    """The first sending's number, which the second one's line tells."""
    for line in lines:
        if line.note is not None and line.note.kind is NoteKind.SENT and line.note.refund is None:
            return line.note.before
    return None


def _noted(source: Source, note: Note) -> str:
    """What was tried, or how it failed, in words."""
    if note.kind is NoteKind.SENT:
        number = f", X-EXTERNAL-ID {note.external_id}" if note.external_id else ""
        if note.refund is None:
            return f"written down, to be sent once more (attempt {note.attempt}{number})"
        return f"refund {note.refund} written down, to be sent (attempt {note.attempt}{number})"
    if note.kind is not NoteKind.FAILED:
        return NOTES[note.kind]
    code = f", code {note.code}" if note.code else ""
    named = f"({note.error}{code})"
    if source is Source.QUERY:
        return f"asked, without an answer that settles it {named}"
    what = "the refund: " if note.refund else ""
    kind = getattr(errors, note.error or "", None)
    if not isinstance(kind, type):  # an adapter's own
        return f"{what}it brought an error {named}"
    if issubclass(kind, errors.DuplicateReference):
        return f"{what}the provider has one of this reference already, and made no second one {named}"
    if issubclass(kind, errors.NotSent):
        return f"{what}nothing was sent {named}"
    if issubclass(kind, errors.Refused):
        return f"{what}the provider refused, and did nothing {named}"
    return f"{what}no answer that can be read: nobody knew whether it arrived {named}"


def _told(line: HistoryLine) -> str:
    who = {
        Source.REPLY: "the provider answered",
        Source.CALLBACK: "a callback told",
        Source.QUERY: "asked, and the provider answered",
    }.get(line.source, line.source.value)
    return f"{who}: {', '.join(_facts(line))}"


def _facts(line: HistoryLine) -> Iterator[str]:
    if line.status is not None:
        yield line.status.name
    told = line.told
    if told is None:
        return
    if told.paid_amount is not None:
        yield f"{told.paid_amount} paid"
    if told.paid_at is not None:
        yield f"at {timed(told.paid_at)}"
    if told.refunded_amount is not None:
        yield f"{told.refunded_amount} given back"
    for refund in told.refunds:
        state = "" if refund.status is RefundStatus.DONE else f", {refund.status.name}"
        yield f"refund {refund.reference} of {refund.amount}{state}"
    if told.provider_reference is not None:
        yield f"number {told.provider_reference}"


def _handed(handed: HandedOver) -> str:
    why = f" ({handed.problem})" if handed.problem else ""
    tried = (
        f" after {handed.attempts} failures"
        if handed.attempts and handed.state is DeliveryState.READY
        else ""
    )
    return f"{HANDED[handed.state]}{tried}{why}"
