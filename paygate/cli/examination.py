"""What `paygate doctor` looks at, gateway by gateway. It logs in and asks, and never makes a charge."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from paygate import adapters, settings
from paygate.cli.configuration import read
from paygate.cli.doorbell import ring
from paygate.cli.inspection import Inspected, inspect, inspected
from paygate.cli.output import cure_of, mending
from paygate.cli.probe import asked, told
from paygate.cli.recording import Recording
from paygate.diagnosis import Finding, Verdict
from paygate.errors import ConfigurationError, PaygateError, UnsupportedOperation
from paygate.gateway import Gateway
from paygate.routing import Paygate
from paygate.settings import GatewaySettings, Routes, Settings
from paygate.transports import Pool

FINE_SKEW: Final = 5.0
WORST_SKEW: Final = 60.0
"""Seconds. SNAP BI names no tolerance, and five minutes are common; but a clock that is a minute off is kept
right by nobody, and goes further every day."""


class Looked(Struct, frozen=True):
    """A configuration, each gateway read by itself: its settings, or what is found; and what concerns all.

    `whole` is whether a program can read it; then `settings` is the whole.
    """

    gateways: Mapping[str, GatewaySettings | list[Finding]]
    routes: Routes
    findings: list[Finding]
    whole: bool
    settings: Settings | None = None


def looked_into(file: Path) -> Looked:
    """Read a configuration; what is wrong with one gateway hides none of the others."""
    try:
        whole = read(file)
    except ConfigurationError as error:
        document = _document(file)
        gateways = _one_by_one(document, file.parent)
        is_told = any(isinstance(one, list) for one in gateways.values())
        findings = [_readable(gateways) if is_told else problem("configuration", error)]
        try:
            routes = _routes(document) if is_told else {}
        except ConfigurationError as wrong:
            return Looked(gateways, {}, [*findings, problem("routes", wrong)], whole=False)
        return Looked(gateways, routes, findings, whole=False)
    findings = [_readable(whole.gateways), *_environments(whole.gateways)]
    return Looked(whole.gateways, whole.routes, findings, whole=True, settings=whole)


def _readable(gateways: Mapping[str, Any]) -> Finding:
    return Finding("configuration", Verdict.GOOD, f"it can be read: {', '.join(gateways)}")


def _document(file: Path) -> dict[str, Any]:
    """A file in which something is wrong; nothing where it is no TOML at all."""
    import tomllib

    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _one_by_one(document: Mapping[str, Any], folder: Path) -> dict[str, GatewaySettings | list[Finding]]:
    """Every gateway by itself: its settings, or what is wrong with them."""
    tables = document.get("gateways")
    found: dict[str, GatewaySettings | list[Finding]] = {}
    for name, table in tables.items() if isinstance(tables, Mapping) else ():
        try:
            found[name] = settings.from_mapping({"gateways": {name: table}}, folder).gateways[name]
        except ConfigurationError as wrong:
            adapter = table.get("adapter") if isinstance(table, Mapping) else None
            plugin = [_plugin(name, adapter)] if isinstance(adapter, str) else []
            found[name] = [*plugin, *(_bad("settings", line, wrong) for line in wrong.what.splitlines())]
    return found


def _routes(document: Mapping[str, Any]) -> Routes:
    """The routes of a file, whatever is wrong with its gateways."""
    names = {name: {"adapter": "any"} for name in document["gateways"] if settings.NAME.fullmatch(name)}
    return settings.from_mapping({"gateways": names, "routes": document.get("routes", {})}).routes


def _environments(gateways: Mapping[str, GatewaySettings]) -> Iterator[Finding]:
    named = {name: one.own["environment"] for name, one in gateways.items() if "environment" in one.own}
    if len(set(named.values())) > 1:
        which = ", ".join(f"{name} is {environment}" for name, environment in named.items())
        yield Finding(
            "environments",
            Verdict.BAD,
            f"one configuration holds several: {which}",
            "Keep a file for each: a charge taken by a sandbox looks paid, and nobody has paid it.",
        )


def adapters_of(into: Looked) -> dict[str, Inspected | Finding]:
    """The adapter of each gateway that can be read, imported in another process, or what is wrong with it."""
    plugins: dict[str, adapters.Plugin] = {}
    found: dict[str, Inspected | Finding] = {}
    for name, one in into.gateways.items():
        if isinstance(one, GatewaySettings):
            try:
                plugins[name] = adapters.find(one.adapter, name)
            except PaygateError as error:
                found[name] = problem("plugin", error)
    different = {plugin.name: plugin for plugin in plugins.values()}
    known = dict(zip(different, inspected(different.values()), strict=True))
    for name, plugin in plugins.items():
        failure = known[plugin.name].failure
        found[name] = problem("plugin", failure) if failure is not None else known[plugin.name]
    return found


def examined(
    one: GatewaySettings, adapter: Inspected | Finding, routes: Routes, url: str | None, *, offline: bool
) -> Iterator[Finding]:
    """Look at one gateway: plugin, settings, the adapter's own findings, the provider, the callback URL."""
    if not isinstance(adapter, Inspected):
        yield adapter
        return
    yield _offered(adapter)
    recording = Recording(Pool(one.max_in_flight))
    try:
        paygate = alone(one, routes, recording)
    except PaygateError as error:
        yield problem("settings", error)
        return
    with paygate:
        gateway = paygate.gateway(one.name)
        yield Finding(
            "settings", Verdict.GOOD, "they are complete, and the adapter takes them, keys included"
        )
        yield from _own_findings(gateway)
        if not offline:
            yield from _provider(gateway, adapters.find(one.adapter).load(), recording)
        yield from _callback_url(gateway, one, url, offline=offline)


def alone(one: GatewaySettings, routes: Routes, transport: Recording) -> Paygate:
    """A paygate of this gateway and its part of the routes, which are checked."""
    own_routes = {place: (one.name,) for place, names in routes.items() if one.name in names}
    return Paygate(Settings(gateways={one.name: one}, routes=own_routes), transport=transport)


def reached(gateway: Gateway, adapter: type[Any], recording: Recording) -> Finding | None:
    """Whether the provider answers: a login, or a question where it needs none; None where neither is asked."""
    login = _login(gateway, recording)
    return login if login.verdict is Verdict.BAD or recording.heard else asked(gateway, adapter)


def _plugin(gateway: str, adapter: str) -> Finding:
    """Whether the adapter can be loaded: tried in another process first, for it may hang or end this one."""
    try:
        plugin = adapters.find(adapter, gateway)
    except PaygateError as error:
        return problem("plugin", error)
    found = inspect(plugin)
    return _offered(found) if found.failure is None else problem("plugin", found.failure)


def _offered(found: Inspected) -> Finding:
    but = "".join(f"; {remark}" for remark in found.remarks)
    return Finding("plugin", Verdict.GOOD, f"{found.plugin.source} offers {found.plugin.name}{but}")


def _provider(gateway: Gateway, adapter: type[Any], recording: Recording) -> Iterator[Finding]:
    """Log in, ask, and hold the clocks against each other."""
    login = _login(gateway, recording)
    yield login
    answer = asked(gateway, adapter) if login.verdict is Verdict.GOOD else None
    if answer is not None:
        yield answer
    yield from _clock(recording)


def _own_findings(gateway: Gateway) -> Iterator[Finding]:
    try:
        yield from gateway.diagnose()
    except UnsupportedOperation:
        return
    except PaygateError as error:
        yield problem("plugin", error)


def _login(gateway: Gateway, recording: Recording) -> Finding:
    try:
        gateway.authorize()
    except PaygateError as error:
        return problem("login", error)
    if not recording.heard:
        return Finding("login", Verdict.GOOD, "this provider needs none")
    taken = sum(heard.seconds for heard in recording.heard)
    return Finding("login", Verdict.GOOD, f"it succeeds, in {taken * 1000:.0f} ms")


def _clock(recording: Recording) -> Iterator[Finding]:
    """How far this clock is from the server's, by its replies, refusals included."""
    skews = [heard.skew for heard in recording.heard if heard.skew is not None]
    if not skews:
        if recording.heard:
            cure = "Compare this machine's clock yourself: timedatectl."
            yield Finding("clock", Verdict.UNSURE, "the provider tells no Date", cure)
        return
    skew = min(skews, key=abs)
    if abs(skew) <= FINE_SKEW:
        yield Finding("clock", Verdict.GOOD, f"it agrees with the provider's, to {FINE_SKEW:.0f} seconds")
        return
    way = "ahead of" if skew > 0 else "behind"
    yield Finding(
        "clock",
        Verdict.BAD if abs(skew) > WORST_SKEW else Verdict.UNSURE,
        f"it is {abs(skew):.0f} seconds {way} the provider's",
        "Timestamps are signed, and refused when they are far off: have the clock set by NTP "
        "(timedatectl set-ntp true).",
    )


def _callback_url(
    gateway: Gateway, one: GatewaySettings, url: str | None, *, offline: bool
) -> Iterator[Finding]:
    """Whether callbacks arrive, and at the path that is signed."""
    url = url or one.own.get("callback_url")
    if not isinstance(url, str):
        cure = "Give it with --callback-url, as it stands in the provider's portal."
        yield Finding("callback URL", Verdict.UNSURE, "it was not looked at, for nobody told it", cure)
        return
    signed, path = one.own.get("callback_path"), urlsplit(url).path
    if signed is not None and signed != path:
        what = f"its path is {path or '/'}, and callback_path is {signed}"
        cure = "The provider signs the path of the public URL: make callback_path that path."
        yield Finding("callback path", Verdict.BAD, what, cure)
    elif signed is not None:
        yield Finding("callback path", Verdict.GOOD, f"{path} is in the URL and in callback_path")
    if not offline:
        provider = one.own.get("base_url")
        yield from ring(gateway, url, one.timeout_seconds, provider if isinstance(provider, str) else None)


def problem(subject: str, error: PaygateError, config: Path | None = None) -> Finding:
    """An error as a finding, with the command that mends this configuration where there is one."""
    run = mending(error, config)
    found = _bad(subject, told(error), error)
    return found if run is None else replace(found, cure=f"{found.cure} Run: {run}")


def _bad(subject: str, what: str, error: PaygateError) -> Finding:
    return Finding(subject, Verdict.BAD, what, cure_of(error))
