"""The provider's calls as they reach the merchant: delivered, answered, and kept to be tampered with."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx
from msgspec import Struct

from paygate.callback import Callback, CallbackReply, CallbackRequest
from paygate.conformance.bench import Bench
from paygate.conformance.report import Breach
from paygate.errors import CallbackRejected
from paygate.flow import Conversation
from paygate.gateway import Gateway
from paygate.model import Charge, ChargeRequest
from paygate.sandbox.simulator import PayerAction

Answerer = Callable[[CallbackRequest], CallbackReply]


class Call(Struct, frozen=True):
    """A genuine call, and what it was told to be."""

    request: CallbackRequest
    callback: Callback

    @property
    def tells(self) -> bool:
        """Whether it is about a charge; a request for a token is not."""
        return bool(self.callback.charges or self.callback.confirm)


class Delivered(Struct, frozen=True):
    """One delivery: the calls that it took, and whether the provider was content with the answers."""

    reference: str
    calls: tuple[Call, ...]
    accepted: bool


def request_of(call: httpx.Request) -> CallbackRequest:
    """What the merchant's server makes of a call."""
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in call.headers.raw}
    return CallbackRequest(call.method, call.url.path, headers, call.read())


def delivered(bench: Bench, gateway: Gateway, answer: Answerer | None = None) -> list[Delivered]:
    """Deliver what the provider has to tell; `answer` answers instead of the gateway."""
    found: list[Delivered] = []
    due = bench.simulator.deliveries.take()
    while due:
        for delivery in due:
            calls: list[Call] = []
            talk = Conversation(delivery.tell())
            while talk.request is not None:
                request = request_of(talk.request)
                reply = answer(request) if answer is not None else _parsed(gateway, request, calls)
                talk.answer(httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body))
            # What is refused is due again only in a minute, and never here.
            bench.simulator.deliveries.record(delivery, (), accepted=True)
            found.append(Delivered(delivery.reference, tuple(calls), talk.result))
        due = bench.simulator.deliveries.take()
    return found


def _parsed(gateway: Gateway, request: CallbackRequest, calls: list[Call]) -> CallbackReply:
    try:
        callback = gateway.parse_callback(request)
    except CallbackRejected as rejected:
        raise Breach(f"a genuine call of the provider's was rejected ({rejected.reason}: {rejected.what})")
    calls.append(Call(request, callback))
    return callback.reply


def paid_calls(
    bench: Bench, gateway: Gateway, request: ChargeRequest | None = None
) -> tuple[Charge, list[Call]]:
    """A new charge that was paid for, and the calls that tell of it."""
    charge = bench.created(gateway, request)
    delivered(bench, gateway)
    bench.simulator.act(charge.reference, PayerAction.PAY)
    return charge, telling(delivered(bench, gateway))


def telling(deliveries: Sequence[Delivered]) -> list[Call]:
    """The calls that are about a charge."""
    return [call for one in deliveries for call in one.calls if call.tells]


def needed(calls: Sequence[Call]) -> Call:
    """The last of some calls; without one the scenario cannot be played."""
    if not calls:
        raise Breach("the simulator called nobody back, so nothing could be tried")
    return calls[-1]


def paid_in_each_way(bench: Bench) -> list[Call]:
    """A genuine call about a paid charge, in each way in which the provider calls back."""
    gateway, found = bench.gateway(), []
    for number, variant in enumerate(bench.simulator.variants):
        with bench.called_back_by(variant):
            calls = paid_calls(bench, gateway)[1]
        if calls or not number:
            found.append(needed(calls))
    return found


def believed(adapter: Any, request: CallbackRequest) -> Callback | None:
    """What the adapter itself makes of a call; None where it does not believe it, however it says so."""
    try:
        callback = adapter.parse_callback(request)
    except Exception:  # noqa: BLE001 - `rubbish_raises_only_rejected` judges how it says so
        return None
    return callback if isinstance(callback, Callback) else None
