"""`paygate sandbox`: a pretend provider to develop against."""

import json
import socket
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from paygate import adapters
from paygate.cli.inspection import Inspected, inspect
from paygate.cli.keygen import write_new
from paygate.cli.output import AsJson, explained, misuse, print_json, show
from paygate.errors import ConfigurationError, PluginError
from paygate.sandbox.simulator import Simulator

MARK = "# Made by `paygate sandbox`, anew at each start."
EXTRA = (
    "the sandbox needs starlette, uvicorn, jinja2 and segno: install paygate-core with its extra `sandbox`"
)


def sandbox(
    adapter: Annotated[
        str | None, typer.Argument(help="Whose provider to pretend; the first that can, unless told.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes a free one.")] = 8700,
    callback_url: Annotated[
        str, typer.Option(help="Where your program receives callbacks.")
    ] = "http://127.0.0.1:8000/callbacks/main",
    pace: Annotated[
        float, typer.Option(min=0.001, help="Divide the waits between callback retries by this.")
    ] = 1.0,
    variant: Annotated[
        str | None,
        typer.Option(help="How it calls back, where it can in several ways; the usual unless told."),
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Where to put the configuration and keys made for you.")
    ] = Path("sandbox-account"),
    as_json: AsJson = False,
) -> None:
    """Run a pretend provider on this machine, with an account and a configuration made for it."""
    with explained(as_json=as_json):
        serve = server()
        check_url(callback_url)
        simulator = simulator_of(adapter, callback_url, pace)
        if variant is not None:
            choose(simulator, variant)
        try:
            running = serve(simulator, port)
        except OSError as error:
            raise misuse(
                f"port {port} cannot be had ({error.strerror})",
                "Another sandbox may be running: stop it, or let --port 0 take a free one.",
            ) from None
        try:
            _see_that_nobody_uses(folder)
            file = write_account(folder, {**simulator.settings, "base_url": running.url})
            _tell(running.url, file, callback_url, as_json=as_json)
            running.wait()
        except KeyboardInterrupt:
            if not as_json:
                show("stopped")
        finally:
            running.close()


def server() -> Any:
    """The function that runs a simulator, or an error that says what to install."""
    try:
        from paygate.sandbox.host import serve
    except ImportError:
        raise ConfigurationError(EXTRA) from None
    return serve


def simulator_of(adapter: str | None, callback_url: str, pace: float) -> Simulator:
    """The simulator of an adapter, or of the first installed one that ships a simulator."""
    if adapter is not None:
        kind = adapters.find(adapter).load()
        if not hasattr(getattr(kind, "simulator", None), "paygate_impl"):
            raise PluginError(f"adapter {adapter!r} ships no simulator")
        return _made(kind, callback_url, pace)
    problems = ["pip install one that does"]
    for found in pretenders():
        if found.failure is None:
            return _made(found.plugin.load(), callback_url, pace)
        problems.append(found.failure.what)
    raise PluginError(f"no installed adapter ships a simulator: {problems[-1]}")


def pretenders(but: str = "") -> Iterator[Inspected]:
    """The installed adapters that ship a simulator, and those that are broken; each is tried elsewhere first.

    One may be left out by its name.
    """
    for name, claims in adapters.installed().items():
        if len(claims) > 1 or name == but:  # of two, nobody knows which one is meant
            continue
        found = inspect(claims[0])
        if found.failure is not None or "simulator" in found.answers:
            yield found


def _made(kind: type[Any], callback_url: str, pace: float) -> Simulator:
    simulator: Simulator = kind.simulator(callback_url, pace)
    return simulator


def choose(simulator: Simulator, variant: str) -> None:
    """Let a simulator call back in this way; raise ConfigurationError where it has none such."""
    if variant not in simulator.variants:
        raise ConfigurationError(f"variant {variant!r}: it calls back as {' or '.join(simulator.variants)}")
    simulator.variant = variant


def write_account(folder: Path, settings: Mapping[str, Any]) -> Path:
    """Write a paygate.toml for one gateway, its PEM keys in files of their own.

    One that an earlier start has made is made anew; whatever else is there stays, and is an error.
    """
    file = folder / "paygate.toml"
    keys = {key for key, value in settings.items() if str(value).startswith("-----BEGIN")}
    before = _account(folder)
    ours = before is not None
    former = {key for key, value in (before or {}).items() if value == {"file": f"{key}.pem"}}
    for made in (file, *(folder / f"{key}.pem" for key in sorted(keys | former))):
        if ours:
            made.unlink(missing_ok=True)
        elif made.exists():
            raise misuse(
                f"{made} exists, and is not overwritten", "Give another --folder, or move the file away."
            )
    lines = [MARK, "[gateways.main]"]
    for key, value in settings.items():
        if key in keys:
            write_new(folder / f"{key}.pem", value.encode())
            lines.append(f'{key} = {{ file = "{key}.pem" }}')
        else:
            lines.append(f"{key} = {toml(value)}")
    write_new(file, "\n".join([*lines, ""]).encode())
    return file


def _account(folder: Path) -> dict[str, Any] | None:
    """The gateway of a configuration that an earlier start has made; None where there is none such."""
    file = folder / "paygate.toml"
    if not file.is_file() or not file.read_bytes().startswith(MARK.encode()):
        return None
    try:
        gateway: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))["gateways"]["main"]
    except (ValueError, LookupError):
        return {}  # somebody has changed what is made anew
    return gateway


def _see_that_nobody_uses(folder: Path) -> None:
    """Leave the configuration of a sandbox alone that is still running."""
    url = (_account(folder) or {}).get("base_url")
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        socket.create_connection((parts.hostname or "", parts.port or 80), 1.0).close()
    except (OSError, ValueError):
        return
    raise misuse(
        f"{folder / 'paygate.toml'} is that of a sandbox which is running at {url}",
        "Give this one a folder of its own with --folder.",
    )


def toml(value: object) -> str:
    """A text, number, truth value or table of such as TOML writes it; but for tables it is nearly JSON."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml(key)} = {toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def check_url(url: str) -> None:
    """Check that callbacks can be sent there; raise ConfigurationError."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ConfigurationError(
            f"callback_url {url!r} is no address to call: write http://127.0.0.1:8000/callbacks/main"
        )


def _tell(url: str, file: Path, callback_url: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": url, "configuration": str(file), "callback_url": callback_url})
        return
    show((f"A pretend provider listens at {url}", "bold"), " (Ctrl-C stops it)")
    show()
    show(f"  configuration   {file}, with keys made for you beside it")
    show(f"  callbacks go to {callback_url}")
    show()
    show(f"Play the payer, and look in: {url}/_sandbox/ in a browser, or")
    show()
    for line in (
        f"curl {url}/_sandbox/charges",
        f"curl -X POST {url}/_sandbox/charges/REFERENCE/pay     (or fail, or expire)",
        f"curl {url}/_sandbox/callbacks",
        f'curl {url}/_sandbox/faults -d \'{{"fault": "hang"}}\'',
    ):
        show(f"  {line}")
