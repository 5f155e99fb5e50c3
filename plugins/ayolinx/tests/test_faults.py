"""Every fault of the network and the provider, one by one: what is raised, and what was done.

In process, so nothing is left to chance. The same with drawn faults over HTTP is in test_fault_run.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import anyio
import pytest
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    AsyncGateway,
    AuthenticationFailed,
    Charge,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Gateway,
    Money,
    NotSent,
    OutcomeUnknown,
    PaygateError,
    Qris,
    RateLimited,
    Refused,
    Retry,
    Unreachable,
)
from paygate.sandbox import AsyncSimulatorTransport, Fault, PayerAction, SimulatorTransport
from paygate.settings import from_mapping

PENDING: Final = ChargeStatus.PENDING
CANCELLED: Final = ChargeStatus.CANCELLED
ORDER: Final = ChargeRequest(reference="INV-1", amount=Money.idr(25_000), method=Qris())
REF: Final = ChargeRef("main", "INV-1", Qris())
ARGUMENTS: Final[dict[str, tuple[Any, ...]]] = {
    "authorize": (),
    "create_charge": (ORDER,),
    "query": (REF,),
    "cancel": (REF,),
}
QUICK: Final = Retry(attempts=3, first_wait_seconds=0.001, longest_wait_seconds=0.002, deadline_seconds=0.9)
"""Three attempts, but none that waits for the second that RATE_LIMIT asks for."""

Outcome = ChargeStatus | type[PaygateError] | str
"""The status of a charge, an error, or "credential"."""

AFTER_THE_WORK: Final = (
    Fault.HANG,
    Fault.CLOSE,
    Fault.CUT,
    Fault.ERROR,
    Fault.GARBAGE,
    Fault.STATUS_DISAGREES,
    Fault.CODE_DISAGREES,
)
ONCE: Final[dict[tuple[str, Fault], tuple[Outcome, Any]]] = {
    ("create_charge", Fault.LOSE): (OutcomeUnknown, None),
    ("create_charge", Fault.RATE_LIMIT): (RateLimited, None),
    ("create_charge", Fault.REVOKE): (PENDING, PENDING),
    ("create_charge", Fault.SLOW): (PENDING, PENDING),
    **{("create_charge", fault): (OutcomeUnknown, PENDING) for fault in AFTER_THE_WORK},
    ("query", Fault.LOSE): (PENDING, PENDING),
    ("query", Fault.RATE_LIMIT): (RateLimited, PENDING),
    ("query", Fault.REVOKE): (PENDING, PENDING),
    ("query", Fault.SLOW): (PENDING, PENDING),
    **{("query", fault): (PENDING, PENDING) for fault in AFTER_THE_WORK},
    ("cancel", Fault.LOSE): (OutcomeUnknown, PENDING),
    ("cancel", Fault.RATE_LIMIT): (RateLimited, PENDING),
    ("cancel", Fault.REVOKE): (CANCELLED, CANCELLED),
    ("cancel", Fault.SLOW): (CANCELLED, CANCELLED),
    **{("cancel", fault): (OutcomeUnknown, CANCELLED) for fault in AFTER_THE_WORK},
    ("authorize", Fault.LOSE): (Unreachable, None),
    ("authorize", Fault.RATE_LIMIT): (Unreachable, None),
    ("authorize", Fault.REVOKE): ("credential", None),
    ("authorize", Fault.SLOW): ("credential", None),
    **{("authorize", fault): (Unreachable, None) for fault in AFTER_THE_WORK},
}
"""What a call brings when its first exchange suffers a fault, and how the charge stands in the books."""

ALWAYS: Final[dict[tuple[str, Fault], tuple[Outcome, Any]]] = {
    **ONCE,
    ("create_charge", Fault.REVOKE): (AuthenticationFailed, None),
    ("query", Fault.LOSE): (OutcomeUnknown, PENDING),
    ("query", Fault.REVOKE): (AuthenticationFailed, PENDING),
    **{("query", fault): (OutcomeUnknown, PENDING) for fault in AFTER_THE_WORK},
    ("cancel", Fault.REVOKE): (AuthenticationFailed, PENDING),
}
"""The same when every exchange suffers it."""

LOGIN_ONCE: Final[Mapping[Fault, Outcome]] = dict.fromkeys(Fault, PENDING) | {Fault.RATE_LIMIT: Unreachable}
LOGIN_ALWAYS: Final[Mapping[Fault, Outcome]] = dict.fromkeys(Fault, Unreachable) | {
    Fault.REVOKE: PENDING,
    Fault.SLOW: PENDING,
}
"""What a new charge brings when the login before it suffers a fault, once or always."""


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def shell(request: pytest.FixtureRequest) -> str:
    """Both shells, the async one on both event loops."""
    name: str = request.param
    return name


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow answer need not be slow here: nobody's patience is tried."""
    monkeypatch.setattr("paygate.sandbox.transport.SLOW_SECONDS", 0.01)


@pytest.fixture
def simulator(make_simulator: Callable[..., AyolinxSimulator]) -> AyolinxSimulator:
    """A careless pretend Ayolinx, whose books would show a charge that was sent twice."""
    return make_simulator(refuse_duplicates=False)


@pytest.fixture(scope="session")
def adapter(account: SandboxAccount) -> Ayolinx:
    """The account's adapter; it has no state, so one is enough."""
    own = from_mapping({"gateways": {"main": account.settings("/callbacks/main")}})
    return Ayolinx("main", own.gateways["main"].fitted(Ayolinx.settings_type))


Ask = Callable[..., Any]


@pytest.fixture
def ask(adapter: Ayolinx, simulator: AyolinxSimulator) -> Ask:
    """Ask for one operation in one shell; return what comes of it, an error of paygate's included."""

    def ask_it(shell: str, operation: str, retry: Retry = QUICK) -> Any:
        options: dict[str, Any] = {"retry": retry, "timeout_seconds": 1.0}

        async def run() -> Any:
            transport = AsyncSimulatorTransport(simulator)
            async with AsyncGateway("main", adapter, transport=transport, **options) as gateway:
                return await getattr(gateway, operation)(*ARGUMENTS[operation])

        try:
            if shell != "blocking":
                return anyio.run(run, backend=shell)
            with Gateway("main", adapter, transport=SimulatorTransport(simulator), **options) as gateway:
                return getattr(gateway, operation)(*ARGUMENTS[operation])
        except PaygateError as error:
            return error

    return ask_it


def outcome(result: Any) -> Outcome:
    """What a result is, in the words of the tables."""
    if isinstance(result, PaygateError):
        return type(result)
    return result.status if isinstance(result, Charge) else "credential"


def in_books(simulator: AyolinxSimulator) -> ChargeStatus | None:
    """How the charge stands in the provider's books, where there is never more than one."""
    assert simulator.ledger.count("INV-1") <= 1
    charge = simulator.ledger.find("INV-1")
    return charge.status if charge else None


def seen(simulator: AyolinxSimulator) -> Counter[str]:
    """How many requests of each operation came in."""
    return Counter(simulator.faults._seen)


def plan(simulator: AyolinxSimulator, fault: Fault, operation: str, times: int) -> None:
    """Let the next exchanges of an operation suffer a fault."""
    for number in range(times):
        simulator.faults.plan(fault, operation, number + 1)


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("operation", ARGUMENTS)
def test_a_fault(
    simulator: AyolinxSimulator, ask: Ask, shell: str, operation: str, fault: Fault, times: int
) -> None:
    """Each fault of each operation has the outcome of the table, and the books agree with it."""
    if operation in ("query", "cancel"):
        ask("blocking", "create_charge")
    before = seen(simulator)
    plan(simulator, fault, operation, times)
    result = ask(shell, operation)
    expected, booked = (ONCE if times == 1 else ALWAYS)[operation, fault]
    assert (expected, booked) == (outcome(result), in_books(simulator))
    sent = (seen(simulator) - before)[operation]
    if operation == "authorize":
        assert 1 == sent
    elif operation != "query" and fault is not Fault.REVOKE:
        assert 1 == sent, "what changes something is sent once, unless it was certainly not done"
    if isinstance(result, PaygateError) and operation != "authorize":
        assert ("main", operation, "INV-1") == (result.gateway, result.operation, result.reference)
        assert result.external_id


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("fault", Fault)
def test_a_fault_of_the_login(
    simulator: AyolinxSimulator, ask: Ask, shell: str, fault: Fault, times: int
) -> None:
    """A login that fails is repeated with its charge; if it never works, nothing was sent."""
    plan(simulator, fault, "authorize", times)
    result = ask(shell, "create_charge")
    expected = (LOGIN_ONCE if times == 1 else LOGIN_ALWAYS)[fault]
    assert expected == outcome(result)
    assert (PENDING if expected is PENDING else None) is in_books(simulator)
    assert (1 if expected is PENDING else 0) == seen(simulator)["create_charge"]
    if isinstance(result, Unreachable):
        assert (1.0 if fault is Fault.RATE_LIMIT else None) == result.retry_after
        assert "INV-1" == result.reference


@pytest.mark.parametrize(
    ("shell", "operation"),
    [
        *[("blocking", operation) for operation in ARGUMENTS],
        ("asyncio", "create_charge"),
        ("trio", "create_charge"),
    ],
)
def test_a_rate_limit_is_waited_for(
    simulator: AyolinxSimulator, ask: Ask, shell: str, operation: str
) -> None:
    """With time enough, Retry-After is waited for and the operation is done, once."""
    if operation in ("query", "cancel"):
        ask("blocking", "create_charge")
    plan(simulator, Fault.RATE_LIMIT, operation, 1)
    patient = Retry(attempts=2, first_wait_seconds=0.001, longest_wait_seconds=0.002)
    result = ask(shell, "create_charge" if operation == "authorize" else operation, patient)
    assert (CANCELLED if operation == "cancel" else PENDING) is result.status is in_books(simulator)
    assert 2 <= seen(simulator)[operation]


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.REVOKE])
def test_a_fault_after_a_renewed_login(
    simulator: AyolinxSimulator, ask: Ask, shell: str, fault: Fault
) -> None:
    """A request that was turned away for its token was not done; the one sent again may suffer as any other."""
    simulator.faults.plan(Fault.REVOKE, "create_charge", 1)
    simulator.faults.plan(fault, "create_charge", 2)
    result = ask(shell, "create_charge")
    assert ONCE["create_charge", fault] == (outcome(result), in_books(simulator))
    assert 2 == seen(simulator)["create_charge"]


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in (Fault.REVOKE, Fault.SLOW)])
def test_a_renewed_login_that_fails(simulator: AyolinxSimulator, ask: Ask, shell: str, fault: Fault) -> None:
    """If the second login fails, the charge was turned away and never sent again."""
    simulator.faults.plan(Fault.REVOKE, "create_charge", 1)
    for number in range(2, 9):
        simulator.faults.plan(fault, "authorize", number)
    result = ask(shell, "create_charge")
    assert (Unreachable, None) == (outcome(result), in_books(simulator))


@pytest.mark.parametrize("seed", range(8))
def test_drawn_faults_of_query_and_cancel(adapter: Ayolinx, simulator: AyolinxSimulator, seed: int) -> None:
    """Whatever happens on the way, a query tells what the books say, and a cancellation what became of it."""
    options: dict[str, Any] = {"transport": SimulatorTransport(simulator), "retry": QUICK}
    counts: Counter[str] = Counter()
    with Gateway("main", adapter, **options) as gateway:
        for number in range(60):
            simulator.faults.clear()
            ref = gateway.create_charge(
                ChargeRequest(reference=f"INV-{number}", amount=ORDER.amount, method=Qris())
            ).ref
            if number % 5 == 0:
                simulator.act(ref.reference, PayerAction.PAY)
            charge = simulator.ledger.find(ref.reference)
            assert charge is not None
            before = charge.status
            simulator.faults.draw(0.4, seed * 1000 + number)
            for operation in ("query", "cancel", "query"):
                try:
                    told = getattr(gateway, operation)(ref).status
                except (NotSent, Refused) as error:
                    counts[type(error).__name__] += 1
                    assert operation == "query" or before is charge.status, "refused, and done all the same"
                except OutcomeUnknown:
                    counts["OutcomeUnknown"] += 1
                else:
                    counts[told] += 1
                    assert told is charge.status
                before = charge.status
    assert {"OutcomeUnknown", "paid", "pending", "cancelled", "StateConflict"} <= set(counts)
