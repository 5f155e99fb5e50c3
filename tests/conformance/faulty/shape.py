"""Faults in an adapter's form, and in what its instances share."""

from collections.abc import Callable
from typing import Any, ClassVar

from paygate import (
    Charge,
    ChargeRef,
    Credential,
    EWallet,
    Flow,
    UnsupportedOperation,
    for_methods,
    hookimpl,
)
from tests.conformance.faulty.registry import EVERYTHING, caught_by
from tests.conformance.sound.adapter import CHARGED, Lontar
from tests.conformance.sound.settings import Settings


@caught_by("adapter_is_well_formed", "`query` is async", EVERYTHING)
class HasCoroutines(Lontar):
    """Writes its hooks as coroutines, which nobody awaits (hermes-agent#109196)."""

    @hookimpl
    @for_methods(*CHARGED)
    async def query(self, charge: ChargeRef) -> Charge:  # type: ignore[override]
        raise NotImplementedError


@caught_by("adapter_is_well_formed", "unknown hook 'cancell'", EVERYTHING)
class MisspellsAHook(Lontar):
    """Misspells a hook, which pluggy passes over in silence."""

    @hookimpl
    def cancell(self, charge: ChargeRef) -> Flow[Charge]:
        return (yield from self._cancel(charge))


@caught_by("adapter_is_well_formed", "`api_version` is 0")
class IsForAnotherVersion(Lontar):
    """Was written for an interface that is not this one."""

    api_version = 0


@caught_by("operations_complete", "returned Request where a flow (a generator) was due", EVERYTHING)
class ReturnsARequest(Lontar):
    """Returns a request where a flow is due (a forgotten `yield`)."""

    @hookimpl
    @for_methods(*CHARGED)
    def query(self, charge: ChargeRef) -> Any:
        return self._post("/v1/query", {"reference": charge.reference})


@caught_by(
    "operations_complete",
    "cancel of the adapter ended with PluginError: the adapter failed before sending anything",
    "callbacks_of_every_status_are_told",
    "cancel_never_sends_twice",
    "cancellation_passes_through",
    "declared_codes_map",
    "refused_is_not_unknown",
    "unknown_code_is_unknown",
    "unsettled_is_settled_by_query",
)
class PromisesTooMuch(Lontar):
    """Claims to cancel by every method (BetterPay: claimed before it worked)."""

    @hookimpl
    @for_methods(*CHARGED)
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        if charge.method == EWallet("dana"):
            raise NotImplementedError
        return (yield from self._cancel(charge))


@caught_by(
    "operations_complete",
    "Lontar does not offer this",
    "callbacks_of_every_status_are_told",
    "cancel_never_sends_twice",
    "cancellation_passes_through",
    "refused_is_not_unknown",
    "unsettled_is_settled_by_query",
)
class FindsOutTooLate(Lontar):
    """Says after sending that it cannot do it, in place of a mark (omnipay: supportsX says a method exists)."""

    @hookimpl
    @for_methods(*CHARGED)
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        found = yield from self._query(charge)
        if found.method == EWallet("dana"):
            raise UnsupportedOperation("Lontar does not offer this")
        return (yield from self._cancel(charge))


@caught_by(
    "gateways_share_nothing", "a gateway rejects its own genuine calls", "tampered_callbacks_are_rejected"
)
class KeepsItsSettingsOnTheClass(Lontar):
    """Keeps the key where all gateways see it: the last one's is used (xendit-python; django-paypal#77)."""

    latest: ClassVar[Settings]

    def __init__(self, gateway: str, settings: Settings, clock: Callable[[], float]) -> None:
        super().__init__(gateway, settings, clock)
        type(self).latest = settings

    def _key(self) -> bytes:
        return type(self).latest.callback_secret.reveal().encode()


@caught_by(
    "gateways_share_nothing", "create_charge of the adapter ended with AuthenticationFailed", EVERYTHING
)
class SharesItsToken(Lontar):
    """Keeps one token for the whole process, whoever logged in first."""

    held: ClassVar[dict[str, Credential]] = {}

    @hookimpl
    def authorize(self) -> Flow[Credential]:
        if "token" not in self.held or self.held["token"].expires_at < self._clock():
            self.held["token"] = yield from super().authorize()
        return self.held["token"]


@caught_by("gateways_share_nothing", "the adapter answered with another charge than was asked for")
class ThinksThereIsOneGateway(Lontar):
    """Writes the name of the first gateway into every charge (a module's global)."""

    first: ClassVar[list[str]] = []

    def __init__(self, gateway: str, settings: Settings, clock: Callable[[], float]) -> None:
        self.first.append(gateway)
        super().__init__(self.first[0], settings, clock)
