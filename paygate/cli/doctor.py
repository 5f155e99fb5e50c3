"""`paygate doctor`: whether everything stands right, before the first rupiah moves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from paygate.cli.configuration import FILE, Config
from paygate.cli.examination import adapters_of, examined, looked_into
from paygate.cli.findings import plain_finding, print_findings
from paygate.cli.inspection import Inspected
from paygate.cli.output import AsJson, explained, print_json, show
from paygate.cli.places import route_findings
from paygate.cli.sandbox import check_url
from paygate.cli.store_examination import keeping_findings
from paygate.diagnosis import Finding, Verdict
from paygate.errors import ConfigurationError, NotSent


def doctor(
    gateway: Annotated[str | None, typer.Option(help="Look at this one alone.")] = None,
    config: Config = FILE,
    callback_url: Annotated[
        str | None, typer.Option(help="Your public address for callbacks; callback_url of the settings else.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", metavar="", help="Ask nobody: no login, no callback URL.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at every gateway for what is wrong or may be, and say what to do. It makes no charge."""
    with explained(as_json=as_json):
        if callback_url is not None:
            check_url(callback_url)
        looked = []
        for name, findings in _looked(config, gateway, callback_url, offline=offline):
            looked.append((name, findings))
            if not as_json:
                show((f"[{name}]" if name is not None else str(config), "bold"))
                print_findings(findings)
    is_good = all(one.verdict is not Verdict.BAD for _, findings in looked for one in findings)
    if as_json:
        told = [{"gateway": name, **plain_finding(one)} for name, findings in looked for one in findings]
        print_json({"good": is_good, "findings": told})
    if not is_good:
        raise typer.Exit(NotSent.exit_code)


def _looked(
    file: Path, only: str | None, url: str | None, *, offline: bool
) -> Iterator[tuple[str | None, list[Finding]]]:
    """What concerns all, then each gateway by itself."""
    into = looked_into(file)
    names = ", ".join(into.gateways)
    if only is not None and into.gateways and only not in into.gateways:
        raise ConfigurationError(f"no gateway is named {only!r}; configured: {names}")
    if url is not None and only is None and len(into.gateways) > 1:
        raise ConfigurationError(f"say with --gateway whose callback URL it is: {names}")
    found = adapters_of(into)
    methods = {name: one.methods for name, one in found.items() if isinstance(one, Inspected)}
    findings = [*into.findings, *(route_findings(methods, into.routes) if only is None else ())]
    if into.settings is not None and only is None and not offline:
        findings += keeping_findings(into.settings, file)
    if findings:
        yield None, findings
    for name, one in into.gateways.items():
        if only not in {None, name}:
            continue
        if isinstance(one, list):
            yield name, one
        else:
            yield name, [*examined(one, found[name], into.routes, url, offline=offline)]
