"""What paygate asks an adapter, and what it announces: the port, as pluggy hook specifications.

Questions have one answer: each gateway has a plugin manager of its own with exactly one adapter.
An adapter leaves out what its provider does not offer. Announcements go to every listener.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

import pluggy
from msgspec import Struct

from paygate.callback import Callback, CallbackRequest, Conflict
from paygate.diagnosis import Finding, Signed, Trial, Unsigned
from paygate.flow import Credential, Flow
from paygate.methods import Method
from paygate.model import Charge, ChargeRef, ChargeRequest
from paygate.refunds import RefundRequest

if TYPE_CHECKING:
    from paygate.sandbox.simulator import Simulator

API_VERSION = 1

hookspec = pluggy.HookspecMarker("paygate")
hookimpl = pluggy.HookimplMarker("paygate")

F = TypeVar("F", bound=Callable[..., object])


def for_methods(*methods: type[Method] | Method) -> Callable[[F], F]:
    """Say which methods an implementation serves; without it, all of them.

    A class stands for a whole method, as in `Qris`; an object for one brand of it, as in
    `VirtualAccount("bni")`. paygate refuses the others before anything is sent, and the capability table
    is read off this.
    """

    def mark(implementation: F) -> F:
        implementation.paygate_methods = methods  # type: ignore[attr-defined]
        return implementation

    return mark


def in_part_for(*methods: type[Method] | Method) -> Callable[[F], F]:
    """Say for which methods an implementation of `refund` gives back a part; without it, for none."""

    def mark(implementation: F) -> F:
        implementation.paygate_parts = methods  # type: ignore[attr-defined]
        return implementation

    return mark


class Exchange(Struct, frozen=True, kw_only=True):
    """One HTTP exchange, without secrets: who asked what, and how it went.

    `status` is the HTTP status; None where no reply came, and `failure` is the error's class then.
    `seconds` includes waiting for a free connection. `signed` is the shape of the string to sign, its values
    replaced by their names.
    """

    gateway: str
    operation: str
    method: str
    path: str
    status: int | None
    seconds: float
    host: str = ""
    port: int | None = None
    failure: str | None = None
    external_id: str | None = None
    signed: str | None = None


class Run(Struct, frozen=True, eq=False, kw_only=True):
    """One run of an operation, from its call to its result, with all its attempts and exchanges.

    `operation` is "create_charge", "query", "cancel", "refund", or "authorize" for a login, which runs within
    the operation that needed it. Only the same object is equal: a run's two ends can be told by it.
    """

    gateway: str
    operation: str
    reference: str | None = None
    method: Method | None = None


class Hooks(Protocol):
    """The hooks of an adapter (questions) and of a listener (announcements)."""

    @hookspec(firstresult=True)
    def authorize(self) -> Flow[Credential]:
        """Log in to the provider and get a credential. It does NOT reserve funds, as the word does for cards.

        Asked when there is no credential or it has expired; never by two callers at once. The requests
        are sent as they are, unsigned by paygate. A provider without login returns `answered(credential)`.
        """
        ...

    @hookspec(firstresult=True)
    def restore_credential(self, kept: bytes) -> Credential:
        """Make a credential anew that another process of this gateway's logged in for (optional). Pure.

        `kept` is what its `keep()` gave, in this version of the adapter or in another: check it. Whatever is
        raised, paygate logs in. Without this hook each process logs in for itself.
        """
        ...

    @hookspec(firstresult=True)
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        """Ask the provider to collect money. Raise Refused on its "no"; never send twice.

        Yield unsigned requests: paygate signs each with the credential, at the moment of sending.
        """
        ...

    @hookspec(firstresult=True)
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        """Ask the provider how a charge stands. It must change nothing, for paygate may repeat it."""
        ...

    @hookspec(firstresult=True)
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        """Ask the provider to stop collecting an unpaid charge. It is no refund."""
        ...

    @hookspec(firstresult=True)
    def refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        """Ask the provider to give a paid charge back, or a part of it (optional).

        Send `refund.reference` as what the provider knows a repeated refund by. The result is the charge,
        with this refund among its `refunds`.
        """
        ...

    @hookspec(firstresult=True)
    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Verify the raw bytes, then read them. Pure: no requests, no state.

        Raise CallbackRejected, with the reply for the provider, for anything that is not proven. Where the
        proof does not cover how a charge stands, name the charge in `confirm` instead of telling.
        """
        ...

    @hookspec(firstresult=True)
    def simulator(self, callback_url: str, pace: float) -> "Simulator":
        """Hand over a pretend provider, with an account and keys made for it (a static method; optional).

        It calls the merchant back at `callback_url`; the waits between its retries are divided by `pace`.
        """
        ...

    @hookspec(firstresult=True)
    def sign(self, message: Unsigned) -> Signed:
        """Show how a request is signed, for a person who looks for a fault; it sends nothing (optional)."""
        ...

    @hookspec(firstresult=True)
    def explain_callback(self, request: CallbackRequest, paths: tuple[str, ...]) -> tuple[Trial, ...]:
        """Try every plausible reading of a callback's signature, and say which fits (optional).

        `paths` are tried besides those that are configured. For a person who looks for a fault: whatever
        fits, only `parse_callback` decides what is believed.
        """
        ...

    @hookspec(firstresult=True)
    def diagnose(self) -> tuple[Finding, ...]:
        """Look at the settings for what could not be refused at start but may still be wrong (optional)."""
        ...

    @hookspec
    def operation_started(self, run: Run) -> None:
        """Announced before an operation begins, in the thread or task that runs it.

        What ends before that is not announced, as a charge that could never be right, an open breaker, or a
        charge that the store has already. With a store `create_charge` may run a query instead.
        """
        ...

    @hookspec
    def operation_finished(
        self, run: Run, charge: Charge | None, error: BaseException | None, seconds: float
    ) -> None:
        """Announced after every operation that was started, in the same thread or task.

        `charge` is what the provider told, None after a login; `error` is what is raised instead, also where
        the caller's task was cancelled.
        """
        ...

    @hookspec
    def exchanged(self, exchange: Exchange) -> None:
        """Announced after every HTTP exchange, whether a reply came or not."""
        ...

    @hookspec
    def charge_changed(self, charge: Charge) -> None:
        """Announced when the provider has told a status of a charge that the caller did not have.

        With a store: that the journal did not have, after the commit; of a callback, where the worker runs.
        """
        ...

    @hookspec
    def callback_received(self, callback: Callback) -> None:
        """Announced for every callback that was verified.

        With a store, once for each that was stored and is new, after the commit: not for repeats, nor for
        calls about no charge, as for a token.
        """
        ...

    @hookspec
    def conflict_found(self, conflict: Conflict) -> None:
        """Announced when a callback contradicts what the merchant knows of a charge."""
        ...


QUESTIONS = (
    "authorize",
    "restore_credential",
    "create_charge",
    "query",
    "cancel",
    "refund",
    "parse_callback",
    "simulator",
    "sign",
    "explain_callback",
    "diagnose",
)
ANNOUNCEMENTS = (
    "operation_started",
    "operation_finished",
    "exchanged",
    "charge_changed",
    "callback_received",
    "conflict_found",
)
