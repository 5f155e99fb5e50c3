"""All gateways of a configuration, and which one takes a charge."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from paygate import adapters, settings
from paygate.callback import Callback, CallbackRequest
from paygate.errors import PaygateError, PluginError
from paygate.gateway import AsyncGateway, Gateway
from paygate.methods import Method
from paygate.model import Charge, ChargeRef, ChargeRequest
from paygate.redaction import place_of
from paygate.refunds import RefundRequest
from paygate.routes import Switchboard
from paygate.settings import GatewaySettings, Settings

if TYPE_CHECKING:
    import httpx

Clock = Callable[[], float]


def _adapter(one: GatewaySettings, clock: Clock) -> object:
    """The adapter of a gateway, built from its settings; errors name the gateway and the stage."""
    plugin = adapters.find(one.adapter, one.name)
    kind = plugin.load()
    try:
        return kind(one.name, one.fitted(kind.settings_type), clock)
    except PaygateError as error:
        error.locate(gateway=one.name)
        raise
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        # Its own text may quote a setting, so only kind and place are told.
        raise PluginError(
            f"adapter {one.adapter!r} of {plugin.source} failed at settings: "
            f"{place_of(error)}; report this to its makers",
            gateway=one.name,
        ) from None


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
        self._switchboard: Switchboard[Gateway] = Switchboard(
            {
                name: Gateway(
                    name,
                    _adapter(one, clock),
                    transport=transport,
                    timeout_seconds=one.timeout_seconds,
                    max_in_flight=one.max_in_flight,
                    breaker_failures=one.breaker_failures,
                    breaker_seconds=one.breaker_seconds,
                    listeners=listeners,
                    clock=clock,
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
        offer = self._switchboard.offer(request, gateway)
        while True:
            with offer as taker:
                return taker.create_charge(request)

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

    def close(self) -> None:
        """Close all connections."""
        for gateway in self._switchboard.by_name.values():
            gateway.close()

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
        self._switchboard: Switchboard[AsyncGateway] = Switchboard(
            {
                name: AsyncGateway(
                    name,
                    _adapter(one, clock),
                    transport=transport,
                    timeout_seconds=one.timeout_seconds,
                    max_in_flight=one.max_in_flight,
                    breaker_failures=one.breaker_failures,
                    breaker_seconds=one.breaker_seconds,
                    listeners=listeners,
                    clock=clock,
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
        offer = self._switchboard.offer(request, gateway)
        while True:
            with offer as taker:
                return await taker.create_charge(request)

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

    async def close(self) -> None:
        """Close all connections."""
        for gateway in self._switchboard.by_name.values():
            await gateway.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
