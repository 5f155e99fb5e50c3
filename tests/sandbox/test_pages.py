"""The pages over HTTP: what they show, what their forms do, and what they refuse. No browser."""

import re
import threading
from collections.abc import Iterator
from html import unescape
from typing import Final

import httpx
import pytest

from paygate.sandbox import Fault, PayerAction
from paygate.sandbox.host import serve
from tests.sandbox.reading import text_of
from tests.sandbox.shop import SUCCESS, Answer, shop
from tests.sandbox.toy import KINDS, ToySimulator
from tests.sandbox.waiting import PATIENCE, until

NOBODY: Final = "http://127.0.0.1:1/callbacks"
EVIL: Final = "<script>alert(1)</script>\"'&"


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


def paid(simulator: ToySimulator, reference: str = "INV-1") -> None:
    simulator.charge("qris", reference)
    simulator.act(reference, PayerAction.PAY)


def test_an_empty_sandbox_says_what_to_do(client: httpx.Client) -> None:
    """With the address at which a program makes charges."""
    text = text_of(client.get("/"))
    assert f"Let your program make one at {str(client.base_url).split('/_sandbox')[0]} ." in text
    assert "None: every request is answered rightly." in text


def test_the_charges_are_listed_newest_first(simulator: ToySimulator, client: httpx.Client) -> None:
    """Each with its numbers, method, amount and status, and a link to its page."""
    simulator.charge("account", "INV-1")
    simulator.charge("wallet", "INV-2")
    simulator.act("INV-2", PayerAction.FAIL)
    reply = client.get("/")
    assert re.search(
        r"Charges 2 INV-2 Rp 25\.000 E-wallet DANA TOY000002 made [\d:]+, ended [\d:]+ failed "
        r"INV-1 Rp 25\.000 Virtual account BNI TOY000001 made [\d:]+, open until [\d:, \w]+ pending ",
        text_of(reply),
    )
    assert ["/_sandbox/pay/TOY000002", "/_sandbox/pay/TOY000001"] == re.findall(
        r'<h3><a href="(/_sandbox/pay[^"]*)"', reply.text
    )


def test_the_lists_are_bounded(simulator: ToySimulator, client: httpx.Client) -> None:
    """The newest hundred are shown, and how many there are."""
    simulator.deliveries.hold()
    for number in range(103):
        paid(simulator, f"INV-{number}")
    reply = client.get("/")
    assert 2 == text_of(reply).count("The newest 100 of 103.")
    assert 100 == reply.text.count('<li class="card charge">')
    assert [103, 4] == [int(re.findall(r"Callback (\d+)</a>", reply.text)[place]) for place in (0, -1)]
    assert "INV-2<" not in reply.text


def test_the_attempts_of_a_callback_are_listed(simulator: ToySimulator, client: httpx.Client) -> None:
    """Each with its status; then when the next is due."""
    paid(simulator)
    until(lambda: bool(simulator.deliveries.find(1).attempts))
    text = text_of(client.get("/"))
    assert re.search(
        r"Callback 1 next attempt in (60|59) s for INV-1 [\d:]+ no answer nobody listens at \S+ Resend ", text
    )


def test_of_many_attempts_the_last_are_listed(simulator: ToySimulator, client: httpx.Client) -> None:
    """And the page of the callback has all of them."""
    paid(simulator)
    for _ in range(5):
        client.post("/callback/1", data={"do": "resend"})
    count = len(simulator.deliveries.find(1).attempts)
    assert f"Before that, {count - 3} more." in text_of(client.get("/"))
    page = client.get("/callback/1").text
    assert [str(number) for number in range(count, 0, -1)] == re.findall(r">Attempt (\d+)<", page)


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("hold", "Callbacks are held: none goes until you release them. Release Release in reverse order"),
        ("release", "Hold Send all now"),
        ("reverse", "Hold Send all now"),
        ("now", "Hold Send all now"),
    ],
)
def test_callbacks_can_be_held_and_released(client: httpx.Client, do: str, words: str) -> None:
    """The page shows what can be done next."""
    reply = client.post("/set/callbacks", data={"do": do})
    assert (303, "/_sandbox/#callbacks") == (reply.status_code, reply.headers["Location"])
    assert f"Callbacks 0 {words}" in text_of(client.get("/"))


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (
            "resend",
            r"Callback 1 (next attempt in \S+ (s|min)|given up) for INV-1 [\d:]+ no answer nobody \S+ at \S+ [\d:]+ no answer",
        ),
        ("delay 3600", r"Callback 1 next attempt in (60|61|62) min for"),
        ("duplicate", r"Callback 2 next attempt in (60|59) s for INV-1, copy of callback 1 "),
        ("corrupt", r"Callback 2 not accepted for INV-1, corrupted copy of callback 1 "),
    ],
)
def test_each_callback_has_its_buttons(
    simulator: ToySimulator, client: httpx.Client, do: str, words: str
) -> None:
    """The answer waits until the merchant has answered, and leads to the callback's place in the list."""
    paid(simulator)
    until(lambda: bool(simulator.deliveries.find(1).attempts))
    reply = client.post("/callback/1", data={"do": do})
    assert (303, "/_sandbox/#callback-1") == (reply.status_code, reply.headers["Location"])
    assert re.search(words, text_of(client.get("/")))


def test_a_button_on_a_callbacks_own_page_leads_back_there(
    simulator: ToySimulator, client: httpx.Client
) -> None:
    """And not to the list."""
    paid(simulator)
    until(lambda: bool(simulator.deliveries.find(1).attempts))
    reply = client.post("/callback/1", data={"do": "resend", "stay": "yes"})
    assert "/_sandbox/callback/1" == reply.headers["Location"]


def test_a_callback_shows_what_was_sent(simulator: ToySimulator, client: httpx.Client) -> None:
    """Its method, address, headers and body, and that nobody answered."""
    paid(simulator)
    until(lambda: bool(simulator.deliveries.find(1).attempts))
    text = text_of(client.get("/callback/1"))
    assert f"Sent POST {NOBODY} host: 127.0.0.1:1 x-signature: " in text
    assert '{"reference": "INV-1", "status": "paid", "amount": "25000.00"} Answered no answer' in text


def test_a_held_callback_shows_what_will_be_sent(simulator: ToySimulator, client: httpx.Client) -> None:
    """Its first request, while there has been no attempt."""
    simulator.deliveries.hold()
    paid(simulator)
    text = text_of(client.get("/callback/1"))
    assert re.search(r"Callback 1 held for INV-1 .* What will be sent first POST .*\"paid\"", text)


def test_one_on_its_way_cannot_be_resent(simulator: ToySimulator, client: httpx.Client) -> None:
    """The page says to wait."""
    simulator.deliveries.hold()
    paid(simulator)
    simulator.deliveries.find(1).under_way = True
    assert "Callback 1 on its way" in text_of(client.get("/"))
    reply = client.post("/callback/1", data={"do": "resend"})
    assert (409, True) == (reply.status_code, "callback 1 is on its way: wait" in text_of(reply))


def test_faults_are_planned_and_cleared(simulator: ToySimulator, client: httpx.Client) -> None:
    """The page says at which request from now each will strike, and what it does."""
    form = {"fault": "hang", "operation": "query", "nth": "2", "do": "plan"}
    simulator.faults.next("query")
    reply = client.post("/set/faults", data=form)
    assert (303, "/_sandbox/#provider") == (reply.status_code, reply.headers["Location"])
    assert "hang at query, request 2 from now: never answer" in text_of(client.get("/"))
    simulator.faults.next("query")
    assert "hang at query, the next request: never answer" in text_of(client.get("/"))
    client.post("/set/faults", data={"do": "clear"})
    assert () == simulator.faults.planned


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_can_be_chosen(simulator: ToySimulator, client: httpx.Client, fault: Fault) -> None:
    """Each has a line in the list."""
    assert f'<option value="{fault}">{fault}: ' in client.get("/").text
    client.post("/set/faults", data={"fault": fault, "operation": "cancel", "nth": "1"})
    assert [fault] == [one.fault for one in simulator.faults.planned]


def test_the_variant_can_be_chosen(simulator: ToySimulator, client: httpx.Client) -> None:
    """The page shows which is used; a provider with one way has no choice."""
    assert 303 == client.post("/set/variant", data={"variant": "login"}).status_code
    assert "login" == simulator.variant
    assert "<option selected>login</option>" in client.get("/").text
    simulator.variants = ("login",)
    assert "In one way only: login." in text_of(client.get("/"))


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/callback/1", {"do": "burn"}),
        ("/callback/1", {}),
        ("/callback/1", {"do": "delay"}),
        ("/callback/1", {"do": "delay -1"}),
        ("/callback/1", {"do": "delay 1e999"}),
        ("/set/callbacks", {"do": "burn"}),
        ("/set/callbacks", {}),
        ("/set/variant", {"variant": "burn"}),
        ("/set/variant", {}),
        ("/set/faults", {"fault": "burn", "operation": "query", "nth": "1"}),
        ("/set/faults", {"fault": "hang", "operation": "query", "nth": "0"}),
        ("/set/faults", {"fault": "hang", "operation": "query", "nth": "x"}),
        ("/set/faults", {"fault": "hang", "operation": "query", "nth": "9" * 5000}),
        ("/set/faults", {"fault": "hang", "operation": EVIL, "nth": "1"}),
        ("/set/faults", {"fault": "hang", "more": "1"}),
        ("/set/faults", {}),
    ],
    ids=str,
)
def test_a_form_that_is_not_ours_is_refused(
    simulator: ToySimulator, client: httpx.Client, path: str, form: dict[str, str]
) -> None:
    """Nothing is done, and there is a way home."""
    simulator.deliveries.hold()
    paid(simulator)
    reply = client.post(path, data=form)
    assert (400, True) == (reply.status_code, '<a href="/_sandbox/">' in reply.text)
    assert (1, (), "plain", True) == (
        len(simulator.deliveries.all),
        simulator.faults.planned,
        simulator.variant,
        simulator.deliveries.held,
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/pay/NOBODY", 404),
        ("POST", "/pay/NOBODY", 404),
        ("GET", "/callback/1", 404),
        ("POST", "/callback/1", 404),
        ("GET", "/callback/x", 404),
        ("GET", "/callback/" + "9" * 5000, 404),
        ("GET", "/nothing", 404),
        ("GET", "/pay/A%2FB", 404),
        ("GET", "/set/faults", 405),
        ("DELETE", "/", 405),
    ],
)
def test_what_is_not_here_says_so_and_shows_the_way_home(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    """As a page like the others."""
    reply = client.request(method, path, data={"do": "resend"} if method == "POST" else None)
    assert (status, True) == (reply.status_code, '<a href="/_sandbox/">All charges' in reply.text)
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/pay/TOY000001", "/callback/1", "/nothing"])
def test_every_page_is_shut_off_from_the_world(
    simulator: ToySimulator, client: httpx.Client, path: str
) -> None:
    """No scripts, nothing from elsewhere, in no frame, not kept, and no address told to others."""
    simulator.charge("qris", "INV-1", return_url="https://shop.example/thanks")
    simulator.act("INV-1", PayerAction.PAY)
    headers = client.get(path).headers
    assert (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "form-action 'self'"
    ) == headers["Content-Security-Policy"]
    assert ["no-store", "same-origin", "nosniff"] == [
        headers[name] for name in ("Cache-Control", "Referrer-Policy", "X-Content-Type-Options")
    ]


@pytest.mark.parametrize("path", ["/style.css", "/icon.svg"])
def test_what_pages_need_is_served(client: httpx.Client, path: str) -> None:
    """The style sheet and the icon, each under its own type."""
    reply = client.get(path)
    assert 200 == reply.status_code
    assert reply.headers["Content-Type"].startswith(("text/css", "image/svg+xml"))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_others_wrote_becomes_html(
    simulator: ToySimulator, client: httpx.Client, kind: str
) -> None:
    """Neither a reference, nor a number, nor details, nor an address, nor what a merchant answers."""
    simulator.charge(
        kind, EVIL, provider_reference="A<b>", details={EVIL: EVIL}, return_url=f"https://shop.example/{EVIL}"
    )
    page = client.get("/pay/A%3Cb%3E")
    assert 200 == page.status_code
    simulator.act(EVIL, PayerAction.PAY)
    for reply in (page, client.get("/"), client.get("/callback/1"), client.get("/pay/A%3Cb%3E")):
        assert "<script" not in reply.text
        assert "<b>" not in reply.text.replace("<b>POST", "")
        assert EVIL in unescape(reply.text)


def test_a_merchants_answer_does_not_become_html(simulator: ToySimulator, client: httpx.Client) -> None:
    """A debug page of a framework is shown as its source."""
    simulator.deliveries.hold()
    paid(simulator)
    simulator.deliveries.release()
    simulator.deliveries.run(lambda _: httpx.Response(200, html=EVIL * 20))
    for path in ("/", "/callback/1"):
        reply = client.get(path)
        assert "<script" not in reply.text
        assert EVIL in unescape(reply.text)


def test_a_slow_merchant_does_not_keep_the_tester_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a moment the page is shown as things stand, and the callback is on its way."""
    monkeypatch.setattr("paygate.sandbox.pages.GLANCES", 3)
    answered = threading.Event()

    def answer(_: object) -> Answer:
        answered.wait(PATIENCE)
        return SUCCESS

    with shop(answer) as merchant:
        slow = ToySimulator(merchant.url)
        slow.charge("qris", "INV-1")
        with serve(slow) as host, httpx.Client(base_url=f"{host.url}/_sandbox", trust_env=False) as browser:
            assert 303 == browser.post("/pay/TOY000001", data={"do": "pay"}).status_code
            merchant.next()
            assert "Callback 1 on its way for INV-1 No attempt yet." in text_of(browser.get("/"))
            answered.set()
