"""What the provider's own codes and states mean: those that are declared, and those that nobody knows."""

from typing import Final

import httpx

from paygate.conformance.bench import ONCE, Bench, ref_of, told
from paygate.conformance.report import Breach
from paygate.conformance.scenario import Per, scenario
from paygate.conformance.wire import Answer
from paygate.errors import ChargeNotFound, OutcomeUnknown, PaygateError, Refused
from paygate.model import Charge
from paygate.sandbox.simulator import Simulator


def _has_codes(bench: Bench) -> bool:
    return bool(bench.kit.codes)


def _has_statuses(bench: Bench) -> bool:
    return bool(bench.kit.statuses)


def _coded(bench: Bench, code: str, *, done: bool) -> Answer:
    """Answer with a code; `done` where the work is done all the same."""

    def answer(simulator: Simulator, request: httpx.Request) -> httpx.Response:
        reply = simulator.handle(request) if done else simulator.refusal(request)
        return bench.kit.coded(reply, code)

    return answer


def _standing(bench: Bench, status: str) -> Answer:
    def answer(simulator: Simulator, request: httpx.Request) -> httpx.Response:
        return bench.kit.standing(simulator.handle(request), status)

    return answer


@scenario(
    "an order is given up that may be tried again, or tried again although the provider said no",
    per=Per.KIND,
    when=_has_codes,
)
def declared_codes_map(bench: Bench) -> None:
    """Each declared refusal is the error that it was declared as, whatever was asked."""
    gateway = bench.gateway(retry=ONCE)
    request = bench.request()
    asked = [("create_charge", (request,)), *bench.later(ref_of(request))]
    for code, error in bench.kit.codes.items():
        for name, about in asked:
            bench.wire.spoil_all(name, _coded(bench, code, done=False))
            outcome = bench.tried(gateway, name, *about)
            bench.wire.mend()
            if not _fits(name, outcome, error):
                raise Breach(
                    f"the code {code} of {name} is declared as {error.__name__}, and {name} {told(outcome)}"
                )


def _fits(operation: str, outcome: Charge | PaygateError, error: type[PaygateError]) -> bool:
    """Whether a code was taken as declared; for what ends a charge a refusal may have a name of its own."""
    if operation in ("cancel", "refund") and issubclass(error, Refused):
        return isinstance(outcome, Refused)
    return type(outcome) is error


@scenario(
    "a charge that may be live is given up, and the next one is paid as well",
    per=Per.KIND,
    when=_has_codes,
)
def unknown_code_is_unknown(bench: Bench) -> None:
    """A code that nobody told us of leaves the outcome unknown: it is no refusal and no charge."""
    gateway = bench.gateway(retry=ONCE)
    charge = bench.created(gateway)
    asked = [("create_charge", (bench.request(),)), *bench.later(charge.ref)]
    for name, about in asked:
        bench.wire.spoil_all(name, _coded(bench, bench.kit.unknown, done=True))
        outcome = bench.tried(gateway, name, *about)
        bench.wire.mend()
        if not isinstance(outcome, OutcomeUnknown):
            raise Breach(f"a code that the provider never told anybody of: {name} {told(outcome)}")


@scenario(
    "an order is delivered unpaid, or is not delivered although it was paid",
    needs=("create_charge", "query"),
    per=Per.KIND,
    when=_has_statuses,
)
def declared_statuses_map(bench: Bench) -> None:
    """Each declared state of a charge is told as it was declared."""
    gateway = bench.gateway(retry=ONCE)
    charge = bench.created(gateway)
    for status, meant in bench.kit.statuses.items():
        bench.wire.spoil_all("query", _standing(bench, status))
        outcome = bench.tried(gateway, "query", charge.ref)
        bench.wire.mend()
        if meant is None:
            if not isinstance(outcome, ChargeNotFound):
                raise Breach(
                    f"the state {status} means that there is no such charge, and a query {told(outcome)}"
                )
        elif not isinstance(outcome, Charge) or outcome.status is not meant:
            raise Breach(f"the state {status} is declared as {meant.value}, and a query {told(outcome)}")


@scenario(
    "a state that nobody knows is taken for paid, or a paid order for failed",
    needs=("create_charge", "query"),
    per=Per.KIND,
    when=_has_statuses,
)
def unknown_status_is_no_status(bench: Bench) -> None:
    """A state that nobody told us of is an error: neither open, nor paid, nor failed."""
    gateway = bench.gateway(retry=ONCE)
    charge = bench.created(gateway)
    for status in (bench.kit.unknown, ""):
        bench.wire.spoil_all("query", _standing(bench, status))
        outcome = bench.tried(gateway, "query", charge.ref)
        bench.wire.mend()
        if not isinstance(outcome, OutcomeUnknown):
            known = "that is empty" if not status else "that the provider never told anybody of"
            raise Breach(f"a query answered with a state {known} {told(outcome)}")


SCENARIOS: Final = (
    declared_codes_map,
    unknown_code_is_unknown,
    declared_statuses_map,
    unknown_status_is_no_status,
)
