"""`paygate reconcile`, once and on watch, against a pretend Ayolinx over HTTP: alone, and several at once."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest
from typer.testing import Result

from paygate import ChargeRef, ChargeStatus, Paygate, PaygateError, Qris, UnsupportedOperation, errors
from paygate.bookkeeping import Bookkeeper
from paygate.cli.reconcile import NEXT, next_for
from paygate.cli.reconcilers import Reconcilers
from paygate.sandbox import Fault
from paygate.store.entries import Source
from tests.cli.journals import counted, hurry, lost, store_of, stored, watching
from tests.cli.running import PATIENCE
from tests.cli.shop import Shop
from tests.databases import lay_out, own_database

Run = Callable[..., Result]
NOWHERE = "http://127.0.0.1:1"
MANY = 12


@pytest.fixture
def file(shop: Shop) -> Path:
    """The shop's configuration, with a store."""
    return stored(shop.file)


@contextmanager
def database(backend: str, shop: Shop) -> Iterator[Path]:
    """The shop's configuration over a database of this kind."""
    if backend == "sqlite":
        yield stored(shop.file)
        return
    with own_database(backend) as url:
        lay_out(url)
        yield stored(shop.file, url)


def test_what_was_lost_is_settled(run: Run, shop: Shop, file: Path) -> None:
    """Exit code 0, how many, and what is next; afterwards nothing is due."""
    references = lost(file, shop.simulator, 3)
    queries = counted(shop.simulator)
    done = run("reconcile", "--config", file)
    assert 0 == done.exit_code, done.output
    assert "Asked about 3: 3 settled, 0 not." in done.stdout
    assert "The next one is due at " in done.stdout
    assert dict.fromkeys(references, 1) == queries
    again = run("reconcile", "--config", file)
    assert (0, True) == (again.exit_code, "Nothing was due." in again.stdout)
    assert dict.fromkeys(references, 1) == shop.simulator.ledger.counts() == queries


def test_an_empty_store_has_nothing_due(run: Run, file: Path) -> None:
    """To a person and to a program."""
    assert "Nothing was due.\n" == run("reconcile", "--config", file).stdout
    told = json.loads(run("reconcile", "--config", file, "--json").stdout)
    assert (0, 0, {}, None) == (told["asked"], told["settled"], told["unsettled"], told["next_at"])


def test_what_stays_unknown_is_told_with_its_reason_and_what_is_next(
    run: Run, shop: Shop, file: Path
) -> None:
    """Exit code 3; the command that shows them works as it stands."""
    lost(file, shop.simulator, 1, Fault.LOSE)
    done = run("reconcile", "--config", file)
    assert 3 == done.exit_code
    assert "Asked about 1: 0 settled, 1 not." in done.stdout
    assert "  1 ChargeNotFound: " in done.stdout
    assert NEXT["ChargeNotFound"] in done.stdout
    see = re.search(r"1 charges are unknown still: see them with `paygate (.+)`", done.stdout)
    assert see is not None
    assert "LOST-0" in run(*see[1].split()).stdout
    later = run("reconcile", "--config", file, "--json")
    told = json.loads(later.stdout)
    assert (3, 0, 1, 0) == (later.exit_code, told["asked"], told["unknown"], told["due"])
    assert told["next_at"].endswith("+07:00")


def test_a_provider_that_is_away_leaves_them_for_later(run: Run, shop: Shop, file: Path) -> None:
    """Exit code 3, and the pass ends, though what failed is due again soon."""
    lost(file, shop.simulator, 2)
    away = shop.file.parent / "away.toml"
    away.write_text(file.read_text().replace(shop.url, NOWHERE))
    done = run("reconcile", "--config", away, "--json")
    told = json.loads(done.stdout)
    assert (3, 2, 0) == (done.exit_code, told["asked"], told["settled"])
    assert 2 == told["unsettled"]["Unreachable"]["count"]
    assert "cannot be reached" in told["unsettled"]["Unreachable"]["next"]


def test_no_more_are_asked_about_than_is_said(run: Run, shop: Shop, file: Path) -> None:
    """And how many are left."""
    lost(file, shop.simulator, 5)
    queries = counted(shop.simulator)
    done = run("reconcile", "--limit", "2", "--threads", "4", "--config", file)
    assert 2 == queries.total()
    assert 3 == done.exit_code
    assert "3 more are due: run it again." in done.stdout


def test_the_overdue_are_asked_about(run: Run, shop: Shop, file: Path) -> None:
    """A charge that was paid without a callback is found out, and told to the handler."""
    run("charge", "INV-1", "25000", "--method", "qris", "--config", file)
    shop.called_back("INV-1")
    hurry(file)
    assert 0 == run("reconcile", "--config", file).exit_code
    told = json.loads(run("charges", "INV-1", "--config", file, "--json").stdout)[0]
    assert ("paid", None, "ready") == (told["status"], told["due_at"], told["history"][-1]["handler"])


def test_flags_are_told(run: Run, shop: Shop, file: Path) -> None:
    """For somebody to look at, also where all is settled."""
    run("charge", "INV-1", "25000", "--method", "qris", "--config", file)
    with Paygate.from_file(file) as paygate:
        paygate.cancel(ChargeRef("main", "INV-1", Qris()))
        one = store_of(paygate).listing.one("INV-1")
        assert one is not None
        told = msgspec.structs.replace(one.charge, status=ChargeStatus.PAID, paid_amount=one.charge.amount)
        store_of(paygate).history.learn(told, Source.CALLBACK)
    done = run("reconcile", "--config", file)
    assert 0 == done.exit_code
    assert "Somebody should look at some: 1 late; see `paygate charges --flagged" in done.stdout


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_several_at_once_ask_about_each_charge_once(shop: Shop, backend: str) -> None:
    """Two processes with two threads each, while answers are slow; nobody is asked twice."""
    with database(backend, shop) as file:
        references = lost(file, shop.simulator, MANY)
        shop.simulator.faults.draw(1.0, 1, [Fault.SLOW])
        queries = counted(shop.simulator)
        command = [sys.executable, "-m", "paygate", "reconcile", "--threads", "2", "--json"]
        running = [
            subprocess.Popen([*command, "--config", str(file)], stdout=subprocess.PIPE) for _ in range(2)
        ]
        told = [json.loads(one.communicate(timeout=PATIENCE)[0]) for one in running]
        assert {one.returncode for one in running} <= {0, 3}
        assert dict.fromkeys(references, 1) == queries
        assert [MANY, MANY] == [sum(one[name] for one in told) for name in ("asked", "settled")]
        with Paygate.from_file(file) as paygate:
            counts = store_of(paygate).listing.counts()
        assert (0, 0, MANY) == (counts.unknown, counts.sending, counts.waiting)


def test_a_watch_settles_what_comes_and_ends_in_order(shop: Shop, file: Path) -> None:
    """In a pipe it prints lines; what becomes due later is settled too; SIGTERM ends it with exit code 0."""
    lost(file, shop.simulator, 2)
    with watching(file) as watch:
        assert "settled 2, unsettled 0, waiting 0" in watch.read_until("settled 2")
        hurry(file)
        watch.read_until("settled 4")
        watch.process.send_signal(signal.SIGTERM)
        assert "stopping" in watch.read_until("stopping")
        assert 0 == watch.process.wait(PATIENCE)


def test_a_terminal_is_shown_a_bar(shop: Shop, file: Path) -> None:
    """It is drawn anew in its place; Ctrl-C ends it with exit code 0, and the cursor comes back."""
    lost(file, shop.simulator, 2)
    with watching(file, terminal=True) as watch:
        seen = ""
        while "settled 2, unsettled 0, waiting 0" not in seen:
            seen += watch.process.stdout.read(1)  # type: ignore[union-attr]
        watch.process.send_signal(signal.SIGINT)
        while not seen.endswith("\x1b[?25h"):
            seen += watch.process.stdout.read(1)  # type: ignore[union-attr]
        assert 0 == watch.process.wait(PATIENCE)
    assert "━" in seen
    assert "stopping, after the answers that are under way" in seen


def test_a_watch_ends_after_so_many_and_tells_programs_in_lines(run: Run, shop: Shop, file: Path) -> None:
    """With a limit it ends by itself; one object of JSON a line."""
    lost(file, shop.simulator, 3)
    queries = counted(shop.simulator)
    done = run("reconcile", "--watch", "--limit", "2", "--json", "--config", file)
    last = json.loads(done.stdout.splitlines()[-1])
    assert (0, 2) == (done.exit_code, queries.total())
    assert (2, 0, 1) == (last["settled"], last["unsettled"], last["waiting"])


class Watched:
    """Threads on watch in this process, and what they said."""

    def __init__(self, file: Path) -> None:
        self.said: list[str] = []
        self._paygate = Paygate.from_file(file)
        self.watch = Reconcilers(
            self._paygate, store_of(self._paygate), threads=2, budget=None, every=0.05, say=self.said.append
        )

    def __enter__(self) -> Self:
        self.watch.threads.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.stop()
        assert self.watch.threads.wait(PATIENCE)
        self._paygate.close()

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        ends = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < ends, self.said
            time.sleep(0.01)


def test_a_watch_outlives_the_store_and_says_so_once(shop: Shop, file: Path) -> None:
    """The file is gone for a while, and back: what is due then is settled."""
    kept = file.parent / "paygate.db"
    gone = kept.with_name("gone.db")
    lost(file, shop.simulator, 1)
    with Watched(file) as one:
        one.until(lambda: one.watch.so_far().settled == 1)
        kept.rename(gone)
        one.until(lambda: len(one.said) == 1)
        gone.rename(kept)
        one.until(lambda: len(one.said) == 2)
        hurry(file)
        one.until(lambda: one.watch.so_far().settled == 2)
    assert [
        "the store does not answer: its file is gone; it is looked for again",
        "the store answers again",
    ] == one.said


def test_a_watch_outlives_the_provider_and_says_so_once(shop: Shop, file: Path) -> None:
    """A gateway that gives no answers is told once for all its charges, and once that it answers again."""
    lost(file, shop.simulator, 3)
    shop.simulator.faults.draw(1.0, 1, [Fault.ERROR])
    with Watched(file) as one:
        one.until(lambda: one.watch.so_far().asked == 3)
        shop.simulator.faults.clear()
        hurry(file)
        one.until(lambda: one.watch.so_far().settled == 3)
    away, back = one.said
    assert re.fullmatch(r"gateway main gives no answer \(\w+: .+\); it is asked again later", away)
    assert "gateway main answers again" == back


def test_what_is_wrong_with_the_store_ends_a_watch(run: Run, shop: Shop) -> None:
    """Tables of another version come right by nothing that it waits for."""
    with own_database("postgresql") as url:
        done = run("reconcile", "--watch", "--config", stored(shop.file, url))
    assert 2 == done.exit_code
    assert "paygate store upgrade" in done.stderr


def test_an_adapters_own_mistake_is_counted_and_the_rest_go_on(
    run: Run, shop: Shop, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its kind and place, and none of its words."""
    lost(file, shop.simulator, 2)
    settle = Bookkeeper.settle

    def mistaken(books: Bookkeeper, entry: Any) -> Any:
        if entry.reference == "LOST-0":
            raise LookupError("siti@shop.example")
        return settle(books, entry)

    monkeypatch.setattr(Bookkeeper, "settle", mistaken)
    done = run("reconcile", "--config", file)
    assert 3 == done.exit_code
    assert "Asked about 2: 1 settled, 1 not." in done.stdout
    assert "1 LookupError: LookupError" in done.stdout
    assert "siti" not in done.output


def test_a_thread_that_is_stopped_gives_back_what_it_has_not_asked_about(shop: Shop, file: Path) -> None:
    """It is due at once, for another; the one under way is settled."""
    lost(file, shop.simulator, 5)
    queries = counted(shop.simulator)
    with Paygate.from_file(file) as paygate:
        store = store_of(paygate)
        one = Reconcilers(paygate, store, threads=1, budget=5, every=None, say=lambda _: None)
        handle = shop.simulator.handle

        def stopping(request: Any) -> Any:
            if shop.simulator.operation(request) == "query":
                one.stop()
            return handle(request)

        shop.simulator.handle = stopping  # type: ignore[method-assign]
        one.threads.start()
        assert one.threads.wait(PATIENCE)
        assert (1, 1, 4) == (one.so_far().settled, queries.total(), store.agenda.waiting())


def test_every_error_has_something_next() -> None:
    """Its own, or the general advice."""
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, PaygateError)]
    assert len(kinds) > len(NEXT)
    assert all(next_for(kind.__name__) for kind in kinds)
    assert NEXT.keys() <= {kind.__name__ for kind in kinds}
    assert "callback settles them" in next_for(UnsupportedOperation.__name__)
    assert "makers of the adapter" in next_for("LookupError")
