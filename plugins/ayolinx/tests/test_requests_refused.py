"""What can never be charged is refused before anything is sent, not even a login, with the cure."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    ChargeRef,
    ChargeRequest,
    ConfigurationError,
    Customer,
    EWallet,
    InvalidCharge,
    Item,
    Method,
    Money,
    NotSent,
    Paygate,
    PaymentLink,
    Qris,
    Retail,
    UnsupportedOperation,
    VirtualAccount,
)
from tests.ayolinx import METHODS, order, ref

NAME, EMAIL, PHONE = "Siti Rahayu", "siti.rahayu@mail.example", "+6281234567890"
FAR = datetime(2286, 11, 20, 17, 46, 40, tzinfo=UTC)
"""The first second that takes eleven digits."""

NEVER = datetime.max.replace(tzinfo=UTC)
NOT_THERE: list[Method] = [
    EWallet("gopay"),
    EWallet("ovo"),
    EWallet("DANA"),
    EWallet(""),
    VirtualAccount("bca"),
    VirtualAccount("permata"),
    VirtualAccount("BNI"),
    VirtualAccount("bca", "988291720001"),
    Retail("indomaret"),
    Retail("pos indonesia"),
]
Refuse = Callable[..., NotSent]


class Nobody(httpx.BaseTransport):
    """Counts what should never arrive."""

    def __init__(self) -> None:
        self.requests = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return httpx.Response(503)


@pytest.fixture
def refuse(simulator: AyolinxSimulator, configured: Callable[..., dict[str, Any]]) -> Iterator[Refuse]:
    """Have an operation refused; check that nobody was asked and nobody is named; return the error."""
    nobody = Nobody()

    def refused(
        about: ChargeRequest | ChargeRef, operation: str = "create_charge", **settings: Any
    ) -> NotSent:
        document = configured(simulator, **settings)
        own = document["gateways"]["main"]
        document["gateways"]["main"] = {key: value for key, value in own.items() if value is not None}
        with Paygate.from_mapping(document, transport=nobody) as paygate, pytest.raises(NotSent) as error:
            getattr(paygate, operation)(about)
        told = error.value
        assert ("main", operation, "INV-1") == (told.gateway, told.operation, told.reference)
        assert "nothing was sent" in str(told)
        for private in (NAME, EMAIL, PHONE, PHONE[3:]):
            assert private not in str(told)
        return told

    yield refused
    assert 0 == nobody.requests


def but(**other: str | None) -> dict[str, Any]:
    """The customer of all tests, but for something."""
    return {"customer": Customer(**{"name": NAME, "email": EMAIL, "phone": PHONE, **other})}


@pytest.mark.parametrize(
    ("method", "other", "field", "cure"),
    [
        ("bni", {"customer": None}, "customer.name", "virtual_account needs it: add it"),
        ("bni", but(name=None), "customer.name", "virtual_account needs it: add it"),
        ("bni", but(name=" "), "customer.name", "virtual_account needs it: add it"),
        ("alfamart", {"customer": None}, "customer.name", "retail needs it: add it"),
        ("alfamart", but(name=None), "customer.name", "retail needs it: add it"),
        ("alfamart", but(email=None), "customer.email", "retail needs it: add it"),
        ("link", {"customer": None}, "customer.phone", "payment_link needs it: add it"),
        ("link", but(name=None), "customer.name", "payment_link needs it: add it"),
        ("link", but(email=None), "customer.email", "payment_link needs it: add it"),
        ("link", but(phone=None), "customer.phone", "payment_link needs it: add it"),
        ("link", but(phone="+6591234567"), "customer.phone", "a number of Indonesia: +62"),
        ("link", but(phone="+62081234567890"), "customer.phone", "then no zero"),
        ("dana", {"return_url": None}, "return_url", "say where to"),
        ("link", {"amount": Money.idr("25000.50")}, "amount", "whole rupiah"),
        ("link", {"items": (Item("A", Money.idr("12500.50"), 2),), "amount": Money.idr(25_001)}, "items", "whole rupiah"),
        (PaymentLink((Qris(), VirtualAccount("bca"))), {}, "method.offered", "does not have"),
        (PaymentLink((EWallet("ovo"),)), {}, "method.offered", "does not have"),
        (PaymentLink((PaymentLink(),)), {}, "method.offered", "does not have"),  # type: ignore[arg-type]
        (PaymentLink((VirtualAccount("bni", "988291721"),)), {}, "method.offered", "on a link Ayolinx makes it"),
        (VirtualAccount("bni", "205612345"), {}, "method.number", "the bank's prefix"),
        (VirtualAccount("cimb", "9882917212345"), {}, "method.number", "the bank's prefix"),
        (VirtualAccount("bni", "98829172"), {}, "method.number", "1 to 20 digits of your own"),
        (VirtualAccount("bni", f"98829172{'1' * 21}"), {}, "method.number", "1 to 20 digits of your own"),
        (VirtualAccount("bni", "98829172 1234"), {}, "method.number", "1 to 20 digits of your own"),
        (VirtualAccount("bni", "98829172١٢"), {}, "method.number", "1 to 20 digits of your own"),
        (VirtualAccount("cimb", "    20561234"), {}, "method.number", "the bank's prefix"),
        (VirtualAccount("bni", ""), {}, "method.number", "the bank's prefix"),
        ("dana", {"expires_at": FAR}, "expires_at", "too far away"),
        ("alfamart", {"expires_at": FAR}, "expires_at", "too far away"),
        ("qris", {"expires_at": NEVER}, "expires_at", "beyond what a calendar holds"),
        ("bni", {"expires_at": NEVER}, "expires_at", "beyond what a calendar holds"),
        ("link", {"expires_at": NEVER}, "expires_at", "beyond what a calendar holds"),
    ],
)  # fmt: skip
def test_a_charge_that_can_never_be(
    refuse: Refuse, method: Method | str, other: dict[str, Any], field: str, cure: str
) -> None:
    """A request that lacks something, or has what Ayolinx does not take, names the field and the cure."""
    told = refuse(order(method, **other), return_url=None)
    assert isinstance(told, InvalidCharge)
    assert field == told.field
    assert cure in str(told)


@pytest.mark.parametrize(
    ("method", "settings", "key", "cure"),
    [
        ("dana", {"callback_url": None}, "callback_url", "goes with each charge by e-wallet"),
        ("bni", {"partner_service_ids": {"cimb": "2056"}}, "partner_service_ids.bni", "Ayolinx assigns it"),
        ("mandiri", {"partner_service_ids": None}, "partner_service_ids.mandiri", "Ayolinx assigns it"),
    ],
)
def test_a_setting_that_a_method_needs(
    refuse: Refuse, method: str, settings: dict[str, Any], key: str, cure: str
) -> None:
    """A setting that only some methods need is asked for when one of them is charged."""
    told = refuse(order(method), **settings)
    assert isinstance(told, ConfigurationError)
    assert f"gateways.main.{key}: is missing" in str(told)
    assert cure in str(told)


@pytest.mark.parametrize("method", NOT_THERE, ids=str)
@pytest.mark.parametrize("operation", ["create_charge", "query", "cancel"])
def test_what_ayolinx_does_not_have(refuse: Refuse, method: Method, operation: str) -> None:
    """A bank, wallet or store that Ayolinx does not have is unsupported, whatever is asked."""
    told = refuse(order(method) if operation == "create_charge" else ref(method), operation)
    assert isinstance(told, UnsupportedOperation)
    assert f"{operation} for {method.kind} {method.brand}".strip() in str(told)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "qris"])
def test_what_cannot_be_cancelled(refuse: Refuse, name: str) -> None:
    """Nothing but a QRIS can be cancelled."""
    assert isinstance(refuse(ref(name), "cancel"), UnsupportedOperation)


@pytest.mark.parametrize("method", [PaymentLink(), PaymentLink((Qris(),))])
def test_a_link_cannot_be_asked_about(refuse: Refuse, method: Method) -> None:
    """Nobody can ask about a link, whatever it offers."""
    assert isinstance(refuse(ref(method), "query"), UnsupportedOperation)


@pytest.mark.parametrize("operation", ["query", "cancel"])
def test_a_charge_without_a_method(refuse: Refuse, operation: str) -> None:
    """A callback may not tell how a charge was paid: then the merchant has to say it."""
    told = refuse(ChargeRef("main", "INV-1", None), operation)
    assert isinstance(told, InvalidCharge)
    assert "method" == told.field
    assert "name the method" in str(told)


def test_what_is_offered(paygate: Paygate) -> None:
    """What a gateway says it supports is what the docs of Ayolinx have, per brand too."""
    gateway = paygate.gateway("main")
    for name, method in METHODS.items():
        assert gateway.supports("create_charge", method)
        assert (name != "link") is gateway.supports("query", method)
        assert (name == "qris") is gateway.supports("cancel", method)
    for method in NOT_THERE:
        for operation in ("create_charge", "query", "cancel"):
            assert not gateway.supports(operation, method)
