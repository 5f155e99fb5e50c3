"""Find an adapter by its name: the only code that reads entry points.

Installing a plugin does not run it: metadata is read first, and only what is named is imported.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from paygate.errors import ConfigurationError, PluginError
from paygate.hints import meant
from paygate.hookspecs import API_VERSION
from paygate.redaction import scrub
from paygate.registration import registered

if TYPE_CHECKING:
    from importlib import metadata

GROUP: Final = "paygate.adapters"
OURS: Final = "paygate-core"
SEPARATORS: Final = re.compile(r"[-_.]+")
"""What the names of distributions may be spelt with, all alike."""


class Plugin(Struct, frozen=True):
    """An adapter that a distribution offers under a name; nothing of it is imported yet.

    `problem` is what is wrong with the distribution's metadata; then it offers nothing, and where even the
    names cannot be read, `name` is empty.
    """

    name: str
    target: str
    distribution: str
    version: str
    problem: str | None = None

    @property
    def source(self) -> str:
        """Who offers it, as in "paygate-ayolinx 0.1.0"."""
        return f"{self.distribution} {self.version}".strip()

    def load(self) -> type[Any]:
        """Import the adapter class and check it; raise PluginError with the failed stage and what to do."""
        if self.problem is not None:
            raise self.failure("metadata", self.problem, "install it again, or remove it")
        adapter = self._imported()
        makers = f"report this to the makers of {self.distribution}"
        version = getattr(adapter, "api_version", None)
        if version != API_VERSION:
            raise self.failure(
                "api version",
                f"it is made for version {version!r} of the interface, this is {API_VERSION}",
                f"install a {self.distribution} that fits this paygate",
            )
        if not isinstance(adapter, type):
            raise self.failure("interface", f"{self.target} is no adapter class", makers)
        shape = getattr(adapter, "settings_type", None)
        if not isinstance(shape, type) or not issubclass(shape, Struct):
            raise self.failure("settings", f"{self.target} has no settings_type that is a Struct", makers)
        try:
            registered(self.name, adapter, ())
        except PluginError as error:
            raise self.failure("hooks", error.what, makers) from None
        return adapter

    def failure(self, stage: str, why: str, cure: str) -> PluginError:
        """The error that names this plugin, its distribution and version, the stage and what to do."""
        which = f"adapter {self.name!r} of {self.source}" if self.name else self.source
        return PluginError(f"{which} failed at {stage}: {why}; {cure}", stage=stage)

    def _imported(self) -> Any:
        from importlib import metadata

        try:
            return metadata.EntryPoint(self.name, self.target, GROUP).load()
        except (Exception, SystemExit) as error:
            raise self.failure(
                "import",
                f"{type(error).__name__}: {error}",
                f"reinstall or upgrade {self.distribution}, or remove it",
            ) from error


class _Scan(Struct, frozen=True):
    """What the metadata of all distributions tells: the claims to each name, and what could not be read."""

    claims: Mapping[str, tuple[Plugin, ...]]
    unreadable: tuple[Plugin, ...]


def installed() -> dict[str, list[Plugin]]:
    """Every adapter name with those who claim it, read from metadata alone, in order of name."""
    return {name: list(plugins) for name, plugins in sorted(_scan().claims.items())}


def unreadable() -> list[Plugin]:
    """What offers an adapter, or tries to, and has metadata that cannot be used."""
    return list(_scan().unreadable)


def find(name: str, gateway: str | None = None) -> Plugin:
    """The plugin that offers this adapter; raise ConfigurationError for none, PluginError for two.

    `gateway` is whose `adapter` it is, for the error to name.
    """
    scan = _scan()
    claims = scan.claims.get(name, ())
    if len(claims) == 1:
        return claims[0]
    if claims:
        both = " and ".join(plugin.source for plugin in claims)
        raise PluginError(f"adapter {name!r} is claimed by {both}: uninstall all but one", stage="names")
    for broken in scan.unreadable:
        if broken.name == name:
            return broken
    place = f"gateways.{gateway}.adapter: " if gateway is not None else ""
    silent = ", ".join(one.source for one in scan.unreadable if not one.name)
    hint = f"; the metadata of {silent} cannot be read" if silent else meant(name, scan.claims)
    # Whatever stands there may be a secret in the wrong place.
    raise ConfigurationError(
        f"{place}no installed plugin offers an adapter named {scrub(name)!r}{hint}", gateway=gateway
    )


def own_version() -> str:
    """The version of paygate itself, as it is installed."""
    from importlib import metadata

    return metadata.version(OURS)


@functools.cache
def _scan() -> _Scan:
    claims: dict[str, dict[str, Plugin]] = defaultdict(dict)
    broken: dict[tuple[str, str], Plugin] = {}
    for distribution in _distributions():
        for plugin in _offered(distribution):
            if plugin.problem is not None:
                broken[plugin.name, plugin.source] = plugin
            else:
                # One distribution may be found on two paths, spelt otherwise: it is still one claim.
                claims[plugin.name].setdefault(SEPARATORS.sub("-", plugin.distribution).lower(), plugin)
    return _Scan({name: tuple(found.values()) for name, found in claims.items()}, tuple(broken.values()))


def _offered(distribution: "metadata.Distribution") -> Iterator[Plugin]:
    """What one distribution offers; one whose metadata is broken harms none of the others."""
    try:
        points = [point for point in distribution.entry_points if point.group == GROUP]
    except Exception as error:  # noqa: BLE001 - they are a stranger's file
        if _is_ours(distribution):
            problem = f"its entry points cannot be read ({type(error).__name__})"
            yield Plugin("", "", *_identity(distribution), problem)
        return
    if not points:
        return
    owner, version = _identity(distribution)
    nameless = None if _told(distribution, "Name") else "its metadata tells no name of the distribution"
    for point in points:
        yield Plugin(point.name, point.value, owner, version, nameless)


def _identity(distribution: "metadata.Distribution") -> tuple[str, str]:
    """The name and version of a distribution; its folder's name where it tells none."""
    name = _told(distribution, "Name") or getattr(
        _folder(distribution), "name", "a distribution without a name"
    )
    return name, _told(distribution, "Version") or "of an unknown version"


def _told(distribution: "metadata.Distribution", key: str) -> str:
    try:
        return str(distribution.metadata[key] or "")
    except Exception:  # noqa: BLE001 - as above
        return ""


def _is_ours(distribution: "metadata.Distribution") -> bool:
    """Whether entry points that cannot be read seem to offer an adapter, in whatever encoding."""
    try:
        content: bytes = _folder(distribution).joinpath("entry_points.txt").read_bytes()
    except Exception:  # noqa: BLE001 - as above
        return False
    return GROUP.encode() in content.replace(b"\0", b"")


def _folder(distribution: "metadata.Distribution") -> Any:
    """Where the metadata is; the library has no public word for it."""
    return getattr(distribution, "_path", None)


def _distributions() -> "Iterable[metadata.Distribution]":
    from importlib import metadata

    return metadata.distributions()
