"""`paygate callbacks work`: a worker that tells a handler of the merchant's, until it is told to stop."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, Any

import typer

from paygate.cli.configuration import FILE, Config, no_store, read
from paygate.cli.output import AsJson, explained, misuse, print_json, problems, show
from paygate.cli.stopping import Threads
from paygate.redaction import place_of
from paygate.routing import Paygate
from paygate.worker import Worker


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
    with explained(as_json=as_json, config=config):
        handle = _handler(handler)
        configuration = read(config)
        if configuration.store is None:
            raise no_store()
        with Paygate(configuration) as paygate:
            try:
                worker = Worker(paygate, handle)
            except TypeError as error:
                raise misuse(f"{handler}: {error}", "Name a function that can be called so.") from None
            if once:
                _once(worker, threads, as_json=as_json)
                return
            if as_json:
                print_json({"working": True, "threads": threads})
            else:
                show(f"Working with {threads} thread{'s' if threads > 1 else ''}; Ctrl-C ends it.")
            Threads(worker.run, worker.stop, count=threads).run(stopping=lambda: _stopping(as_json=as_json))


def _once(worker: Worker, threads: int, *, as_json: bool) -> None:
    """Work on what is due, and tell how much it was."""
    counts: list[int] = []
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        worker.stop()

    def until_nothing_is_due() -> None:
        while not stopped.is_set() and (count := worker.run_once()):
            counts.append(count)

    Threads(until_nothing_is_due, stop, count=threads).run(stopping=lambda: _stopping(as_json=as_json))
    if as_json:
        print_json({"worked_on": sum(counts), "stopped": stopped.is_set()})
    else:
        show(f"{sum(counts)} worked on; {'it was stopped' if stopped.is_set() else 'nothing is due'}.")


def _stopping(*, as_json: bool) -> None:
    if not as_json:
        show("stopping, after the callbacks that are under way", to=problems)


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
