"""The payer's way at the pretend Midtrans: ordered over HTTP, paid in a browser, back in the shop, told."""

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from paygate_midtrans.simulator import MidtransSimulator
from playwright.sync_api import Browser, Page, expect

from paygate.sandbox.host import serve
from paygate.sandbox.server import Server
from tests.midtrans_merchant import basic, order, signed, watch
from tests.sandbox.browsing import Watched, barriers
from tests.sandbox.shop import Shop, shop

WALLETS: Final = {"gopay": "GoPay", "shopeepay": "ShopeePay"}
BANKS: Final = {
    "bca": "BCA",
    "bni": "BNI",
    "bri": "BRI",
    "cimb": "CIMB",
    "permata": "Permata",
    "mandiri": "Mandiri",
}
WIDTH: Final = """async url => {
    const picture = new Image();
    picture.src = url;
    await picture.decode();
    return picture.naturalWidth;
}"""
"""How wide the picture at an address is to the browser; an error where it is none."""


@pytest.fixture
def shopkeeper() -> Iterator[Shop]:
    """Where the merchant is called back, and payers come back to."""
    with shop() as one:
        yield one


@pytest.fixture
def simulator(shopkeeper: Shop) -> MidtransSimulator:
    """A pretend Midtrans that calls there when a charge has changed."""
    made = MidtransSimulator(shopkeeper.url, tells_pending=False)
    watch(made.server_key)
    return made


@pytest.fixture
def host(simulator: MidtransSimulator) -> Iterator[Server]:
    """Its host."""
    with serve(simulator) as running:
        yield running


@pytest.fixture
def page(chrome: Browser, host: Server, shopkeeper: Shop) -> Iterator[Page]:
    """A browser that goes to the host and to the shop, and nowhere else."""
    watched = Watched(chrome, (host.url, shopkeeper.url))
    yield watched.page
    watched.close()


def ordered(host: Server, simulator: MidtransSimulator, body: dict[str, Any]) -> dict[str, Any]:
    """Order a charge by hand."""
    headers = {"Authorization": basic(simulator.server_key), "Accept": "application/json"}
    with httpx.Client(trust_env=False, timeout=30) as client:
        told: dict[str, Any] = client.post(f"{host.url}/v2/charge", headers=headers, json=body).json()
    assert "201" == told["status_code"]
    return told


def action(told: dict[str, Any], name: str) -> str:
    """The address of an action in an answer."""
    [url] = [one["url"] for one in told["actions"] if one["name"] == name]
    return str(url)


def settled(shopkeeper: Shop, simulator: MidtransSimulator) -> bool:
    """Whether the shop was told, in a message signed rightly, that the charge is paid."""
    told = json.loads(shopkeeper.next().body)
    assert signed(told, simulator.server_key) == told["signature_key"]
    return ("INV-1", "200", "settlement") == (
        told["order_id"],
        told["status_code"],
        told["transaction_status"],
    )


@pytest.mark.parametrize("wallet", WALLETS)
def test_a_wallet_pays_and_leads_back_to_the_shop(
    page: Page, host: Server, simulator: MidtransSimulator, shopkeeper: Shop, wallet: str
) -> None:
    """By the address of the answer, to a page that all can use, and back by the address of the order."""
    thanks = f"{shopkeeper.url}/thanks?order=INV-1"
    own: Any = {"callback_url": thanks} | ({"enable_callback": True} if wallet == "gopay" else {})
    told = ordered(host, simulator, order(wallet) | {wallet: own})
    page.goto(action(told, "deeplink-redirect"))
    expect(page.get_by_text(f"E-wallet {WALLETS[wallet]}", exact=True)).to_be_visible()
    assert [] == barriers(page)
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert thanks == page.url
    assert settled(shopkeeper, simulator)


def test_a_qris_is_scanned_and_paid(
    page: Page, host: Server, simulator: MidtransSimulator, shopkeeper: Shop
) -> None:
    """The answer's picture is one to a browser; the payload is on the page, which all can use."""
    told = ordered(host, simulator, order("qris"))
    page.goto(host.url)
    for name in ("generate-qr-code", "generate-qr-code-v2"):
        assert page.evaluate(WIDTH, action(told, name)) > 100
    page.get_by_role("link", name="INV-1", exact=True).click()
    expect(page.get_by_text(told["qr_string"], exact=True)).to_be_visible()
    assert [] == barriers(page)
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_text("paid", exact=True)).to_be_visible()
    assert settled(shopkeeper, simulator)


@pytest.mark.parametrize("bank", BANKS)
def test_an_account_is_paid_by_a_transfer(
    page: Page, host: Server, simulator: MidtransSimulator, shopkeeper: Shop, bank: str
) -> None:
    """The bank and the number of the answer are on the page; Mandiri's biller code, too."""
    told = ordered(host, simulator, order(bank))
    number = told.get("bill_key") or told.get("permata_va_number") or told["va_numbers"][0]["va_number"]
    page.goto(host.url)
    page.get_by_role("link", name="INV-1", exact=True).click()
    for shown in (f"Virtual account {BANKS[bank]}", number, told.get("biller_code", "20.000")):
        expect(page.get_by_text(shown).first).to_be_visible()
    assert [] == barriers(page)
    page.get_by_role("button", name="Transfer", exact=True).click()
    expect(page.get_by_text("paid", exact=True)).to_be_visible()
    assert settled(shopkeeper, simulator)
