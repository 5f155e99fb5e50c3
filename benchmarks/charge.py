"""One charge through paygate beside the same charge written by hand, and beside nine more gateways."""

import asyncio
from typing import Any, Final

import httpx
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from benchmarks.canned import Canned
from benchmarks.handwritten import AsyncMerchant, Merchant
from benchmarks.rounds import Broken, Row, alternate, repeated, repeated_async
from benchmarks.server import serving
from paygate import AsyncPaygate, Charge, ChargeRequest, Money, Paygate, QrCode, Qris
from paygate.sandbox import AsyncSimulatorTransport, SimulatorTransport

ACCOUNT: Final = SandboxAccount.made()
CALLBACK_PATH: Final = "/callbacks/ayolinx"
NOWHERE: Final = "http://127.0.0.1:1"
REFERENCE: Final = "PG-0000000000000001"
RUPIAH: Final = 150_000


def configuration(base_url: str, gateways: int = 1) -> dict[str, Any]:
    """So many gateways at one address; where there are several, a route has to say which one takes QRIS."""
    table = {**ACCOUNT.settings(CALLBACK_PATH), "base_url": base_url}
    names = [f"gateway{number}" for number in range(gateways)]
    routes = {"qris": names[-1:]} if gateways > 1 else {}
    return {"gateways": dict.fromkeys(names, table), "routes": routes}


def order() -> ChargeRequest:
    """What a shop asks for, made anew for each charge."""
    return ChargeRequest(reference=REFERENCE, amount=Money.idr(RUPIAH), method=Qris())


def blocking(rounds: int) -> Row:
    """A charge over loopback."""
    _prove()
    with serving() as server:
        return _blocking(
            "charge", rounds, server.base_url, None, bar=0.80, baseline="hand-written, httpx.Client"
        )


def blocking_canned(rounds: int) -> Row:
    """A charge without a network."""
    _prove()
    return _blocking(
        "charge-canned",
        rounds,
        NOWHERE,
        Canned(),
        bar=0.80,
        baseline="hand-written, httpx.Client, no network",
    )


def asynchronous(rounds: int) -> Row:
    """An async charge over loopback."""
    _prove_async()
    with serving() as server:
        return _asynchronous(
            "charge-async",
            rounds,
            server.base_url,
            None,
            bar=0.85,
            baseline="hand-written, httpx.AsyncClient",
        )


def asynchronous_canned(rounds: int) -> Row:
    """An async charge without a network."""
    _prove_async()
    return _asynchronous(
        "charge-async-canned",
        rounds,
        NOWHERE,
        Canned(),
        bar=0.80,
        baseline="hand-written, httpx.AsyncClient, no network",
    )


def ten_gateways(rounds: int) -> Row:
    """A charge where nine more gateways are configured."""
    with (
        Paygate.from_mapping(configuration(NOWHERE, 10), transport=Canned()) as ten,
        Paygate.from_mapping(configuration(NOWHERE), transport=Canned()) as one,
    ):
        _check(ten.create_charge(order()))
        return Row(
            name="gateways",
            subject="Paygate of ten gateways, no network",
            baseline="Paygate of one",
            bar=1.05,
            result=alternate(
                repeated(lambda: ten.create_charge(order())),
                repeated(lambda: one.create_charge(order())),
                rounds,
            ),
        )


def _blocking(
    name: str, rounds: int, base_url: str, transport: httpx.BaseTransport | None, *, bar: float, baseline: str
) -> Row:
    merchant = Merchant(base_url, ACCOUNT, transport)
    with Paygate.from_mapping(configuration(base_url), transport=transport) as paygate:
        _check(paygate.create_charge(order()))
        result = alternate(
            repeated(lambda: paygate.create_charge(order())),
            repeated(lambda: merchant.charge(REFERENCE, RUPIAH)),
            rounds,
        )
    merchant.close()
    return Row(name=name, subject="Paygate.create_charge", baseline=baseline, bar=bar, result=result)


def _asynchronous(
    name: str,
    rounds: int,
    base_url: str,
    transport: httpx.AsyncBaseTransport | None,
    *,
    bar: float,
    baseline: str,
) -> Row:
    with asyncio.Runner() as runner:
        paygate = AsyncPaygate.from_mapping(configuration(base_url), transport=transport)
        merchant = AsyncMerchant(base_url, ACCOUNT, transport)
        _check(runner.run(paygate.create_charge(order())))
        result = alternate(
            repeated_async(lambda: paygate.create_charge(order()), runner.run),
            repeated_async(lambda: merchant.charge(REFERENCE, RUPIAH), runner.run),
            rounds,
        )
        runner.run(paygate.close())
        runner.run(merchant.close())
    return Row(name=name, subject="AsyncPaygate.create_charge", baseline=baseline, bar=bar, result=result)


def _prove() -> None:
    """Both sides satisfy the strict simulator, so neither is fast by leaving something out."""
    transport = SimulatorTransport(_simulator())
    with Paygate.from_mapping(configuration(NOWHERE), transport=transport) as paygate:
        _check(paygate.create_charge(order()))
    if not Merchant(NOWHERE, ACCOUNT, transport).charge("PG-2", RUPIAH).qr_content:
        raise Broken("the hand-written charge got no QR payload")


def _prove_async() -> None:
    async def work() -> None:
        transport = AsyncSimulatorTransport(_simulator())
        async with AsyncPaygate.from_mapping(configuration(NOWHERE), transport=transport) as paygate:
            _check(await paygate.create_charge(order()))
        if not (await AsyncMerchant(NOWHERE, ACCOUNT, transport).charge("PG-2", RUPIAH)).qr_content:
            raise Broken("the hand-written charge got no QR payload")

    asyncio.run(work())


def _simulator() -> AyolinxSimulator:
    return AyolinxSimulator("https://shop.example" + CALLBACK_PATH, account=ACCOUNT)


def _check(charge: Charge) -> None:
    if charge.reference != REFERENCE or not isinstance(charge.instructions, QrCode):
        raise Broken(f"no charge was made: {charge}")
