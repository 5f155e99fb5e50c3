"""All gateways of a configuration, and which one takes a charge."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from paygate import adapters, settings
from paygate.callback import Callback, CallbackRequest
from paygate.errors import (
    ConfigurationError,
    InvalidCharge,
    PaygateError,
    PluginError,
    UnsupportedOperation,
)
from paygate.gateway import AsyncGateway, Gateway
from paygate.methods import METHODS, Method
from paygate.model import Charge, ChargeRef, ChargeRequest
from paygate.redaction import place_of
from paygate.settings import GatewaySettings, Settings

if TYPE_CHECKING:
    import httpx

G = TypeVar("G", Gateway, AsyncGateway)
Clock = Callable[[], float]


class _Gateways(Generic[G]):
    """The gateways by name, and which one takes which method: both are dictionary look-ups."""

    def __init__(self, gateways: Mapping[str, G], routes: Mapping[str, str]) -> None:
        self.by_name: Mapping[str, G] = gateways
        self._able: dict[type[Method], list[G]] = {
            method: [g for g in gateways.values() if g.supports("create_charge", method)]
            for method in METHODS
        }
        self._taking: dict[type[Method], G] = {
            method: able[0] for method, able in self._able.items() if len(able) == 1
        }
        for method in METHODS:
            name = routes.get(method.kind)
            if name is None:
                continue
            if gateways[name] not in self._able[method]:
                raise ConfigurationError(
                    f"routes.{method.kind}: gateway {name!r} does not offer {method.kind}", gateway=name
                )
            self._taking[method] = gateways[name]

    def named(self, name: str) -> G:
        try:
            return self.by_name[name]
        except KeyError:
            raise ConfigurationError(
                f"no gateway is named {name!r}; configured: {', '.join(self.by_name)}"
            ) from None

    def of(self, charge: Charge | ChargeRef) -> G:
        """The gateway that made a charge."""
        if not isinstance(charge, (Charge, ChargeRef)):
            raise InvalidCharge("charge", f"use a Charge or a ChargeRef, not {type(charge).__name__}")
        return self.named(charge.gateway)

    def taking(self, request: ChargeRequest, gateway: str | None) -> G:
        """The gateway that makes this charge: the one named, the route, or the only one that can."""
        if not isinstance(request, ChargeRequest):
            raise InvalidCharge("request", f"use ChargeRequest, not {type(request).__name__}")
        if gateway is not None:
            return self.named(gateway)
        method = type(request.method)
        taker = self._taking.get(method)
        if taker is not None:
            return taker
        if self._able[method]:
            names = ", ".join(able.name for able in self._able[method])
            raise ConfigurationError(
                f"several gateways offer {method.kind}: add routes.{method.kind} ({names})"
            )
        raise UnsupportedOperation(
            f"no configured gateway offers {method.kind}",
            operation="create_charge",
            reference=request.reference,
        )


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
        self._gateways: _Gateways[Gateway] = _Gateways(
            {
                name: Gateway(
                    name,
                    _adapter(one, clock),
                    transport=transport,
                    timeout_seconds=one.timeout_seconds,
                    max_in_flight=one.max_in_flight,
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
        return self._gateways.named(name)

    @property
    def gateways(self) -> Mapping[str, Gateway]:
        """All gateways, by name."""
        return self._gateways.by_name

    def create_charge(self, request: ChargeRequest, gateway: str | None = None) -> Charge:
        """Collect money through the gateway of this method, or the one named. See Gateway."""
        return self._gateways.taking(request, gateway).create_charge(request)

    def query(self, charge: Charge | ChargeRef) -> Charge:
        """Ask how a charge stands, at the gateway that made it. See Gateway."""
        return self._gateways.of(charge).query(charge)

    def cancel(self, charge: Charge | ChargeRef) -> Charge:
        """End an unpaid charge, at the gateway that made it. See Gateway."""
        return self._gateways.of(charge).cancel(charge)

    def parse_callback(self, gateway: str, request: CallbackRequest) -> Callback:
        """Verify and read a call from the provider of that gateway. See Gateway."""
        return self._gateways.named(gateway).parse_callback(request)

    def compare(self, callback: Callback, known: Sequence[Charge | None]) -> Callback:
        """Hold a callback's charges against yours, in the same order. See Gateway."""
        return self._gateways.named(callback.gateway).compare(callback, known)

    def close(self) -> None:
        """Close all connections."""
        for gateway in self._gateways.by_name.values():
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
        self._gateways: _Gateways[AsyncGateway] = _Gateways(
            {
                name: AsyncGateway(
                    name,
                    _adapter(one, clock),
                    transport=transport,
                    timeout_seconds=one.timeout_seconds,
                    max_in_flight=one.max_in_flight,
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
        return self._gateways.named(name)

    @property
    def gateways(self) -> Mapping[str, AsyncGateway]:
        """All gateways, by name."""
        return self._gateways.by_name

    async def create_charge(self, request: ChargeRequest, gateway: str | None = None) -> Charge:
        """Collect money through the gateway of this method, or the one named. See Gateway."""
        return await self._gateways.taking(request, gateway).create_charge(request)

    async def query(self, charge: Charge | ChargeRef) -> Charge:
        """Ask how a charge stands, at the gateway that made it. See Gateway."""
        return await self._gateways.of(charge).query(charge)

    async def cancel(self, charge: Charge | ChargeRef) -> Charge:
        """End an unpaid charge, at the gateway that made it. See Gateway."""
        return await self._gateways.of(charge).cancel(charge)

    def parse_callback(self, gateway: str, request: CallbackRequest) -> Callback:
        """Verify and read a call from the provider of that gateway. See Gateway."""
        return self._gateways.named(gateway).parse_callback(request)

    def compare(self, callback: Callback, known: Sequence[Charge | None]) -> Callback:
        """Hold a callback's charges against yours, in the same order. See Gateway."""
        return self._gateways.named(callback.gateway).compare(callback, known)

    async def close(self) -> None:
        """Close all connections."""
        for gateway in self._gateways.by_name.values():
            await gateway.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
