"""The provider's genuine calls: each is told, acknowledged, and acted upon but once."""

import contextlib
from typing import Final

from paygate.callback import AGAIN, Callback, CallbackReply, CallbackRequest
from paygate.conformance.bench import ONCE, Bench
from paygate.conformance.calls import Call, Delivered, delivered, needed, paid_calls, telling
from paygate.conformance.report import Breach
from paygate.conformance.scenario import Per, scenario
from paygate.conformance.tampering import bytes_spoilt
from paygate.conformance.wire import copied
from paygate.errors import CallbackRejected
from paygate.gateway import Gateway
from paygate.methods import Method
from paygate.model import Charge, ChargeStatus
from paygate.sandbox.simulator import PayerAction

NEEDS: Final = ("create_charge", "parse_callback")
PAID: Final = frozenset({ChargeStatus.PAID})
ENDED: Final = frozenset({ChargeStatus.FAILED, ChargeStatus.EXPIRED, ChargeStatus.CANCELLED})
GIVEN_BACK: Final = frozenset({ChargeStatus.REFUNDED, ChargeStatus.PARTIALLY_REFUNDED})


@scenario("a paid order is not delivered until somebody asks", needs=NEEDS, per=Per.BRAND)
def callbacks_tell_the_charge(bench: Bench) -> None:
    """In each way in which the provider calls back, its call tells that the charge was paid, and how much."""
    gateway = bench.gateway()
    for number, variant in enumerate(bench.simulator.variants):
        with bench.called_back_by(variant):
            charge, calls = paid_calls(bench, gateway)
            if not calls and number:
                continue  # this charge is not called back about in that way
            callback = gateway.confirm(needed(calls).callback)
            _check_told(charge, callback)
            kept = gateway.compare(callback, [charge] * len(callback.charges))
            for conflict in kept.conflicts:
                raise Breach(f"the call contradicts the charge that it is about ({conflict.kind.value})")


def _check_told(charge: Charge, callback: Callback) -> None:
    if not callback.charges:
        raise Breach("the call about a paid charge tells of no charge")
    for one in callback.charges:
        if one.gateway != charge.gateway:
            raise Breach(
                f"the call tells of a charge of gateway {one.gateway!r}, and it came to {charge.gateway!r}"
            )
        if one.reference not in (charge.reference, charge.provider_reference):
            raise Breach("the call tells of a charge by a reference that nobody gave it")
        if one.method is not None and not _is_alike(one.method, charge.method):
            raise Breach(f"the call tells of {one.method!r}, and the charge is by {charge.method!r}")
        if one.status is not ChargeStatus.PAID:
            raise Breach(f"the call about a paid charge tells that it is {one.status.value}")
        if one.paid_amount is None:
            raise Breach("the call tells that the charge is paid, and not how much")


def _is_alike(told: Method, asked: Method | None) -> bool:
    """Whether two methods are of one kind and brand; a number of the account is not told by every call."""
    return asked is not None and (told.kind, told.brand) == (asked.kind, asked.brand)


@scenario(
    "the provider repeats a call that was taken, or stops repeating one that the merchant never had",
    needs=NEEDS,
    per=Per.KIND,
)
def callbacks_are_acknowledged(bench: Bench) -> None:
    """`reply` satisfies the provider; `again`, and the answer to a call that is rejected, do not."""
    gateway = bench.gateway()
    for variant in bench.simulator.variants:
        with bench.called_back_by(variant):
            if not all(one.accepted for one in _paid(bench, gateway)):
                raise Breach("the provider is not content with `reply`, and calls again for ever")
            for name, answer in (("again", _again(gateway)), ("a rejection's `reply`", _rejection(gateway))):
                if any(one.accepted for one in _paid(bench, gateway, answer)):
                    raise Breach(f"the provider takes {name} for an acknowledgement, and never calls again")


def _paid(bench: Bench, gateway: Gateway, answer: "Answers | None" = None) -> list[Delivered]:
    """The deliveries about a charge that was paid; those before it are done with."""
    charge = bench.created(gateway)
    delivered(bench, gateway)
    bench.simulator.act(charge.reference, PayerAction.PAY)
    return delivered(bench, gateway, answer)


class Answers:
    """Answers calls that tell of a charge in one way, and all others as they should be."""

    def __init__(self, gateway: Gateway, *, spoilt: bool) -> None:
        self._gateway = gateway
        self._spoilt = spoilt

    def __call__(self, request: CallbackRequest) -> CallbackReply:
        callback = self._gateway.parse_callback(request)
        if not Call(request, callback).tells:
            return callback.reply
        if not self._spoilt:
            return callback.again
        replies = (self._rejection(one.request) for one in bytes_spoilt(request))
        # Where nothing of a body is proven, `unproven_status_is_not_believed` speaks of it.
        return next((reply for reply in replies if reply is not None), AGAIN)

    def _rejection(self, request: CallbackRequest) -> CallbackReply | None:
        try:
            self._gateway.parse_callback(request)
        except CallbackRejected as rejected:
            reply: CallbackReply = rejected.reply
            return reply
        return None


def _again(gateway: Gateway) -> Answers:
    return Answers(gateway, spoilt=False)


def _rejection(gateway: Gateway) -> Answers:
    return Answers(gateway, spoilt=True)


@scenario(
    "the news that counts is dropped because of news that came before it: open first, then paid",
    needs=NEEDS,
    per=Per.KIND,
)
def callbacks_of_every_status_are_told(bench: Bench) -> None:
    """Each call about a charge is told, also a later state of it and the same one again."""
    gateway = bench.gateway()
    delivered(bench, gateway)
    charge = bench.created(gateway)
    _expect(bench, gateway, charge, frozenset({ChargeStatus.PENDING}))
    bench.simulator.act(charge.reference, PayerAction.PAY)
    calls = _expect(bench, gateway, charge, PAID)
    if bench.abilities.can("refund", bench.method):
        gateway.refund(charge, bench.refund())
        calls += _expect(bench, gateway, charge, GIVEN_BACK)
    for call in calls:
        for _ in range(2):
            again = gateway.parse_callback(call.request)
            if (again.charges, again.confirm) != (call.callback.charges, call.callback.confirm):
                raise Breach("a call that came again is told otherwise than at first, or not at all")
    for action in (PayerAction.FAIL, PayerAction.EXPIRE):
        other = bench.created(gateway)
        with contextlib.suppress(ValueError):  # a provider's charges need not fail or expire
            bench.simulator.act(other.reference, action)
        _expect(bench, gateway, other, ENDED | frozenset({ChargeStatus.PENDING}))
    if bench.abilities.can("cancel", bench.method):
        other = bench.created(gateway)
        gateway.cancel(other)
        _expect(bench, gateway, other, ENDED | frozenset({ChargeStatus.PENDING}))


def _expect(bench: Bench, gateway: Gateway, charge: Charge, expected: frozenset[ChargeStatus]) -> list[Call]:
    """Deliver what there is about a charge: each call must tell of it, and the last one how it stands."""
    found = [one for one in delivered(bench, gateway) if one.reference == charge.reference]
    for one in found:
        if not any(call.tells for call in one.calls):
            raise Breach("a genuine call about a charge was read, and tells of none")
    for call in telling(found):
        for told in gateway.confirm(call.callback).charges:
            if told.status not in expected:
                wanted = " or ".join(sorted(one.value for one in expected))
                raise Breach(f"a call about a charge that is {wanted} tells that it is {told.status.value}")
    return telling(found)


@scenario(
    "an order that was paid and delivered is taken back because old news came late",
    needs=("create_charge", "query"),
    per=Per.KIND,
)
def paid_never_regresses(bench: Bench) -> None:
    """A charge that is paid stays so, whatever comes late: an old answer to a query, or an old call."""
    gateway = bench.gateway(retry=ONCE)
    charge = bench.created(gateway)
    gateway.query(charge)
    old = bench.wire.sent[-1].reply
    assert old is not None
    bench.simulator.act(charge.reference, PayerAction.PAY)
    paid = gateway.query(charge)
    if paid.status is not ChargeStatus.PAID:
        raise Breach(f"a query of a paid charge told that it is {paid.status.value}")
    bench.wire.spoil("query", lambda *_: copied(old))
    late = gateway.query(paid)
    if late.status is not ChargeStatus.PAID:
        raise Breach(f"an old answer to a query made a paid charge {late.status.value}")
    if gateway.query(charge.ref).status is not ChargeStatus.PAID:
        raise Breach("after an old answer the adapter no longer tells that the charge is paid")
    if bench.abilities.can("parse_callback", bench.method):
        calls = telling([one for one in delivered(bench, gateway) if one.reference == charge.reference])
        for call in [*calls, *reversed(calls)]:
            callback = gateway.confirm(gateway.parse_callback(call.request))
            for told in gateway.compare(callback, [paid] * len(callback.charges)).charges:
                if told.status is not ChargeStatus.PAID:
                    raise Breach(f"a late call made a paid charge {told.status.value}")


SCENARIOS: Final = (
    callbacks_tell_the_charge,
    callbacks_are_acknowledged,
    callbacks_of_every_status_are_told,
    paid_never_regresses,
)
