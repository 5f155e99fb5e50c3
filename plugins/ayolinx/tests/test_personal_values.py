"""No name, e-mail address or phone number of a payer shows in a log, an error or a repr."""

import itertools
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import msgspec
import pytest
from paygate_ayolinx import wire
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    Charge,
    ChargeRef,
    Customer,
    Exchange,
    Method,
    Paygate,
    PaygateError,
    VirtualAccount,
    hookimpl,
)
from paygate.sandbox import Fault, SimulatorTransport
from paygate.sandbox.host import serve
from paygate.snap import Wire
from tests.ayolinx import KINDS, METHODS, order
from tests.watch import CANARIES, leaks

NAME: Final = "Canary Kenari Rahasia"
EMAIL: Final = "canary.kenari@rahasia.example"
PHONE: Final = "+628999000111222"
ACCOUNT: Final = "98829172000099988877"
WHO: Final = Customer(name=NAME, email=EMAIL, phone=PHONE)
PRIVATE: Final = (NAME, EMAIL, PHONE, PHONE[1:], PHONE[3:])
EVERY: Final[dict[str, Method]] = {**METHODS, "own number": VirtualAccount("bni", ACCOUNT)}


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:
    """The watch for secrets looks for these as well, in everything that the tests print, log or raise."""
    CANARIES.update(PRIVATE)
    yield
    CANARIES.difference_update(PRIVATE)


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Every logger speaks at DEBUG, those included that have a level of their own."""
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


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


def shown_by(error: BaseException) -> str:
    """All that an exception shows, with all its causes."""
    texts, left = [], [error]
    while left:
        one = left.pop()
        texts += [str(one), repr(one), repr(one.args), *traceback.format_exception(one)]
        left += [other for other in (one.__cause__, one.__context__) if other is not None]
    if isinstance(error, PaygateError):
        texts += [error.message("id"), repr(error.context)]
    return "\n".join(texts)


def test_every_method_and_every_fault(
    simulator: AyolinxSimulator,
    configured: Callable[..., dict[str, Any]],
    everything: pytest.LogCaptureFixture,
) -> None:
    """Whatever goes wrong with charges by all methods, over HTTP, nobody is named anywhere."""
    listener, shown = Listener(), []
    with (
        serve(simulator) as server,
        Paygate.from_mapping(
            configured(simulator, server.url, timeout_seconds=0.4), listeners=[listener]
        ) as paygate,
    ):
        faults = itertools.cycle((None, *Fault))
        for number, (method, fault) in enumerate(zip(EVERY.values(), faults, strict=False)):
            if fault is not None:
                simulator.faults.plan(fault)
            request = order(method, f"INV-{number}", customer=WHO)
            shown.append(f"{request!r} {request}")
            try:
                shown.append(repr(paygate.create_charge(request)))
            except PaygateError as error:
                shown.append(shown_by(error))
    assert len(listener.heard) > len(Fault)
    assert any(record.name.startswith("httpcore") for record in everything.records)
    told = "\n".join([*shown, *listener.heard, everything.text])
    assert [] == leaks(told + "\n".join(f"{record.__dict__}" for record in everything.records))


class Echo(httpx.BaseTransport):
    """A provider that logs in whoever comes, and then says back the payer's address and number."""

    def __init__(self, simulator: AyolinxSimulator, status: int, code: str) -> None:
        self.inner = SimulatorTransport(simulator)
        self.status = status
        self.code = code

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/b2b"):
            return self.inner.handle_request(request)
        sent = f"{EMAIL} {PHONE} {PHONE[1:]} {PHONE[3:]}"
        body = {
            "responseCode": self.code or sent,
            "responseMessage": f"Bad {sent}",
            "virtualAccountData": sent,
        }
        return httpx.Response(self.status, json=body)


@pytest.mark.parametrize(
    ("status", "code"), [(400, "4002702"), (200, "2002700"), (404, "4042711"), (400, "")]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_provider_that_says_it_back(
    simulator: AyolinxSimulator,
    configured: Callable[..., dict[str, Any]],
    everything: pytest.LogCaptureFixture,
    kind: str,
    status: int,
    code: str,
) -> None:
    """What a provider repeats of a payer's address and number is taken out of the error."""
    transport = Echo(simulator, status, code)
    with Paygate.from_mapping(configured(simulator), transport=transport) as paygate:
        with pytest.raises(PaygateError) as raised:
            paygate.create_charge(order(kind, customer=WHO))
    assert [] == leaks(shown_by(raised.value) + everything.text)


@pytest.mark.parametrize("name", EVERY)
def test_what_things_show(paygate: Paygate, name: str) -> None:
    """Requests, charges, names of charges and messages on the wire show no payer by repr, str or in a list."""
    request = order(EVERY[name], customer=WHO)
    charge = paygate.create_charge(request)
    adapter: Any = paygate.gateway("main")._desk._ask["create_charge"].__self__  # type: ignore[attr-defined]
    message = adapter._products[type(request.method)].order(
        msgspec.structs.replace(request, expires_at=charge.expires_at)
    )
    assert f"{type(message).__name__}(***)" == repr(message)
    things = [request, charge, charge.ref, message, WHO, ChargeRef("main", "INV-1", request.method)]
    assert [] == leaks("\n".join(f"{thing!r} {thing} {[thing]}" for thing in things))


@pytest.mark.parametrize(
    "kind", [one for one in vars(wire).values() if isinstance(one, type) and issubclass(one, Wire)]
)
def test_messages_on_the_wire(kind: type[Wire]) -> None:
    """No message on the wire shows what stands in it."""
    assert kind.__repr__ is Wire.__repr__
