"""A merchant's processes: forked from one that has loaded its program, at work on one store, and killed.

`python -m tests.store.merchants FOLDER` reads rounds as JSON from its standard input, a line each: a configuration,
and the lives that are lived at once. To each it answers with a line: what every life has told. A life with
`seconds` is killed with SIGKILL when they are over; the others end by themselves.
"""

import json
import logging
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import anyio
import msgspec
from msgspec import Struct

from paygate import (
    AsyncGateway,
    AsyncPaygate,
    Charge,
    ChargeRequest,
    ChargeStatus,
    Customer,
    Gateway,
    InstructionsLost,
    Method,
    Money,
    Paygate,
    PaygateError,
    Qris,
    Retry,
    VirtualAccount,
)
from paygate.store.store import Store

METHODS: Final[tuple[Method, ...]] = (Qris(), VirtualAccount("bni"), VirtualAccount("bri"))
CUSTOMER: Final = Customer(name="Siti Rahayu", email="siti@mail.example", phone="+6281234567890")
HASTY: Final = Retry(attempts=2, first_wait_seconds=0.001, longest_wait_seconds=0.002, deadline_seconds=0.1)
LOOK: Final = 0.001
LATEST: Final = 10.0
"""Seconds after which a life is at work, be it seen or not."""

CANCELLED_OF: Final = 5
"""Of so many charges one is cancelled by the merchant."""

Line = list[Any]
"""A kind, and what it is about: ["made", reference, gateway, status, provider_reference, was_sent_here]."""


class Life(Struct, frozen=True, kw_only=True):
    """What one process does, and for how long: `seconds` from its first step, or from its birth.

    Each order is tried once, and those that fail `tries` times in all. With `cancels` some charges are
    cancelled. `breaks_off` is after how many seconds at most some tasks are cancelled; None is never.
    `reconciles` is how many charges one more worker asks about, again and again; 0 is none.
    """

    shell: str
    seed: int
    orders: Sequence[int] = ()
    seconds: float | None = None
    is_killed_young: bool = False
    begins_at: float = 0.0
    workers: int = 4
    tries: int = 1
    patience: float = 0.01
    methods: int = 1
    cancels: bool = False
    breaks_off: float | None = None
    reconciles: int = 0


class Round(Struct, frozen=True, kw_only=True):
    """Lives that are lived at once, with one configuration."""

    document: Mapping[str, Any]
    lives: Sequence[Life]


class Lived(Struct, frozen=True, kw_only=True):
    """What a life told before its end."""

    was_killed: bool
    lines: Sequence[Line]


def order(number: int, methods: int = 1) -> ChargeRequest:
    """The n-th charge, by one of the first so many methods."""
    return ChargeRequest(
        reference=f"INV-{number}",
        amount=Money.idr(10_000 + number),
        method=METHODS[number % methods],
        customer=CUSTOMER,
    )


class Work:
    """The orders of one life, shared by its workers, and what is told of them."""

    def __init__(self, life: Life, tell: Callable[..., None]) -> None:
        self.life = life
        self.tell = tell
        self.random = random.Random(life.seed)
        shuffled = list(life.orders)
        if life.seconds is not None or life.tries > 1:
            self.random.shuffle(shuffled)
        self._left = deque((number, 1) for number in shuffled)
        self.is_done = False

    def orders(self) -> Iterator[tuple[int, int]]:
        """Numbers to make charges of, and the how manieth time it is, until there are none left."""
        while True:
            try:
                yield self._left.popleft()
            except IndexError:
                return

    def break_off(self) -> float | None:
        """Seconds after which a task is to be cancelled; None for most."""
        longest = self.life.breaks_off
        return None if longest is None or self.random.random() > 0.25 else self.random.uniform(0, longest)

    def made(self, number: int, charge: Charge) -> bool:
        """Tell of a charge that is there; whether it is to be cancelled now."""
        was_sent_here = bool(charge.raw)
        told = (charge.reference, charge.gateway, charge.status.value, charge.provider_reference)
        self.tell("made", *told, was_sent_here)
        return self.life.cancels and not number % CANCELLED_OF and charge.status is ChargeStatus.PENDING

    def failed(self, number: int, nth: int, error: PaygateError) -> Charge | None:
        """Tell of an error; a charge that nobody can pay is returned, to be cancelled."""
        if isinstance(error, InstructionsLost):
            self.tell("lost", error.reference, error.gateway, error.charge.status.value)
            return error.charge if self.life.cancels else None
        self.tell("error", f"INV-{number}", type(error).__name__)
        if nth < self.life.tries:
            self._left.append((number, nth + 1))
        return None


def blocking(paygate: Paygate, life: Life, tell: Callable[..., None]) -> None:
    """Live with threads."""
    work = Work(life, tell)
    assert paygate.store is not None
    watch(paygate.store, tell)

    def make() -> None:
        for number, nth in work.orders():
            try:
                charge = paygate.create_charge(order(number, life.methods))
                doomed = charge if work.made(number, charge) else None
            except PaygateError as error:
                doomed = work.failed(number, nth, error)
                time.sleep(life.patience)
            if doomed is not None:
                cancel(doomed)

    def cancel(charge: Charge) -> None:
        try:
            tell("cancelled", charge.reference, paygate.cancel(charge).status.value)
        except PaygateError as error:
            tell("not cancelled", charge.reference, type(error).__name__)

    def reconcile() -> None:
        while not work.is_done:
            reconciled = paygate.reconcile(life.reconciles)
            tell("reconciled", reconciled.asked, reconciled.settled, reconciled.unsettled)
            time.sleep(life.patience)

    makers = [guarded(make, tell) for _ in range(life.workers)]
    asker = [guarded(reconcile, tell)] if life.reconciles else []
    for thread in makers + asker:
        thread.start()
    for thread in makers:
        thread.join()
    work.is_done = True
    for thread in asker:
        thread.join()
    paygate.close()


async def waiting(paygate: AsyncPaygate, life: Life, tell: Callable[..., None]) -> None:
    """Live with tasks."""
    work = Work(life, tell)
    assert paygate.store is not None
    watch(paygate.store.blocking, tell)

    async def make() -> None:
        for number, nth in work.orders():
            doomed: Charge | None = None
            try:
                with anyio.move_on_after(work.break_off()) as scope:
                    charge = await paygate.create_charge(order(number, life.methods))
                    doomed = charge if work.made(number, charge) else None
                if scope.cancelled_caught:
                    tell("broken off", f"INV-{number}")
            except PaygateError as error:
                doomed = work.failed(number, nth, error)
                await anyio.sleep(life.patience)
            if doomed is not None:
                await cancel(doomed)

    async def cancel(charge: Charge) -> None:
        try:
            tell("cancelled", charge.reference, (await paygate.cancel(charge)).status.value)
        except PaygateError as error:
            tell("not cancelled", charge.reference, type(error).__name__)

    async def reconcile() -> None:
        while not work.is_done:
            reconciled = await paygate.reconcile(life.reconciles)
            tell("reconciled", reconciled.asked, reconciled.settled, reconciled.unsettled)
            await anyio.sleep(life.patience)

    async with paygate, anyio.create_task_group() as all_of_them:
        if life.reconciles:
            all_of_them.start_soon(reconcile)
        async with anyio.create_task_group() as makers:
            for _ in range(life.workers):
                makers.start_soon(make)
        work.is_done = True


def watch(store: Store, tell: Callable[..., None]) -> None:
    """Tell which step each look into the journal brought."""
    begin = store.journal.begin

    def told(*arguments: Any, **named: Any) -> Any:
        entry = begin(*arguments, **named)
        tell("step", entry.reference, entry.step.value)
        return entry

    store.journal.begin = told  # type: ignore[method-assign]


def guarded(target: Callable[[], None], tell: Callable[..., None]) -> threading.Thread:
    """A thread whose death is told."""

    def run() -> None:
        try:
            target()
        except BaseException:
            tell("bug", traceback.format_exc())

    return threading.Thread(target=run, daemon=True)


def lived(loaded: Any, life: Life, diary: Path) -> None:
    """Live one life in this process, and write down what happens in a file, a line at a time."""
    book = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def tell(*line: Any) -> None:
        os.write(book, json.dumps(line).encode() + b"\n")

    time.sleep(max(0.0, life.begins_at - time.time()))
    try:
        if life.shell == "blocking":
            blocking(loaded, life, tell)
        else:
            anyio.run(waiting, loaded, life, tell, backend=life.shell)
    except BaseException:
        tell("bug", traceback.format_exc())


class Program:
    """The merchant's program, loaded once for each configuration: whoever is forked need not wait for it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._document: Mapping[str, Any] = {}
        self._loaded: dict[str, Any] = {}
        self._warm: set[str] = set()

    def loaded(self, document: Mapping[str, Any], shell: str) -> Any:
        """A paygate of this configuration and shell, with nothing open."""
        if document != self._document:
            self._document, self._loaded = document, {}
        if shell not in self._warm:
            self._warm_up(shell)
            self._warm.add(shell)
        if shell not in self._loaded:
            kind = Paygate if shell == "blocking" else AsyncPaygate
            self._loaded[shell] = made = kind.from_mapping(document)
            store = made.store if shell == "blocking" else made.store.blocking  # type: ignore[union-attr]
            store.agenda.waiting()  # type: ignore[union-attr]
            store.close()  # type: ignore[union-attr]
        return self._loaded[shell]

    def _warm_up(self, shell: str) -> None:
        """Have everything imported: nobody listens where this charge goes, and it is forgotten."""
        names = self._document["gateways"].items()
        gateways = {name: {**one, "base_url": "http://127.0.0.1:1"} for name, one in names}
        url = f"sqlite:///{self._folder / 'warm.db'}"
        nowhere = {**self._document, "gateways": gateways, "store": {"url": url}}
        deaf = Life(shell=shell, seed=0, orders=[1], workers=1)
        if shell == "blocking":
            blocking(Paygate.from_mapping(nowhere), deaf, nobody)
        else:
            anyio.run(waiting, AsyncPaygate.from_mapping(nowhere), deaf, nobody, backend=shell)


def nobody(*_: Any) -> None:
    """Tell nobody."""


def kill(children: Mapping[int, tuple[Life, Path]]) -> None:
    """Kill those whose time is over, until all of them are dead."""
    born = time.monotonic()
    ends: dict[int, float] = {}
    mortal = {child for child, (life, _) in children.items() if life.seconds is not None}
    while mortal:
        now = time.monotonic()
        for child in [*mortal]:
            life, diary = children[child]
            assert life.seconds is not None
            is_at_work = life.is_killed_young or (diary.exists() and diary.stat().st_size)
            if child not in ends and (is_at_work or now > born + LATEST):
                ends[child] = now + life.seconds
            if now >= ends.get(child, now + 1):
                os.kill(child, signal.SIGKILL)
                mortal.remove(child)
        time.sleep(LOOK)


def live(program: Program, round_: Round, folder: Path) -> list[Lived]:
    """Live a round: all its lives in processes of their own, and kill those whose time is over."""
    children: dict[int, tuple[Life, Path]] = {}
    for number, life in enumerate(round_.lives):
        loaded = program.loaded(round_.document, life.shell)
        diary = folder / f"{number}.jsonl"
        diary.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            lived(loaded, life, diary)
            os._exit(0)
        children[child] = life, diary
    kill(children)
    told = []
    for child, (_, diary) in children.items():
        _, status = os.waitpid(child, 0)
        lines = [json.loads(line) for line in diary.read_bytes().splitlines()] if diary.exists() else []
        told.append(Lived(was_killed=os.WIFSIGNALED(status), lines=lines))
    return told


def main(folder: Path) -> None:
    """Live as many rounds as are asked for."""
    logging.getLogger("paygate").setLevel(logging.CRITICAL)
    for kind in (Gateway, AsyncGateway):
        kind.__init__.__kwdefaults__["retry"] = HASTY  # type: ignore[index]
    program = Program(folder)
    for line in sys.stdin:
        told = live(program, msgspec.json.decode(line, type=Round), folder)
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
