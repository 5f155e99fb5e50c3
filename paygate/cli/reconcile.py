"""`paygate reconcile`: ask the providers about the charges that are unsettled or overdue."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from paygate.advice import advice_for
from paygate.cli.configuration import FILE, Config, no_store, read
from paygate.cli.output import AsJson, explained, print_json, program, show
from paygate.cli.progress import Watch
from paygate.cli.reconcilers import Reconcilers
from paygate.cli.showing import plain_time, timed
from paygate.cli.stopping import GLANCE
from paygate.errors import OutcomeUnknown, StoreUnavailable
from paygate.reconciliation import Reconciled
from paygate.routing import Paygate

if TYPE_CHECKING:
    from paygate.store.listed import Counts
    from paygate.store.store import Store

COUNTING: Final = 1.0
"""Seconds between two counts of what waits."""

NEXT: Final[Mapping[str, str]] = {
    "ChargeNotFound": (
        "the provider does not know them yet: that is believed once grace_seconds have passed since they were "
        "sent, and never of a charge that it knew before"
    ),
    "ConfigurationError": "their gateway is not configured any more: put it back until its charges are settled",
    "NotAuthorized": "the login was refused: look at it with `paygate doctor`",
    "OutcomeUnknown": "the provider gave no answer that can be read: they are asked about again later",
    "RateLimited": "the provider is busy: they are asked about again later",
    "Unreachable": "the provider cannot be reached: they are asked about again later",
    "CircuitOpen": "the gateway has not answered lately: they are asked about again later",
    "UnsupportedOperation": (
        "this gateway cannot be asked about them: a callback settles them, or the provider's portal tells"
    ),
}
"""What is next for those that were asked about and not settled, by what stands in the way."""


def reconcile(
    watch: Annotated[
        bool, typer.Option("--watch", metavar="", help="Go on until it is stopped, and show how it goes.")
    ] = False,
    every: Annotated[
        float,
        typer.Option(min=0.1, help="With --watch: look again after so many seconds where nothing is due."),
    ] = 5.0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask about so many at most; all that are due now, unless told.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=64, help="How many ask at the same time.")] = 4,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """Ask the providers about the charges whose outcome is unknown, and about the overdue; it sends no charge."""
    with explained(as_json=as_json, config=config):
        with Paygate(read(config)) as paygate:
            if paygate.store is None:
                raise no_store()
            if watch:
                _watched(paygate, paygate.store, threads, limit, every, as_json=as_json)
                return
            reconcilers, counts = _once(paygate, paygate.store, threads, limit)
        done = reconcilers.so_far()
        if as_json:
            print_json(_plain(done, reconcilers.reasons, counts))
        else:
            _show(done, reconcilers.reasons, counts, config)
    if done.unsettled or counts.unknown:
        raise typer.Exit(OutcomeUnknown.exit_code)


def _once(paygate: Paygate, store: "Store", threads: int, limit: int | None) -> tuple[Reconcilers, "Counts"]:
    """Ask about what is due now, and no more: what is due again meanwhile waits for the next time."""
    waiting = store.agenda.waiting()
    budget = waiting if limit is None else min(limit, waiting)
    reconcilers = Reconcilers(
        paygate, store, threads=max(1, min(threads, budget)), budget=budget, every=None, say=lambda _: None
    )
    reconcilers.threads.run()
    return reconcilers, store.listing.counts()


def _watched(
    paygate: Paygate, store: "Store", threads: int, limit: int | None, every: float, *, as_json: bool
) -> None:
    """Go on until somebody stops it, or `limit` charges were asked about."""
    view = Watch(as_json=as_json)
    reconcilers = Reconcilers(paygate, store, threads=threads, budget=limit, every=every, say=view.say)
    counted = _Counted(store)

    def look() -> None:
        done = reconcilers.so_far()
        view.update(done, counted.now())
        if limit is not None and done.asked >= limit:
            reconcilers.stop()

    with view.shown:
        reconcilers.threads.run(look, lambda: view.say("stopping, after the answers that are under way"))
        view.update(reconcilers.so_far(), counted.now(), last=True)


class _Counted:
    """How many charges wait, counted no more often than once a second; None while the store is away."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._rest = 0.0
        self._count: int | None = None

    def now(self) -> int | None:
        self._rest -= GLANCE
        if self._rest <= 0:
            self._rest = COUNTING
            try:
                self._count = self._store.agenda.waiting()
            except StoreUnavailable:
                self._count = None
        return self._count


def _plain(done: Reconciled, reasons: Mapping[str, str], counts: "Counts") -> dict[str, Any]:
    """What it came to, for programs."""
    return {
        "asked": done.asked,
        "settled": done.settled,
        "unsettled": {
            kind: {"count": count, "why": reasons[kind], "next": next_for(kind)}
            for kind, count in done.unsettled.items()
        },
        "unknown": counts.unknown,
        "sending": counts.sending,
        "due": counts.due,
        "next_at": plain_time(counts.next_at),
        "flagged": {kind.value: count for kind, count in counts.flags.items()},
    }


def _show(done: Reconciled, reasons: Mapping[str, str], counts: "Counts", config: Path) -> None:
    if not done.asked:
        show("Nothing was due.")
    else:
        show(f"Asked about {done.asked}: {done.settled} settled, {done.asked - done.settled} not.")
    for kind, count in done.unsettled.items():
        show((f"  {count} {kind}: ", "yellow"), reasons[kind])
        show(f"    {next_for(kind)}")
    own = "" if config == FILE else f" --config {config}"
    if counts.unknown:
        see = f"{program()} charges --unsettled{own}"
        show((f"{counts.unknown} charges are unknown still", "bold red"), f": see them with `{see}`.")
    if counts.flags:
        kinds = ", ".join(f"{count} {kind.value}" for kind, count in sorted(counts.flags.items()))
        show(f"Somebody should look at some: {kinds}; see `{program()} charges --flagged{own}`.")
    if counts.due:
        show(f"{counts.due} more are due: run it again.")
    elif counts.next_at is not None:
        show(f"The next one is due at {timed(counts.next_at)}.")


def next_for(kind: str) -> str:
    """What is next for charges that were asked about, with an error of this kind."""
    from paygate import errors

    known = NEXT.get(kind)
    if known is not None:
        return known
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, errors.PaygateError):
        return advice_for(found, "en", "query")
    return "report this to the makers of the adapter; they are asked about again later"
