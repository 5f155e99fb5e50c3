"""What leaves the machine, how often, and how it is settled: nothing that changes anything is sent twice."""

from typing import Final

from paygate.conformance.accidents import Accident, accidents, lost
from paygate.conformance.bench import Bench, last_request, ref_of, told
from paygate.conformance.report import Breach
from paygate.conformance.scenario import Per, scenario
from paygate.errors import ChargeNotFound, DuplicateReference, OutcomeUnknown, PaygateError
from paygate.gateway import Gateway
from paygate.model import Charge, ChargeStatus

LOST: Final = Accident("a request that was lost on the way", lost)


def _judge(bench: Bench, operation: str, what: str, outcome: Charge | PaygateError, before: int) -> None:
    """After an accident: one request at most, and nothing claimed that nobody knows."""
    if bench.wire.asked(operation, before) > 1:
        raise Breach(f"after {what} the adapter sent a second request")
    asked_since = bench.wire.asked("query", before)
    if isinstance(outcome, OutcomeUnknown) or (isinstance(outcome, Charge) and asked_since):
        return
    raise Breach(f"after {what} {operation} {told(outcome)}, and nobody can know that")


@scenario("two live charges can be paid for one order", needs=("create_charge",), per=Per.BRAND)
def create_never_sends_twice(bench: Bench) -> None:
    """Whatever happens to the answer to a new charge, it was sent once, and its outcome is unknown."""
    gateway = bench.gateway()
    bench.created(gateway)
    for accident in accidents(bench.simulator, last_request(bench, "create_charge")):
        request, before = bench.request(), bench.mark
        bench.wire.spoil("create_charge", accident.answer)
        outcome = bench.tried(gateway, "create_charge", request)
        bench.wire.mend()
        _judge(bench, "create_charge", accident.told, outcome, before)
        if bench.simulator.ledger.count(request.reference) > 1:
            raise Breach(f"after {accident.told} the provider has two charges under one reference")


@scenario(
    "a cancellation that is sent again can hit a charge that was made anew, and one that is believed too "
    "early leaves an order to be paid that nobody will deliver",
    needs=("create_charge", "cancel"),
    per=Per.KIND,
)
def cancel_never_sends_twice(bench: Bench) -> None:
    """Whatever happens to the answer to a cancellation, it was sent once, and its outcome is unknown."""
    gateway = bench.gateway()
    gateway.cancel(bench.created(gateway))
    for accident in accidents(bench.simulator, last_request(bench, "cancel")):
        charge, before = bench.created(gateway), bench.mark
        bench.wire.spoil("cancel", accident.answer)
        outcome = bench.tried(gateway, "cancel", charge)
        bench.wire.mend()
        _judge(bench, "cancel", accident.told, outcome, before)


@scenario(
    "the merchant gives the same money back twice",
    needs=("create_charge", "refund"),
    per=Per.KIND,
)
def refund_never_sends_twice(bench: Bench) -> None:
    """Whatever happens to the answer to a refund, it was sent once; asked again it is the same refund."""
    gateway = bench.gateway()
    gateway.refund(bench.paid(gateway), bench.refund())
    for accident in accidents(bench.simulator, last_request(bench, "refund")):
        charge, refund = bench.paid(gateway), bench.refund()
        before = bench.mark
        bench.wire.spoil("refund", accident.answer)
        outcome = bench.tried(gateway, "refund", charge, refund)
        bench.wire.mend()
        _judge(bench, "refund", accident.told, outcome, before)
        if len(bench.booked(charge.reference).refunds) > 1:
            raise Breach(f"after {accident.told} the provider has two refunds of one charge")
        bench.tried(gateway, "refund", charge, refund)
        made = bench.booked(charge.reference).refunds
        if len(made) > 1:
            raise Breach("the same refund, asked for again by the merchant, was made a second time")
        if made and made[0].reference != refund.reference:
            raise Breach("the provider knows the refund by another number than the merchant's own")


@scenario(
    "an order whose charge is out of sight is charged anew, or never delivered",
    needs=("create_charge", "query"),
    per=Per.KIND,
)
def unsettled_is_settled_by_query(bench: Bench) -> None:
    """After an unknown outcome a query tells what was done: how the charge stands, or that there is none."""
    gateway = bench.gateway()
    bench.created(gateway)
    done = accidents(bench.simulator, last_request(bench, "create_charge"))[0]
    for accident, expected in ((done, ChargeStatus.PENDING), (LOST, None)):
        request = bench.request()
        bench.wire.spoil("create_charge", accident.answer)
        bench.tried(gateway, "create_charge", request)
        _settled(bench, accident.told, bench.tried(gateway, "query", ref_of(request)), expected)
    if bench.abilities.can("cancel", bench.method):
        for accident, expected in ((done, ChargeStatus.CANCELLED), (LOST, ChargeStatus.PENDING)):
            charge = bench.created(gateway)
            bench.wire.spoil("cancel", accident.answer)
            bench.tried(gateway, "cancel", charge)
            after = f"{accident.told} of a cancellation"
            _settled(bench, after, bench.tried(gateway, "query", charge.ref), expected)
    if bench.abilities.can("refund", bench.method):
        _check_refunds(bench, gateway, done)


def _check_refunds(bench: Bench, gateway: Gateway, done: Accident) -> None:
    """A query tells of a refund that was made, and of none that was lost."""
    for accident in (done, LOST):
        charge, refund = bench.paid(gateway), bench.refund()
        bench.wire.spoil("refund", accident.answer)
        bench.tried(gateway, "refund", charge, refund)
        asked = bench.tried(gateway, "query", charge.ref)
        is_told = isinstance(asked, Charge) and asked.refund(refund.reference) is not None
        if is_told is not (accident is done):
            was = "made" if accident is done else "never made"
            raise Breach(f"after {accident.told} a query {told(asked)}, and the refund was {was}")


def _settled(bench: Bench, what: str, asked: Charge | PaygateError, expected: ChargeStatus | None) -> None:
    """Hold the answer to a query against what the provider did."""
    bench.wire.mend()
    if expected is None:
        if not isinstance(asked, ChargeNotFound):
            raise Breach(f"after {what} a query {told(asked)}, and the provider has no such charge")
    elif not isinstance(asked, Charge) or asked.status is not expected:
        raise Breach(f"after {what} a query {told(asked)}, and the charge is {expected.value}")


@scenario("a second charge under the same number is paid by a payer who opens the old page", per=Per.KIND)
def duplicate_reference_is_refused(bench: Bench) -> None:
    """A reference that the provider has already brings DuplicateReference, or the charge that it has."""
    gateway = bench.gateway()
    request = bench.request()
    first = bench.created(gateway, request)
    second = bench.tried(gateway, "create_charge", request)
    if bench.simulator.ledger.count(request.reference) > 1:
        return  # a careless provider: the shop must not do this, and the adapter cannot help it
    same = isinstance(second, Charge) and second.instructions == first.instructions
    if not isinstance(second, DuplicateReference) and not same:
        raise Breach(f"a second charge under a reference in use {told(second)}")


SCENARIOS: Final = (
    create_never_sends_twice,
    cancel_never_sends_twice,
    refund_never_sends_twice,
    unsettled_is_settled_by_query,
    duplicate_reference_is_refused,
)
