"""All gateways of a configuration, and which one takes a charge."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from paygate import settings
from paygate.assembly import Clock, adapter_of, opened, opened_async, shared_place_of
from paygate.callback import Callback, CallbackRequest
from paygate.errors import ConfigurationError
from paygate.gateway import AsyncGateway, Gateway
from paygate.methods import Method
from paygate.model import Charge, ChargeRef, ChargeRequest
from paygate.reconciliation import AsyncReconciler, Reconciled, Reconciler
from paygate.refunds import RefundRequest
from paygate.routes import Switchboard
from paygate.settings import Settings

if TYPE_CHECKING:
    import httpx

NOTHING_KEPT = "without a store nothing is kept of charges: configure [store]"


class Paygate:
    """Every configured gateway behind one interface, blocking; safe to share between threads.

    Use it as a context manager, or call `close`. Building it parses keys and opens nothing.
    """

    def __init__(
        self,
        configuration: Settings,
        *,
        transport: "httpx.BaseTransport | None" = None,
        listeners: Sequence[object] = (),
        clock: Clock = time.time,
    ) -> None:
        self.store = opened(configuration, clock)
        self._clock = clock
        self._switchboard: Switchboard[Gateway] = Switchboard(
            {
                name: Gateway(
                    name,
                    adapter_of(one, clock),
                    transport=transport,
                    timeout_seconds=one.timeout_seconds,
                    max_in_flight=one.max_in_flight,
                    breaker_failures=one.breaker_failures,
                    breaker_seconds=one.breaker_seconds,
                    listeners=listeners,
                    clock=clock,
                    shared_place=shared_place_of(configuration, one),
                    store=self.store,
                )
                for name, one in configuration.gateways.items()
            },
            configuration.routes,
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **options: Any) -> Self:
        """Read a TOML file: Paygate.from_file("paygate.toml"). Raises ConfigurationError, PluginError."""
        return cls(settings.from_file(path), **options)

    @classmethod
    def from_mapping(cls, document: Mapping[str, Any], **options: Any) -> Self:
        """Take the configuration as a mapping of the same shape. Raises as `from_file`."""
        return cls(settings.from_mapping(document), **options)

    def gateway(self, name: str) -> Gateway:
        """The gateway of that name; raises ConfigurationError where there is none."""
        return self._switchboard.named(name)

    @property
    def gateways(self) -> Mapping[str, Gateway]:
        """All gateways, by name."""
        return self._switchboard.by_name

    def route(self, method: Method) -> tuple[str, ...]:
        """The names of the gateways that a charge by this method is offered to, in order."""
        return self._switchboard.route(method)

    def create_charge(self, request: ChargeRequest, gateway: str | None = None) -> Charge:
        """Collect money through the gateways of this method's route, or the one named. See Gateway.

        The next gateway of a route is tried only where nothing was done by the one before: an error that
        is `elsewhere`. After OutcomeUnknown none is; the charge belongs to the error's `gateway`.
        """
        if gateway is not None:
            with self._switchboard.offer(request, gateway) as named:
                return named.create_charge(request)
        offer = self._switchboard.offer(request, None)
        while True:
            with offer as taker:
                return taker.take(request)

    def query(self, charge: Charge | ChargeRef) -> Charge:
        """Ask how a charge stands, at the gateway that made it. See Gateway."""
        return self._switchboard.of(charge).query(charge)

    def cancel(self, charge: Charge | ChargeRef) -> Charge:
        """End an unpaid charge, at the gateway that made it. See Gateway."""
        return self._switchboard.of(charge).cancel(charge)

    def refund(self, charge: Charge | ChargeRef, refund: RefundRequest) -> Charge:
        """Give a paid charge back, or a part of it, at the gateway that made it. See Gateway."""
        return self._switchboard.of(charge).refund(charge, refund)

    def confirm(self, callback: Callback) -> Callback:
        """Ask how the charges of a callback stand that it does not prove itself. See Gateway."""
        return self._switchboard.named(callback.gateway).confirm(callback)

    def parse_callback(self, gateway: str, request: CallbackRequest) -> Callback:
        """Verify and read a call from the provider of that gateway. See Gateway."""
        return self._switchboard.named(gateway).parse_callback(request)

    def compare(self, callback: Callback, known: Sequence[Charge | None]) -> Callback:
        """Hold a callback's charges against yours, in the same order. See Gateway."""
        return self._switchboard.named(callback.gateway).compare(callback, known)

    def known(self, reference: str, gateway: str | None = None) -> Charge | None:
        """How a charge stands as the store has it, without asking anybody; None where no gateway has it.

        Raises OutcomeUnknown where nobody knows whether one has it, InvalidCharge where several have one of
        this reference and none is named, StoreUnavailable, and ConfigurationError without a store.
        """
        if self.store is None:
            raise ConfigurationError(NOTHING_KEPT)
        known: Charge | None = self.store.listing.known(reference, gateway)
        return known

    def reconcile(self, limit: int = 1000) -> Reconciled:
        """Ask the providers about the charges that are unsettled or overdue, at most `limit` of them.

        Any number of processes may do so at once. Raises StoreUnavailable, and ConfigurationError without a
        store.
        """
        if self.store is None:
            raise ConfigurationError(NOTHING_KEPT)
        return Reconciler(self.store, self._switchboard.by_name, self._clock).run(limit)

    def close(self) -> None:
        """Close all connections."""
        for gateway in self._switchboard.by_name.values():
            gateway.close()
        if self.store is not None:
            self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncPaygate:
    """Every configured gateway behind one interface, async (asyncio or trio), in one event loop.

    Use it as an async context manager, or await `close`. `parse_callback` is not awaited: it asks nobody.
    """

    def __init__(
        self,
        configuration: Settings,
        *,
        transport: "httpx.AsyncBaseTransport | None" = None,
        listeners: Sequence[object] = (),
        clock: Clock = time.time,
    ) -> None:
        self.store = opened_async(configuration, clock)
        self._clock = clock
        self._switchboard: Switchboard[AsyncGateway] = Switchboard(
            {
                name: AsyncGateway(
                    name,
                    adapter_of(one, clock),
                    transport=transport,
                    timeout_seconds=one.timeout_seconds,
                    max_in_flight=one.max_in_flight,
                    breaker_failures=one.breaker_failures,
                    breaker_seconds=one.breaker_seconds,
                    listeners=listeners,
                    clock=clock,
                    shared_place=shared_place_of(configuration, one),
                    store=self.store,
                )
                for name, one in configuration.gateways.items()
            },
            configuration.routes,
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **options: Any) -> Self:
        """Read a TOML file. Raises ConfigurationError, PluginError."""
        return cls(settings.from_file(path), **options)

    @classmethod
    def from_mapping(cls, document: Mapping[str, Any], **options: Any) -> Self:
        """Take the configuration as a mapping of the same shape. Raises as `from_file`."""
        return cls(settings.from_mapping(document), **options)

    def gateway(self, name: str) -> AsyncGateway:
        """The gateway of that name; raises ConfigurationError where there is none."""
        return self._switchboard.named(name)

    @property
    def gateways(self) -> Mapping[str, AsyncGateway]:
        """All gateways, by name."""
        return self._switchboard.by_name

    def route(self, method: Method) -> tuple[str, ...]:
        """As Paygate.route."""
        return self._switchboard.route(method)

    async def create_charge(self, request: ChargeRequest, gateway: str | None = None) -> Charge:
        """Collect money through the gateways of this method's route, or the one named. See Gateway.

        The next gateway of a route is tried only where nothing was done by the one before: an error that
        is `elsewhere`. After OutcomeUnknown none is; the charge belongs to the error's `gateway`.
        """
        if gateway is not None:
            with self._switchboard.offer(request, gateway) as named:
                return await named.create_charge(request)
        offer = self._switchboard.offer(request, None)
        while True:
            with offer as taker:
                return await taker.take(request)

    async def query(self, charge: Charge | ChargeRef) -> Charge:
        """Ask how a charge stands, at the gateway that made it. See Gateway."""
        return await self._switchboard.of(charge).query(charge)

    async def cancel(self, charge: Charge | ChargeRef) -> Charge:
        """End an unpaid charge, at the gateway that made it. See Gateway."""
        return await self._switchboard.of(charge).cancel(charge)

    async def refund(self, charge: Charge | ChargeRef, refund: RefundRequest) -> Charge:
        """Give a paid charge back, or a part of it, at the gateway that made it. See Gateway."""
        return await self._switchboard.of(charge).refund(charge, refund)

    async def confirm(self, callback: Callback) -> Callback:
        """Ask how the charges of a callback stand that it does not prove itself. See Gateway."""
        return await self._switchboard.named(callback.gateway).confirm(callback)

    def parse_callback(self, gateway: str, request: CallbackRequest) -> Callback:
        """Verify and read a call from the provider of that gateway. See Gateway."""
        return self._switchboard.named(gateway).parse_callback(request)

    def compare(self, callback: Callback, known: Sequence[Charge | None]) -> Callback:
        """Hold a callback's charges against yours, in the same order. See Gateway."""
        return self._switchboard.named(callback.gateway).compare(callback, known)

    async def known(self, reference: str, gateway: str | None = None) -> Charge | None:
        """As Paygate.known."""
        if self.store is None:
            raise ConfigurationError(NOTHING_KEPT)
        known: Charge | None = await self.store.listing.known(reference, gateway)
        return known

    async def reconcile(self, limit: int = 1000) -> Reconciled:
        """As Paygate.reconcile."""
        if self.store is None:
            raise ConfigurationError(NOTHING_KEPT)
        return await AsyncReconciler(self.store, self._switchboard.by_name, self._clock).run(limit)

    async def close(self) -> None:
        """Close all connections."""
        for gateway in self._switchboard.by_name.values():
            await gateway.close()
        if self.store is not None:
            await self.store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
