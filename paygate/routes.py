"""Which gateways a charge may go to, in which order, and when it goes on to the next."""

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Generic, TypeVar

from paygate.errors import ConfigurationError, InvalidCharge, PaygateError, UnsupportedOperation
from paygate.hints import meant
from paygate.methods import METHODS, Method
from paygate.model import Charge, ChargeRef, ChargeRequest
from paygate.offline import Offline
from paygate.settings import OTHER, Routes

log = logging.getLogger("paygate")

G = TypeVar("G", bound=Offline)
REMEMBERED: Final = 10_000
ALONE: Final = nullcontext()


class Switchboard(Generic[G]):
    """The gateways of a configuration by name, and the routes to them.

    A route is checked at start: each of its gateways must take the method, or the bank, wallet or store.
    Raises ConfigurationError. Without a route a charge goes to the only gateway that takes its method.
    """

    def __init__(self, gateways: Mapping[str, G], routes: Routes) -> None:
        self.by_name = gateways
        self._routes = {place: _checked(place, names, gateways) for place, names in routes.items()}
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
                f"gateway {charge.gateway!r} made this charge and is no longer configured"
                f"{meant(charge.gateway, self.by_name)}: put [gateways.{charge.gateway}] back until its "
                "charges are settled; routes need not name it",
                reference=charge.reference,
            )
        return gateway

    def takers(self, request: ChargeRequest, gateway: str | None) -> Sequence[G]:
        """The gateways to try, in order, at least one: the one named, the route's, or the only one that can.

        A reference that was given to one of several gateways stays with it, lest two make its charge.
        """
        if not isinstance(request, ChargeRequest):
            raise InvalidCharge("request", f"use ChargeRequest, not {type(request).__name__}")
        if gateway is not None:
            return (self.named(gateway),)
        holder = self._given.holder(request.reference)
        return self._routed(request.method) if holder is None else (self.by_name[holder],)

    def holding(self, request: ChargeRequest, gateway: G) -> AbstractContextManager[None]:
        """Remember, while a charge is being made and afterwards, which of several gateways has its reference.

        It is forgotten where the gateway had it for the first time and did nothing with it.
        """
        return _Holding(self._given, request.reference, gateway.name) if len(self.by_name) > 1 else ALONE

    def pass_on(self, request: ChargeRequest, gateway: G, failure: PaygateError) -> None:
        """Let the next gateway of a route have a charge; raise the failure where that is not safe."""
        if not failure.elsewhere:
            raise failure
        log.warning(
            "paygate: charge %s goes on from gateway %s: %s",
            request.reference,
            gateway.name,
            type(failure).__name__,
        )

    def route(self, method: Method) -> tuple[str, ...]:
        """The names of the gateways that a method goes to, in order; none where no gateway takes it."""
        try:
            return tuple(one.name for one in self._routed(method))
        except (ConfigurationError, UnsupportedOperation):
            return ()

    def _routed(self, method: Method) -> Sequence[G]:
        kind = method.kind
        routed = self._routes.get((kind, method.brand)) or self._routes.get((kind, OTHER))
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
        label = f"{kind} {method.brand}".strip()
        if able:
            names = ", ".join(one.name for one in able)
            raise ConfigurationError(f"several gateways offer {label}: add routes.{kind} ({names})")
        raise UnsupportedOperation(f"no configured gateway offers {label}", operation="create_charge")

    def _able(self, method: Method | type[Method]) -> list[G]:
        return [one for one in self.by_name.values() if one.supports("create_charge", method)]


class _Given:
    """Which gateway has which reference, of the latest ones; in this process alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[str, str] = {}

    def holder(self, reference: str) -> str | None:
        return self._holders.get(reference)

    def give(self, reference: str, gateway: str) -> bool:
        """Whether nobody had it before."""
        with self._lock:
            is_new = reference not in self._holders
            self._holders[reference] = gateway
            if len(self._holders) > REMEMBERED:
                del self._holders[next(iter(self._holders))]
        return is_new

    def take_back(self, reference: str) -> None:
        with self._lock:
            self._holders.pop(reference, None)


class _Holding:
    def __init__(self, given: _Given, reference: str, gateway: str) -> None:
        self._given = given
        self._reference = reference
        self._gateway = gateway

    def __enter__(self) -> None:
        self._is_new = self._given.give(self._reference, self._gateway)

    def __exit__(self, _: object, failure: BaseException | None, __: object) -> None:
        if self._is_new and isinstance(failure, PaygateError) and failure.elsewhere:
            self._given.take_back(self._reference)


def _checked(place: tuple[str, str], names: Iterable[str], gateways: Mapping[str, G]) -> tuple[G, ...]:
    """The gateways of a route, each of which must take what the route is for."""
    kind, brand = place
    method = next(one for one in METHODS if one.kind == kind)
    wanted: Method | type[Method] = method
    if brand not in ("", OTHER):
        wanted = method(brand)  # type: ignore[arg-type] # only those with a brand have such routes
    for name in names:
        if not gateways[name].supports("create_charge", wanted):
            label = ".".join(filter(None, place))
            raise ConfigurationError(
                f"routes.{label}: gateway {name!r} does not offer {f'{kind} {brand}'.strip()}", gateway=name
            )
    return tuple(gateways[name] for name in names)
