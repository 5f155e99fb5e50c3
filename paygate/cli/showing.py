"""A charge as commands show it: to a person with what the payer needs, to a program as plain data."""

import shlex
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from paygate.cli.arguments import typed
from paygate.cli.configuration import FILE
from paygate.cli.output import Cure, console, print_json, print_lines, program
from paygate.cli.qr import drawn
from paygate.errors import ChargeNotFound, OutcomeUnknown, PaygateError
from paygate.gateway import Gateway
from paygate.methods import AccountNumber, Instructions, Method, PaymentCode, QrCode, Redirect
from paygate.model import Charge, ChargeRef, ChargeStatus
from paygate.money import Money
from paygate.routing import Paygate

JAKARTA = timezone(timedelta(hours=7))
UNASKABLE = (
    "Do not use this reference again: the charge may be there, and this gateway cannot be asked about it."
)
CANCELLING = "`paygate reconcile` asks what became of it, and so does a query."
COLOURS = {ChargeStatus.PENDING: "yellow", ChargeStatus.PAID: "green"}


def print_charge(charge: Charge, *, as_json: bool) -> None:
    """Show a charge; its raw message, which may hold personal data, is left out."""
    if as_json:
        print_json(plain(charge))
        return
    print_lines(lines_of(charge))
    if isinstance(charge.instructions, QrCode) and charge.status is ChargeStatus.PENDING:
        code = drawn(charge.instructions.payload, console.encoding)
        if code is not None:
            console.print(code)


def plain(charge: Charge) -> dict[str, Any]:
    """A charge for programs: amounts as decimal text, nothing of the raw message.

    All times are ISO 8601 of Jakarta, with the offset.
    """
    told: dict[str, Any] = msgspec.to_builtins(charge)
    del told["raw"]
    for key, moment in (("expires_at", charge.expires_at), ("paid_at", charge.paid_at)):
        told[key] = plain_time(moment)
    for money in (told["amount"], told["paid_amount"], told["refunded_amount"]):
        if money is not None:
            money["amount"] = str(money["amount"])
    told["refunds"] = [*told["refunds"]]
    for refund in told["refunds"]:
        refund["amount"]["amount"] = str(refund["amount"]["amount"])
    return told


def query_command(reference: str, method: Method, gateway: str | None, config: Path) -> str:
    """The command that asks how a charge stands."""
    words = ["query", reference, "--method", typed(method)]
    if gateway is not None:
        words += ["--gateway", gateway]
    if config != FILE:
        words += ["--config", str(config)]
    return f"{program()} {shlex.join(words)}"


def settling(error: PaygateError, charge: ChargeRef, taker: Gateway, config: Path) -> str | None:
    """The command that asks how a charge stands after an error.

    None where its gateway cannot be asked; then the error has a cure of its own, for the general one says
    to ask. With a store the same command asks before it sends, and the error says so.
    """
    if charge.method is not None and taker.supports("query", charge.method):
        if taker.store is not None and isinstance(error, OutcomeUnknown):
            if error.operation == "cancel":
                error.add_note(Cure(CANCELLING))
            error.is_kept = error.operation != "cancel"  # also where it was interrupted
        return query_command(charge.reference, charge.method, charge.gateway, config)
    error.add_note(Cure(UNASKABLE))
    return None


def another_place(error: PaygateError, paygate: Paygate | None) -> str | None:
    """What else may be the matter where the provider knows no such charge: it is asked for by its method."""
    if not isinstance(error, ChargeNotFound):
        return None
    if paygate is not None and len(paygate.gateways) > 1:
        return "Or it was made by another method or gateway: see --method and --gateway."
    return "Or it was made by another method: see --method."


def in_jakarta(moment: datetime) -> datetime:
    """The same moment as Jakarta's clocks show it; as it was where a calendar ends."""
    try:
        return moment.astimezone(JAKARTA)
    except OverflowError:
        return moment


def timed(moment: datetime) -> str:
    """A moment as people are shown it: Jakarta's, to the second, with the offset."""
    return in_jakarta(moment).isoformat(sep=" ", timespec="seconds")


def plain_time(moment: datetime | None) -> str | None:
    """A moment for programs: ISO 8601 of Jakarta, with the offset; None where there is none."""
    return in_jakarta(moment).isoformat() if moment is not None else None


def lines_of(charge: Charge) -> list[tuple[str, str, str]]:
    """What is known of a charge: a name, a value and a style each; how to pay only while it is to be paid."""
    given: list[tuple[str, str | None]] = [
        ("reference", charge.reference),
        ("status", charge.status.name),
        ("amount", _money(charge.amount)),
        ("method", typed(charge.method) if charge.method is not None else None),
        ("gateway", charge.gateway),
        ("provider's number", charge.provider_reference),
        ("expires at", _time(charge.expires_at)),
        ("paid", _money(charge.paid_amount)),
        ("paid at", _time(charge.paid_at)),
        ("refunded", _money(charge.refunded_amount)),
        *(("refund", f"{one.reference}  {one.amount}  {one.status.name}") for one in charge.refunds),
        *(instructed(charge.instructions) if charge.status is ChargeStatus.PENDING else ()),
    ]
    styles = {"status": COLOURS.get(charge.status, "red")}
    return [(name, value, styles.get(name, "")) for name, value in given if value]


def instructed(instructions: Instructions | None) -> list[tuple[str, str | None]]:
    """What the payer needs, in lines of a name and a value."""
    match instructions:
        case QrCode(payload):
            return [("QR payload", payload)]
        case Redirect(url):
            return [("send the payer to", url)]
        case AccountNumber(number, bank):
            return [(f"account at {bank}", number)]
        case PaymentCode(code, store, url):
            return [(f"code for {store}", code), ("or show", url)]
    return []


def _money(money: Money | None) -> str | None:
    return str(money) if money is not None else None


def _time(moment: datetime | None) -> str | None:
    return timed(moment) if moment is not None else None
