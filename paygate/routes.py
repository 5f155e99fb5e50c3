"""Which gateways a charge may go to, in which order, and when it goes on to the next."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, Generic, TypeVar

from paygate.errors import (
    ConfigurationError,
    InvalidCharge,
    PaygateError,
    StoreUnavailable,
    UnsupportedOperation,
)
from paygate.held import HeldElsewhere
from paygate.hints import meant
from paygate.methods import METHODS, Method, label
from paygate.model import Charge, ChargeRef, ChargeRequest
from paygate.offline import Offline
from paygate.settings import OTHER, Routes, route_of

log = logging.getLogger("paygate")

G = TypeVar("G", bound=Offline)
REMEMBERED: Final = 10_000


class Switchboard(Generic[G]):
    """The gateways of a configuration by name, and the routes to them.

    A route is checked at start: each of its gateways must take the method, or the bank, wallet or store.
    Raises ConfigurationError. Without a route a charge goes to the only gateway that takes its method.
    """

    def __init__(self, gateways: Mapping[str, G], routes: Routes) -> None:
        self.by_name = gateways
        self._routes = {place: _checked(place, names, gateways) for place, names in routes.items()}
        self._several = len(gateways) > 1
        self._given = _Given()

    def named(self, name: str) -> G:
        """The gateway of that name; raise ConfigurationError where there is none."""
        try:
            return self.by_name[name]
        except KeyError:
            raise ConfigurationError(
                f"no gateway is named {name!r}; configured: {', '.join(self.by_name)}"
            ) from None

    def of(self, charge: Charge | ChargeRef) -> G:
        """The gateway that made a charge, whatever the routes say now."""
        if not isinstance(charge, (Charge, ChargeRef)):
            raise InvalidCharge("charge", f"use a Charge or a ChargeRef, not {type(charge).__name__}")
        gateway = self.by_name.get(charge.gateway)
        if gateway is None:
            raise ConfigurationError(
                f"gateway {charge.gateway!r} made this charge and is no longer configured: put "
                f"[gateways.{charge.gateway}] back until its charges are settled; routes need not name it"
                f"{meant(charge.gateway, self.by_name)}",
                reference=charge.reference,
            )
        return gateway

    def offer(self, request: ChargeRequest, gateway: str | None) -> "Offer[G]":
        """A new charge's way: to the gateway named, to the route's in order, or to the only one that can.

        A reference that one of several gateways has, or may have, stays with it, lest two make its charge.
        Naming a gateway overrules that.
        """
        if not isinstance(request, ChargeRequest):
            raise InvalidCharge("request", f"use ChargeRequest, not {type(request).__name__}")
        reference, given = request.reference, self._given
        if gateway is not None:
            named = (self.named(gateway),)
            return Offer(reference, named, given, given.name(reference, gateway) if self._several else None)
        takers = self._routed(request.method)
        if not self._several:
            return Offer(reference, takers, given, None, self._holding)
        claim = given.make(reference, takers[0].name)
        if claim.gateway != takers[0].name:
            takers = (self.by_name[claim.gateway],)
        return Offer(reference, takers, given, claim, self._holding)

    def _holding(self, gateway: str, reference: str) -> G:
        """The gateway that the store says has a reference."""
        return self.of(ChargeRef(gateway, reference, None))

    def route(self, method: Method) -> tuple[str, ...]:
        """The names of the gateways that a method goes to, in order; none where no gateway takes it."""
        try:
            return tuple(one.name for one in self._routed(method))
        except (ConfigurationError, UnsupportedOperation):
            return ()

    def _routed(self, method: Method) -> Sequence[G]:
        kind = method.kind
        routed = route_of(self._routes, kind, method.brand)
        if routed is not None:
            takers = [one for one in routed if one.supports("create_charge", method)]
            if takers:
                return takers
            names = ", ".join(one.name for one in routed)
            raise UnsupportedOperation(
                f"routes.{kind} goes to {names}, and none of them takes {method.brand}",
                operation="create_charge",
            )
        able = self._able(method) or self._able(type(method))
        if len(able) == 1:
            return able  # which may refuse a brand, and says what it takes instead
        wanted = label(kind, method.brand)
        if able:
            names = ", ".join(one.name for one in able)
            raise ConfigurationError(f"several gateways offer {wanted}: add routes.{kind} ({names})")
        raise UnsupportedOperation(f"no configured gateway offers {wanted}", operation="create_charge")

    def _able(self, method: Method | type[Method]) -> list[G]:
        return [one for one in self.by_name.values() if one.supports("create_charge", method)]


class Offer(Generic[G]):
    """A new charge on its way: `with` it each gateway in turn is asked, until one has it or may have it.

    It goes on to the next gateway only after an error that is `elsewhere`, and only where no other call of
    the same reference is at the gateway before or has left a charge there. Else the error is raised. Where
    the store tells which gateway has it, that one is asked, and no other.
    """

    def __init__(
        self,
        reference: str,
        takers: Sequence[G],
        given: "_Given",
        claim: "_Claim | None",
        holding: Callable[[str, str], G] | None = None,
    ) -> None:
        self._reference = reference
        self._holding = holding
        self._taker, *self._left = takers
        self._given = given
        self._claim = claim
        self._before: list[str] = []

    def __enter__(self) -> G:
        return self._taker

    def __exit__(self, _: object, failure: BaseException | None, __: object) -> bool:
        if isinstance(failure, HeldElsewhere) and self._holding is not None:
            self._follow(self._holding, failure.gateway)
            return True
        if self._claim is None:
            return False
        is_undone = isinstance(failure, PaygateError) and failure.elsewhere
        following = self._left[0].name if self._left and is_undone else None
        is_free = is_undone or isinstance(failure, StoreUnavailable)  # the store itself says who has it
        if self._given.left(self._reference, self._claim, following, is_undone=is_free):
            kind = type(failure).__name__
            log.warning(
                "paygate: charge %s goes on from gateway %s to %s: %s",
                self._reference,
                self._taker.name,
                following,
                kind,
            )
            self._before.append(f"{self._taker.name} ({kind})")
            self._taker = self._left.pop(0)
            return True
        if self._before and isinstance(failure, PaygateError):
            failure.add_note(f"Tried before, and nothing was done there: {', '.join(self._before)}.")
        return False

    def _follow(self, holding: Callable[[str, str], G], gateway: str) -> None:
        """Go where the store says that the reference is; raise ConfigurationError where that is gone."""
        try:
            self._taker, self._left = holding(gateway, self._reference), []
        except ConfigurationError as gone:
            if self._claim is not None:
                self._given.left(self._reference, self._claim, None, is_undone=True)
            raise gone from None
        if self._claim is not None:
            self._given.moved(self._reference, self._claim, gateway)


class _Claim:
    """A reference that a gateway has or may have: while calls are under way, and after one has stayed."""

    __slots__ = ("calls", "gateway", "is_kept")

    def __init__(self, gateway: str) -> None:
        self.gateway = gateway
        self.calls = 1
        self.is_kept = False


class _Given:
    """Which gateway has which reference, of the latest ones; in this process alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: dict[str, _Claim] = {}

    def make(self, reference: str, gateway: str) -> _Claim:
        """The first call for a reference, or one more to the gateway that has it."""
        with self._lock:
            return self._made(reference, gateway)

    def name(self, reference: str, gateway: str) -> _Claim:
        """A call to a gateway by name: another that has the reference keeps it, unless this call stays."""
        with self._lock:
            claim = self._claims.get(reference)
            is_free = claim is None or claim.gateway == gateway
            return self._made(reference, gateway) if is_free else _Claim(gateway)

    def left(self, reference: str, claim: _Claim, following: str | None, *, is_undone: bool) -> bool:
        """A call has ended; whether it goes on to the gateway that follows."""
        with self._lock:
            claim.calls -= 1
            if not is_undone:
                claim.is_kept = True
                self._keep(reference, claim)
            elif not claim.calls and not claim.is_kept and self._claims.get(reference) is claim:
                if following is not None:
                    claim.gateway, claim.calls = following, 1
                    return True
                del self._claims[reference]
        return False

    def moved(self, reference: str, claim: _Claim, gateway: str) -> None:
        """The store has given a reference to another gateway, in another process."""
        with self._lock:
            claim.gateway = gateway
            self._keep(reference, claim)

    def _made(self, reference: str, gateway: str) -> _Claim:
        claim = self._claims.get(reference)
        if claim is None:
            claim = _Claim(gateway)
            self._keep(reference, claim)
        else:
            claim.calls += 1
        return claim

    def _keep(self, reference: str, claim: _Claim) -> None:
        """Remember a claim as the latest; the oldest go, save those whose calls are under way."""
        self._claims.pop(reference, None)
        self._claims[reference] = claim
        surplus = len(self._claims) - REMEMBERED
        if surplus > 0:
            idle = (name for name, one in self._claims.items() if not one.calls and one is not claim)
            for name in list(islice(idle, surplus)):
                del self._claims[name]


def _checked(place: tuple[str, str], names: Iterable[str], gateways: Mapping[str, G]) -> tuple[G, ...]:
    """The gateways of a route, each of which must take what the route is for."""
    kind, brand = place
    method = next(one for one in METHODS if one.kind == kind)
    wanted: Method | type[Method] = method
    if brand not in ("", OTHER):
        wanted = method(brand)  # type: ignore[arg-type] # only those with a brand have such routes
    for name in names:
        if not gateways[name].supports("create_charge", wanted):
            route = ".".join(filter(None, place))
            raise ConfigurationError(
                f"routes.{route}: gateway {name!r} does not offer {label(kind, brand)}", gateway=name
            )
    return tuple(gateways[name] for name in names)
