"""The parts of a configuration, made: adapters, the store, the place of shared credentials."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from paygate import adapters
from paygate.errors import ConfigurationError, PaygateError, PluginError
from paygate.redaction import place_of
from paygate.settings import GatewaySettings, Settings
from paygate.sharing import SharedPlace

if TYPE_CHECKING:
    from paygate.store.store import Store
    from paygate.store.threads import AsyncStore

NO_STORE: Final = "store: it needs SQLAlchemy and Alembic: install paygate-core with its extra `store`"
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


def opened(configuration: Settings, clock: Clock) -> "Store | None":
    """The store of charges and callbacks; None where none is configured."""
    if configuration.store is None:
        return None
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
