"""One scenario's bench: a pretend provider, a wire, a clock, and gateways of the adapter over them."""

import contextlib
import itertools
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import httpx
import msgspec

from paygate import settings as configuration
from paygate.conformance.report import Breach
from paygate.conformance.subject import Abilities
from paygate.conformance.tripwire import Tripwire
from paygate.conformance.watch import Canaries, secrets_of
from paygate.conformance.wire import Sent, Wire
from paygate.errors import PaygateError
from paygate.flow import Conversation
from paygate.gateway import AsyncGateway, Gateway
from paygate.methods import Method
from paygate.model import Charge, ChargeRef, ChargeRequest, Item
from paygate.money import Money
from paygate.refunds import RefundRequest
from paygate.retrying import Retry
from paygate.sandbox.ledger import PretendCharge
from paygate.sandbox.simulator import PayerAction, Simulator

if TYPE_CHECKING:
    from paygate.conformance.kit import GatewayConformance

GATEWAY: Final = "main"
QUICK: Final = Retry(attempts=3, first_wait_seconds=0.001, longest_wait_seconds=0.002, deadline_seconds=0.5)
ONCE: Final = Retry(attempts=1)
UNBREAKABLE: Final = 1_000_000
NUMBERS: Final = itertools.count(1)
RUN: Final = secrets.token_hex(4)


class Clock:
    """The time, as far ahead or behind as a scenario wants it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Bench:
    """Everything that one scenario works with; `method` is what it is played by."""

    def __init__(
        self, kit: "GatewayConformance", method: Method, abilities: Abilities, *, account: int = 0
    ) -> None:
        self.kit = kit
        self.method = method
        self.abilities = abilities
        self.clock = Clock()
        self.simulator = kit.provider(account)
        self._reset(self.simulator)
        self.settings = dict(kit.settings(self.simulator))
        self.base_url = str(self.settings["base_url"])
        self.wire = Wire({self.base_url: self.simulator})

    @staticmethod
    def _reset(simulator: Simulator) -> None:
        """Leave nothing of the scenario before: a provider serves many of them, one after another."""
        simulator.faults.clear()
        simulator.variant = simulator.variants[0]
        for delivery in simulator.deliveries.take():
            simulator.deliveries.record(delivery, (), accepted=True)

    # what is tried

    def adapter(self, settings: Mapping[str, Any] | None = None, name: str = GATEWAY) -> Any:
        """A new adapter; whatever it raises for its settings comes out as it is."""
        kind = self.kit.adapter
        return kind(name, self.fitted(settings, name), self.clock)

    def fitted(self, settings: Mapping[str, Any] | None = None, name: str = GATEWAY) -> Any:
        """The adapter's own settings, read as from a configuration."""
        given = {"adapter": "under-test", **(self.settings if settings is None else settings)}
        own = configuration.from_mapping({"gateways": {name: given}})
        return own.gateways[name].fitted(self.kit.adapter.settings_type)

    def gateway(self, adapter: Any = None, name: str = GATEWAY, **options: Any) -> Gateway:
        """A blocking gateway over the wire."""
        return Gateway(name, adapter or self.adapter(name=name), **self._options(options))

    def async_gateway(self, adapter: Any = None, **options: Any) -> AsyncGateway:
        """An async gateway over the wire."""
        return AsyncGateway(GATEWAY, adapter or self.adapter(), **self._options(options))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        return {
            "transport": self.wire,
            "retry": QUICK,
            "breaker_failures": UNBREAKABLE,
            "clock": self.clock,
            **options,
        }

    def differs(self, other: "Bench") -> list[str]:
        """The settings that belong to one account: they are others on another account's bench."""
        return [key for key, value in self.settings.items() if other.settings.get(key) != value]

    @property
    def secrets(self) -> Canaries:
        """The secret settings, and how they are called."""
        return secrets_of(self.settings, self.kit.adapter.settings_type)

    @property
    def public(self) -> frozenset[str]:
        """The settings that are no secret: they may be seen wherever they are."""
        secrets = self.secrets
        return frozenset(
            value for value in self.settings.values() if isinstance(value, str) and value not in secrets
        )

    # what is asked

    def reference(self) -> str:
        """A number of the merchant's that was never used."""
        return f"KIT-{RUN}-{next(NUMBERS):08d}-Pesanan"

    def request(self, method: Method | None = None, amount: Money | None = None) -> ChargeRequest:
        """A new charge request, as the kit makes it; or the same over another amount."""
        request = self.kit.request(method or self.method, self.reference())
        if amount is None:
            return request
        items = (Item(request.items[0].name, amount),) if request.items else ()
        return msgspec.structs.replace(request, amount=amount, items=items)

    def refund(self, amount: Money | None = None) -> RefundRequest:
        """A new refund, of the whole charge unless told."""
        return RefundRequest(reference=f"R{self.reference()}", reason="Barang habis", amount=amount)

    def later(self, charge: Charge | ChargeRef) -> list[tuple[str, tuple[Any, ...]]]:
        """What else the adapter offers for a charge, and what to ask it with."""
        asked: tuple[tuple[str, tuple[Any, ...]], ...] = (
            ("query", (charge,)),
            ("cancel", (charge,)),
            ("refund", (charge, self.refund())),
        )
        return [one for one in asked if self.abilities.can(one[0], self.method)]

    def created(self, gateway: Gateway, request: ChargeRequest | None = None) -> Charge:
        """A charge that must succeed."""
        return gateway.create_charge(request or self.request())

    def paid(self, gateway: Gateway, request: ChargeRequest | None = None) -> Charge:
        """A charge, paid for; as it was told when it was made."""
        charge = self.created(gateway, request)
        self.simulator.act(charge.reference, PayerAction.PAY)
        return charge

    def tried(self, gateway: Gateway, operation: str, *about: Any) -> Charge | PaygateError:
        """What comes of an operation, an error of paygate's included; without the network."""
        with Tripwire() as tripwire:
            try:
                outcome: Charge | PaygateError = getattr(gateway, operation)(*about)
            except PaygateError as error:
                outcome = error
        if self.wire.failure is not None:
            failure, self.wire.failure = self.wire.failure, None
            raise failure
        if tripwire.touched:
            raise Breach(f"{operation} used {tripwire.touched[0]} by itself, past paygate")
        return outcome

    # what is in the books

    def booked(self, reference: str) -> PretendCharge:
        """A charge in the provider's books."""
        charge = self.simulator.ledger.find(reference)
        if charge is None:
            raise Breach("the charge was told as made, and the provider's books do not have it")
        return charge

    def since(self, mark: int) -> list[Sent]:
        """What was sent after the first so many requests, logins left out."""
        return [one for one in self.wire.sent[mark:] if one.operation != "authorize"]

    @property
    def mark(self) -> int:
        """How many requests were sent so far."""
        return len(self.wire.sent)

    @property
    def logs_in(self) -> bool:
        """Whether the adapter asks for its credential."""
        talk = Conversation(self.adapter().authorize())
        talk.close()
        return talk.request is not None

    @contextlib.contextmanager
    def called_back_by(self, variant: str) -> Iterator[None]:
        """Let the provider call back in one of its ways."""
        before = self.simulator.variant
        self.simulator.variant = variant
        try:
            yield
        finally:
            self.simulator.variant = before


def ref_of(request: ChargeRequest) -> ChargeRef:
    """The name of a charge that was asked for, whatever came of it."""
    return ChargeRef(GATEWAY, request.reference, request.method, None, request.amount)


def told(outcome: Charge | PaygateError) -> str:
    """What came of an operation, as the rest of a sentence."""
    if isinstance(outcome, PaygateError):
        return f"raised {type(outcome).__name__} ({outcome.what.rstrip('.')})"
    return f"told a charge that is {outcome.status.value}"


def last_request(bench: Bench, operation: str) -> httpx.Request:
    """The last request of an operation that was sent."""
    return next(one.request for one in reversed(bench.wire.sent) if one.operation == operation)
