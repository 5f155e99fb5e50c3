"""Where questions meet their adapter: one plugin manager, one adapter, any number of listeners."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pluggy

from paygate.callback import AGAIN, Callback, CallbackReply, CallbackRequest, Conflict
from paygate.capabilities import NOTHING, Served, parts_of, served_by
from paygate.conflicts import compared, learnt
from paygate.errors import CallbackRejected, InvalidCharge, PaygateError, PluginError, UnsupportedOperation
from paygate.flow import Credential, Flow
from paygate.hookspecs import QUESTIONS
from paygate.listeners import Listeners
from paygate.methods import METHODS, Method, label
from paygate.model import Charge, ChargeRef, ChargeRequest, ChargeStatus
from paygate.operation import LOGIN, Operation
from paygate.redaction import place_of
from paygate.refunds import RefundRequest
from paygate.registration import registered
from paygate.returns import check
from paygate.sharing import SharedCredential, SharedPlace

if TYPE_CHECKING:
    from paygate.store.entries import Learnt

log = logging.getLogger("paygate")

LARGEST_CALLBACK: Final = 256 * 1024


class Desk:
    """One gateway's adapter: what it can do, what it is asked, and who hears of it."""

    def __init__(
        self,
        gateway: str,
        adapter: object,
        listeners: Sequence[object],
        clock: Callable[[], float],
    ) -> None:
        self.gateway = gateway
        self._clock = clock
        hook = registered(gateway, adapter, listeners).hook
        # With one adapter and no wrappers a hook call is its implementation, found once and called directly.
        self._ask: dict[str, Callable[..., Any]] = {}
        self._served: dict[str, Served] = {}
        for name in QUESTIONS:
            for impl in getattr(hook, name).get_hookimpls():
                self._ask[name] = _direct(getattr(hook, name), impl)
                self._served[name] = served_by(impl.function)
                if name == "refund":
                    self._served["partial_refund"] = parts_of(impl.function)
        self._parse = self._ask.get("parse_callback")
        self.listeners = Listeners(hook)
        self._hears_callbacks = self.listeners.is_heard("callback_received")

    def supports(self, operation: str, method: Method | type[Method] | None = None) -> bool:
        """Whether the adapter answers this operation, for this method where one is named."""
        served = self._served.get(operation)
        if method is None or served is None:
            return served is not None
        return served.takes(method) if isinstance(method, type) else method in served

    def login(self) -> Operation[Credential]:
        """The login."""
        return Operation(self.gateway, LOGIN, self._ask[LOGIN], changes=False)

    def sharing(self, place: SharedPlace | None) -> SharedCredential | None:
        """How all processes share the credential; None where each has its own, or none can be restored."""
        if place is None:
            return None
        restore = self._ask.get("restore_credential")
        if restore is None or not place.is_secret:
            log.info(
                "paygate: gateway %s keeps its credential in the process, for its adapter shares none",
                self.gateway,
            )
            return None
        return SharedCredential(place, restore, self._clock)

    def create_charge(self, request: ChargeRequest) -> Operation[Charge]:
        """A new charge."""
        if not isinstance(request, ChargeRequest):
            raise InvalidCharge("request", f"use ChargeRequest, not {type(request).__name__}")
        expires_at = request.expires_at
        if expires_at is not None and expires_at.timestamp() <= self._clock():
            raise InvalidCharge("expires_at", "use a time in the future", reference=request.reference)
        return self._operation("create_charge", request, changes=True)

    def query(self, charge: Charge | ChargeRef) -> Operation[Charge]:
        """How a charge stands."""
        return self._about("query", charge, changes=False)

    def cancel(self, charge: Charge | ChargeRef) -> Operation[Charge]:
        """The end of an unpaid charge."""
        return self._about("cancel", charge, changes=True)

    def refund(self, charge: Charge | ChargeRef, refund: RefundRequest) -> Operation[Charge]:
        """Money back, the whole or a part."""
        if not isinstance(refund, RefundRequest):
            raise InvalidCharge("refund", f"use RefundRequest, not {type(refund).__name__}")
        ref = self._ref(charge)
        check(charge, refund)
        operation = self._operation("refund", ref, refund, changes=True)
        if refund.amount not in (None, ref.amount):
            self._check("partial_refund", ref)
        return operation

    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Have a callback verified and read, and announce it."""
        callback = self.read_callback(request)
        if self._hears_callbacks:
            self.listeners.announce("callback_received", callback=callback)
        return callback

    def read_callback(self, request: CallbackRequest) -> Callback:
        """Have a callback verified and read; whatever its bytes, raise nothing but CallbackRejected."""
        if len(request.body) > LARGEST_CALLBACK:
            raise CallbackRejected(
                "size",
                f"the body is larger than {LARGEST_CALLBACK} bytes",
                _plain(413, "Content Too Large"),
                gateway=self.gateway,
                operation="parse_callback",
            )
        if self._parse is None:
            raise UnsupportedOperation(
                "the adapter reads no callbacks", gateway=self.gateway, operation="parse_callback"
            )
        try:
            callback: Callback = self._parse(request)
            if type(callback) is not Callback:
                raise TypeError("no callback")
        except CallbackRejected as rejected:
            rejected.locate(gateway=self.gateway, operation="parse_callback")
            if rejected.reply is None:
                rejected.reply = _plain(401, "Unauthorized")
            raise
        except Exception as error:  # noqa: BLE001 - a stranger's bytes must not choose our exception
            raise CallbackRejected(
                "adapter",
                f"the adapter failed on this callback ({place_of(error)})",
                AGAIN,
                gateway=self.gateway,
                operation="parse_callback",
            ) from None
        return callback

    def compare(self, callback: Callback, known: Sequence[Charge | None]) -> Callback:
        """Hold a callback against what the merchant knows, and announce news and conflicts."""
        if callback.gateway != self.gateway:
            raise InvalidCharge(
                "gateway", f"this callback belongs to gateway {callback.gateway!r}, not {self.gateway!r}"
            )
        if callback.confirm:
            raise InvalidCharge("confirm", "ask how its charges stand first, by gateway.confirm(callback)")
        if len(known) != len(callback.charges):
            raise InvalidCharge("known", "give one charge, or None, for each of the callback's, in order")
        result = compared(callback, known)
        before = {(one.gateway, one.reference): one for one in known if one is not None}
        for charge in result.charges:
            self._changed(charge, _status(before.get((charge.gateway, charge.reference))))
        self._found(result.conflicts)
        return result

    def explain(self, name: str, *about: Any) -> Any:
        """Ask an optional question that helps a person and changes nothing."""
        if name not in self._ask:
            raise UnsupportedOperation(
                f"this adapter does not answer {name}", gateway=self.gateway, operation=name
            )
        try:
            return self._ask[name](*about)
        except PaygateError as error:
            error.locate(gateway=self.gateway, operation=name)
            raise
        except Exception as error:  # noqa: BLE001 - an adapter may raise anything
            raise PluginError(
                f"the adapter failed ({place_of(error)})", gateway=self.gateway, operation=name
            ) from None

    def learnt(
        self, charge: Charge, before: Charge | ChargeRef | None, refund: RefundRequest | None = None
    ) -> Charge:
        """Announce a status that the caller did not have; one that is behind it is not applied.

        What is known of refunds stays in it. An answer to `refund` tells news of that one, never less.
        """
        conflict = None
        if isinstance(before, Charge):
            charge, conflict = learnt(charge, before, refund.reference if refund is not None else None)
        if conflict is not None:
            self._found([conflict])
        self._changed(charge, _status(before))
        return charge

    def tell(self, learnt: "Learnt") -> Charge:
        """Announce what the journal has learnt of a charge; returns how it stands."""
        self._found(learnt.conflicts)
        self._changed(learnt.charge, learnt.before)
        return learnt.charge

    def _found(self, conflicts: Iterable[Conflict]) -> None:
        for conflict in conflicts:
            self.listeners.announce("conflict_found", conflict=conflict)

    def _changed(self, charge: Charge, before: ChargeStatus | None) -> None:
        if charge.status is not before and self.listeners.is_heard("charge_changed"):
            self.listeners.announce("charge_changed", charge=charge)

    def _about(self, name: str, charge: Charge | ChargeRef, *, changes: bool) -> Operation[Charge]:
        return self._operation(name, self._ref(charge), changes=changes)

    def _ref(self, charge: Charge | ChargeRef) -> ChargeRef:
        """The part of a charge of this gateway's that names it."""
        ref = charge.ref if isinstance(charge, Charge) else charge
        if not isinstance(ref, ChargeRef):
            raise InvalidCharge("charge", f"use a Charge or a ChargeRef, not {type(ref).__name__}")
        if ref.gateway != self.gateway:
            raise InvalidCharge(
                "gateway",
                f"this charge belongs to gateway {ref.gateway!r}, not {self.gateway!r}",
                reference=ref.reference,
            )
        if ref.method is not None and type(ref.method) not in METHODS:
            raise InvalidCharge("method", "use Qris(), EWallet(...), …", reference=ref.reference)
        return ref

    def _operation(
        self, name: str, about: ChargeRequest | ChargeRef, *more: RefundRequest, changes: bool
    ) -> Operation[Charge]:
        self._check(name, about)
        ask: Callable[[], Flow[Charge]] = partial(self._ask[name], about, *more)
        customer = about.customer if isinstance(about, ChargeRequest) else None
        personal = customer.values if customer is not None else tuple(one.reason for one in more)
        return Operation(
            self.gateway,
            name,
            ask,
            reference=about.reference,
            method=about.method,
            changes=changes,
            personal=personal,
        )

    def _check(self, name: str, about: ChargeRequest | ChargeRef) -> None:
        """See that the adapter offers an operation for a charge's method, before anything is sent."""
        method, served = about.method, self._served.get(name, NOTHING)
        if method in served:
            return
        if method is None:
            raise InvalidCharge(
                "method",
                "the callback did not tell how it was paid: name the method, as your order has it",
                gateway=self.gateway,
                operation=name,
                reference=about.reference,
            )
        raise UnsupportedOperation(
            f"this adapter does not offer {name} for {label(method.kind, method.brand)}; "
            f"it does for {_others(served, type(method))}",
            gateway=self.gateway,
            operation=name,
            reference=about.reference,
        )


def _status(charge: Charge | ChargeRef | None) -> ChargeStatus | None:
    return charge.status if isinstance(charge, Charge) else None


def _others(served: Served, kind: type[Method]) -> str:
    """What an implementation serves instead: other brands of a method, or else other methods."""
    names = sorted(served.brands(kind)) or [one.kind for one in METHODS if served.takes(one)]
    return ", ".join(names) or "no method at all"


def _direct(hook: pluggy.HookCaller, impl: pluggy.HookImpl) -> Callable[..., Any]:
    """An implementation to call with all arguments of its hook; it may take fewer, as in pluggy."""
    assert hook.spec is not None
    offered, taken = hook.spec.argnames, impl.argnames
    if taken == offered:
        return impl.function
    places = [offered.index(name) for name in taken]
    return lambda *arguments: impl.function(*(arguments[place] for place in places))


def _plain(status: int, message: str) -> CallbackReply:
    return CallbackReply(status, {"Content-Type": "text/plain"}, message.encode())
