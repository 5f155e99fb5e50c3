"""What an operation brings when all goes well, and when the provider says no."""

from datetime import datetime
from typing import Final

import httpx

from paygate.conformance.accidents import busy, refused
from paygate.conformance.bench import ONCE, Bench, ref_of, told
from paygate.conformance.report import Breach
from paygate.conformance.scenario import Per, scenario
from paygate.conformance.wire import Sent, copied
from paygate.errors import OutcomeUnknown, RateLimited, Refused
from paygate.gateway import Gateway
from paygate.methods import AccountNumber, EWallet, PaymentCode, PaymentLink, QrCode, Qris, Redirect, Retail
from paygate.model import Charge, ChargeStatus
from paygate.money import Money
from paygate.refunds import RefundStatus
from paygate.sandbox.qris import qris_fields
from paygate.sandbox.simulator import PayerAction

TOLERANCE: Final = 90.0
EMV: Final = "000201"
FITTING: Final = {
    Qris: (QrCode,),
    EWallet: (Redirect, QrCode),
    Retail: (PaymentCode,),
    PaymentLink: (Redirect,),
}


@scenario(
    "a method that is offered and does not work loses the order of every payer who chooses it", per=Per.BRAND
)
def operations_complete(bench: Bench) -> None:
    """Every operation that the adapter offers for a method does what it says, and tells it."""
    gateway = bench.gateway()
    request = bench.request()
    charge = bench.created(gateway, request)
    _check(charge, ChargeStatus.PENDING, "create_charge")
    if bench.booked(charge.reference).amount != request.amount:
        raise Breach("the provider's books have another amount than was asked for")
    if charge.method != request.method:
        raise Breach("the new charge tells another method than was asked for")
    if bench.abilities.can("query", bench.method):
        _check(gateway.query(charge), ChargeStatus.PENDING, "a query of an open charge")
        bench.simulator.act(charge.reference, PayerAction.PAY)
        _check(gateway.query(charge), ChargeStatus.PAID, "a query of a paid charge")
    if bench.abilities.can("cancel", bench.method):
        one = bench.created(gateway)
        _check(gateway.cancel(one), ChargeStatus.CANCELLED, "cancel")
        if bench.booked(one.reference).status is not ChargeStatus.CANCELLED:
            raise Breach("cancel says that it is done, and the provider would still take the money")
    if bench.abilities.can("refund", bench.method):
        _check_refund(bench, gateway, None, ChargeStatus.REFUNDED)
    if bench.abilities.can("partial_refund", bench.method):
        _check_refund(bench, gateway, Money.idr(5_000), ChargeStatus.PARTIALLY_REFUNDED)


def _check(charge: Charge, status: ChargeStatus, what: str) -> None:
    if charge.status is not status:
        raise Breach(f"{what} told a charge that is {charge.status.value}, and it is {status.value}")


def _check_refund(bench: Bench, gateway: Gateway, part: Money | None, status: ChargeStatus) -> None:
    charge = bench.paid(gateway)
    refund = bench.refund(part)
    given = gateway.refund(charge, refund)
    made = given.refund(refund.reference)
    if made is None:
        raise Breach("refund told a charge without the refund that was asked for")
    if made.amount != (part or charge.amount):
        raise Breach(f"refund told {made.amount} where {part or charge.amount} were asked for")
    if made.status is RefundStatus.FAILED:
        raise Breach("refund told a refund that failed, and the provider made it")
    booked = [one.amount for one in bench.booked(charge.reference).refunds]
    if booked != [part or charge.amount]:
        raise Breach("the provider's books have another refund than was asked for")
    if made.status is RefundStatus.DONE:
        _check(given, status, "refund")


@scenario("an order is given up, or made anew, although the provider said clearly what it did", per=Per.KIND)
def refused_is_not_unknown(bench: Bench) -> None:
    """A clear "no" of the provider's is Refused: neither an unknown outcome nor a charge."""
    gateway = bench.gateway()
    for name, charge in _open_charges(bench, gateway).items():
        bench.wire.spoil(name, refused)
        about = (bench.refund(),) if name == "refund" else ()
        outcome = bench.tried(gateway, name, bench.request() if charge is None else charge, *about)
        bench.wire.mend()
        if not isinstance(outcome, Refused):
            raise Breach(f"{name} was refused and {told(outcome)}")


def _open_charges(bench: Bench, gateway: Gateway) -> dict[str, Charge | None]:
    """What to try each operation with; None for a new charge."""
    found: dict[str, Charge | None] = {"create_charge": None}
    for name in ("query", "cancel", "refund"):
        if bench.abilities.can(name, bench.method):
            found[name] = bench.paid(gateway) if name == "refund" else bench.created(gateway)
    return found


@scenario(
    "the one refusal that may be repeated is given up, or is repeated at once until the provider locks us out"
)
def rate_limit_is_told(bench: Bench) -> None:
    """Too many requests are RateLimited, with the seconds to wait where the provider tells them."""
    gateway = bench.gateway(retry=ONCE)
    bench.wire.spoil("create_charge", busy)
    outcome = bench.tried(gateway, "create_charge", bench.request())
    if not isinstance(outcome, RateLimited):
        raise Breach(f'"too many requests" {told(outcome)}')
    reply = bench.wire.sent[-1].reply
    asked = reply.headers.get("Retry-After") if reply is not None else None
    if asked is not None and outcome.retry_after != float(asked):
        raise Breach(
            f"the provider asked to wait {asked} seconds, and `retry_after` is {outcome.retry_after}"
        )


@scenario("an order is delivered for another payer's money", needs=("create_charge", "query"), per=Per.KIND)
def answer_about_another_charge_is_unknown(bench: Bench) -> None:
    """An answer that names another charge than was asked about is not believed."""
    gateway = bench.gateway()
    mine, other = bench.created(gateway), bench.paid(gateway)
    gateway.query(other)
    foreign = _last(bench, "query")
    if other.reference.encode() not in foreign.content:
        return  # the provider's answer names no charge
    bench.wire.spoil("query", lambda *_: copied(foreign))
    asked = bench.tried(bench.gateway(retry=ONCE), "query", mine.ref)
    bench.wire.mend()
    if not isinstance(asked, OutcomeUnknown):
        raise Breach(f"a query was answered with another charge, and {told(asked)}")


def _last(bench: Bench, operation: str) -> httpx.Response:
    sent: Sent = next(one for one in reversed(bench.wire.sent) if one.operation == operation)
    assert sent.reply is not None
    return sent.reply


@scenario("the payer is shown nothing to pay with, or pays into another charge", per=Per.BRAND)
def instructions_are_whole(bench: Bench) -> None:
    """A new charge says what the payer needs, as the provider gave it."""
    gateway = bench.gateway()
    charge = bench.created(gateway)
    shown, method = charge.instructions, bench.method
    if shown is None:
        raise Breach("the new charge has no instructions for the payer")
    if not isinstance(shown, FITTING.get(type(method), (AccountNumber,))):
        raise Breach(f"a charge by {method.kind} has instructions of the kind {type(shown).__name__}")
    match shown:
        case AccountNumber(number, bank):
            parts = number.split(" ")  # a company code and a key, where the payer types them apart
            whole = number.isascii() and all(part.isdecimal() for part in parts) and bank == method.brand
        case PaymentCode(code, store, _):
            whole = bool(code.strip()) and store == method.brand
        case Redirect(url):
            whole = url.startswith(("https://", "http://"))
        case QrCode(payload):
            whole = bool(payload.strip()) and _is_sound(payload)
    if not whole:
        raise Breach(f"the {type(shown).__name__} of the new charge is not whole")
    given = bench.booked(charge.reference).instructions
    if type(given) is type(shown) and _main(given) != _main(shown):
        raise Breach(f"the {type(shown).__name__} of the new charge is not what the provider gave")


def _is_sound(payload: str) -> bool:
    """Whether a QR payload is whole, where it is an EMV one."""
    if not payload.startswith(EMV):
        return True
    try:
        qris_fields(payload)
    except ValueError:
        return False
    return True


def _main(shown: QrCode | Redirect | AccountNumber | PaymentCode) -> str:
    match shown:
        case AccountNumber(text, _) | PaymentCode(text, _, _) | Redirect(text) | QrCode(text):
            return text


@scenario(
    "a charge is thought to be open when it is not, or is closed hours before the payer comes", per=Per.KIND
)
def times_are_aware(bench: Bench) -> None:
    """Every time has its zone and is the provider's: when the charge expires, and when it was paid."""
    gateway = bench.gateway()
    request = bench.request()
    charge = bench.created(gateway, request)
    booked = bench.booked(charge.reference)
    if request.expires_at is not None:
        off = abs((booked.expires_at - request.expires_at).total_seconds())
        if off > TOLERANCE:
            raise Breach(
                f"the provider closes the charge {off / 3600:.1f} hours off the time that was asked for"
            )
    _check_moment("expires_at", charge.expires_at, booked.expires_at)
    if not bench.abilities.can("query", bench.method):
        return
    bench.simulator.act(charge.reference, PayerAction.PAY)
    paid = gateway.query(charge)
    _check_moment("paid_at", paid.paid_at, bench.booked(charge.reference).finished_at)


def _check_moment(name: str, told_at: datetime | None, booked: datetime | None) -> None:
    if told_at is None:
        return
    if told_at.utcoffset() is None:
        raise Breach(f"`{name}` has no time zone")
    if booked is not None and abs((told_at - booked).total_seconds()) > TOLERANCE:
        hours = (told_at - booked).total_seconds() / 3600
        raise Breach(f"`{name}` is {hours:.1f} hours off the provider's own time")


@scenario(
    "paygate repeats queries, and one that changes something does so many times",
    needs=("create_charge", "query"),
)
def query_changes_nothing(bench: Bench) -> None:
    """A query asks, and asks for nothing else."""
    gateway = bench.gateway(retry=ONCE)
    charge = bench.created(gateway)
    before, mark = _books(bench), bench.mark
    for _ in range(3):
        gateway.query(charge)
    bench.tried(gateway, "query", ref_of(bench.request()))  # one that was never made
    if _books(bench) != before:
        raise Breach("after some queries the provider's books are not as they were")
    others = {one.operation for one in bench.since(mark)} - {"query"}
    if others:
        raise Breach(f"a query also asked for {', '.join(sorted(str(one) for one in others))}")


def _books(bench: Bench) -> list[tuple[str, ChargeStatus, int]]:
    return [(one.reference, one.status, len(one.refunds)) for one in bench.simulator.ledger.charges]


SCENARIOS: Final = (
    operations_complete,
    refused_is_not_unknown,
    rate_limit_is_told,
    answer_about_another_charge_is_unknown,
    instructions_are_whole,
    times_are_aware,
    query_changes_nothing,
)
