"""`paygate sign`: how a gateway signs a request, with every step shown. It sends nothing."""

from collections.abc import Iterator
from typing import Annotated

import typer

from paygate.cli.configuration import FILE, Config, GatewayName, one_of, read
from paygate.cli.messages import content_of
from paygate.cli.output import AsJson, explained, misuse, print_json, show
from paygate.diagnosis import Signed, Unsigned
from paygate.routing import Paygate


def sign(
    path: Annotated[str, typer.Option(help="The path that is called, as in /v1.0/qr/qr-mpm-generate.")],
    method: Annotated[str, typer.Option(help="The HTTP method.")] = "POST",
    body: Annotated[
        str | None, typer.Option(help="A file with the exact bytes, or - for the standard input.")
    ] = None,
    timestamp: Annotated[
        str | None, typer.Option(help="X-TIMESTAMP as it is sent; now, unless told.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="The access token, without Bearer; it is shown, for you gave it.")
    ] = None,
    gateway: GatewayName = None,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """Show the exact string to sign, the body's hash, the signature and the headers."""
    with explained(as_json=as_json):
        _check(path, timestamp)
        content = content_of(body, "--body") if body is not None else b""
        message = Unsigned(method.upper(), path, content, timestamp or _now(), token)
        with Paygate(read(config)) as paygate:
            signed = one_of(paygate, gateway).sign(message)
        notes = [*_notes(content)] if signed.body_hash is not None else []
        if as_json:
            print_json(
                {
                    "scheme": signed.scheme,
                    "text": signed.text,
                    "body_bytes": len(content),
                    "body_hash": signed.body_hash,
                    "signature": signed.signature,
                    "headers": {**signed.headers},
                    "notes": notes,
                }
            )
        else:
            _show(signed, len(content), notes)


def _check(path: str, timestamp: str | None) -> None:
    """Refuse what no provider could have signed; raise ConfigurationError."""
    from paygate.snap import aware

    if not path.startswith("/"):
        raise misuse(
            f"--path {path}: it does not begin with a slash",
            "Write the path alone, without the host, as in /v1.0/qr/qr-mpm-query.",
        )
    if timestamp is not None and aware(timestamp) is None:
        raise misuse(
            f"--timestamp {timestamp}: it is no ISO 8601 time with an offset",
            "Write it as it is sent, as in 2026-01-31T17:00:00+07:00.",
        )


def _now() -> str:
    from paygate.snap import Timestamps

    return Timestamps().now()


def _notes(body: bytes) -> Iterator[str]:
    """What often goes wrong with such a body."""
    from paygate.snap import minify

    if body.startswith(b"\xef\xbb\xbf"):
        yield "The body begins with a byte order mark, which is signed: save the file without it."
    if body.endswith(b"\n"):
        yield (
            "The body ends with a line end, which is signed: send it too (curl --data-binary @FILE), "
            "or make the file without it."
        )
    elif minify(body) != body:
        yield "The body is not minified: send these very bytes, or sign and send the compact form."


def _show(signed: Signed, size: int, notes: list[str]) -> None:
    rows = [("scheme", signed.scheme)]
    if signed.body_hash is not None:
        rows.append(("body", f"{size} bytes, SHA-256 {signed.body_hash}"))
    rows += [("string to sign", signed.text), ("signature", signed.signature)]
    for name, value in rows:
        show((name, "bold"))
        show(f"  {value}")
    show(("headers", "bold"))
    for name, value in signed.headers.items():
        show(f"  {name}: {value}")
    for note in notes:
        show((f"? {note}", "yellow"))
