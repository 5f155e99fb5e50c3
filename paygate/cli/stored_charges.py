"""Charges of the store as commands show them: a list, and one with its whole history."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, to_builtins

from paygate import adapters
from paygate.capabilities import of_adapter
from paygate.cli.output import print_columns, print_json, print_lines, show
from paygate.cli.showing import lines_of, plain, plain_time, timed
from paygate.cli.story import STATES, Said, is_lost, next_of, refund_words, story
from paygate.errors import PaygateError
from paygate.settings import Settings
from paygate.store.entries import State
from paygate.store.listed import AskedRefund, HistoryLine, StoredCharge
from paygate.store.store import Store

HEADINGS = ("reference", "gateway", "stands", "amount", "made at", "flags")


class Account(Struct, frozen=True):
    """All that is told of one charge: how it stands, what happened to it, its refunds, and what is next.

    `bodies` are those of the lines of its history, by the lines' ids, where they are to be shown.
    """

    charge: StoredCharge
    said: Sequence[Said]
    refunds: Sequence[AskedRefund]
    bodies: Mapping[int, str]
    is_lost: bool
    then: str


def account_of(one: StoredCharge, store: Store, configuration: Settings, *, with_bodies: bool) -> Account:
    """What the store has of a charge, put into words."""
    lines = store.listing.history(one.id)
    lost = is_lost(one, lines)
    can_cancel = lost and _can_cancel(one, configuration)
    return Account(
        charge=one,
        said=[*story(one, lines)],
        refunds=store.listing.refunds(one.id),
        bodies={
            line.id: (store.listing.body(line.id) or b"").decode(errors="replace")
            for line in lines
            if with_bodies and line.has_body
        },
        is_lost=lost,
        then=next_of(one, lines, datetime.now(UTC), can_cancel=can_cancel),
    )


def _can_cancel(one: StoredCharge, configuration: Settings) -> bool:
    """Whether the adapter of its gateway cancels such charges, as far as that can be found out."""
    gateway = configuration.gateways.get(one.gateway)
    if gateway is None:
        return False
    try:
        served = of_adapter(adapters.find(gateway.adapter, one.gateway).load())
    except PaygateError:
        return False
    return "cancel" in served and one.charge.method in served["cancel"]


def print_all(found: Sequence[StoredCharge], *, is_all: bool, as_json: bool) -> None:
    """Show a list of charges."""
    if as_json:
        print_json({"charges": [plain_stored(one) for one in found], "more": not is_all})
        return
    if not found:
        show("There are none.")
        return
    print_columns(HEADINGS, map(_cells, found))
    if not is_all:
        show((f"There are more: tell more with --limit, or go on with --after {found[-1].id}.", "dim"))


def print_account(account: Account) -> None:
    """Tell a person all about a charge."""
    print_lines([*_head(account.charge)])
    for part in account.said:
        show((f"{timed(part.at)}  ", "dim"), part.text)
        for cure in part.cures:
            show((f"    {cure}", "yellow"))
        if part.line is not None and part.line.id in account.bodies:
            show((f"    {account.bodies[part.line.id]}", "dim"))
    for refund in account.refunds:
        show(("refund  ", "dim"), refund_words(refund, account.charge.charge))
    show(("next    ", "dim"), account.then)


def plain_account(account: Account) -> dict[str, Any]:
    """The same for programs."""
    return {
        **plain_stored(account.charge),
        "history": [_plain_said(part, account.bodies) for part in account.said],
        "refunds": [_plain_refund(refund) for refund in account.refunds],
        "lost": account.is_lost,
        "next": account.then,
    }


def plain_stored(one: StoredCharge) -> dict[str, Any]:
    """A charge of the store for programs: its status is null where nobody knows whether the provider has it."""
    charge = plain(one.charge)
    if one.state is not State.KNOWN:
        charge["status"] = None
    return {
        "number": one.id,
        **charge,
        "state": one.state.value,
        "attempt": one.attempt,
        "external_id": one.external_id,
        "made_at": plain_time(one.created_at),
        "changed_at": plain_time(one.changed_at),
        "due_at": plain_time(one.due_at),
        "flags": [*one.flags],
    }


def _cells(one: StoredCharge) -> tuple[str, ...]:
    amount = str(one.charge.amount) if one.charge.amount is not None else ""
    return one.reference, one.gateway, _stands(one), amount, timed(one.created_at), " ".join(one.flags)


def _stands(one: StoredCharge) -> str:
    return one.charge.status.name if one.state is State.KNOWN else STATES[one.state].partition(":")[0]


def _head(one: StoredCharge) -> Iterator[tuple[str, str, str]]:
    """What is known of it now; the status is one of the provider's only where it has the charge."""
    for name, value, style in lines_of(one.charge):
        if name == "status" and one.state is not State.KNOWN:
            yield name, STATES[one.state], "bold red" if one.state is not State.FREE else "dim"
        else:
            yield name, value, style
    if one.flags:
        yield "look at", ", ".join(one.flags), "bold red"


def _plain_refund(refund: AskedRefund) -> dict[str, Any]:
    return {
        "reference": refund.reference,
        "amount": str(refund.amount.amount) if refund.amount is not None else None,
        "state": refund.state.value,
        "attempt": refund.attempt,
        "external_id": refund.external_id,
        "sent_at": plain_time(refund.sent_at),
    }


def _plain_said(part: Said, bodies: Mapping[int, str]) -> dict[str, Any]:
    line = part.line
    told: dict[str, Any] = {"at": plain_time(part.at), "text": part.text, "do": [*part.cures]}
    if line is None:
        return told | {"source": None, "status": None, "note": None, "conflicts": [], "handler": None}
    body = {"body": bodies[line.id]} if line.id in bodies else {}
    return told | _plain_line(line) | body


def _plain_line(line: HistoryLine) -> dict[str, Any]:
    return {
        "source": line.source.value,
        "status": line.status.value if line.status is not None else None,
        "note": to_builtins(line.note) if line.note is not None else None,
        "conflicts": [kind.value for kind in line.conflicts],
        "handler": line.handed.state if line.handed is not None else None,
    }
