"""Money: one amount in the order, on the wire, in the provider's books and in what the payer is shown."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

import httpx

from paygate.conformance.bench import ONCE, Bench, told
from paygate.conformance.calls import paid_calls
from paygate.conformance.report import Breach
from paygate.conformance.scenario import Per, scenario
from paygate.conformance.wire import Answer, copied
from paygate.errors import InvalidCharge, OutcomeUnknown, Refused
from paygate.gateway import Gateway
from paygate.methods import QrCode
from paygate.model import Charge, ChargeStatus
from paygate.money import Money
from paygate.sandbox.qris import qris_fields
from paygate.sandbox.simulator import PayerAction

AMOUNTS: Final = tuple(
    Money(text)
    for text in (
        "1",
        "10000",
        "12345.00",
        "25000.50",
        "1000000.01",
        "8388609.35",
        "16777217",
        "99999999.99",
        "9007199254741.93",
        "9999999999999.99",
        "99999999999999.99",
    )
)
"""Small and large, with and without cents; some of them no float can hold, of four bytes or of eight."""
ASKED: Final = Money.idr(47_300)
OTHER: Final = Decimal(46_300)
NUMBER: Final = re.compile(rb"(?<![0-9.])[0-9]+(?:\.[0-9]+)?(?![0-9.])")
FRACTION: Final = re.compile(rb"[:\[,]\s*(-?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+|-?[0-9]+\.[0-9]+)\s*[,\]}]")


@scenario("the payer pays another amount than the order's, or the order is never found paid", per=Per.BRAND)
def money_survives_exactly(bench: Bench) -> None:
    """Each amount that the provider takes is the same everywhere, to the cent; no float has been near it."""
    gateway = bench.gateway()
    taken = 0
    for amount in AMOUNTS:
        request = bench.request(amount=amount)
        before = bench.mark
        outcome = bench.tried(gateway, "create_charge", request)
        _check_wire(bench, amount, before)
        if isinstance(outcome, (InvalidCharge, Refused)):
            continue
        if not isinstance(outcome, Charge):
            raise Breach(f"a charge over {amount} {told(outcome)}")
        taken += 1
        _check(bench, gateway, outcome, amount)
    if not taken:
        raise Breach("the provider took no amount at all of those that were tried")


def _check(bench: Bench, gateway: Gateway, charge: Charge, amount: Money) -> None:
    booked = bench.booked(charge.reference)
    if booked.amount != amount:
        raise Breach(f"a charge over {amount} stands in the provider's books with {booked.amount}")
    if charge.amount not in (amount, None):
        raise Breach(f"a charge over {amount} was told with {charge.amount}")
    if isinstance(charge.instructions, QrCode):
        _check_code(charge.instructions.payload, amount)
    bench.simulator.act(charge.reference, PayerAction.PAY)
    if bench.abilities.can("query", bench.method):
        asked = gateway.query(charge.ref)
        if asked.amount not in (amount, None) or asked.paid_amount not in (amount, None):
            raise Breach(f"{amount} were paid, and a query tells {asked.paid_amount or asked.amount}")
    if bench.abilities.can("refund", bench.method):
        refund = bench.refund()
        made = gateway.refund(charge, refund).refund(refund.reference)
        if made is not None and made.amount != amount:
            raise Breach(f"{amount} were given back, and refund tells {made.amount}")


def _check_code(payload: str, amount: Money) -> None:
    """The amount in a QR code is what the payer's app takes."""
    try:
        shown = qris_fields(payload).get("54")
    except ValueError:
        return  # no EMV payload; `instructions_are_whole` judges those that claim to be one
    if shown is not None and Decimal(shown) != amount.amount:
        raise Breach(f"the QR code of a charge over {amount} asks for {shown}")


def _check_wire(bench: Bench, amount: Money, before: int) -> None:
    """See that no number on the wire is the amount as a float has it."""
    for one in bench.since(before):
        for found in FRACTION.finditer(one.request.content):
            near = Decimal(found[1].decode())
            if near != amount.amount and abs(near - amount.amount) < 1:
                raise Breach(f"{amount} went over the wire as {near}")
            if near == amount.amount and b"e" in found[1].lower():
                raise Breach(
                    f"{amount} went over the wire as {found[1].decode()}, as only a float is written"
                )


@scenario("goods for a large order leave for a small sum", needs=("create_charge",), per=Per.KIND)
def amount_is_compared(bench: Bench) -> None:
    """What was paid is what the provider says it was, and a new charge over another sum is not believed."""
    gateway = bench.gateway(retry=ONCE)
    changed: list[bytes] = []
    bench.wire.spoil("create_charge", _cheaper(changed))
    outcome = bench.tried(gateway, "create_charge", bench.request(amount=ASKED))
    if changed and isinstance(outcome, Charge) and outcome.amount == ASKED:
        raise Breach("the provider made the charge over another sum, and it was told with the one asked for")
    if bench.abilities.can("query", bench.method):
        charge = bench.paid(gateway, bench.request(amount=ASKED))
        changed.clear()
        bench.wire.spoil("query", _cheaper(changed))
        asked = bench.tried(gateway, "query", charge.ref)
        bench.wire.mend()
        if changed and isinstance(asked, Charge) and asked.paid_amount == ASKED:
            raise Breach("another sum was paid than was asked for, and a query tells the one asked for")
        if changed and not isinstance(asked, (Charge, OutcomeUnknown)):
            raise Breach(f"another sum was paid than was asked for, and a query {told(asked)}")
    if bench.abilities.can("parse_callback", bench.method):
        charge, calls = paid_calls(bench, gateway, bench.request(amount=ASKED))
        for call in calls:
            for one in call.callback.charges:
                if one.status is ChargeStatus.PAID and one.paid_amount != ASKED:
                    raise Breach(f"{ASKED} were paid, and the call tells {one.paid_amount}")


def _cheaper(changed: list[bytes]) -> Answer:
    """Answer with another sum wherever the one asked for stands; `changed` gets what was changed."""

    def other(found: re.Match[bytes]) -> bytes:
        if Decimal(found[0].decode()) != ASKED.amount:
            return found[0]
        changed.append(found[0])
        places = len(found[0].partition(b".")[2])
        return f"{OTHER:.{places}f}".encode()

    return lambda simulator, request: _rewritten(simulator.handle(request), other)


def _rewritten(reply: httpx.Response, other: Callable[[re.Match[bytes]], bytes]) -> httpx.Response:
    return copied(reply, content=NUMBER.sub(other, reply.content))


SCENARIOS: Final = (money_survives_exactly, amount_is_compared)
