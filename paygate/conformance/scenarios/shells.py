"""The two shells, and two gateways side by side: the same answers, nothing in common."""

import json
from typing import Any, Final

import anyio
from msgspec import Struct

from paygate.conformance.accidents import ACCIDENTS, Accident, busy, refused
from paygate.conformance.bench import GATEWAY, ONCE, QUICK, Bench
from paygate.conformance.calls import paid_calls
from paygate.conformance.report import Breach
from paygate.conformance.scenario import Per, scenario
from paygate.conformance.watch import proofs_of
from paygate.conformance.wire import Sent, Wire
from paygate.errors import CallbackRejected, PaygateError
from paygate.flow import Conversation
from paygate.gateway import Gateway
from paygate.model import Charge
from paygate.redaction import place_of

SCRIPT: Final = (
    None,
    *(
        one
        for one in ACCIDENTS
        if one.told.startswith(("a timeout while waiting", "HTTP 502", "HTTP 200 with a web"))
    ),
    Accident("a refusal", refused),
    Accident("too many requests", busy),
)
OTHER: Final = "other"


def _shells() -> tuple[str, ...]:
    """The shells to try: trio only where it is installed."""
    try:
        import trio
    except ImportError:
        return ("blocking", "asyncio")
    return ("blocking", "asyncio", trio.__name__)


class Story(Struct, frozen=True):
    """What came of an operation, without what differs from one time to the next."""

    told: str
    outcome: tuple[Any, ...]
    sent: tuple[Any, ...]


def _outcome(one: Charge | PaygateError) -> tuple[Any, ...]:
    if isinstance(one, Charge):
        return (one.status, one.amount, one.method, type(one.instructions), one.paid_amount, len(one.refunds))
    return (type(one).__name__, one.what, one.operation, one.provider_code, one.http_status)


def _request(sent: Sent) -> tuple[Any, ...]:
    request = sent.request
    names = tuple(sorted({name.lower() for name in request.headers}))
    return (sent.operation, request.method, names, _form(request.content))


def _form(content: bytes) -> Any:
    """A body without its values."""
    try:
        return _shape(json.loads(content))
    except ValueError:
        return len(content)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(one) for key, one in value.items()}
    return [_shape(one) for one in value] if isinstance(value, list) else type(value).__name__


class Step(Struct, frozen=True):
    """One operation of the script, with all that it needs, and what happens to its answer."""

    told: str
    operation: str
    about: tuple[Any, ...]
    accident: Accident | None


def _script(bench: Bench) -> list[Step]:
    """What to play: every operation, as it should be and after some accidents."""
    gateway, found = bench.gateway(), []
    for accident in SCRIPT:
        for operation in ("create_charge", "query", "cancel", "refund"):
            if bench.abilities.can(operation, bench.method):
                told = f"{operation} after {accident.told}" if accident else operation
                found.append(Step(told, operation, _about(bench, gateway, operation), accident))
    return found


def _about(bench: Bench, gateway: Gateway, operation: str) -> tuple[Any, ...]:
    if operation == "create_charge":
        return (bench.request(),)
    if operation == "refund":
        return (bench.paid(gateway).ref, bench.refund())
    return (bench.created(gateway).ref,)


def _story(bench: Bench, shell: str) -> list[Story]:
    """Play the script in one shell, with one gateway."""
    found: list[Story] = []
    steps = _script(bench)

    def begin(step: Step) -> int:
        bench.wire.mend()
        if step.accident is not None:
            bench.wire.spoil(step.operation, step.accident.answer)
        return bench.mark

    def end(step: Step, before: int, outcome: Charge | PaygateError) -> None:
        sent = tuple(_request(one) for one in bench.wire.sent[before:])
        found.append(Story(step.told, _outcome(outcome), sent))

    async def run() -> None:
        gateway = bench.async_gateway(retry=ONCE)
        for step in steps:
            before = begin(step)
            try:
                outcome: Charge | PaygateError = await getattr(gateway, step.operation)(*step.about)
            except PaygateError as error:
                outcome = error
            end(step, before, outcome)

    if shell != "blocking":
        anyio.run(run, backend=shell)
        return found
    gateway = bench.gateway(retry=ONCE)
    for step in steps:
        before = begin(step)
        end(step, before, bench.tried(gateway, step.operation, *step.about))
    return found


@scenario("a program that was tried in one shell loses charges in the other", per=Per.KIND)
def blocking_equals_async(bench: Bench) -> None:
    """Blocking, asyncio and trio send the same requests, and bring the same results and the same errors."""
    first, *others = _shells()
    expected = _story(bench, first)
    for shell in others:
        for here, there in zip(expected, _story(bench, shell), strict=True):
            if here.outcome != there.outcome:
                raise Breach(
                    f"{here.told} brought {here.outcome[0]} when blocking and {there.outcome[0]} in {shell}"
                )
            if here.sent != there.sent:
                raise Breach(f"{here.told} sent other requests in {shell} than when blocking")


class _Cancelled(BaseException):
    """Stands for any cancellation: asyncio's, trio's, a person's Ctrl-C."""


@scenario("a program that wants to stop cannot, or sends one more request on its way out", per=Per.KIND)
def cancellation_passes_through(bench: Bench) -> None:
    """A flow that is cancelled at any request ends there: it swallows nothing, and asks nothing more."""
    adapter, gateway = bench.adapter(), bench.gateway()
    credential = gateway.authorize()
    for operation in ("create_charge", "query", "cancel", "refund"):
        if not bench.abilities.can(operation, bench.method):
            continue
        for number in range(1, 9):
            charge = bench.paid(gateway) if operation == "refund" else bench.created(gateway)
            about: tuple[Any, ...] = (charge.ref,)
            if operation == "create_charge":
                about = (bench.request(),)
            elif operation == "refund":
                about = (charge.ref, bench.refund())
            talk: Conversation[Charge] = Conversation(getattr(adapter, operation)(*about))
            for _ in range(number - 1):
                if talk.request is not None:
                    talk.answer(bench.wire.handle_request(credential.sign(talk.request)))
            if talk.request is None:
                break
            _cancel(talk, operation)
    for shell in _shells()[1:]:
        _check_stopped(bench, shell)


def _cancel(talk: Conversation[Charge], operation: str) -> None:
    for error in (_Cancelled(), GeneratorExit()):
        if talk.request is None:
            return
        try:
            talk.fail(error)  # type: ignore[arg-type] # what a shell never does, and a loop might
        except (_Cancelled, GeneratorExit):
            talk.request = None
        except BaseException as other:  # noqa: BLE001 - that is what is looked for
            raise Breach(f"a cancelled {operation} raised {place_of(other)} instead of ending")
        else:
            what = "went on with another request" if talk.request is not None else "ended as if it were done"
            raise Breach(f"a cancelled {operation} {what}")


def _check_stopped(bench: Bench, shell: str) -> None:
    """Cancel a charge that gets no answer: the cancellation arrives, and one request was sent."""
    before = bench.mark
    bench.wire.stuck = "create_charge"

    async def run() -> bool:
        gateway = bench.async_gateway()
        with anyio.move_on_after(0.02) as scope:
            await gateway.create_charge(bench.request())
        return scope.cancelled_caught

    try:
        stopped = anyio.run(run, backend=shell)
    except PaygateError as error:
        raise Breach(f"a cancelled create_charge raised {type(error).__name__} in {shell}")
    finally:
        bench.wire.stuck = None
    if not stopped or bench.wire.asked("create_charge", before) > 1:
        raise Breach(f"a cancelled create_charge went on in {shell}")


@scenario("one merchant's charges are made in another's name, and his money goes there", per=Per.KIND)
def gateways_share_nothing(bench: Bench) -> None:
    """Two gateways of one adapter use their own keys, addresses and names, and each its own calls."""
    foreign = Bench(bench.kit, bench.method, bench.abilities, account=1)
    apart = bench.differs(foreign)
    there = {**foreign.settings, "base_url": "http://127.0.0.1:2"}
    wire = Wire({bench.base_url: bench.simulator, there["base_url"]: foreign.simulator})
    mine = Gateway(GATEWAY, bench.adapter(), transport=wire, retry=QUICK)
    other = Gateway(OTHER, bench.adapter(there, OTHER), transport=wire, retry=QUICK)
    mine_again = Gateway(GATEWAY, bench.adapter(), transport=wire, retry=QUICK)
    for gateway, own in ((mine, bench), (other, foreign), (mine_again, bench), (other, foreign)):
        request = bench.request()
        before = len(wire.sent)
        charge = gateway.create_charge(request)
        if charge.gateway != gateway.name:
            raise Breach(f"a charge of gateway {gateway.name!r} was told as one of {charge.gateway!r}")
        address = bench.base_url if own is bench else there["base_url"]
        if own.simulator.ledger.find(request.reference) is None or any(
            one.origin != address for one in wire.sent[before:]
        ):
            raise Breach("with two gateways of one adapter a charge went to the other one's provider")
    if apart:
        _check_proofs(wire, bench.base_url, bench.public)
        _check_calls(bench, foreign, mine, other)


def _check_proofs(wire: Wire, home: str, public: frozenset[str]) -> None:
    own = {value for one in wire.sent if one.origin == home for value in proofs_of(one, public)}
    for one in wire.sent:
        for value, name in proofs_of(one, public).items():
            if one.origin != home and value in own:
                raise Breach(f"{name} of one gateway went to the other one's provider")


def _check_calls(bench: Bench, foreign: Bench, mine: Gateway, other: Gateway) -> None:
    """Each of two gateways still believes the calls that are meant for it."""
    if not bench.abilities.can("parse_callback", bench.method):
        return
    calls = [
        (gateway, call)
        for own, gateway in ((bench, mine), (foreign, other))
        for call in paid_calls(own, own.gateway(name=gateway.name))[1]
    ]
    for gateway, call in calls:
        try:
            gateway.parse_callback(call.request)
        except CallbackRejected:
            raise Breach("beside a second gateway of its adapter a gateway rejects its own genuine calls")


SCENARIOS: Final = (blocking_equals_async, cancellation_passes_through, gateways_share_nothing)
