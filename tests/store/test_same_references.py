"""Many processes make the same charges at the same moment: each is made once, and all are told the same.

PAYGATE_SAME is the number of charges.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate.redaction import Secret
from paygate.sandbox.host import serve
from paygate.store.database import Database
from paygate.store_settings import StoreSettings
from tests.store.audit import differences, tries
from tests.store.merchants import Life
from tests.store.rounds import Group, Merchants, lines_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

SAME: Final = int(os.environ.get("PAYGATE_SAME", "200"))
SHELLS: Final = ("blocking", "asyncio", "blocking", "trio", "blocking", "asyncio", "blocking", "trio")
HEAD_START: Final = 0.3


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_eight_processes_make_the_same_charges(
    store_url: str,
    merchants: Merchants,
    make_simulator: Callable[..., AyolinxSimulator],
    configured: Callable[..., dict[str, Any]],
) -> None:
    """The provider, who would charge a reference twice, has each once, and every process has got that one."""
    simulator = make_simulator(refuse_duplicates=False)
    orders = range(SAME)
    with closing(Database(StoreSettings(url=Secret(store_url)))) as database, serve(simulator) as server:
        document = configured(simulator, server.url) | {"store": {"url": store_url}}
        group = Group(merchants, document)
        group.live(*[Life(shell=shell, seed=0) for shell in sorted({*SHELLS})])  # all is loaded then
        begins_at = time.time() + HEAD_START
        lives = [
            Life(shell=shell, seed=number, orders=[*orders], begins_at=begins_at)
            for number, shell in enumerate(SHELLS)
        ]
        told = group.live(*lives)
        assert {f"INV-{number}": 1 for number in orders} == simulator.ledger.counts()
        assert [] == differences(database, {"main": simulator})
        assert {} == tries(database), "nobody had to ask, or to send again"
    made = lines_of(told, "made")
    assert {f"INV-{number}": len(SHELLS) for number in orders} == Counter(line[1] for line in made)
    assert SAME == sum(line[5] for line in made), "one process has sent each, and the others have found it"
    senders = [sum(line[5] for line in lines_of([one], "made")) for one in told]
    steps = Counter(line[2] for line in lines_of(told, "step"))
    assert sum(map(bool, senders)) > 1, "several processes have sent"
    assert SAME == steps["send"]
    assert steps["wait"], "some found that another was sending it at that moment"
    sys.stdout.write(f"sent by each process: {senders}\nsteps: {dict(steps)}\ntold: {dict(group.told)}\n")
