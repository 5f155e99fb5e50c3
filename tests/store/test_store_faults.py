"""Thousands of charges over two providers that fail in every way, by several processes on one store.

PAYGATE_STORE_CALLS is the number of charges. Both providers are careless: they charge a reference again when
they are asked again.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from typing import Any, Final

import pytest
from paygate_ayolinx.simulator import AyolinxSimulator
from paygate_midtrans.simulator import MidtransSimulator

from paygate import Gateway, Paygate
from paygate.redaction import Secret
from paygate.sandbox import Fault
from paygate.sandbox.host import serve
from paygate.store.database import Database
from paygate.store_settings import StoreSettings
from tests.store.audit import differences, flagged, numbers_of, settle_all, states, tries
from tests.store.lagging import Register, lag
from tests.store.merchants import HASTY, METHODS, Life
from tests.store.rounds import Group, Merchants, lines_of
from tests.watch import CANARIES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

CALLS: Final = int(os.environ.get("PAYGATE_STORE_CALLS", "400"))
RATE: Final = 0.3
SHELLS: Final = ("blocking", "asyncio", "blocking", "asyncio")
LAG: Final = 0.4
TWICE_OF: Final = 4
"""Of so many charges one is asked for by two processes."""

FIRST: Final = {"qris": ["main", "backup"], "virtual_account": ["backup", "main"]}
SETTINGS: Final = {"breaker_seconds": 0.02, "timeout_seconds": 0.4}


class Suffered:
    """The faults that a simulator's exchanges have suffered, counted."""

    def __init__(self, simulator: Any, seed: int) -> None:
        self.counts: Counter[tuple[str, Fault]] = Counter()
        faults = simulator.faults
        faults.draw(RATE, seed=seed)
        following = faults.next

        def counted(operation: str) -> Fault | None:
            fault: Fault | None = following(operation)
            if fault is not None:
                self.counts[operation, fault] += 1
            return fault

        faults.next = counted


def shares(calls: int) -> list[list[int]]:
    """The orders of each process: all of its own, and some of its neighbour's."""
    own = [[*range(first, calls, len(SHELLS))] for first in range(len(SHELLS))]
    return [[*mine, *own[number - 1][::TWICE_OF]] for number, mine in enumerate(own)]


@pytest.fixture
def simulators(
    make_simulator: Callable[..., AyolinxSimulator], monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, Any]:
    """Two pretend providers that share nothing, both careless, who know of some charges only late."""
    monkeypatch.setitem(Gateway.__init__.__kwdefaults__, "retry", HASTY)  # type: ignore[arg-type]
    midtrans = MidtransSimulator(
        "https://shop.example/callbacks/backup", refuse_duplicates=False, tells_pending=False
    )
    CANARIES.add(midtrans.server_key)
    both: dict[str, Any] = {"main": make_simulator(refuse_duplicates=False), "backup": midtrans}
    for one in both.values():
        one.deliveries.hold()
        lag(one, LAG)
    return both


@pytest.mark.parametrize("store_url", ["sqlite", "postgresql"], indirect=True)
def test_all_faults_at_random(store_url: str, merchants: Merchants, simulators: Mapping[str, Any]) -> None:
    """Four processes charge and reconcile at once: in the end every charge is settled, and none is doubled."""
    register = Register(simulators["main"])
    suffered = {name: Suffered(one, seed) for seed, (name, one) in enumerate(simulators.items())}
    store = {"url": store_url, "lease_seconds": 1.5, "grace_seconds": 1}
    started = time.monotonic()
    with closing(Database(StoreSettings(url=Secret(store_url)))) as database, ExitStack() as stack:
        urls = {name: stack.enter_context(serve(one)).url for name, one in simulators.items()}
        gateways = {
            name: {**one.settings, **SETTINGS, "base_url": urls[name]} for name, one in simulators.items()
        }
        document = {"gateways": gateways, "routes": FIRST, "store": store}
        group = Group(merchants, document)
        lives = [
            Life(
                shell=shell,
                seed=number,
                orders=orders,
                workers=8,
                methods=len(METHODS),
                reconciles=20 if number < len(SHELLS) / 2 else 0,
            )
            for number, (shell, orders) in enumerate(zip(SHELLS, shares(CALLS), strict=True))
        ]
        heard = lines_of(group.live(*lives), "made", "lost")
        charging = time.monotonic() - started
        before, tried = states(database), tries(database)

        paygate = stack.enter_context(Paygate.from_mapping(document))
        reconciled = settle_all(paygate, overdue=False)
        assert [] == differences(database, simulators)
        after, asked = states(database), tries(database)
        assert {"known", "free"} >= set(after)

        for one in simulators.values():
            one.faults.clear()
        orders = [*range(CALLS)]
        last = Life(shell="blocking", seed=9, orders=orders, tries=20, methods=len(METHODS), patience=0.05)
        heard += lines_of(group.live(last), "made", "lost")
        settle_all(paygate)
        assert [] == differences(database, simulators)
        numbers = numbers_of(database)
        report = {
            "seconds": f"{charging:.1f} charging, {time.monotonic() - started:.1f} in all",
            "faults suffered": sum(sum(one.counts.values()) for one in suffered.values()),
            "after charging": dict(before),
            "reconcile": dict(reconciled),
            "after reconcile": dict(after),
            "told": dict(group.told),
            "tries": dict(tried),
            "charges at": {name: len(one.ledger.charges) for name, one in simulators.items()},
            "flags": dict(flagged(database)),
        }
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in report.items()))
    counts = Counter(charge.reference for one in simulators.values() for charge in one.ledger.charges)
    assert {f"INV-{number}": 1 for number in orders} == counts
    places: dict[str, set[str]] = {}
    for line in heard:
        places.setdefault(line[1], set()).add(line[2])
    assert all(len(names) == 1 for names in places.values()), "each reference was told to be at one gateway"
    assert all(simulators[name].ledger.count(place) for place, names in places.items() for name in names)
    assert [] == [sent for sent in register.numbers if sent[1] not in numbers[sent[0]]]
    assert len(register.numbers) > len({reference for reference, _ in register.numbers})
    exchanges = [kind for one in suffered.values() for kind in one.counts]
    assert set(Fault) == {fault for operation, fault in exchanges if operation == "create_charge"}
    assert {"authorize", "create_charge", "query"} == {operation for operation, _ in exchanges}
    assert before["unknown"], "there was something to settle when all had been tried"
    assert sum(tried[line] for line in tried if line.startswith("reply: failed OutcomeUnknown"))
    assert asked["query: absent"]
    assert tried["sent: sent 2"]
