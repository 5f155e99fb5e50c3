"""What a plugin's simulator offers, and how a request passes through it and its faults."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Protocol

import httpx
from msgspec import Struct

from paygate.methods import Method
from paygate.model import ChargeStatus
from paygate.sandbox.deliveries import Deliveries
from paygate.sandbox.faults import Fault, Faults
from paygate.sandbox.ledger import Ledger, PretendCharge

SLOW_SECONDS: Final = 0.3
GARBAGE: Final = b"<html><body>It works!"


class PayerAction(StrEnum):
    """What a payer can do with an open charge."""

    PAY = "pay"
    FAIL = "fail"
    EXPIRE = "expire"


OUTCOMES: Final[Mapping[PayerAction, ChargeStatus]] = {
    PayerAction.PAY: ChargeStatus.PAID,
    PayerAction.FAIL: ChargeStatus.FAILED,
    PayerAction.EXPIRE: ChargeStatus.EXPIRED,
}
"""How a charge stands after each of them."""


class Simulator(Protocol):
    """A pretend provider: as strict as the real one should be, and with no I/O of its own."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def faults(self) -> Faults: ...

    @property
    def deliveries(self) -> Deliveries: ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """What a merchant configures to reach it, all but `base_url`."""
        ...

    def operation(self, request: httpx.Request) -> str | None:
        """Which operation a request asks for; None for a path that the provider does not have."""
        ...

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as the provider would."""
        ...

    def refusal(self, request: httpx.Request) -> httpx.Response:
        """A well-formed "no" of this provider's to a request that was not refused."""
        ...

    def busy(self, request: httpx.Request, retry_after: int) -> httpx.Response:
        """Say "too many requests" as this provider does."""
        ...

    def revoke_tokens(self) -> None:
        """Let every token end now."""
        ...

    @property
    def variants(self) -> Sequence[str]:
        """The ways in which this provider can call back, the usual one first; it is set in its portal."""
        ...

    variant: str
    """The way in which it calls back from now on, one of `variants`."""

    def act(self, reference: str, action: PayerAction, by: Method | None = None) -> PretendCharge:
        """Let the payer do something with a charge; a callback follows. Raises KeyError, ValueError.

        `by` is how a payment link is paid; other charges have but their own way.
        """
        ...


class Played(Struct):
    """How an exchange ends: the reply, and what happens to the connection instead of sending it."""

    reply: httpx.Response | None
    fault: Fault | None


def play(simulator: Simulator, request: httpx.Request) -> Played:
    """Let the simulator answer a request, and its planned fault spoil the answer."""
    operation = simulator.operation(request)
    fault = simulator.faults.next(operation) if operation is not None else None
    if operation is None or fault is None:
        return Played(simulator.handle(request), None)
    if fault is Fault.LOSE:
        return Played(None, fault)
    if fault is Fault.RATE_LIMIT:
        return Played(simulator.busy(request, 1), fault)
    if fault is Fault.REVOKE:
        simulator.revoke_tokens()
    reply = simulator.handle(request)
    if fault is Fault.ERROR:
        reply = httpx.Response(500, text="Internal Server Error")
    elif fault is Fault.GARBAGE:
        reply = httpx.Response(200, content=GARBAGE, headers={"Content-Type": "text/html"})
    elif fault is Fault.STATUS_DISAGREES:
        status = 400 if reply.status_code == 200 else 200
        reply = httpx.Response(status, content=reply.content, headers=reply.headers)
    elif fault is Fault.CODE_DISAGREES:
        refusal = simulator.refusal(request)
        # Where every "no" comes under HTTP 200 it agrees with it: that would be a lie, which nobody can see.
        if not refusal.is_success:
            body = refusal.content
            reply = httpx.Response(200, content=body, headers={"Content-Type": "application/json"})
    return Played(reply, fault)
