"""The pages as a tester uses them, in a real Chromium, with a merchant who is called back."""

import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from paygate.sandbox import Fault
from paygate.sandbox.host import serve
from paygate.sandbox.server import Server
from tests.sandbox.browsing import Watched, barriers
from tests.sandbox.shop import Shop, shop
from tests.sandbox.toy import KINDS, ToySimulator, merchant

PAY: Final = {
    "qris": "Pay",
    "wallet": "Pay",
    "account": "Transfer",
    "store": "Pay at the till",
    "link": "Pay",
}
FOCUSED: Final = """() => {
  const one = document.activeElement;
  return (one.ariaLabel || one.labels?.[0]?.innerText || one.innerText).trim();
}"""
Open = Callable[..., Page]


@pytest.fixture
def shopkeeper() -> Iterator[Shop]:
    """A merchant who checks signatures."""
    with shop(merchant) as one:
        yield one


@pytest.fixture
def simulator(shopkeeper: Shop) -> ToySimulator:
    """A pretend provider that calls the merchant back."""
    return ToySimulator(shopkeeper.url)


@pytest.fixture
def host(simulator: ToySimulator) -> Iterator[Server]:
    """Its host."""
    with serve(simulator) as running:
        yield running


@pytest.fixture
def open_page(chrome: Browser, host: Server, shopkeeper: Shop) -> Iterator[Open]:
    """Open a path of the host in a new window; at the end nothing may have gone wrong in any."""
    opened = []

    def open_(path: str = "/_sandbox/", **options: object) -> Page:
        watched = Watched(chrome, (host.url, shopkeeper.url), **options)
        opened.append(watched)
        watched.page.goto(host.url + path)
        return watched.page

    yield open_
    for watched in opened:
        watched.close()


def button(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def callback(page: Page, number: int) -> Locator:
    return page.locator(f"#callback-{number}")


def order(page: Page, number: int, name: str) -> None:
    """Press a button of a callback in the list."""
    button(page, f"{name}: callback {number}").click()


def pay(page: Page, reference: str, kind: str = "qris") -> None:
    """From the list to the charge's page, pay, and back to the list."""
    page.get_by_role("link", name=reference, exact=True).click()
    button(page, PAY[kind]).click()
    page.get_by_role("link", name="All charges and callbacks").click()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_charge_is_paid_by_a_click(open_page: Open, simulator: ToySimulator, kind: str) -> None:
    """From the list to its page, pay, "paid", and in the list the callback with the merchant's reply."""
    simulator.charge(kind, "INV-1")
    page = open_page()
    page.get_by_role("link", name="INV-1", exact=True).click()
    expect(page).to_have_title(re.compile("Rp\\s25.000 for INV-1 · paygate sandbox"))
    button(page, PAY[kind]).click()
    expect(page.get_by_text("paid", exact=True)).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    page.get_by_role("link", name="All charges and callbacks").click()
    expect(callback(page, 1)).to_contain_text("accepted")
    expect(callback(page, 1)).to_contain_text("HTTP 200 thank you")


@pytest.mark.parametrize("kind", ["qris", "wallet", "link"])
def test_a_charge_is_declined_by_a_click(open_page: Open, simulator: ToySimulator, kind: str) -> None:
    """The page says that it failed."""
    charge = simulator.charge(kind, "INV-1")
    page = open_page(f"/_sandbox/pay/{charge.provider_reference}")
    button(page, "Decline").click()
    expect(page.get_by_text("failed", exact=True)).to_be_visible()


@pytest.mark.parametrize("kind", KINDS)
def test_a_charge_expires_by_a_click(open_page: Open, simulator: ToySimulator, kind: str) -> None:
    """Any kind can."""
    charge = simulator.charge(kind, "INV-1")
    page = open_page(f"/_sandbox/pay/{charge.provider_reference}")
    button(page, "Let it expire").click()
    expect(page.get_by_text("expired", exact=True)).to_be_visible()


@pytest.mark.parametrize("kind", ["wallet", "link"])
@pytest.mark.parametrize("choice", ["Pay", "Decline"])
def test_the_browser_goes_back_to_the_shop(
    open_page: Open, simulator: ToySimulator, shopkeeper: Shop, kind: str, choice: str
) -> None:
    """The page's own policy lets the form lead there."""
    charge = simulator.charge(kind, "INV-1", return_url=f"{shopkeeper.url}/thanks?order=1")
    page = open_page(f"/_sandbox/pay/{charge.provider_reference}")
    button(page, choice).click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert f"{shopkeeper.url}/thanks?order=1" == page.url


def test_a_link_is_paid_by_the_method_that_is_chosen(open_page: Open, simulator: ToySimulator) -> None:
    """The first is chosen already; another can be."""
    charge = simulator.charge("link", "INV-1")
    page = open_page(f"/_sandbox/pay/{charge.provider_reference}")
    expect(page.get_by_role("radio", name="QRIS")).to_be_checked()
    page.get_by_role("radio", name="Virtual account BNI").check()
    button(page, "Pay").click()
    expect(page.get_by_text("with Virtual account BNI.")).to_be_visible()


def test_a_callback_is_sent_again_and_twice(
    open_page: Open, simulator: ToySimulator, shopkeeper: Shop
) -> None:
    """Resent, it has two attempts; duplicated, three, and a copy beside it. The merchant gets four."""
    simulator.charge("qris", "INV-1")
    page = open_page()
    pay(page, "INV-1")
    order(page, 1, "Resend")
    expect(callback(page, 1).get_by_role("listitem")).to_have_count(2)
    order(page, 1, "Duplicate")
    expect(callback(page, 1).get_by_role("listitem")).to_have_count(3)
    expect(callback(page, 2)).to_contain_text("copy of callback 1")
    assert 1 == len({shopkeeper.next().body for _ in range(4)})
    assert shopkeeper.arrived.empty()


@pytest.mark.parametrize("variant", ["plain", "login"])
def test_a_corrupted_callback_is_refused(open_page: Open, simulator: ToySimulator, variant: str) -> None:
    """The merchant's reply is shown, and its own page shows what was sent, the login included."""
    simulator.charge("qris", "INV-1")
    page = open_page()
    page.get_by_text("The provider:").click()
    page.get_by_label("Variant").select_option(variant)
    button(page, "Use from now on").click()
    pay(page, "INV-1")
    order(page, 1, "Corrupt")
    expect(callback(page, 2)).to_contain_text("refused, as it must be")
    expect(callback(page, 2)).to_contain_text("HTTP 401 the signature does not fit")
    page.get_by_role("link", name="Callback 2", exact=True).click()
    expect(page.get_by_text('"amount": "25000.01"')).to_be_visible()
    expect(page.get_by_text('{"grant":"client"}')).to_have_count(1 if variant == "login" else 0)


def test_callbacks_are_held_and_go_in_reverse_order(
    open_page: Open, simulator: ToySimulator, shopkeeper: Shop
) -> None:
    """Nothing arrives until then; then the newest is first."""
    for number in (1, 2, 3):
        simulator.charge("qris", f"INV-{number}")
    page = open_page()
    button(page, "Hold").click()
    expect(page.get_by_text("Callbacks are held")).to_be_visible()
    for number in (1, 2, 3):
        pay(page, f"INV-{number}")
    expect(callback(page, 3)).to_contain_text("held")
    assert shopkeeper.arrived.empty()
    button(page, "Release in reverse order").click()
    expect(callback(page, 1)).to_contain_text("accepted")
    arrived = [shopkeeper.next().body[15:20] for _ in range(3)]
    assert [b"INV-3", b"INV-2", b"INV-1"] == arrived


def test_a_delayed_callback_waits_until_all_are_sent(open_page: Open, simulator: ToySimulator) -> None:
    """Its next attempt is an hour away; "Send all now" ends the wait."""
    simulator.charge("qris", "INV-1")
    page = open_page()
    pay(page, "INV-1")
    order(page, 1, "Delay 1 h")
    expect(callback(page, 1)).to_contain_text("next attempt in 60 min")
    button(page, "Send all now").click()
    expect(callback(page, 1)).to_contain_text("accepted")
    expect(callback(page, 1).get_by_role("listitem")).to_have_count(2)


def test_a_fault_is_planned_and_cleared(open_page: Open, simulator: ToySimulator) -> None:
    """By its list and its number, and it is gone afterwards."""
    page = open_page()
    page.get_by_text("The provider:").click()
    page.get_by_label("Fault").select_option("hang")
    page.get_by_label("Operation").select_option("query")
    page.get_by_label("At which of its next requests").fill("2")
    button(page, "Plan this fault").click()
    expect(page.get_by_text("hang at query, request 2 from now: never answer")).to_be_visible()
    assert [(Fault.HANG, "query", 2)] == [
        (one.fault, one.operation, one.nth) for one in simulator.faults.planned
    ]
    button(page, "Clear all faults").click()
    expect(page.get_by_text("no planned faults")).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element with this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == name:
            return
    pytest.fail(f"{name} is not reached by the keyboard")


def test_everything_is_done_with_the_keyboard_alone(open_page: Open, simulator: ToySimulator) -> None:
    """A charge is opened, paid by another method, and its callback resent, with Tab, arrows and Enter."""
    charge = simulator.charge("link", "INV-1")
    page = open_page()
    tab_to(page, "Skip to the content")
    page.keyboard.press("Enter")
    tab_to(page, "INV-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pay/*")
    tab_to(page, "QRIS")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Pay")
    page.keyboard.press("Enter")
    expect(page.get_by_text("with E-wallet DANA.")).to_be_visible()
    tab_to(page, "All charges and callbacks")
    page.keyboard.press("Enter")
    page.wait_for_url("**/_sandbox/")
    tab_to(page, "Resend: callback 1")
    page.keyboard.press("Enter")
    expect(callback(page, 1).get_by_role("listitem")).to_have_count(2)
    assert charge.paid_by is not None


def test_it_works_without_scripts(open_page: Open, simulator: ToySimulator) -> None:
    """A browser that runs none does all the same."""
    simulator.charge("qris", "INV-1")
    page = open_page(java_script_enabled=False)
    pay(page, "INV-1")
    order(page, 1, "Resend")
    expect(callback(page, 1).get_by_role("listitem")).to_have_count(2)


@pytest.fixture
def every_page(simulator: ToySimulator, open_page: Open) -> list[str]:
    """Paths of all pages, with something of everything on them."""
    simulator.charge("qris", "A-REFERENCE-OF-64-CHARACTERS-" + "X" * 35)
    for number, kind in enumerate(KINDS):
        simulator.charge(kind, f"INV-{number}", return_url="https://shop.example/" + "x" * 80)
    simulator.charge("qris", "INV-PAID")
    simulator.faults.plan(Fault.CODE_DISAGREES)
    page = open_page()
    pay(page, "INV-PAID")
    order(page, 1, "Corrupt")
    order(page, 1, "Delay 1 min")
    button(page, "Hold").click()
    order(page, 1, "Duplicate")
    pages = [f"/_sandbox/pay/{charge.provider_reference}" for charge in simulator.ledger.charges]
    return ["/_sandbox/", "/_sandbox/callback/1", "/_sandbox/callback/3", *pages]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_no_page_keeps_anybody_out(
    open_page: Open, host: Server, every_page: list[str], scheme: str, width: int
) -> None:
    """axe-core finds nothing: names, headings, landmarks, contrast; and no page is wider than the window."""
    page = open_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    for path in every_page:
        page.goto(host.url + path)
        assert (path, []) == (path, barriers(page))
        assert (path, True) == (path, page.evaluate("document.documentElement.scrollWidth") <= width)


def test_the_judge_can_find_fault(chrome: Browser) -> None:
    """axe-core sees what is wrong with a page that has no name, label or contrast."""
    page = chrome.new_page()
    page.set_content("<p style='color: #bbb; background: #fff'>grey</p><input>")
    assert {"color-contrast", "document-title", "label"} <= {one[0] for one in barriers(page)}
    page.close()
