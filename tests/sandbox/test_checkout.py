"""The payer's page of each kind of charge over HTTP: its buttons, where they lead, and what it refuses."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import httpx
import pytest

from paygate import ChargeStatus, EWallet, PaymentLink, VirtualAccount
from paygate.sandbox import PayerAction
from paygate.sandbox.host import serve
from tests.sandbox.reading import text_of
from tests.sandbox.toy import KINDS, PAYLOAD, ToySimulator

NOBODY: Final = "http://127.0.0.1:1/callbacks"
PAGE: Final = "/pay/TOY000001"
THANKS: Final = "https://shop.example/thanks?order=1"


@pytest.fixture
def simulator() -> ToySimulator:
    """A pretend provider whose callbacks nobody takes."""
    return ToySimulator(NOBODY)


@pytest.fixture
def client(simulator: ToySimulator) -> Iterator[httpx.Client]:
    """A plain HTTP client of its pages, which follows no redirect."""
    with (
        serve(simulator) as running,
        httpx.Client(base_url=f"{running.url}/_sandbox", trust_env=False, timeout=30) as one,
    ):
        yield one


def buttons(reply: httpx.Response) -> list[str]:
    return re.findall(r"<button[^>]*>([^<]*)</button>", reply.text)


@pytest.mark.parametrize(
    ("kind", "told", "offered"),
    [
        ("qris", f"Payload {PAYLOAD} ", ["Pay", "Decline"]),
        ("wallet", "E-wallet DANA Charge INV-1: Rp 25.000 pending ", ["Pay", "Decline"]),
        (
            "account",
            "Bank BNI Virtual account number 9882917200000001 Amount Rp 25.000 ",
            ["Transfer"],
        ),
        ("store", "Store Alfamart Code to tell at the till AYO123456 Amount Rp 25.000 ", ["Pay at the till"]),
        (
            "link",
            "Pay with QRIS E-wallet DANA Virtual account BNI Store Alfamart ",
            ["Pay", "Decline"],
        ),
    ],
)
def test_a_payer_sees_what_is_needed(
    simulator: ToySimulator, client: httpx.Client, kind: str, told: str, offered: list[str]
) -> None:
    """The instructions of the charge, its amount, and what can be done; any charge can expire."""
    simulator.charge(kind, "INV-1", details={"customer": "Budi"})
    reply = client.get(PAGE)
    assert told in text_of(reply)
    assert "Reference INV-1 Provider’s number TOY000001 " in text_of(reply)
    assert "Customer Budi" in text_of(reply)
    assert [*offered, "Let it expire"] == buttons(reply)
    assert (kind == "qris") == ("<svg" in reply.text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("action", "status"),
    [
        (PayerAction.PAY, ChargeStatus.PAID),
        (PayerAction.FAIL, ChargeStatus.FAILED),
        (PayerAction.EXPIRE, ChargeStatus.EXPIRED),
    ],
)
def test_the_payer_acts_once(
    simulator: ToySimulator, client: httpx.Client, kind: str, action: PayerAction, status: ChargeStatus
) -> None:
    """The browser sees the page again, which says how it ended and has no buttons; a second go is refused."""
    charge = simulator.charge(kind, "INV-1")
    form = {"do": action.value, **({"by": "0"} if kind == "link" else {})}
    reply = client.post(PAGE, data=form)
    assert (303, f"/_sandbox{PAGE}") == (reply.status_code, reply.headers["Location"])
    assert status is charge.status
    page = client.get(PAGE)
    assert ([], True) == (buttons(page), f"{status.value.capitalize()} at " in text_of(page))
    again = client.post(PAGE, data=form)
    assert (409, True) == (again.status_code, f"It is {status.value}." in text_of(again))
    assert f'href="/_sandbox{PAGE}"' in again.text
    assert 1 == len(simulator.deliveries.all)


@pytest.mark.parametrize("kind", ["wallet", "link"])
@pytest.mark.parametrize("action", ["pay", "fail"])
def test_a_browser_goes_back_to_the_shop(
    simulator: ToySimulator, client: httpx.Client, kind: str, action: str
) -> None:
    """Paid or declined; the page says so beforehand, and its policy lets the browser go there."""
    simulator.charge(kind, "INV-1", return_url=THANKS)
    page = client.get(PAGE)
    assert f"Afterwards your browser goes back to {THANKS}" in text_of(page)
    assert page.headers["Content-Security-Policy"].endswith("form-action 'self' https://shop.example")
    reply = client.post(PAGE, data={"do": action, "by": "1"})
    assert (303, THANKS) == (reply.status_code, reply.headers["Location"])


@pytest.mark.parametrize(
    ("kind", "url", "action"),
    [
        ("wallet", None, "pay"),
        ("wallet", THANKS, "expire"),
        ("wallet", "javascript:alert(1)", "pay"),
        ("wallet", "//shop.example/", "pay"),
        ("wallet", "https://[", "pay"),
        ("wallet", "https:thanks", "pay"),
        ("wallet", "https://shop.example;script-src *", "pay"),
        ("wallet", "https://shop.example/\r\nSet-Cookie: a=b", "pay"),
        ("account", THANKS, "pay"),
        ("store", THANKS, "pay"),
        ("qris", THANKS, "pay"),
    ],
)
def test_a_browser_stays_where_there_is_nowhere_to_go(
    simulator: ToySimulator, client: httpx.Client, kind: str, url: str | None, action: str
) -> None:
    """No address, none that is one, a payer who is in no browser, or one who never came."""
    simulator.charge(kind, "INV-1", return_url=url)
    assert 200 == client.get(PAGE).status_code
    assert f"/_sandbox{PAGE}" == client.post(PAGE, data={"do": action}).headers["Location"]


@pytest.mark.parametrize(("by", "method"), [("1", EWallet("dana")), ("2", VirtualAccount("bni"))])
def test_a_link_is_paid_by_what_the_payer_chooses(
    simulator: ToySimulator, client: httpx.Client, by: str, method: object
) -> None:
    """And the page says afterwards by what."""
    charge = simulator.charge("link", "INV-1")
    client.post(PAGE, data={"do": "pay", "by": by})
    assert method == charge.paid_by
    assert re.search(r"Paid at [\d:]+, with (E-wallet DANA|Virtual account BNI)", text_of(client.get(PAGE)))


def test_a_link_without_a_choice_leaves_it_to_the_provider(
    simulator: ToySimulator, client: httpx.Client
) -> None:
    """The page has no list, and the simulator decides."""
    charge = simulator.charge("link", "INV-1", method=PaymentLink())
    assert "Pay with" not in text_of(client.get(PAGE))
    client.post(PAGE, data={"do": "pay"})
    assert (ChargeStatus.PAID, None) == (charge.status, charge.paid_by)


@pytest.mark.parametrize(
    "form",
    [{}, {"do": "refund"}, {"do": "pay"}, {"do": "pay", "by": "4"}, {"do": "pay", "by": "x"}, {"do": ""}],
)
def test_what_no_payer_can_do_is_refused(
    simulator: ToySimulator, client: httpx.Client, form: dict[str, str]
) -> None:
    """An unknown action, and a method that the link does not offer; the charge stays open."""
    charge = simulator.charge("link", "INV-1")
    reply = client.post(PAGE, data=form)
    assert (400, True) == (reply.status_code, f'href="/_sandbox{PAGE}"' in reply.text)
    assert ChargeStatus.PENDING is charge.status


def test_a_charge_whose_time_is_up_is_closed(simulator: ToySimulator, client: httpx.Client) -> None:
    """Though nobody has told the provider yet."""
    simulator.charge("qris", "INV-1", expires_at=datetime.now(UTC))
    page = client.get(PAGE)
    assert ([], True) == (buttons(page), "It is expired." in text_of(page))
    assert 409 == client.post(PAGE, data={"do": "pay"}).status_code


def test_of_two_charges_with_one_reference_the_newer_can_be_paid(
    simulator: ToySimulator, client: httpx.Client
) -> None:
    """The page of the older one says why not, and pays neither."""
    older, newer = simulator.charge("qris", "INV-1"), simulator.charge("qris", "INV-1")
    page = client.get(PAGE)
    assert ([], True) == (buttons(page), "A newer charge has the same reference" in text_of(page))
    assert 409 == client.post(PAGE, data={"do": "pay"}).status_code
    assert 303 == client.post("/pay/TOY000002", data={"do": "pay"}).status_code
    assert [ChargeStatus.PENDING, ChargeStatus.PAID] == [older.status, newer.status]


def test_a_provider_that_says_no_is_heard(simulator: ToySimulator, client: httpx.Client) -> None:
    """The page repeats what it said."""
    simulator.charge("qris", "INV-1")

    def act(*_: object) -> None:
        raise ValueError("the bank is closed")

    simulator.act = act  # type: ignore[assignment]
    reply = client.post(PAGE, data={"do": "pay"})
    assert (409, True) == (reply.status_code, "The bank is closed." in text_of(reply))
