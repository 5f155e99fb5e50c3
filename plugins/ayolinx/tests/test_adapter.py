"""Whole operations against the pretend Ayolinx, blocking and async."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    AsyncPaygate,
    AuthenticationFailed,
    CallbackRequest,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    DuplicateReference,
    EWallet,
    Method,
    Money,
    NotAuthorized,
    NotSent,
    Paygate,
    PaymentLink,
    Qris,
    Retail,
    StateConflict,
    UnsupportedOperation,
    VirtualAccount,
)
from paygate.sandbox import AsyncSimulatorTransport, PayerAction, SimulatorTransport

OTHERS = [EWallet("gopay"), VirtualAccount("bca"), Retail("indomaret")]
"""Methods that Ayolinx does not have."""

QRIS_ONLY = [EWallet("dana"), VirtualAccount("bni"), Retail("alfamart"), PaymentLink()]
"""Methods whose charges cannot be cancelled."""


def order(reference: str = "INV-1", **other: Any) -> ChargeRequest:
    """A charge request that is right."""
    return ChargeRequest(**{"reference": reference, "amount": Money.idr(25_000), "method": Qris(), **other})


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Both event loops."""
    name: str = request.param
    return name


@pytest.fixture
async def async_paygate(
    simulator: AyolinxSimulator, configured: Callable[..., dict[str, Any]]
) -> AsyncIterator[AsyncPaygate]:
    """An async paygate over the simulator, without sockets."""
    async with AsyncPaygate.from_mapping(
        configured(simulator), transport=AsyncSimulatorTransport(simulator)
    ) as one:
        yield one


def test_a_charge_is_made(paygate: Paygate, simulator: AyolinxSimulator) -> None:
    """A new charge is pending, and has what the provider's books have."""
    charge = paygate.create_charge(order())
    [booked] = simulator.ledger.charges
    assert ("main", "INV-1", ChargeStatus.PENDING) == (charge.gateway, charge.reference, charge.status)
    assert (Qris(), Money.idr(25_000)) == (charge.method, charge.amount)
    assert booked.instructions == charge.instructions
    assert booked.expires_at.replace(microsecond=0) == charge.expires_at
    assert (None, None, None) == (charge.provider_reference, charge.paid_at, charge.paid_amount)
    assert charge.raw.startswith(b'{"responseCode":"2004700"')


def test_an_expiry_is_kept(paygate: Paygate, simulator: AyolinxSimulator) -> None:
    """The expiry that was asked for is the provider's and the charge's."""
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    charge = paygate.create_charge(order(expires_at=expires_at))
    assert (expires_at, expires_at) == (simulator.ledger.charges[0].expires_at, charge.expires_at)


def test_an_open_charge_is_pending(paygate: Paygate, simulator: AyolinxSimulator) -> None:
    """A query tells of an open charge, its amount as asked for, and its number at the provider."""
    charge = paygate.query(paygate.create_charge(order()))
    assert (ChargeStatus.PENDING, Money.idr(25_000)) == (charge.status, charge.amount)
    assert simulator.ledger.charges[0].provider_reference == charge.provider_reference
    assert (None, None) == (charge.paid_at, charge.paid_amount)


def test_a_paid_charge_has_its_payment(paygate: Paygate, simulator: AyolinxSimulator) -> None:
    """A query of a paid charge tells when and how much."""
    paygate.create_charge(order())
    booked = simulator.act("INV-1", PayerAction.PAY)
    assert booked.finished_at is not None
    charge = paygate.query(ChargeRef("main", "INV-1", Qris()))
    assert (ChargeStatus.PAID, Money.idr(25_000)) == (charge.status, charge.paid_amount)
    assert booked.finished_at.replace(microsecond=0) == charge.paid_at
    assert charge.amount is None, "it was not told to this call"


@pytest.mark.parametrize(
    ("action", "status"),
    [(PayerAction.FAIL, ChargeStatus.FAILED), (PayerAction.EXPIRE, ChargeStatus.CANCELLED)],
)
def test_an_unpaid_end_has_no_payment(
    paygate: Paygate, simulator: AyolinxSimulator, action: PayerAction, status: ChargeStatus
) -> None:
    """A charge that ended without a payment has no paid amount, whatever amount the provider repeats."""
    charge = paygate.create_charge(order())
    simulator.act("INV-1", action)
    told = paygate.query(charge)
    assert (status, None, None) == (told.status, told.paid_at, told.paid_amount)


def test_a_charge_is_cancelled_once(paygate: Paygate, simulator: AyolinxSimulator) -> None:
    """An open charge is cancelled; cancelling it again is refused and changes nothing."""
    charge = paygate.create_charge(order())
    assert ChargeStatus.CANCELLED is paygate.cancel(charge).status
    assert ChargeStatus.CANCELLED is simulator.ledger.charges[0].status
    with pytest.raises(StateConflict) as refused:
        paygate.cancel(charge)
    assert ("4057701", 405) == (refused.value.provider_code, refused.value.http_status)
    assert ChargeStatus.CANCELLED is paygate.query(charge).status


def test_a_paid_charge_is_not_cancelled(paygate: Paygate, simulator: AyolinxSimulator) -> None:
    """Cancelling a paid charge is refused, and it stays paid."""
    charge = paygate.create_charge(order())
    simulator.act("INV-1", PayerAction.PAY)
    with pytest.raises(StateConflict):
        paygate.cancel(charge)
    assert ChargeStatus.PAID is paygate.query(charge).status


@pytest.mark.parametrize("operation", ["query", "cancel"])
def test_an_unknown_charge_is_not_found(paygate: Paygate, operation: str) -> None:
    """A reference that the provider does not know raises ChargeNotFound, which says where."""
    with pytest.raises(ChargeNotFound) as missing:
        getattr(paygate, operation)(ChargeRef("main", "NONE", Qris()))
    told = missing.value
    assert ("main", operation, "NONE", 404) == (
        told.gateway,
        told.operation,
        told.reference,
        told.http_status,
    )
    assert told.external_id is not None
    assert told.external_id.isdecimal()


def test_a_reference_is_charged_once(paygate: Paygate, simulator: AyolinxSimulator) -> None:
    """A second charge under the same reference is refused, and the books have one."""
    paygate.create_charge(order())
    with pytest.raises(DuplicateReference) as refused:
        paygate.create_charge(order(amount=Money.idr(1)))
    assert ("4094701", 1) == (refused.value.provider_code, simulator.ledger.count("INV-1"))


def test_one_login_serves_many_calls(paygate: Paygate, simulator: AyolinxSimulator) -> None:
    """A token is used until its time is up."""
    for number in range(20):
        paygate.query(paygate.create_charge(order(f"INV-{number}")))
    assert 1 == simulator.door.logins


def test_an_old_token_is_renewed(
    make_simulator: Callable[..., AyolinxSimulator], configured: Callable[..., dict[str, Any]]
) -> None:
    """A token is renewed before its end, by the clock that paygate was given."""
    now = [1_800_000_000.0]
    simulator = make_simulator(clock=lambda: now[0])
    with Paygate.from_mapping(
        configured(simulator), transport=SimulatorTransport(simulator), clock=lambda: now[0]
    ) as paygate:
        charge = paygate.create_charge(order())
        now[0] += 3539
        paygate.query(charge)
        assert 1 == simulator.door.logins
        now[0] += 2
        paygate.query(charge)
        assert 2 == simulator.door.logins


@pytest.mark.parametrize(
    ("key", "error"),
    [("client_secret", AuthenticationFailed), ("private_key", NotAuthorized), ("client_key", NotAuthorized)],
)
def test_wrong_credentials_are_told_apart(
    simulator: AyolinxSimulator,
    account: SandboxAccount,
    configured: Callable[..., dict[str, Any]],
    key: str,
    error: type[Exception],
) -> None:
    """A wrong secret is refused at the charge, a wrong key at the login; nothing is charged either way."""
    stranger = SandboxAccount(
        "CKSandbox-other", "SKSandbox-other", account.provider_key, account.merchant_key
    )
    wrong = {key: stranger.settings("/")[key]}
    if key == "private_key":  # else our own key would be the provider's as well
        wrong["provider_public_key"] = stranger.settings("/")["provider_public_key"]
    with (
        Paygate.from_mapping(
            configured(simulator, **wrong), transport=SimulatorTransport(simulator)
        ) as paygate,
        pytest.raises(error),
    ):
        paygate.create_charge(order())
    assert () == simulator.ledger.charges


@pytest.mark.parametrize("method", OTHERS, ids=lambda method: method.kind)
@pytest.mark.parametrize("gateway", [None, "main"])
def test_other_methods_are_not_charged(
    paygate: Paygate, simulator: AyolinxSimulator, method: Method, gateway: str | None
) -> None:
    """A charge by another method is unsupported before anything is asked, not even a login."""
    with pytest.raises(UnsupportedOperation):
        paygate.create_charge(order(method=method), gateway)
    assert (0, ()) == (simulator.door.logins, simulator.ledger.charges)


@pytest.mark.parametrize(
    ("operation", "method"),
    [
        *[("query", method) for method in [*OTHERS, PaymentLink()]],
        *[("cancel", method) for method in [*OTHERS, *QRIS_ONLY]],
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_other_methods_are_not_asked_about(
    paygate: Paygate, simulator: AyolinxSimulator, method: Method, operation: str
) -> None:
    """What Ayolinx does not have, or not for this method, is unsupported before anything is asked."""
    with pytest.raises(UnsupportedOperation):
        getattr(paygate, operation)(ChargeRef("main", "INV-1", method))
    assert 0 == simulator.door.logins
    assert not paygate.gateway("main").supports(operation, method)
    assert paygate.gateway("main").supports(operation, Qris())


def test_an_expiry_at_the_end_of_time_is_not_sent(paygate: Paygate, simulator: AyolinxSimulator) -> None:
    """An expiry that has no Jakarta time is refused before anything is sent."""
    with pytest.raises(NotSent):
        paygate.create_charge(order(expires_at=datetime.max.replace(tzinfo=UTC)))
    assert () == simulator.ledger.charges


@pytest.mark.anyio
async def test_a_charge_lives_its_life(async_paygate: AsyncPaygate, simulator: AyolinxSimulator) -> None:
    """Made, pending, paid, told by a callback, and no longer to be cancelled."""
    charge = await async_paygate.create_charge(order())
    assert simulator.ledger.charges[0].instructions == charge.instructions
    assert ChargeStatus.PENDING is (await async_paygate.query(charge)).status
    simulator.act("INV-1", PayerAction.PAY)
    paid = await async_paygate.query(charge)
    assert (ChargeStatus.PAID, Money.idr(25_000)) == (paid.status, paid.paid_amount)
    [delivery] = simulator.deliveries.take()
    sent = delivery.request()
    told = async_paygate.parse_callback(
        "main", CallbackRequest(sent.method, sent.url.path, sent.headers, sent.content)
    )
    assert paid.paid_amount == told.charges[0].paid_amount
    with pytest.raises(StateConflict):
        await async_paygate.cancel(charge)
    assert 1 == simulator.door.logins


@pytest.mark.anyio
async def test_an_open_charge_is_cancelled(async_paygate: AsyncPaygate, simulator: AyolinxSimulator) -> None:
    """An open charge is cancelled; what was never made is not found."""
    charge: Charge = await async_paygate.create_charge(order())
    assert ChargeStatus.CANCELLED is (await async_paygate.cancel(charge)).status
    assert ChargeStatus.CANCELLED is simulator.ledger.charges[0].status
    with pytest.raises(ChargeNotFound):
        await async_paygate.cancel(ChargeRef("main", "NONE", Qris()))
    with pytest.raises(DuplicateReference):
        await async_paygate.create_charge(order())


@pytest.mark.anyio
@pytest.mark.parametrize("method", [*OTHERS, *QRIS_ONLY], ids=lambda method: f"{method.kind} {method.brand}")
async def test_other_methods_are_unsupported(
    async_paygate: AsyncPaygate, simulator: AyolinxSimulator, method: Method
) -> None:
    """So it is in async."""
    ref = ChargeRef("main", "INV-1", method)
    calls: list[Callable[[], Awaitable[Charge]]] = [lambda: async_paygate.cancel(ref)]
    if method in OTHERS:
        calls.append(lambda: async_paygate.create_charge(order(method=method)))
    if method in (*OTHERS, PaymentLink()):
        calls.append(lambda: async_paygate.query(ref))
    for call in calls:
        with pytest.raises(UnsupportedOperation):
            await call()
    assert 0 == simulator.door.logins
