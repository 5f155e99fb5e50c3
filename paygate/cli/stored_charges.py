"""Charges of the store as commands show them: a list, and one with its whole history."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from paygate.cli.output import print_json, show
from paygate.cli.showing import in_jakarta, lines_of, plain, print_lines, timed
from paygate.cli.story import STATES, Said, is_lost, next_of, refund_words, story
from paygate.errors import PaygateError
from paygate.routing import Paygate
from paygate.settings import Settings
from paygate.store.entries import State
from paygate.store.listed import HistoryLine, StoredCharge
from paygate.store.store import Store

HEADINGS: Final = ("reference", "gateway", "stands", "amount", "made at", "flags")


def print_all(found: Sequence[StoredCharge], *, is_all: bool, as_json: bool) -> None:
    """Show a list of charges, in which nothing is cut that must be copied."""
    if as_json:
        print_json({"charges": [plain_listed(one) for one in found], "more": not is_all})
        return
    if not found:
        show("There are none.")
        return
    rows = [HEADINGS, *map(_cells, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:  # no table: it would cut what must be copied whole
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        show(("  ".join(cells).rstrip(), "bold" if row is HEADINGS else ""))
    if not is_all:
        show(("These are the newest: tell more with --limit.", "dim"))


def _cells(one: StoredCharge) -> tuple[str, ...]:
    amount = str(one.charge.amount) if one.charge.amount is not None else ""
    return one.reference, one.gateway, _stands(one), amount, timed(one.created_at), " ".join(one.flags)


def _stands(one: StoredCharge) -> str:
    return one.charge.status.name if one.state is State.KNOWN else STATES[one.state].partition(":")[0]


def retold(
    one: StoredCharge, store: Store, configuration: Settings, *, body: bool, as_json: bool
) -> dict[str, Any]:
    """Tell all about a charge, and return the same for programs."""
    lines = store.listing.history(one.id)
    refunds = store.listing.refunds(one.id)
    can_cancel = is_lost(one, lines) and _can_cancel(one, configuration)
    then = next_of(one, lines, datetime.now(UTC), can_cancel=can_cancel)
    said = [*story(one, lines)]
    bodies = {
        line.id: (store.listing.body(line.id) or b"").decode(errors="replace")
        for line in lines
        if body and line.has_body
    }
    if not as_json:
        _tell(one, said, bodies)
        for refund in refunds:
            show(("refund  ", "dim"), refund_words(refund, one.charge))
        show(("next    ", "dim"), then)
    return {
        **plain_listed(one),
        "history": [_plain_said(part, bodies) for part in said],
        "refunds": [
            {
                "reference": refund.reference,
                "amount": str(refund.amount.amount) if refund.amount is not None else None,
                "state": refund.state.value,
                "attempt": refund.attempt,
                "external_id": refund.external_id,
                "sent_at": _moment(refund.sent_at),
            }
            for refund in refunds
        ],
        "lost": is_lost(one, lines),
        "next": then,
    }


def _can_cancel(one: StoredCharge, configuration: Settings) -> bool:
    """Whether its gateway cancels such charges, as far as that can be found out."""
    if one.charge.method is None:
        return False
    try:
        with Paygate(configuration) as paygate:
            return paygate.gateway(one.gateway).supports("cancel", one.charge.method)
    except PaygateError:
        return False


def _tell(one: StoredCharge, said: Sequence[Said], bodies: dict[int, str]) -> None:
    print_lines([*_head(one)])
    for part in said:
        show((f"{timed(part.at)}  ", "dim"), part.text)
        for cure in part.cures:
            show((f"    {cure}", "yellow"))
        if part.line is not None and part.line.id in bodies:
            show((f"    {bodies[part.line.id]}", "dim"))


def _head(one: StoredCharge) -> Iterator[tuple[str, str, str]]:
    """What is known of it now; the status is one of the provider's only where it has the charge."""
    for name, value, style in lines_of(one.charge):
        if name == "status" and one.state is not State.KNOWN:
            yield name, STATES[one.state], "bold red" if one.state is not State.FREE else "dim"
        else:
            yield name, value, style
    if one.flags:
        yield "look at", ", ".join(one.flags), "bold red"


def plain_listed(one: StoredCharge) -> dict[str, Any]:
    """A charge of the store for programs: its status is null where nobody knows whether the provider has it."""
    charge = plain(one.charge)
    if one.state is not State.KNOWN:
        charge["status"] = None
    return {
        **charge,
        "state": one.state.value,
        "attempt": one.attempt,
        "external_id": one.external_id,
        "made_at": _moment(one.created_at),
        "changed_at": _moment(one.changed_at),
        "due_at": _moment(one.due_at),
        "flags": [*one.flags],
    }


def _plain_said(part: Said, bodies: dict[int, str]) -> dict[str, Any]:
    line = part.line
    told: dict[str, Any] = {"at": _moment(part.at), "text": part.text, "do": [*part.cures]}
    if line is None:
        return told | {"source": None, "status": None, "note": None, "conflicts": [], "handler": None}
    body = {"body": bodies[line.id]} if line.id in bodies else {}
    return told | _plain_line(line) | body


def _plain_line(line: HistoryLine) -> dict[str, Any]:
    return {
        "source": line.source.value,
        "status": line.status.value if line.status is not None else None,
        "note": line.note,
        "conflicts": [kind.value for kind in line.conflicts],
        "handler": line.handed.state if line.handed is not None else None,
    }


def _moment(moment: datetime | None) -> str | None:
    return in_jakarta(moment).isoformat() if moment is not None else None
