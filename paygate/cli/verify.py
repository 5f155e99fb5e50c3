"""`paygate verify`: whether a received callback is believed, and what its signature fits."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct

from paygate.callback import Callback, CallbackRequest
from paygate.cli.configuration import FILE, Config, GatewayName, one_of, read
from paygate.cli.findings import plain_finding, print_findings
from paygate.cli.messages import content_of, headers_of, lines_of, request_of
from paygate.cli.output import AsJson, explained, misuse, print_json, show
from paygate.cli.showing import plain
from paygate.cli.trials import ALTERED, is_altered, meaning
from paygate.diagnosis import Finding, Trial, Verdict
from paygate.errors import CallbackRejected, UnsupportedOperation
from paygate.routing import Paygate
from paygate.settings import Settings

SUBJECT = "callback"
LONGEST = 20


class Seen(Struct, frozen=True):
    """What was found: whether the callback is believed now, its charges, and why or why not."""

    callback: Callback | None
    reason: str | None
    findings: list[Finding]


def verify(
    path: Annotated[str | None, typer.Option(help="The path that your server saw.")] = None,
    method: Annotated[str, typer.Option(help="The HTTP method.")] = "POST",
    body: Annotated[
        str | None, typer.Option(help="A file with the raw bytes, or - for the standard input.")
    ] = None,
    header: Annotated[
        list[str], typer.Option(help='A header, as in "X-TIMESTAMP: 2026-01-31T17:00:00+07:00".')
    ] = [],  # noqa: B006 - typer copies it
    headers: Annotated[Path | None, typer.Option(help="A file with header lines.")] = None,
    request: Annotated[
        str | None,
        typer.Option(help="A file with a whole HTTP request instead, or - for the standard input."),
    ] = None,
    try_path: Annotated[
        list[str], typer.Option(help="Another path that may have been signed; once for each.")
    ] = [],  # noqa: B006
    gateway: GatewayName = None,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """Say whether a callback is believed, and which path, body and key make its signature fit."""
    with explained(as_json=as_json):
        if request is not None:
            received = request_of(content_of(request, "--request"))
        elif path is None:
            raise misuse(
                "nothing says which callback is meant",
                "Tell the path with --path, or hand over a whole --request.",
            )
        else:
            given = content_of(str(headers), "--headers") if headers is not None else b""
            content = content_of(body, "--body") if body is not None else b""
            received = CallbackRequest(method.upper(), path, headers_of([*lines_of(given), *header]), content)
        seen = looked_at(read(config), gateway, received, tuple(try_path))
    _show(seen, as_json=as_json)
    if seen.callback is None:
        raise typer.Exit(CallbackRejected.exit_code)


def looked_at(
    configuration: Settings, name: str | None, request: CallbackRequest, paths: tuple[str, ...]
) -> Seen:
    """Have a callback judged as it stands, judged apart from its age, and its signature explained."""
    with Paygate(configuration) as paygate:
        gateway = one_of(paygate, name)
        callback, rejected = _judged(paygate, gateway.name, request)
        trials: tuple[Trial, ...] = ()
        try:
            trials = gateway.explain_callback(request, paths)
            signature = meaning(trials)
        except UnsupportedOperation as error:
            cure = "Only whether it is believed can be told for this gateway."
            signature = [Finding("signature", Verdict.UNSURE, error.what, cure)]
    findings = [_verdict(rejected, trials), *_shape(request), *signature]
    if rejected is not None and rejected.reason == "timestamp":
        findings += _apart_from_age(configuration, gateway.name, request)
    return Seen(callback, rejected.reason if rejected is not None else None, findings)


def _judged(
    paygate: Paygate, name: str, request: CallbackRequest
) -> tuple[Callback | None, CallbackRejected | None]:
    try:
        return paygate.parse_callback(name, request), None
    except CallbackRejected as rejected:
        return None, rejected


def _verdict(rejected: CallbackRejected | None, trials: Sequence[Trial]) -> Finding:
    if rejected is None:
        return Finding(SUBJECT, Verdict.GOOD, "it is believed")
    why = ALTERED if rejected.reason == "signature" and is_altered(trials) else rejected.what
    return Finding(SUBJECT, Verdict.BAD, f"it is refused ({rejected.reason}): {why}")


def _apart_from_age(configuration: Settings, name: str, request: CallbackRequest) -> list[Finding]:
    """The verdict at the callback's own time, so that its age does not hide what else is wrong."""
    told = _moment(request.header("x-timestamp") or "")
    if told is None:
        return []
    age = time.time() - told.timestamp()
    span = f"{timedelta(seconds=round(abs(age)))} {'old' if age > 0 else 'ahead of this clock'}"
    with Paygate(configuration, clock=told.timestamp) as then:
        _, rejected = _judged(then, name, request)
    if rejected is None:
        what = f"it is {span}; when it was sent it would have been believed"
        return [Finding("age", Verdict.UNSURE, what, "Nothing else is wrong with it.")]
    what = f"it is {span}; when it was sent it would have been refused as well: {rejected.what}"
    return [Finding("age", Verdict.BAD, what)]


def _moment(stamp: str) -> datetime | None:
    from paygate.snap import aware

    return aware(stamp)


def _shape(request: CallbackRequest) -> list[Finding]:
    """Whether the body is as long as its headers say."""
    told = request.header("content-length") or ""
    if (request.header("transfer-encoding") or "").lower() == "chunked":
        what = "the dump says that it was sent in chunks; their sizes must not stand in the body"
        return [Finding("body", Verdict.UNSURE, what, "Take the body from your program, not from the wire.")]
    if not told.isdecimal() or told.lstrip("0") == f"{len(request.body) or ''}":
        return []
    says = told if len(told) <= LONGEST else "far more"
    what = f"it has {len(request.body)} bytes, and Content-Length says {says}"
    cure = "Hand over the very bytes: an editor adds a line end, and a log cuts."
    return [Finding("body", Verdict.BAD, what, cure)]


def _show(seen: Seen, *, as_json: bool) -> None:
    charges = seen.callback.charges if seen.callback is not None else ()
    if as_json:
        told: dict[str, Any] = {
            "believed": seen.callback is not None,
            "reason": seen.reason,
            "charges": [plain(charge) for charge in charges],
            "findings": [plain_finding(finding) for finding in seen.findings],
        }
        print_json(told)
        return
    print_findings(seen.findings)
    for charge in charges:
        show(f"  {charge.reference}: {charge.status.name} {charge.paid_amount or ''}")
