"""How a `paygate reconcile --watch` goes: a bar for a person, lines for a pipe, JSON lines for a program."""

import json
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from paygate.cli.output import console, problems, show
from paygate.cli.showing import in_jakarta, timed
from paygate.reconciliation import Reconciled

LINE_SECONDS: Final = 1.0
WINDOW_SECONDS: Final = 10.0


class Watch:
    """What is shown while charges are asked about: how much is settled, how much waits, and how fast it goes."""

    def __init__(self, *, as_json: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._as_json = as_json
        self._clock = clock
        self._bar: Progress | None = None
        if console.is_terminal and not as_json:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[told]}"),
                console=Console(markup=False, emoji=False, highlight=False),
            )
            self._task = self._bar.add_task("reconcile", total=None, told="")
        self._seen: deque[tuple[float, int]] = deque()
        self._before: tuple[Any, ...] | None = None
        self._told_at = -LINE_SECONDS

    @property
    def shown(self) -> AbstractContextManager[object]:
        """While it lasts, the bar stands."""
        return self._bar if self._bar is not None else nullcontext()

    def say(self, text: str) -> None:
        """Tell what happened besides."""
        if self._as_json:
            typer.echo(json.dumps({"at": _now(), "say": text}, ensure_ascii=True))
        else:
            show(
                (f"{timed(datetime.now(UTC))}  ", "dim"),
                text,
                to=self._bar.console if self._bar else problems,
            )

    def update(self, done: Reconciled, waiting: int | None, *, last: bool = False) -> None:
        """Show how it stands; None is what nobody can tell.

        Lines are for changes, once a second at most, and for the last word.
        """
        now = self._clock()
        self._seen.append((now, done.asked))
        while self._seen[0][0] < now - WINDOW_SECONDS:
            self._seen.popleft()
        (first, before), unsettled = self._seen[0], sum(done.unsettled.values())
        rate = (done.asked - before) / max(now - first, LINE_SECONDS)
        told = (
            f"settled {done.settled}, unsettled {unsettled}, "
            f"waiting {waiting if waiting is not None else '?'}, {rate:.1f}/s"
        )
        if self._bar is not None:
            total = done.settled + (waiting or 0)
            self._bar.update(self._task, completed=done.settled, total=total or None, told=told)
            return
        state = (done.settled, unsettled, waiting)
        if state == self._before or (now - self._told_at < LINE_SECONDS and not last):
            return
        self._before, self._told_at = state, now
        if self._as_json:
            line = {"at": _now(), "settled": done.settled, "unsettled": unsettled, "waiting": waiting}
            typer.echo(json.dumps(line | {"per_second": round(rate, 1)}))
        else:
            show((f"{timed(datetime.now(UTC))}  ", "dim"), told)


def _now() -> str:
    return in_jakarta(datetime.now(UTC)).isoformat()
