"""The whole life of a charge by every method against the pretend Ayolinx, in both shells: all eleven APIs."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import anyio
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    AccountNumber,
    AsyncPaygate,
    Charge,
    ChargeNotFound,
    ChargeStatus,
    DuplicateReference,
    Exchange,
    Item,
    Method,
    Money,
    Paygate,
    PaymentLink,
    Qris,
    Retail,
    VirtualAccount,
    hookimpl,
)
from paygate.sandbox import AsyncSimulatorTransport, PayerAction, PretendCharge, SimulatorTransport
from tests.ayolinx import METHODS, order, ref

DOCUMENTED: Final = {
    "/v1.0/access-token/b2b",
    "/v1.0/qr/qr-mpm-generate",
    "/v1.0/qr/qr-mpm-query",
    "/v1.0/qr/qr-mpm-cancel",
    "/direct-debit/core/v1/debit/payment-host-to-host",
    "/direct-debit/core/v1/debit/status",
    "/v1.0/transfer-va/create-va",
    "/v1.0/transfer-va/inquiry-va",
    "/v1.0/retail/create",
    "/v1.0/retail/query",
    "/v1.0/payment-link/create",
}
"""The whole surface that Ayolinx documents for merchants to call."""

OWN: Final = {
    f"own {bank}": VirtualAccount(bank, f"{prefix}0000004711")
    for bank, prefix in (("bni", "98829172"), ("bri", "15574"), ("cimb", "2056"), ("mandiri", "87319"))
}
EVERY: Final[dict[str, Method]] = {**METHODS, **OWN, "chosen link": PaymentLink((Retail("dandan"), Qris()))}
ASKABLE: Final = {name: method for name, method in EVERY.items() if not isinstance(method, PaymentLink)}
ENDS: Final = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)

Ask = Callable[..., Any]


class Paths:
    """Keeps which APIs were answered, and how."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int | None]] = set()

    @hookimpl
    def exchanged(self, exchange: Exchange) -> None:
        self.seen.add((exchange.path, exchange.status))


@pytest.fixture
def paths() -> Paths:
    """A listener to all exchanges."""
    return Paths()


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def ask(
    request: pytest.FixtureRequest,
    simulator: AyolinxSimulator,
    configured: Callable[..., dict[str, Any]],
    paths: Paths,
) -> Iterator[Ask]:
    """Ask paygate for an operation, in each shell and on each event loop."""
    document = configured(simulator, return_url="https://shop.example/thanks")
    if request.param == "blocking":
        with Paygate.from_mapping(
            document, transport=SimulatorTransport(simulator), listeners=[paths]
        ) as paygate:
            yield lambda operation, about: getattr(paygate, operation)(about)
        return

    def ask_async(operation: str, about: Any) -> Any:
        async def run() -> Any:
            transport = AsyncSimulatorTransport(simulator)
            async with AsyncPaygate.from_mapping(document, transport=transport, listeners=[paths]) as paygate:
                answer: Awaitable[Any] = getattr(paygate, operation)(about)
                return await answer

        return anyio.run(run, backend=request.param)

    yield ask_async


def the_only(simulator: AyolinxSimulator) -> PretendCharge:
    """The one charge in the books."""
    [booked] = simulator.ledger.charges
    return booked


def same_as_booked(charge: Charge, booked: PretendCharge) -> None:
    """Check that a new charge is what the provider wrote down."""
    assert ("main", "INV-1", ChargeStatus.PENDING) == (charge.gateway, charge.reference, charge.status)
    assert (booked.reference, booked.amount) == (charge.reference, charge.amount)
    assert booked.instructions == charge.instructions
    assert booked.expires_at.replace(microsecond=0) == charge.expires_at
    assert (None, None) == (charge.paid_at, charge.paid_amount)


@pytest.mark.parametrize("name", EVERY)
def test_a_life(ask: Ask, simulator: AyolinxSimulator, name: str) -> None:
    """Made as the books have it, pending, paid, and paid again whenever it is asked about."""
    charge: Charge = ask("create_charge", order(EVERY[name]))
    booked = the_only(simulator)
    same_as_booked(charge, booked)
    assert EVERY[name] == charge.method
    if name in ASKABLE:
        pending: Charge = ask("query", charge)
        assert (ChargeStatus.PENDING, None, None) == (pending.status, pending.paid_at, pending.paid_amount)
    simulator.act("INV-1", PayerAction.PAY)
    if name not in ASKABLE:
        assert booked.provider_reference == charge.provider_reference, "the link's own number"
        return
    paid: Charge = ask("query", charge)
    assert booked.finished_at is not None
    assert (ChargeStatus.PAID, Money.idr(25_000)) == (paid.status, paid.paid_amount)
    assert booked.finished_at.replace(microsecond=0) == paid.paid_at
    assert booked.provider_reference == paid.provider_reference
    assert paid == ask("query", ref(EVERY[name])), "by its name alone, and as often as one likes"


@pytest.mark.parametrize("name", EVERY)
def test_an_end_that_was_asked_for(ask: Ask, simulator: AyolinxSimulator, name: str) -> None:
    """The end that was asked for is the provider's and the charge's, in whatever form each of them told it."""
    charge: Charge = ask("create_charge", order(EVERY[name], expires_at=ENDS))
    assert (ENDS, ENDS) == (the_only(simulator).expires_at, charge.expires_at)


@pytest.mark.parametrize(
    ("action", "status"),
    [(PayerAction.FAIL, ChargeStatus.FAILED), (PayerAction.EXPIRE, ChargeStatus.CANCELLED)],
)
@pytest.mark.parametrize("name", ASKABLE)
def test_an_unpaid_end(
    ask: Ask, simulator: AyolinxSimulator, name: str, action: PayerAction, status: ChargeStatus
) -> None:
    """A charge that ended without a payment has none, whatever amount the provider repeats."""
    charge: Charge = ask("create_charge", order(EVERY[name]))
    simulator.act("INV-1", action)
    told: Charge = ask("query", charge)
    assert (status, None, None) == (told.status, told.paid_at, told.paid_amount)


def test_all_eleven(ask: Ask, simulator: AyolinxSimulator, paths: Paths) -> None:
    """Every API that is documented is used and says yes; no other is."""
    for number, (name, method) in enumerate(EVERY.items()):
        charge: Charge = ask("create_charge", order(method, f"INV-{number}"))
        if name in ASKABLE:
            ask("query", charge)
        if name == "qris":
            assert ChargeStatus.CANCELLED is ask("cancel", charge).status
    assert {(path, 200) for path in DOCUMENTED} == paths.seen
    assert len(EVERY) == len(simulator.ledger.charges)


@pytest.mark.parametrize("name", EVERY)
def test_a_reference_is_charged_once(ask: Ask, simulator: AyolinxSimulator, name: str) -> None:
    """A second charge under the same reference is refused, by any method, and the books have one."""
    ask("create_charge", order(EVERY[name]))
    for other in ("qris", "dana", "bni", "alfamart", "link"):
        with pytest.raises(DuplicateReference):
            ask("create_charge", order(other))
    assert 1 == simulator.ledger.count("INV-1")


@pytest.mark.parametrize("name", ASKABLE)
def test_a_charge_of_another_method(ask: Ask, simulator: AyolinxSimulator, name: str) -> None:
    """A charge is found under its own channel alone; what was never made is not found."""
    ask("create_charge", order("link"))
    for reference in ("INV-1", "NONE"):
        with pytest.raises(ChargeNotFound):
            ask("query", ref(EVERY[name], reference))


def test_what_the_payer_sees(ask: Ask, simulator: AyolinxSimulator) -> None:
    """Names, addresses, numbers and items arrive at the provider as they were given."""
    items = (Item("Kopi susu", Money.idr(10_000), 2), Item("Roti", Money.idr(5_000)))
    ask("create_charge", order("link", items=items, description="Order 1"))
    ask("create_charge", order(VirtualAccount("bni", "988291720815"), "INV-2"))
    ask("create_charge", order("dana", "INV-3"))
    link, account, wallet = simulator.ledger.charges
    assert {
        "customer": "Siti Rahayu",
        "email": "siti.rahayu@mail.example",
        "phone": "+6281234567890",
        "items": "2 x Kopi susu at 10000, 1 x Roti at 5000",
        "description": "Order 1",
    } == dict(link.details)
    assert AccountNumber("988291720815", "bni") == account.instructions
    assert "0815" == account.details["customer number"]
    assert "https://shop.example/thanks" == wallet.return_url
