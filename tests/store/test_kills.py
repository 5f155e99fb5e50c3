"""Processes are killed at any moment, hundreds of times: no charge is lost, none is made twice.

PAYGATE_KILLS is how many are killed in each of the tests.
"""

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import ChargeStatus, Paygate
from paygate.redaction import Secret
from paygate.sandbox import PayerAction
from paygate.sandbox.host import serve
from paygate.store.database import Database
from paygate.store.entries import State
from paygate.store_settings import StoreSettings
from tests.store.audit import OPEN, differences, flagged, rows_of, settle_all, states, tries
from tests.store.lagging import lag
from tests.store.merchants import Life
from tests.store.rounds import Group, Merchants, lines_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

KILLS: Final = int(os.environ.get("PAYGATE_KILLS", "16"))
MOST: Final = 5
"""How many times more are killed at most, where a machine is so busy that all die in the same place."""

AT_ONCE: Final = 2
WINDOW: Final = 40
LONGEST: Final = 0.15
YOUNG_OF: Final = 5
"""Of so many one is killed before it is at work, or as soon as it is."""

LAG: Final = 0.4
HAD: Final = "sending, and the provider had it"
HAD_NOT: Final = "sending, and the provider had it not"
PATIENCE: Final = {"lease_seconds": 1, "grace_seconds": 1}


class Shop:
    """What a merchant knows beside the store: which orders are not known to be charged, as a queue of jobs."""

    def __init__(self) -> None:
        self.open: list[int] = []
        self.begun = 0
        self.charged: dict[str, str | None] = {}

    def work(self) -> list[int]:
        """The orders to work on: those that are open, always as many."""
        while len(self.open) < WINDOW:
            self.open.append(self.begun)
            self.begun += 1
        return self.open

    def heard(self, lines: list[list[Any]]) -> None:
        """Take orders off that are known to be charged."""
        for line in lines:
            number = line[4] if line[0] == "made" else None
            before = self.charged.setdefault(line[1], number)
            assert None in (before, number) or before == number, "one reference has one charge"
            self.charged[line[1]] = before or number
        self.open = [number for number in self.open if f"INV-{number}" not in self.charged]


@contextmanager
def payers(simulator: AyolinxSimulator, seed: int) -> Iterator[None]:
    """Somebody who pays now and then, and now and then fails to."""
    ended, chance = threading.Event(), random.Random(seed)

    def pay() -> None:
        while not ended.wait(0.03):
            pending = [one for one in simulator.ledger.charges[-200:] if one.status is ChargeStatus.PENDING]
            action = PayerAction.FAIL if chance.random() < 0.2 else PayerAction.PAY
            try:
                simulator.act(chance.choice(pending).reference, action)
            except (IndexError, KeyError, ValueError):  # there is none, or not yet, or it was cancelled
                continue

    thread = threading.Thread(target=pay)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Scene:
    """What is found after each kill: how the charges stand that were on their way."""

    def __init__(self, database: Database, simulator: AyolinxSimulator) -> None:
        self._database = database
        self._simulator = simulator
        self._seen: set[tuple[Any, ...]] = set()
        self.counts: Counter[str] = Counter()

    @property
    def is_complete(self) -> bool:
        """Whether some were killed before the provider had a charge, and some after."""
        return bool(self.counts[HAD] and self.counts[HAD_NOT])

    def look(self) -> None:
        """Count those that were not there at the last look."""
        for row in rows_of(self._database):
            here = row["id"], row["attempt"], row["state"]
            if row["state"] not in OPEN or here in self._seen:
                continue
            self._seen.add(here)
            if row["state"] == State.UNKNOWN:
                self.counts["unknown"] += 1
            elif self._simulator.ledger.count(row["reference"]):
                self.counts[HAD] += 1
            else:
                self.counts[HAD_NOT] += 1


def uncancelled(database: Database, simulator: AyolinxSimulator) -> list[str]:
    """The charges that the merchant has cancelled, whose journal does not know it."""
    cancelled = {one.reference for one in simulator.ledger.charges if one.status is ChargeStatus.CANCELLED}
    return [
        row["reference"]
        for row in rows_of(database)
        if row["reference"] in cancelled and row["status"] != ChargeStatus.CANCELLED
    ]


def kill(group: Group, shop: Shop, shell: str, chance: random.Random) -> int:
    """One round of short lives; how many were killed."""
    lives = [
        Life(
            shell=shell,
            seed=chance.randrange(2**32),
            orders=shop.work(),
            seconds=chance.uniform(0, LONGEST),
            is_killed_young=not chance.randrange(YOUNG_OF),
            cancels=True,
            breaks_off=0.03,
            reconciles=10 if chance.random() < 0.4 else 0,
        )
        for _ in range(AT_ONCE)
    ]
    told = group.live(*lives)
    shop.heard(lines_of(told, "made", "lost"))
    return sum(one.was_killed for one in told)


@pytest.mark.parametrize("shell", ["blocking", "asyncio"])
@pytest.mark.parametrize("store_url", ["sqlite", "postgresql"], indirect=True)
def test_killed(
    shell: str,
    store_url: str,
    merchants: Merchants,
    make_simulator: Callable[..., AyolinxSimulator],
    configured: Callable[..., dict[str, Any]],
) -> None:
    """After any number of kills a reconcile makes the journal what the provider's books are."""
    simulator = make_simulator(refuse_duplicates=False)
    simulator.deliveries.hold()
    lag(simulator, LAG)
    seed, shop, killed = 20_261_125, Shop(), 0
    chance = random.Random(seed)
    started = time.monotonic()
    with closing(Database(StoreSettings(url=Secret(store_url)))) as database, serve(simulator) as server:
        scene = Scene(database, simulator)
        document = configured(simulator, server.url) | {"store": {"url": store_url, **PATIENCE}}
        group = Group(merchants, document)
        with Paygate.from_mapping(document) as paygate:
            with payers(simulator, seed):
                while killed < KILLS or (not scene.is_complete and killed < MOST * KILLS):
                    killed += kill(group, shop, shell, chance)
                    scene.look()
            reconciled = settle_all(paygate, overdue=False)
            assert [] == uncancelled(database, simulator)
            settle_all(paygate)
            assert [] == differences(database, {"main": simulator})
            after_kills = states(database)

            last = Life(shell=shell, seed=seed, orders=shop.work())  # what nobody got to is charged now
            shop.heard(lines_of(group.live(last), "made", "lost"))
            settle_all(paygate)
        tried = tries(database)
        report = {
            "kills": killed,
            "seconds": round(time.monotonic() - started, 1),
            "charges": len(simulator.ledger.charges),
            "found after kills": dict(scene.counts),
            "told": dict(group.told),
            "after kills and reconcile": dict(after_kills),
            "reconcile": dict(reconciled),
            "tries": dict(tried),
            "statuses": dict(Counter(one.status.value for one in simulator.ledger.charges)),
            "flags": dict(flagged(database)),
        }
        sys.stdout.write("".join(f"{name}: {value}\n" for name, value in report.items()))
        assert [] == differences(database, {"main": simulator})
    assert [] == shop.open
    assert set(simulator.ledger.counts()) == set(shop.charged) == {f"INV-{n}" for n in range(shop.begun)}
    assert scene.counts[HAD], "some kill came between sending and writing down"
    assert scene.counts[HAD_NOT], "some kill came between writing down and sending"
    assert tried["query: absent"]
    assert tried["sent: sent 2"]
    assert group.told["lost"] or group.told["step ask"]
