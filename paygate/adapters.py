"""Find an adapter by its name: the only code that reads entry points.

Installing a plugin does not run it: metadata is read first, and only what is named is imported.
"""

import functools
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from paygate.errors import ConfigurationError, PluginError
from paygate.hints import meant
from paygate.hookspecs import API_VERSION
from paygate.redaction import scrub

if TYPE_CHECKING:
    from importlib import metadata

GROUP: Final = "paygate.adapters"
OURS: Final = "paygate-core"


class Plugin(Struct, frozen=True):
    """An adapter that a distribution offers under a name; nothing of it is imported yet."""

    name: str
    target: str
    distribution: str
    version: str

    @property
    def source(self) -> str:
        """Who offers it, as in "paygate-ayolinx 0.1.0"."""
        return f"{self.distribution} {self.version}"

    def load(self) -> type[Any]:
        """Import the adapter class; raise PluginError with the stage that failed and what to do."""
        from importlib import metadata

        point = metadata.EntryPoint(self.name, self.target, GROUP)
        try:
            adapter = point.load()
        except (Exception, SystemExit) as error:
            raise self._failed(
                "import",
                f"{type(error).__name__}: {error}",
                f"reinstall or upgrade {self.distribution}, or remove it",
            ) from error
        version = getattr(adapter, "api_version", None)
        if version != API_VERSION:
            raise self._failed(
                "api version",
                f"it is made for version {version!r} of the interface, this is {API_VERSION}",
                f"install a {self.distribution} that fits this paygate",
            )
        if not isinstance(adapter, type) or not hasattr(adapter, "settings_type"):
            raise self._failed(
                "interface",
                f"{self.target} is no adapter class with a settings_type",
                f"report this to the makers of {self.distribution}",
            )
        return adapter

    def _failed(self, stage: str, why: str, cure: str) -> PluginError:
        return PluginError(f"adapter {self.name!r} of {self.source} failed at {stage}: {why}; {cure}")


def installed() -> dict[str, list[Plugin]]:
    """Every adapter name with those who claim it, read from metadata alone, in order of name."""
    return {name: list(plugins) for name, plugins in sorted(_scan().items())}


def find(name: str, gateway: str | None = None) -> Plugin:
    """The plugin that offers this adapter; raise ConfigurationError for none, PluginError for two.

    `gateway` is whose `adapter` it is, for the error to name.
    """
    claims = _scan().get(name, ())
    if len(claims) == 1:
        return claims[0]
    if claims:
        both = " and ".join(plugin.source for plugin in claims)
        raise PluginError(f"adapter {name!r} is claimed by {both}: uninstall all but one")
    place = f"gateways.{gateway}.adapter: " if gateway is not None else ""
    # Whatever stands there may be a secret in the wrong place.
    raise ConfigurationError(
        f"{place}no installed plugin offers an adapter named {scrub(name)!r}{meant(name, _scan())}",
        gateway=gateway,
    )


def own_version() -> str:
    """The version of paygate itself, as it is installed."""
    from importlib import metadata

    return metadata.version(OURS)


@functools.cache
def _scan() -> dict[str, tuple[Plugin, ...]]:
    claims: dict[str, dict[str, Plugin]] = defaultdict(dict)
    for distribution in _distributions():
        for point in distribution.entry_points:
            if point.group == GROUP:
                owner = distribution.metadata["Name"]
                # One distribution may be found twice, on two paths; it is still one claim.
                plugin = Plugin(point.name, point.value, owner, distribution.version)
                claims[point.name].setdefault(owner, plugin)
    return {name: tuple(found.values()) for name, found in claims.items()}


def _distributions() -> "Iterable[metadata.Distribution]":
    from importlib import metadata

    return metadata.distributions()
