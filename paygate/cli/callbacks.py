"""`paygate callbacks`: the inbox of callbacks, listed, shown, tried again, and worked on."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from paygate.cli.configuration import FILE, Config, no_store, read, store_of
from paygate.cli.output import AsJson, explained, misuse, print_json, show, visible
from paygate.cli.showing import in_jakarta, plain
from paygate.errors import ConfigurationError, PaygateError
from paygate.redaction import place_of
from paygate.routing import Paygate
from paygate.worker import Worker

if TYPE_CHECKING:
    from datetime import datetime

    from paygate.store.records import CallbackRecord

WAITING: Final = ("new", "ready")
ENDED: Final = ("dead", "stuck")
COLOURS: Final = {"new": "yellow", "ready": "yellow", "done": "green", "dead": "red", "stuck": "red"}

HEAD: Final = ("number", "received", "gateway", "state", "repeats", "failed", "about", "problem")

callbacks = typer.Typer(
    no_args_is_help=True, help="The inbox of callbacks: list it, show one, try it again, work on it."
)


@callbacks.command("list")
def list_(
    dead: Annotated[
        bool, typer.Option("--dead", metavar="", help="Those that are tried no more: dead and stuck.")
    ] = False,
    waiting: Annotated[
        bool, typer.Option("--waiting", metavar="", help="Those that are still to be worked on.")
    ] = False,
    gateway: Annotated[str | None, typer.Option(help="Of this one alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 50,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """List the callbacks in the store, the newest first."""
    chosen = (*(ENDED if dead else ()), *(WAITING if waiting else ()))
    with explained(as_json=as_json), store_of(read(config)) as store:
        found = store.inbox.records.listed(chosen or tuple(COLOURS), gateway=gateway, most=limit + 1)
        if as_json:
            print_json([_plain(one) for one in found[:limit]])
            return
        if not found:
            show("There are none.")
            return
        rows = [_cells(one) for one in found[:limit]]
        widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
        for row in (HEAD, *rows):  # no table: it would cut what must be copied whole
            cells = [cell.ljust(width + 2) for cell, width in zip(row, widths, strict=True)]
            show(*cells[:3], (cells[3], COLOURS.get(row[3], "")), *cells[4:-1], row[-1])
        if len(found) > limit:
            show(("These are the newest: tell more with --limit.", "dim"))


@callbacks.command("show")
def show_(
    number: Annotated[int, typer.Argument(help="Its number, as the list has it.")],
    body: Annotated[
        bool, typer.Option("--body", metavar="", help="Show headers and body as well, as they were redacted.")
    ] = False,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """Show a callback: what it tells, when it came, how often, and what became of it."""
    with explained(as_json=as_json), store_of(read(config)) as store:
        one = store.inbox.records.find(number)
        if one is None:
            raise _missing([number])
        if as_json:
            kept = {"headers": one.headers, "body": _text(one.body)} if body else {}
            print_json({**_plain(one), **kept})
            return
        lines = [
            ("number", str(one.id), ""),
            ("state", one.state, COLOURS[one.state]),
            ("gateway", one.gateway, ""),
            ("told by", one.source, ""),
            ("received at", _time(one.received_at), ""),
            ("repeats", str(one.repeats), ""),
            ("failed attempts", str(one.attempts), ""),
            ("problem", one.problem or "", "red"),
            ("next attempt at", _time(one.due_at) if one.due_at is not None else "", ""),
            ("path", one.path or "", ""),
            *(("about", told, "") for told in _about(one)),
        ]
        if body:
            lines += [("header", f"{name}: {value}", "") for name, value in (one.headers or {}).items()]
            lines.append(("body", _text(one.body) or "none is kept", ""))
        width = max(len(name) for name, *_ in lines)
        for name, value, style in lines:
            if value:
                show((name.ljust(width + 2), "dim"), (value, style))


@callbacks.command()
def replay(
    numbers: Annotated[list[int], typer.Argument(help="Their numbers, as the list has them.")] = [],  # noqa: B006
    all_dead: Annotated[
        bool, typer.Option("--all-dead", metavar="", help="All that are tried no more: dead and stuck.")
    ] = False,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """Have callbacks tried again that ended without success; a worker takes them at once."""
    with explained(as_json=as_json):
        if bool(numbers) is all_dead:
            raise misuse(
                "nothing says which callbacks", "Name their numbers, or use --all-dead: one of the two."
            )
        with store_of(read(config)) as store:
            for number in numbers:
                one = store.inbox.records.find(number)
                if one is None:
                    raise _missing([number])
                if one.state not in ENDED:
                    raise misuse(
                        f"callback {number} is {one.state}", "Only one that is dead or stuck is tried again."
                    )
            count = store.inbox.records.replay(None if all_dead else numbers)
        if as_json:
            print_json({"replayed": count})
        else:
            show(f"{count} {'is' if count == 1 else 'are'} to be tried again; a worker takes them at once.")


@callbacks.command()
def work(
    handler: Annotated[str, typer.Argument(help="Your handler: MODULE:FUNCTION, as in shop.orders:handle.")],
    once: Annotated[
        bool, typer.Option("--once", metavar="", help="End when nothing is due, instead of waiting for more.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, max=64, help="How many to work on at once.")] = 1,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """Work on the callbacks in the store, and tell your handler, until Ctrl-C or SIGTERM."""
    with explained(as_json=as_json):
        handle = _handler(handler)
        configuration = read(config)
        if configuration.store is None:
            raise no_store()
        with Paygate(configuration) as paygate:
            try:
                worker = Worker(paygate, handle, threads=threads)
            except TypeError as error:
                raise misuse(f"{handler}: {error}", "Name a function that can be called so.") from None
            if once:
                count = 0
                while done := worker.run_once():
                    count += done
                if as_json:
                    print_json({"worked_on": count})
                else:
                    show(f"{count} worked on; nothing is due.")
                return
            with _until_told_to_stop() as stopped, worker:
                if as_json:
                    print_json({"working": True, "threads": threads})
                else:
                    show(f"Working with {threads} thread{'s' if threads > 1 else ''}; Ctrl-C ends it.")
                stopped.wait()


@contextmanager
def _until_told_to_stop() -> Iterator[threading.Event]:
    """What Ctrl-C and SIGTERM set meanwhile: nothing is broken off in its middle."""
    stopped = threading.Event()
    before = {one: signal.signal(one, lambda *_: stopped.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _handler(name: str) -> Callable[..., Any]:
    """The merchant's function of that name; the working directory's modules are found."""
    module, _, function = name.partition(":")
    if not module or not function:
        raise misuse(f"{name} names no function", "Write MODULE:FUNCTION, as in shop.orders:handle.")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found = resolve_name(name)
    except Exception as error:  # noqa: BLE001 - a module may raise anything when it is imported
        lacks = getattr(error, "name", None)
        if isinstance(error, ModuleNotFoundError) and lacks and f"{module}.".startswith(f"{lacks}."):
            cure = "Run this where it can be imported, as from the folder that it is in."
            raise misuse(f"{name}: there is no module {lacks}", cure) from None
        raise misuse(f"{name}: cannot be had ({place_of(error)})", "Mend it, and run this again.") from None
    if not callable(found):
        raise misuse(f"{name} is no function", "Name a function that takes the callback.")
    handle: Callable[..., Any] = found
    return handle


def _missing(numbers: list[int]) -> PaygateError:
    what = f"the inbox has no callback {', '.join(map(str, numbers))}"
    error: ConfigurationError = misuse(what, "See those that it has with `paygate callbacks list`.")
    return error


def _cells(one: "CallbackRecord") -> tuple[str, ...]:
    """A line of the list."""
    counts = (str(one.repeats), str(one.attempts))
    words = (visible(", ".join(_about(one))), visible(one.problem or ""))
    return (str(one.id), _time(one.received_at), one.gateway, one.state, *counts, *words)


def _about(one: "CallbackRecord") -> list[str]:
    """What it tells, a text for each charge."""
    asked = [*one.told.confirm]
    claims = [*one.told.claimed, *[None] * len(asked)]
    apart = {conflict.told.reference for conflict in one.told.conflicts}
    return [
        *(
            f"{charge.reference} {charge.status.value}"
            for charge in one.told.charges
            if charge.reference not in apart
        ),
        *(
            f"{ref.reference} {claim.value if claim is not None else '?'} (to be confirmed)"
            for ref, claim in zip(asked, claims, strict=False)
        ),
        *(
            f"{conflict.told.reference} {conflict.told.status.value} (conflict: {conflict.kind.value})"
            for conflict in one.told.conflicts
        ),
    ]


def _plain(one: "CallbackRecord") -> dict[str, Any]:
    """A callback for programs, without headers and body."""
    return {
        "number": one.id,
        "gateway": one.gateway,
        "state": one.state,
        "source": one.source,
        "received_at": in_jakarta(one.received_at).isoformat(),
        "repeats": one.repeats,
        "failed_attempts": one.attempts,
        "problem": one.problem,
        "due_at": in_jakarta(one.due_at).isoformat() if one.due_at is not None else None,
        "path": one.path,
        "charges": [plain(charge) for charge in one.told.charges],
        "confirm": [msgspec.to_builtins(ref, enc_hook=str)["reference"] for ref in one.told.confirm],
        "conflicts": [
            {"kind": conflict.kind.value, "told": plain(conflict.told)} for conflict in one.told.conflicts
        ],
    }


def _text(body: bytes | None) -> str | None:
    return body.decode("utf-8", "backslashreplace") if body is not None else None


def _time(moment: "datetime") -> str:
    return in_jakarta(moment).isoformat(sep=" ", timespec="seconds")
