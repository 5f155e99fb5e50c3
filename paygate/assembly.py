"""The parts of a configuration, made: adapters, the store, the place of shared credentials."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from paygate import adapters
from paygate.errors import ConfigurationError, PaygateError, PluginError
from paygate.redaction import place_of
from paygate.settings import GatewaySettings, Settings
from paygate.sharing import SharedPlace
from paygate.store_settings import StoreSettings

if TYPE_CHECKING:
    from paygate.store.store import Store
    from paygate.store.threads import AsyncStore

NO_STORE: Final = "store: it needs SQLAlchemy and Alembic: install paygate-core with its extra `store`"
STEPS: Final = 4
"""What a request waits for, each as long as `timeout_seconds`: a connection, connecting, writing, reading."""

Clock: TypeAlias = Callable[[], float]


def adapter_of(one: GatewaySettings, clock: Clock) -> object:
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


def shared_place_of(configuration: Settings, one: GatewaySettings) -> SharedPlace | None:
    """Where all processes keep a gateway's credential; None where each keeps its own."""
    if configuration.credentials is None:
        return None
    own = one.fitted(adapters.find(one.adapter, one.name).load().settings_type)
    return SharedPlace(configuration.credentials, one.name, one.adapter, own, one.timeout_seconds)


def _check_patience(store: StoreSettings, gateway: GatewaySettings) -> None:
    """See that "the provider never had it" is not believed while a request may still be under way.

    One may leave until half of the lease is over, and then wait for a connection, to connect, to write and to
    read. Where real money is collected, raise ConfigurationError.
    """
    longest = store.lease_seconds / 2 + STEPS * gateway.timeout_seconds
    if gateway.own.get("environment") == "production" and store.grace_seconds < longest:
        raise ConfigurationError(
            f"store.grace_seconds: a request of gateway {gateway.name!r} may be under way for {longest:g} "
            "seconds (half of lease_seconds, and four times its timeout_seconds): make it no less",
            gateway=gateway.name,
        )


def opened(configuration: Settings, clock: Clock) -> "Store | None":
    """The store of charges and callbacks; None where none is configured."""
    if configuration.store is None:
        return None
    for gateway in configuration.gateways.values():
        _check_patience(configuration.store, gateway)
    try:
        from paygate.store.store import Store
    except ImportError:
        raise ConfigurationError(NO_STORE) from None
    return Store(configuration.store, clock)


def opened_async(configuration: Settings, clock: Clock) -> "AsyncStore | None":
    """The same, to be awaited."""
    store = opened(configuration, clock)
    if store is None:
        return None
    from paygate.store.threads import AsyncStore

    return AsyncStore(store)
