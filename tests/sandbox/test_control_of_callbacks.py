"""`/_sandbox/callbacks` and `/_sandbox/variant`: a tester's hand on callbacks, for programs."""

from collections.abc import Iterator

import httpx
import pytest

from paygate.sandbox import PayerAction
from paygate.sandbox.host import serve
from tests.sandbox.shop import Shop, shop
from tests.sandbox.toy import ToySimulator, merchant
from tests.sandbox.waiting import until


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
def client(simulator: ToySimulator) -> Iterator[httpx.Client]:
    """A plain HTTP client of its control paths."""
    with (
        serve(simulator) as running,
        httpx.Client(base_url=f"{running.url}/_sandbox", trust_env=False, timeout=30) as one,
    ):
        yield one


def paid(simulator: ToySimulator, *references: str) -> None:
    for reference in references:
        simulator.charge("qris", reference)
        simulator.act(reference, PayerAction.PAY)


def settle(simulator: ToySimulator) -> None:
    until(lambda: not simulator.deliveries.busy)


def bodies(merchant: Shop) -> list[bytes]:
    found = []
    while not merchant.arrived.empty():
        found.append(merchant.arrived.get().body)
    return found


def test_one_is_sent_again(simulator: ToySimulator, client: httpx.Client, shopkeeper: Shop) -> None:
    """The answer tells how it stands, and the merchant is told the same again."""
    paid(simulator, "INV-1")
    settle(simulator)
    reply = client.post("/callbacks/1/resend")
    assert (200, 1, "INV-1") == (reply.status_code, reply.json()["number"], reply.json()["reference"])
    settle(simulator)
    first, second = bodies(shopkeeper)
    assert first == second
    assert [200, 200] == client.get("/callbacks").json()[0]["attempts"]


def test_one_is_sent_twice(simulator: ToySimulator, client: httpx.Client, shopkeeper: Shop) -> None:
    """The copy has the next number."""
    paid(simulator, "INV-1")
    settle(simulator)
    assert 2 == client.post("/callbacks/1/duplicate").json()["number"]
    settle(simulator)
    assert 1 == len(set(bodies(shopkeeper)))
    assert [[200, 200], [200]] == [one["attempts"] for one in client.get("/callbacks").json()]


@pytest.mark.parametrize("variant", ["plain", "login"])
def test_a_corrupted_one_is_refused(
    simulator: ToySimulator, client: httpx.Client, shopkeeper: Shop, variant: str
) -> None:
    """By a merchant who checks the signature, with a login before it or without."""
    simulator.variant = variant
    paid(simulator, "INV-1")
    settle(simulator)
    assert 2 == client.post("/callbacks/1/corrupt").json()["number"]
    settle(simulator)
    assert {"reference": "INV-1", "attempts": [401], "delivered": False, "done": True} == client.get(
        "/callbacks"
    ).json()[1]
    assert b"25000.01" in bodies(shopkeeper)[-1]


def test_they_are_held_and_released_in_reverse(
    simulator: ToySimulator, client: httpx.Client, shopkeeper: Shop
) -> None:
    """Nothing arrives until then, and then the newest first."""
    assert {"held": True} == client.post("/callbacks/hold").json()
    paid(simulator, "INV-1", "INV-2", "INV-3")
    assert [[], [], []] == [one["attempts"] for one in client.get("/callbacks").json()]
    assert {"held": False} == client.post("/callbacks/reverse").json()
    settle(simulator)
    assert [b"INV-3", b"INV-2", b"INV-1"] == [body[15:20] for body in bodies(shopkeeper)]


def test_they_are_released_in_order(simulator: ToySimulator, client: httpx.Client, shopkeeper: Shop) -> None:
    """The oldest first."""
    client.post("/callbacks/hold")
    paid(simulator, "INV-1", "INV-2", "INV-3")
    client.post("/callbacks/release")
    settle(simulator)
    assert [b"INV-1", b"INV-2", b"INV-3"] == [body[15:20] for body in bodies(shopkeeper)]


def test_a_delayed_one_is_sent_when_all_are(
    simulator: ToySimulator, client: httpx.Client, shopkeeper: Shop
) -> None:
    """It waits for its time, or for the word."""
    client.post("/callbacks/hold")
    paid(simulator, "INV-1")
    assert 200 == client.post("/callbacks/1/delay", json={"seconds": 3600}).status_code
    client.post("/callbacks/release")
    assert 3590 < simulator.deliveries.wait(simulator.deliveries.find(1)) <= 3600
    assert {"held": False} == client.post("/callbacks/now").json()
    settle(simulator)
    assert 1 == len(bodies(shopkeeper))


def test_a_delay_is_a_minute_unless_told(simulator: ToySimulator, client: httpx.Client) -> None:
    """An empty body will do."""
    client.post("/callbacks/hold")
    paid(simulator, "INV-1")
    client.post("/callbacks/1/delay")
    assert 50 < simulator.deliveries.wait(simulator.deliveries.find(1)) <= 60


@pytest.mark.parametrize(
    "body",
    [b"60", b"[]", b'{"seconds": -1}', b'{"seconds": 1e99}', b'{"seconds": NaN}', b'{"s": 1}', b"[" * 9999],
)
def test_a_wrong_delay_is_refused(simulator: ToySimulator, client: httpx.Client, body: bytes) -> None:
    """The answer says what would be right, and nothing is delayed."""
    client.post("/callbacks/hold")
    paid(simulator, "INV-1")
    reply = client.post("/callbacks/1/delay", content=body)
    assert (400, True) == (reply.status_code, "seconds" in reply.json()["error"])
    assert 0 == simulator.deliveries.wait(simulator.deliveries.find(1))


@pytest.mark.parametrize("number", ["0", "2", "-1", "x", "1.0", "9" * 5000, "%C2%B2"])
@pytest.mark.parametrize("action", ["resend", "delay", "duplicate", "corrupt"])
def test_an_unknown_callback_is_not_found(
    simulator: ToySimulator, client: httpx.Client, number: str, action: str
) -> None:
    """Whatever stands for its number."""
    paid(simulator, "INV-1")
    reply = client.post(f"/callbacks/{number}/{action}")
    assert (404, True) == (reply.status_code, "no callback has the number" in reply.json()["error"])


@pytest.mark.parametrize("path", ["/callbacks/1/burn", "/callbacks/burn"])
def test_an_unknown_order_is_not_found(simulator: ToySimulator, client: httpx.Client, path: str) -> None:
    """The answer names those that there are."""
    paid(simulator, "INV-1")
    reply = client.post(path)
    known = "resend" if "1" in path else "hold"
    assert (404, True) == (reply.status_code, known in reply.json()["error"])


def test_one_on_its_way_is_a_conflict(simulator: ToySimulator, client: httpx.Client) -> None:
    """It cannot be sent again or delayed before its answer is there."""
    simulator.deliveries.hold()
    paid(simulator, "INV-1")
    simulator.deliveries.find(1).under_way = True
    replies = [client.post(f"/callbacks/1/{action}") for action in ("resend", "delay")]
    assert [409, 409] == [reply.status_code for reply in replies]
    assert "callback 1 is on its way: wait for the answer" == replies[0].json()["error"]


def test_the_variant_is_told_and_chosen(simulator: ToySimulator, client: httpx.Client) -> None:
    """The next callback is of the chosen kind."""
    both = ["plain", "login"]
    assert {"variant": "plain", "variants": both} == client.get("/variant").json()
    reply = client.put("/variant", json={"variant": "login"})
    assert (200, {"variant": "login", "variants": both}) == (reply.status_code, reply.json())
    assert "login" == simulator.variant


@pytest.mark.parametrize(
    "body", [b"", b"login", b'{"variant": "nonsense"}', b'{"variant": null}', b"[" * 99999, b"\xff"]
)
def test_an_unknown_variant_is_refused(simulator: ToySimulator, client: httpx.Client, body: bytes) -> None:
    """The answer names those that there are, and it stays as it was."""
    reply = client.put("/variant", content=body)
    assert (400, True) == (reply.status_code, "plain, login" in reply.json()["error"])
    assert "plain" == simulator.variant
