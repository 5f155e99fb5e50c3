"""Every fault for every method, one by one: what is raised, what was done, and how it is settled.

In process, so nothing is left to chance. QRIS and its cancellation, the login and both event loops are in
test_faults.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    AuthenticationFailed,
    ChargeNotFound,
    ChargeStatus,
    Gateway,
    Method,
    OutcomeUnknown,
    PaygateError,
    RateLimited,
    Retry,
    VirtualAccount,
)
from paygate.sandbox import Fault, SimulatorTransport
from tests.ayolinx import METHODS, adapter_of, order, ref

EVERY: Final[dict[str, Method]] = {**METHODS, "own number": VirtualAccount("bni", "988291724711")}
ASKABLE: Final = [name for name in EVERY if name != "link"]
PENDING: Final = ChargeStatus.PENDING
QUICK: Final = Retry(attempts=3, first_wait_seconds=0.001, longest_wait_seconds=0.002, deadline_seconds=0.9)
"""Three attempts, but none that waits for the second that RATE_LIMIT asks for."""

Outcome = ChargeStatus | type[PaygateError]
LOST: Final[tuple[Outcome, Any]] = (OutcomeUnknown, PENDING)
CREATED_ONCE: Final[dict[Fault, tuple[Outcome, Any]]] = dict.fromkeys(Fault, LOST) | {
    Fault.LOSE: (OutcomeUnknown, None),
    Fault.RATE_LIMIT: (RateLimited, None),
    Fault.REVOKE: (PENDING, PENDING),
    Fault.SLOW: (PENDING, PENDING),
}
CREATED_ALWAYS: Final = CREATED_ONCE | {Fault.REVOKE: (AuthenticationFailed, None)}
QUERIED_ONCE: Final[dict[Fault, Outcome]] = {
    **dict.fromkeys(Fault, PENDING),
    Fault.RATE_LIMIT: RateLimited,
}
QUERIED_ALWAYS: Final[dict[Fault, Outcome]] = {
    **dict.fromkeys(Fault, OutcomeUnknown),
    Fault.RATE_LIMIT: RateLimited,
    Fault.REVOKE: AuthenticationFailed,
    Fault.SLOW: PENDING,
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow answer need not be slow here: nobody's patience is tried."""
    monkeypatch.setattr("paygate.sandbox.transport.SLOW_SECONDS", 0.001)


@pytest.fixture
def simulator(make_simulator: Callable[..., AyolinxSimulator]) -> AyolinxSimulator:
    """A careless pretend Ayolinx, whose books would show a charge that was sent twice."""
    return make_simulator(refuse_duplicates=False)


@pytest.fixture(scope="session")
def adapter(account: SandboxAccount) -> Ayolinx:
    """The account's adapter; it has no state, so one is enough."""
    return adapter_of(account)


@pytest.fixture
def gateway(adapter: Ayolinx, simulator: AyolinxSimulator) -> Iterator[Gateway]:
    """A gateway over the simulator."""
    transport = SimulatorTransport(simulator)
    with Gateway("main", adapter, transport=transport, retry=QUICK, timeout_seconds=1.0) as one:
        yield one


def outcome(ask: Callable[[Any], Any], about: Any) -> Outcome:
    """The status that comes of a call, or the kind of its error."""
    try:
        status: ChargeStatus = ask(about).status
    except PaygateError as raised:
        error = raised
    else:
        return status
    assert ("main", "INV-1") == (error.gateway, error.reference)
    assert error.external_id
    return type(error)


def in_books(simulator: AyolinxSimulator) -> ChargeStatus | None:
    """How the charge stands in the provider's books, where there is never more than one."""
    assert simulator.ledger.count("INV-1") <= 1
    charge = simulator.ledger.find("INV-1")
    return charge.status if charge else None


def plan(simulator: AyolinxSimulator, fault: Fault, operation: str, times: int) -> None:
    """Let the next exchanges of an operation suffer a fault."""
    for number in range(times):
        simulator.faults.plan(fault, operation, number + 1)


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("name", EVERY)
def test_a_new_charge(
    gateway: Gateway, simulator: AyolinxSimulator, name: str, fault: Fault, times: int
) -> None:
    """No method is charged twice or refused wrongly, and what is unknown is settled by asking."""
    plan(simulator, fault, "create_charge", times)
    before = Counter(simulator.faults._seen)
    told = outcome(gateway.create_charge, order(EVERY[name]))
    booked = in_books(simulator)
    assert (CREATED_ONCE if times == 1 else CREATED_ALWAYS)[fault] == (told, booked)
    sent = (Counter(simulator.faults._seen) - before)["create_charge"]
    assert (2 if fault is Fault.REVOKE else 1) == sent, "it is sent once, unless it was certainly not done"
    simulator.faults.clear()
    if name != "link":
        settled = outcome(gateway.query, ref(EVERY[name]))
        assert (ChargeNotFound if booked is None else PENDING) == settled


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("name", ASKABLE)
def test_a_query(gateway: Gateway, simulator: AyolinxSimulator, name: str, fault: Fault, times: int) -> None:
    """A query is asked again as it changes nothing; what it tells is in the books."""
    charge = gateway.create_charge(order(EVERY[name]))
    plan(simulator, fault, "query", times)
    told = outcome(gateway.query, charge)
    assert (QUERIED_ONCE if times == 1 else QUERIED_ALWAYS)[fault] == told
    assert PENDING is in_books(simulator)


@pytest.mark.parametrize("fault", [fault for fault in Fault if CREATED_ONCE[fault][0] is OutcomeUnknown])
def test_a_link_that_is_lost(gateway: Gateway, simulator: AyolinxSimulator, fault: Fault) -> None:
    """Nobody can ask about a link: the error says what to do instead."""
    simulator.faults.plan(fault, "create_charge", 1)
    with pytest.raises(OutcomeUnknown, match="make another one under a new reference"):
        gateway.create_charge(order("link"))
