"""No secret shows in a log, an error, a repr or an announcement, whatever happens."""

import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import httpx
import pytest
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.settings import checked
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    AsyncPaygate,
    Callback,
    CallbackRequest,
    Charge,
    ChargeRef,
    ChargeRequest,
    ConfigurationError,
    Exchange,
    Money,
    OutcomeUnknown,
    Paygate,
    PaygateError,
    Qris,
    Secret,
    hookimpl,
)
from paygate.sandbox import Fault, PayerAction, SimulatorTransport
from paygate.sandbox.host import serve
from paygate.settings import from_mapping
from paygate.snap import SnapKeys, load_private_key
from tests.watch import CANARIES, RAISED, leaks, told_by

PHONE = "0812******45"
"""The payer's number in the simulator's callbacks: no secret, but nobody's business."""


class Listener:
    """Keeps how everything looks that is announced."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    def exchanged(self, exchange: Exchange) -> None:
        self.heard.append(f"{exchange!r} {exchange}")

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        self.heard.append(f"{charge!r} {charge}")

    @hookimpl
    def callback_received(self, callback: Callback) -> None:
        self.heard.append(f"{callback!r} {callback}")


def shown_by(error: BaseException) -> str:
    """All that an exception shows: text, repr, arguments and traceback, and the same of all its causes."""
    texts, left = [], [error]
    while left:
        one = left.pop()
        texts += [str(one), repr(one), repr(one.args), *traceback.format_exception(one)]
        left += [other for other in (one.__cause__, one.__context__) if other is not None]
    return "\n".join(texts)


def order(reference: str) -> ChargeRequest:
    """A charge request that is right."""
    return ChargeRequest(reference=reference, amount=Money.idr(25_000), method=Qris())


def nothing_of_it(shown: str) -> None:
    """Check that no secret is in a text, and nothing that is nobody's business."""
    assert [] == leaks(shown)
    for private in (PHONE, "Bearer "):
        assert private not in shown


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Every logger speaks at DEBUG, those included that have a level of their own."""
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.fixture
def served(
    simulator: AyolinxSimulator, configured: Callable[..., dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The configuration for a simulator over HTTP, so that the HTTP library's logs are seen as well."""
    with serve(simulator) as server:
        yield configured(simulator, server.url, timeout_seconds=0.5)


def callback_of(simulator: AyolinxSimulator) -> CallbackRequest:
    """The newest callback, as it arrives."""
    request = simulator.deliveries.all[-1].request()
    return CallbackRequest("POST", request.url.path, request.headers, request.content)


def test_a_day_over_http(
    served: dict[str, Any], simulator: AyolinxSimulator, everything: pytest.LogCaptureFixture
) -> None:
    """Charges, queries, cancellations and callbacks, with every fault: nothing is shown anywhere."""
    listener, shown = Listener(), []
    with Paygate.from_mapping(served, listeners=[listener]) as paygate:
        for fault in (None, *Fault):
            for operation in ("create_charge", "query", "cancel"):
                if fault is not None:
                    simulator.faults.plan(fault, operation)
                reference = f"{operation}-{fault}"
                ref = ChargeRef("main", reference, Qris())
                for name, what in (("create_charge", order(reference)), ("query", ref), ("cancel", ref)):
                    try:
                        shown.append(repr(getattr(paygate, name)(what)))
                    except PaygateError as error:
                        shown.append(shown_by(error))
        simulator.faults.clear()
        paygate.create_charge(order("PAID"))
        simulator.act("PAID", PayerAction.PAY)
        request = callback_of(simulator)
        shown.append(f"{request!r} {paygate.parse_callback('main', request)!r}")
        with pytest.raises(PaygateError) as refused:
            paygate.parse_callback("main", CallbackRequest("POST", "/", request.headers, b"{}"))
        shown.append(shown_by(refused.value))
    assert simulator.door.logins >= 3
    assert len(listener.heard) > 100
    assert any(record.name.startswith("httpcore") for record in everything.records)
    nothing_of_it("\n".join([*shown, *listener.heard, everything.text]))
    nothing_of_it("\n".join(f"{record.__dict__}" for record in everything.records))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_day(
    served: dict[str, Any], simulator: AyolinxSimulator, everything: pytest.LogCaptureFixture, backend: str
) -> None:
    """So it is on both event loops."""
    listener, shown = Listener(), []

    async def run() -> None:
        async with AsyncPaygate.from_mapping(served, listeners=[listener]) as paygate:
            for fault in (Fault.REVOKE, Fault.GARBAGE, Fault.CUT, Fault.ERROR):
                simulator.faults.plan(fault)
                try:
                    shown.append(repr(await paygate.create_charge(order(fault.value))))
                except PaygateError as error:
                    shown.append(shown_by(error))

    anyio.run(run, backend=backend)
    assert len(listener.heard) >= 6
    nothing_of_it("\n".join([*shown, *listener.heard, everything.text]))


class Echo(httpx.BaseTransport):
    """A provider that logs in whoever comes, and then says back all that it was sent."""

    def __init__(self, simulator: AyolinxSimulator, status: int, more: str) -> None:
        self.inner = SimulatorTransport(simulator)
        self.status = status
        self.more = more

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/b2b"):
            return self.inner.handle_request(request)
        sent = f"{self.more} {[*request.headers.items()]} {request.content.decode()}"
        code = f"{self.status}47{self.more}" if self.more == "00" else sent
        body = {"responseCode": code, "responseMessage": sent, "qrContent": sent, "partnerReferenceNo": sent}
        return httpx.Response(self.status, json=body)


@pytest.mark.parametrize("status", [200, 400, 401, 404, 500])
@pytest.mark.parametrize("what", ["00", "client_secret", "private_key"])
def test_a_provider_that_says_it_back(
    simulator: AyolinxSimulator,
    configured: Callable[..., dict[str, Any]],
    account: SandboxAccount,
    everything: pytest.LogCaptureFixture,
    status: int,
    what: str,
) -> None:
    """What a provider repeats of our secrets, in message or code, is taken out of the error."""
    more = account.settings("/").get(what, what)
    transport = Echo(simulator, status, more)
    with Paygate.from_mapping(configured(simulator), transport=transport) as paygate:
        with pytest.raises(PaygateError) as raised:
            paygate.create_charge(order("INV-1"))
        with pytest.raises(OutcomeUnknown if status in (200, 500) else PaygateError) as asked:
            paygate.query(ChargeRef("main", "INV-1", Qris()))
    nothing_of_it(shown_by(raised.value) + shown_by(asked.value) + everything.text)


def test_what_settings_show(
    simulator: AyolinxSimulator, configured: Callable[..., dict[str, Any]], account: SandboxAccount
) -> None:
    """Settings, keys, adapter, credential and gateways show no secret by repr, str or as a format."""
    document = configured(simulator)
    own = from_mapping(document).gateways["main"].fitted(Ayolinx.settings_type)
    found = checked("main", own)
    keys = SnapKeys(
        "CK", Secret(account.client_secret), load_private_key(document["gateways"]["main"]["private_key"])
    )
    things: list[object] = [
        own,
        found,
        found.keys,
        keys,
        own.client_secret,
        own.private_key,
        account,
        simulator.door,
    ]
    with Paygate.from_mapping(document, transport=SimulatorTransport(simulator)) as paygate:
        gateway = paygate.gateway("main")
        credential = gateway.authorize()
        charge = paygate.create_charge(order("INV-1"))
        things += [paygate, gateway, gateway._desk, credential, Ayolinx("main", own), charge, charge.ref]
    for thing in things:
        nothing_of_it(f"{thing!r} {thing} {[thing]}")


def test_what_the_configuration_shows(
    simulator: AyolinxSimulator, configured: Callable[..., dict[str, Any]]
) -> None:
    """A configuration that was read shows none of the secrets in it."""
    configuration = from_mapping(configured(simulator))
    nothing_of_it(repr(configuration))
    nothing_of_it(repr(configuration.gateways["main"]))


@pytest.mark.parametrize(
    "key", ["environment", "callback_path", "callback_window_minutes", "base_url", "max_in_flight", "new"]
)
@pytest.mark.parametrize("secret", ["client_secret", "private_key"])
def test_a_secret_in_the_wrong_place(
    simulator: AyolinxSimulator,
    configured: Callable[..., dict[str, Any]],
    account: SandboxAccount,
    key: str,
    secret: str,
) -> None:
    """A secret that stands where something else should is refused without being shown."""
    with pytest.raises(ConfigurationError) as refused:
        Paygate.from_mapping(configured(simulator, **{key: account.settings("/")[secret]}))
    nothing_of_it(shown_by(refused.value))


def test_the_watch() -> None:
    """The watch for secrets sees one in a text and in all that an error can tell, its cause included."""
    canary = "canary-of-the-watch-0f3e"
    CANARIES.add(canary)
    try:
        assert ["canary-of…"] == leaks(f"so it says {canary}.")
        assert [] == leaks("so it says nothing")
        error = OutcomeUnknown("what")
        assert error in RAISED
        assert [] == leaks(told_by(error))
        error.__cause__ = ValueError(canary)
        assert ["canary-of…"] == leaks(told_by(error))
        assert ["canary-of…"] == leaks(told_by(OutcomeUnknown(canary)))
        assert ["canary-of…"] == leaks(told_by(OutcomeUnknown("what", provider_message=canary)))
    finally:
        CANARIES.discard(canary)
        RAISED.clear()


def test_the_watch_knows_the_secrets(
    paygate: Paygate, simulator: AyolinxSimulator, account: SandboxAccount
) -> None:
    """The account's secret and key and every token that was issued are watched for."""
    paygate.create_charge(order("INV-1"))
    [token] = simulator.door._tokens
    own = account.settings("/")
    for secret in (token, own["client_secret"], own["private_key"]):
        assert [] != leaks(secret)
