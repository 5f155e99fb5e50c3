"""What the pretend Ayolinx's payer gets and does, and how its callbacks are repeated."""

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import qriskit
from hypothesis import given
from hypothesis import strategies as st
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Money,
    Paygate,
    QrCode,
    Qris,
    Refused,
    StateConflict,
)
from paygate.sandbox import PayerAction, SimulatorTransport
from tests.merchant import START, Clock, Shop

REF = ChargeRef("main", "INV-1", Qris())


@pytest.fixture
def clock() -> Clock:
    """The clock of simulator and paygate."""
    return Clock()


@pytest.fixture
def simulator(make_simulator: Callable[..., AyolinxSimulator], clock: Clock) -> AyolinxSimulator:
    """A pretend Ayolinx that lives by the clock."""
    return make_simulator(clock=clock)


@pytest.fixture
def paygate(
    simulator: AyolinxSimulator, configured: Callable[..., dict[str, Any]], clock: Clock
) -> Iterator[Paygate]:
    """A paygate that lives by the clock."""
    transport = SimulatorTransport(simulator)
    with Paygate.from_mapping(configured(simulator), transport=transport, clock=clock) as one:
        yield one


def order(reference: str = "INV-1", amount: Money | None = None, **other: Any) -> ChargeRequest:
    """A charge request that is right."""
    return ChargeRequest(reference=reference, amount=amount or Money.idr(25_000), method=Qris(), **other)


numbers = itertools.count()
references = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=50)


@given(
    cents=st.one_of(
        st.integers(1, 10**9), st.integers(1, 10**12 - 1), st.integers(1, 10**13 - 1).map(lambda n: n * 100)
    ),
    text=references,
)
def test_the_payload_is_a_qris(paygate: Paygate, cents: int, text: str) -> None:
    """A payload reads without a complaint, with amount, merchant, reference and checksum right."""
    reference = f"{next(numbers)}-{text}"
    charge = paygate.create_charge(order(reference, Money(Decimal(cents) / 100)))
    assert isinstance(charge.instructions, QrCode)
    qris = qriskit.parse(charge.instructions.payload, strict=True)
    assert [] == qriskit.validate(qris)
    assert charge.instructions.payload == qris.dumps()
    assert (Decimal(cents) / 100, "dynamic", "360") == (qris.amount, qris.point_of_initiation, qris.currency)
    assert ("WARUNG PAYGATE", "JAKARTA", "ID") == (qris.merchant_name, qris.merchant_city, qris.country)
    assert ("ID1020000000001", "ID.CO.BANKNEOCOMMERCE.WWW") == (qris.nmid, qris.get("26.00"))
    assert reference[:25] == qris.additional_data.reference_label


@given(cents=st.integers(10**12, 10**16 - 1))
def test_no_payload_is_wrong(paygate: Paygate, cents: int) -> None:
    """An amount that is too long for a QRIS is refused rather than put in a payload that nobody can read."""
    try:
        charge = paygate.create_charge(order(f"LONG-{next(numbers)}", Money(Decimal(cents) / 100)))
    except Refused:
        return
    assert isinstance(charge.instructions, QrCode)
    assert [] == qriskit.validate(charge.instructions.payload)


@pytest.mark.parametrize(
    ("action", "told", "known"),
    [
        (PayerAction.PAY, "00", ChargeStatus.PAID),
        (PayerAction.FAIL, "06", ChargeStatus.FAILED),
        (PayerAction.EXPIRE, "05", ChargeStatus.EXPIRED),
    ],
)
def test_what_a_payer_does(
    paygate: Paygate,
    simulator: AyolinxSimulator,
    clock: Clock,
    action: PayerAction,
    told: str,
    known: ChargeStatus,
) -> None:
    """A payer ends an open charge once; the callback tells it with the time of the end."""
    paygate.create_charge(order())
    clock.go(minutes=2)
    charge = simulator.act("INV-1", action)
    assert (known, clock.moment) == (charge.status, charge.finished_at)
    for again in PayerAction:
        with pytest.raises(ValueError, match=known.value):
            simulator.act("INV-1", again)
    shop = Shop()
    simulator.deliveries.run(shop)
    [request] = shop.got
    assert ("POST", "https://shop.example/callbacks/main") == (request.method, str(request.url))
    assert {
        "callbackType": "QRIS",
        "amount": {"currency": "IDR", "value": "25000.00"},
        "customerNumber": "0812******45",
        "latestTransactionStatus": told,
        "originalPartnerReferenceNo": "INV-1",
        "originalReferenceNo": charge.provider_reference,
        "finishedTime": "2026-09-14T10:17:00+07:00",
        "additionalInfo": {"channel": "BNC_QRIS", "RRN": "612300000001", "paymentNtb": "1"},
    } == json.loads(request.content)


def test_a_payer_without_a_charge(simulator: AyolinxSimulator) -> None:
    """A charge that was never made cannot be paid."""
    with pytest.raises(KeyError, match="NONE"):
        simulator.act("NONE", PayerAction.PAY)
    assert () == simulator.deliveries.all


def test_a_cancelled_charge_is_not_paid(paygate: Paygate, simulator: AyolinxSimulator) -> None:
    """What the merchant cancelled cannot be paid any more, and no callback is sent."""
    paygate.cancel(paygate.create_charge(order()))
    with pytest.raises(ValueError, match="cancelled"):
        simulator.act("INV-1", PayerAction.PAY)
    assert () == simulator.deliveries.all


@pytest.mark.parametrize("asked_for", [None, 5])
def test_a_charge_expires(
    paygate: Paygate, simulator: AyolinxSimulator, clock: Clock, asked_for: int | None
) -> None:
    """A charge ends at the time that was asked for, or after half an hour; then it is neither paid nor cancelled."""
    end = timedelta(minutes=asked_for or 30)
    charge = paygate.create_charge(order(expires_at=START + end if asked_for else None))
    assert START + end == charge.expires_at
    clock.go(seconds=end.total_seconds() - 1)
    assert ChargeStatus.PENDING is paygate.query(charge).status
    clock.go(seconds=1)
    assert ChargeStatus.CANCELLED is paygate.query(charge).status, "there is no status for expired"
    assert (ChargeStatus.EXPIRED, START + end) == (
        simulator.ledger.charges[0].status,
        simulator.ledger.charges[0].finished_at,
    )
    with pytest.raises(ValueError, match="expired"):
        simulator.act("INV-1", PayerAction.PAY)
    with pytest.raises(StateConflict):
        paygate.cancel(charge)


def attempts(simulator: AyolinxSimulator, clock: Clock, shop: Shop, seconds: int, step: int = 1) -> list[int]:
    """Let a merchant be called back for some time; return when that was, in seconds from now."""
    start, times = clock.moment, []
    for second in range(0, seconds + 1, step):
        clock.moment = start + timedelta(seconds=second)
        before = len(shop.got)
        simulator.deliveries.run(shop)
        times += [second] * (len(shop.got) - before)
    return times


@pytest.mark.parametrize(
    "shop",
    [
        Shop(503),
        Shop(201),
        Shop(200, b""),
        Shop(200, b"OK"),
        Shop(200, b"[]"),
        Shop(200, b'{"responseCode":"4005600"}'),
        Shop(200, b'{"responseMessage":"Successful"}'),
        Shop(401, b'{"responseCode":"2005600"}'),
    ],
    ids=lambda shop: f"{shop.status} {shop.content.decode()}",
)
def test_a_callback_is_repeated(
    paygate: Paygate, simulator: AyolinxSimulator, clock: Clock, shop: Shop
) -> None:
    """Without HTTP 200 and a success in the body it is repeated after 1, 5, 10 and 60 minutes, and given up."""
    shop.got.clear()
    paygate.create_charge(order())
    simulator.act("INV-1", PayerAction.PAY)
    times = attempts(simulator, clock, shop, 2 * 86_400, step=60)
    assert [0, 60, 360, 960, 4560] == times
    assert {"reference": "INV-1", "attempts": [shop.status] * 5, "delivered": False, "done": True} == (
        simulator.deliveries.all[0].summary()
    )
    assert 1 == len({(request.headers["X-TIMESTAMP"], request.content) for request in shop.got})


def test_a_callback_that_nobody_answers(paygate: Paygate, simulator: AyolinxSimulator, clock: Clock) -> None:
    """A merchant who cannot be reached is tried again, until he takes it."""

    def nobody(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    paygate.create_charge(order())
    simulator.act("INV-1", PayerAction.PAY)
    simulator.deliveries.run(nobody)
    shop = Shop()
    assert [60] == attempts(simulator, clock, shop, 86_400)
    assert {"reference": "INV-1", "attempts": [None, 200], "delivered": True, "done": True} == (
        simulator.deliveries.all[0].summary()
    )


def test_a_code_of_another_service_is_a_success(
    paygate: Paygate, simulator: AyolinxSimulator, clock: Clock
) -> None:
    """As merchants saw it, any 200xxxx is taken for a yes, also as a number."""
    for number, content in enumerate((b'{"responseCode":"2002500"}', b'{"responseCode":2005600}')):
        paygate.create_charge(order(f"INV-{number}"))
        simulator.act(f"INV-{number}", PayerAction.PAY)
        assert [0] == attempts(simulator, clock, Shop(200, content), 7200, step=60)


@pytest.mark.parametrize("pace", [0.5, 60, 3600])
def test_the_pace_divides_the_waits(
    make_simulator: Callable[..., AyolinxSimulator],
    configured: Callable[..., dict[str, Any]],
    clock: Clock,
    pace: float,
) -> None:
    """With a pace, the same schedule takes a fraction of its time; nothing else is faster."""
    simulator = make_simulator(clock=clock, pace=pace)
    with Paygate.from_mapping(
        configured(simulator), transport=SimulatorTransport(simulator), clock=clock
    ) as paygate:
        assert START + timedelta(minutes=30) == paygate.create_charge(order()).expires_at
    simulator.act("INV-1", PayerAction.PAY)
    simulator.deliveries.run(Shop(503))
    for wait in (60, 300, 600, 3600):
        clock.go(seconds=wait / pace - 0.001)
        assert [] == simulator.deliveries.take()
        clock.go(seconds=0.002)
        simulator.deliveries.run(Shop(503))
    [delivery] = simulator.deliveries.all
    assert (5, True) == (len(delivery.attempts), delivery.done)
