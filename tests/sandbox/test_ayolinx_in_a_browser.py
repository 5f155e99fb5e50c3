"""The whole way with the pretend Ayolinx: charged through paygate, paid in a browser, told, believed."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from paygate_ayolinx.simulator import AyolinxSimulator
from playwright.sync_api import Browser, Page, expect

from paygate import (
    AccountNumber,
    CallbackRejected,
    CallbackRequest,
    Charge,
    ChargeRequest,
    ChargeStatus,
    Customer,
    EWallet,
    Item,
    Method,
    Money,
    Paygate,
    PaymentCode,
    PaymentLink,
    QrCode,
    Qris,
    Redirect,
    Retail,
    VirtualAccount,
)
from paygate.sandbox.host import serve
from paygate.sandbox.server import Server
from tests.sandbox.browsing import Watched
from tests.sandbox.shop import Answer, Shop, shop

AMOUNT: Final = Money.idr(25_000)
WAYS: Final[list[tuple[Method, str]]] = [
    (Qris(), "Pay"),
    (EWallet("dana"), "Pay"),
    *((VirtualAccount(bank), "Transfer") for bank in ("bni", "bri", "cimb", "mandiri")),
    *((Retail(store), "Pay at the till") for store in ("alfamart", "pos_indonesia")),
    (PaymentLink((Retail("alfamart"), VirtualAccount("bni"), Qris())), "Pay"),
]


class Merchant:
    """Takes callbacks as paygate tells it to."""

    def __init__(self) -> None:
        self.paygate: Paygate | None = None
        self.told: list[Charge] = []

    def answer(self, request: CallbackRequest) -> Answer:
        assert self.paygate is not None
        try:
            callback = self.paygate.parse_callback("main", request)
        except CallbackRejected as rejected:
            return rejected.reply.status, rejected.reply.body
        self.told.extend(callback.charges)
        return callback.reply.status, callback.reply.body


@pytest.fixture
def merchant() -> Merchant:
    """A merchant who uses paygate."""
    return Merchant()


@pytest.fixture
def shopkeeper(merchant: Merchant) -> Iterator[Shop]:
    """Where that merchant is called back."""
    with shop(merchant.answer) as one:
        yield one


@pytest.fixture
def simulator(make_simulator: Callable[..., AyolinxSimulator], shopkeeper: Shop) -> AyolinxSimulator:
    """A pretend Ayolinx that calls there."""
    return make_simulator(shopkeeper.url)


@pytest.fixture
def host(simulator: AyolinxSimulator) -> Iterator[Server]:
    """Its host."""
    with serve(simulator) as running:
        yield running


@pytest.fixture
def paygate(
    simulator: AyolinxSimulator,
    host: Server,
    shopkeeper: Shop,
    merchant: Merchant,
    configured: Callable[..., dict[str, Any]],
) -> Iterator[Paygate]:
    """The merchant's paygate, over real HTTP."""
    document = configured(simulator, host.url, return_url=f"{shopkeeper.url}/thanks")
    with Paygate.from_mapping(document) as one:
        merchant.paygate = one
        yield one


@pytest.fixture
def page(chrome: Browser, host: Server, shopkeeper: Shop, paygate: Paygate) -> Iterator[Page]:
    """The list of charges in a browser."""
    watched = Watched(chrome, (host.url, shopkeeper.url))
    watched.page.goto(host.url)
    yield watched.page
    watched.close()


def order(method: Method) -> ChargeRequest:
    return ChargeRequest(
        reference="INV-1",
        amount=AMOUNT,
        method=method,
        customer=Customer(name="Budi", email="budi@shop.example", phone="+6281234567890"),
        description="Kopi",
        items=(Item("Kopi", AMOUNT),),
    )


def shown(charge: Charge) -> str:
    """What the payer must see of the instructions."""
    match charge.instructions:
        case QrCode(payload):
            return payload
        case AccountNumber(number):
            return number
        case PaymentCode(code):
            return code
        case _:
            return charge.reference


@pytest.mark.parametrize("variant", ["notice", "snap"])
@pytest.mark.parametrize(
    ("method", "pay"), WAYS, ids=lambda one: getattr(one, "brand", None) or str(one)[:12]
)
def test_a_charge_is_paid_in_a_browser_and_paygate_believes_it(
    paygate: Paygate,
    simulator: AyolinxSimulator,
    merchant: Merchant,
    page: Page,
    method: Method,
    pay: str,
    variant: str,
) -> None:
    """By every method and in both ways of calling back; a corrupted copy is refused, and changes nothing."""
    simulator.variant = variant
    charge = paygate.create_charge(order(method))
    page.reload()
    page.get_by_role("link", name="INV-1", exact=True).click()
    if isinstance(charge.instructions, Redirect):
        assert charge.instructions.url == page.url
    expect(page.get_by_text(shown(charge), exact=True).first).to_be_visible()
    page.get_by_role("button", name=pay, exact=True).click()
    if isinstance(method, EWallet):
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        page.go_back()
    page.get_by_role("link", name="All charges and callbacks").click()
    expect(page.locator("#callback-1")).to_contain_text(re.compile(r"accepted.*HTTP 200", re.DOTALL))
    page.get_by_role("button", name="Corrupt: callback 1").click()
    expect(page.locator("#callback-2")).to_contain_text("refused, as it must be")
    assert [("INV-1", ChargeStatus.PAID)] == [(one.reference, one.status) for one in merchant.told]
    if not isinstance(method, PaymentLink):
        assert ChargeStatus.PAID is paygate.query(charge).status
