"""`paygate gateways`: every gateway of a configuration, what it can do, and its place in the routes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer
from msgspec import Struct
from rich.table import Table

from paygate.cli.configuration import FILE, Config
from paygate.cli.examination import Looked, adapters_of, alone, looked_into, problem, reached
from paygate.cli.findings import plain_finding, print_findings
from paygate.cli.inspection import Inspected
from paygate.cli.output import AsJson, console, explained, print_json, show, styled
from paygate.cli.places import Place, places
from paygate.cli.recording import Recording
from paygate.diagnosis import Finding, Verdict
from paygate.errors import NotSent, PaygateError
from paygate.methods import label
from paygate.settings import GatewaySettings
from paygate.transports import Pool

NOTE: Final = (
    "A breaker lives in the process that charges. These are this command's own; your program's may stand "
    "otherwise: ask it there, gateway.breaker.state."
)


class Seen(Struct, frozen=True, kw_only=True):
    """One gateway as it was found; what could not be found out is None."""

    name: str
    findings: list[Finding]
    adapter: str | None = None
    distribution: str | None = None
    environment: str | None = None
    host: str | None = None
    places: tuple[Place, ...] = ()
    breaker: Mapping[str, Any] | None = None


def gateways(
    config: Config = FILE,
    offline: Annotated[bool, typer.Option("--offline", metavar="", help="Ask nobody: no login.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show every gateway: its adapter, whether it is reached, its breaker, and its place in each route."""
    seen: list[Seen] = []
    with explained(as_json=as_json):
        into = looked_into(config)
        for one in _seen(into, offline=offline):
            seen.append(one)
            if not as_json:
                _print(one)
    findings = [finding for finding in into.findings if finding.verdict is not Verdict.GOOD]
    is_good = all(
        finding.verdict is not Verdict.BAD
        for finding in (*findings, *(finding for one in seen for finding in one.findings))
    )
    if as_json:
        told = {"good": is_good, "findings": [plain_finding(one) for one in findings]}
        print_json({**told, "gateways": [_plain(one) for one in seen]})
    else:
        _close(config, findings, is_any=any(one.breaker is not None for one in seen))
    if not is_good:
        raise typer.Exit(NotSent.exit_code)


def _seen(into: Looked, *, offline: bool) -> Iterator[Seen]:
    """Each gateway by itself; all adapters are tried first, for a method's place depends on who else takes it."""
    found = adapters_of(into)
    methods = {name: one.methods for name, one in found.items() if isinstance(one, Inspected)}
    for name, one in into.gateways.items():
        if isinstance(one, list):
            yield Seen(name=name, findings=one)
            continue
        plugin = found[name]
        if not isinstance(plugin, Inspected):
            yield Seen(name=name, adapter=one.adapter, findings=[plugin])
            continue
        yield _looked_at(one, plugin, into, tuple(places(name, methods, into.routes)), offline=offline)


def _looked_at(
    one: GatewaySettings, plugin: Inspected, into: Looked, own: tuple[Place, ...], *, offline: bool
) -> Seen:
    recording = Recording(Pool(one.max_in_flight))
    told: dict[str, Any] = {"adapter": one.adapter, "distribution": plugin.plugin.source, "places": own}
    try:
        kind = plugin.plugin.load()
        paygate = alone(one, into.routes, recording)
    except PaygateError as error:
        return Seen(name=one.name, findings=[problem("settings", error)], **told)
    with paygate:
        gateway = paygate.gateway(one.name)
        answer = None if offline else reached(gateway, kind, recording)
        own_part = one.fitted(kind.settings_type)
        return Seen(
            name=one.name,
            findings=[answer] if answer is not None else [],
            environment=_text(own_part, "environment"),
            host=", ".join(recording.hosts) or _host(_text(own_part, "base_url")),
            breaker={
                "state": gateway.breaker.state,
                "opens_after": gateway.breaker.failures,
                "rests_seconds": gateway.breaker.rest_seconds,
            },
            **told,
        )


def _text(part: object, name: str) -> str | None:
    value = getattr(part, name, None)
    return value if isinstance(value, str) else None


def _host(url: str | None) -> str | None:
    """The host of an address, without a password that may stand before it."""
    return urlsplit(url).netloc.rpartition("@")[2] or None if url is not None else None


def _print(one: Seen) -> None:
    where = " at ".join(filter(None, (one.environment, one.host)))
    who = ", of ".join(filter(None, (one.adapter, one.distribution)))
    show((f"[{one.name}]", "bold"), " ", "; ".join(filter(None, (who, where))))
    print_findings(one.findings)
    if one.breaker is not None:
        show(
            f"breaker: {one.breaker['state']}; it opens after {one.breaker['opens_after']} operations in a row "
            f"without an answer, for {one.breaker['rests_seconds']:g} seconds"
        )
    if one.places:
        table = Table("method", "can", "route", box=None, pad_edge=False)
        for methods, place in _together(one.places):
            table.add_row(*map(styled, (methods, place.abilities, place.said)))
        console.print(table)
    show()


def _together(own: tuple[Place, ...]) -> Iterator[tuple[str, Place]]:
    """Rows of a table: brands of one method that differ in nothing share theirs."""
    shared: dict[tuple[str, str, str], list[Place]] = {}
    for place in own:
        shared.setdefault((place.kind, place.abilities, place.said), []).append(place)
    for same in shared.values():
        brands = ", ".join(place.brand for place in same if place.brand)
        yield label(same[0].kind, brands), same[0]


def _close(config: Path, findings: list[Finding], *, is_any: bool) -> None:
    if findings:
        show((str(config), "bold"))
        print_findings(findings)
    if is_any:
        show((NOTE, "dim"))


def _plain(one: Seen) -> dict[str, Any]:
    """A gateway for programs."""
    return {
        "gateway": one.name,
        "adapter": one.adapter,
        "distribution": one.distribution,
        "environment": one.environment,
        "host": one.host,
        "findings": [plain_finding(finding) for finding in one.findings],
        "breaker": {**one.breaker, "process": "this command"} if one.breaker is not None else None,
        "methods": [place.plain() for place in one.places],
    }
