"""`/_sandbox`: to look in, to play the payer and to plan faults."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from paygate import ChargeStatus
from paygate.sandbox import Fault
from paygate.sandbox.faults import Planned
from paygate.sandbox.host import serve
from tests.sandbox.orders import pretend
from tests.sandbox.toy import ToySimulator
from tests.sandbox.waiting import until

NOBODY = "http://127.0.0.1:1/callbacks/main"


@pytest.fixture
def simulator() -> ToySimulator:
    """A pretend provider whose callbacks nobody takes."""
    return ToySimulator(NOBODY)


@pytest.fixture
def client(simulator: ToySimulator) -> Iterator[httpx.Client]:
    """A plain HTTP client of its control paths."""
    with (
        serve(simulator) as running,
        httpx.Client(base_url=f"{running.url}/_sandbox", trust_env=False, timeout=30) as one,
    ):
        yield one


def test_the_charges_are_listed_in_the_order_they_were_made(
    simulator: ToySimulator, client: httpx.Client
) -> None:
    """None at first, then each with what a person wants to see."""
    assert [] == client.get("/charges").json()
    for reference in ("INV-2", "INV-1"):
        simulator.ledger.add(pretend(reference))
    assert [charge.summary() for charge in simulator.ledger.charges] == client.get("/charges").json()


def test_charges_are_counted_by_reference(simulator: ToySimulator, client: httpx.Client) -> None:
    """Doubles show, and an unknown reference has none."""
    simulator.ledger.add(pretend("INV-1"))
    simulator.ledger.add(pretend("INV-1"))
    assert {"reference": "INV-1", "count": 2} == client.get("/charges/INV-1/count").json()
    assert {"reference": "INV-9", "count": 0} == client.get("/charges/INV-9/count").json()


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("pay", ChargeStatus.PAID),
        ("fail", ChargeStatus.FAILED),
        ("expire", ChargeStatus.EXPIRED),
    ],
)
def test_the_payer_can_be_played(
    simulator: ToySimulator, client: httpx.Client, action: str, status: ChargeStatus
) -> None:
    """The charge changes, the answer tells how, and a callback is on its way."""
    charge = pretend("INV-1")
    simulator.ledger.add(charge)
    reply = client.post(f"/charges/INV-1/{action}")
    assert (200, status.value) == (reply.status_code, reply.json()["status"])
    assert status is charge.status
    assert ["INV-1"] == [one.reference for one in simulator.deliveries.all]


def test_an_unknown_reference_is_not_found(simulator: ToySimulator, client: httpx.Client) -> None:
    """The answer says which reference, and nothing is called back."""
    reply = client.post("/charges/INV-9/pay")
    assert (404, True) == (reply.status_code, "'INV-9'" in reply.json()["error"])
    assert () == simulator.deliveries.all


def test_a_closed_charge_cannot_be_paid(simulator: ToySimulator, client: httpx.Client) -> None:
    """A second action is a conflict, and the first one stands."""
    simulator.ledger.add(pretend("INV-1"))
    client.post("/charges/INV-1/fail")
    reply = client.post("/charges/INV-1/pay")
    assert (409, {"error": "the charge is failed"}) == (reply.status_code, reply.json())
    assert ChargeStatus.FAILED is simulator.ledger.charges[0].status
    assert 1 == len(simulator.deliveries.all)


@pytest.mark.parametrize("action", ["paid", "refund", "PAY"])
def test_an_action_that_no_payer_has_is_not_found(
    simulator: ToySimulator, client: httpx.Client, action: str
) -> None:
    """It is no conflict: the answer names the actions that there are."""
    simulator.ledger.add(pretend("INV-1"))
    reply = client.post(f"/charges/INV-1/{action}")
    assert 404 == reply.status_code
    assert all(known in reply.json()["error"] for known in ("pay", "fail", "expire"))


@pytest.mark.parametrize("reference", ["INV/1", "a?b#c", "100%", "A/pay", "A/count", "a b", "%2F", "é"])
def test_any_reference_can_be_named_in_a_path(
    simulator: ToySimulator, client: httpx.Client, reference: str
) -> None:
    """Percent-encoded, whatever its signs."""
    simulator.ledger.add(pretend(reference))
    path = f"/charges/{quote(reference, safe='')}"
    assert {"reference": reference, "count": 1} == client.get(f"{path}/count").json()
    assert "paid" == client.post(f"{path}/pay").json()["status"]


def test_callbacks_can_be_looked_at(simulator: ToySimulator, client: httpx.Client) -> None:
    """Each with its attempts so far; here nobody answers."""
    assert [] == client.get("/callbacks").json()
    simulator.ledger.add(pretend("INV-1"))
    client.post("/charges/INV-1/pay")
    until(lambda: bool(simulator.deliveries.all[0].attempts))
    assert [{"reference": "INV-1", "attempts": [None], "delivered": False, "done": False}] == client.get(
        "/callbacks"
    ).json()


@pytest.mark.parametrize("fault", Fault)
def test_any_fault_can_be_planned(simulator: ToySimulator, client: httpx.Client, fault: Fault) -> None:
    """By its name alone it is for the next charge; the answer lists what waits."""
    reply = client.post("/faults", json={"fault": fault.value})
    assert (200, [{"fault": fault.value, "operation": "create_charge", "nth": 1}]) == (
        reply.status_code,
        reply.json(),
    )
    assert (Planned(fault, "create_charge", 1),) == simulator.faults.planned


def test_faults_are_planned_listed_and_cleared(client: httpx.Client) -> None:
    """POST adds one with operation and number, GET lists them, DELETE forgets all."""
    client.post("/faults", json={"fault": "hang", "operation": "query", "nth": 3})
    client.post("/faults", json={"fault": "cut"})
    waiting = [
        {"fault": "hang", "operation": "query", "nth": 3},
        {"fault": "cut", "operation": "create_charge", "nth": 1},
    ]
    assert waiting == client.get("/faults").json()
    assert [] == client.delete("/faults").json()
    assert [] == client.get("/faults").json()


def test_a_fault_is_planned_as_the_tutorial_does_it(simulator: ToySimulator, client: httpx.Client) -> None:
    """curl -d sends JSON under the content type of a form, and it is taken."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert 200 == client.post("/faults", content=b'{"fault": "close"}', headers=headers).status_code
    assert 1 == len(simulator.faults.planned)


def refused(simulator: ToySimulator, client: httpx.Client, body: bytes) -> None:
    """A body is answered with 400, the names of all faults, and no plan."""
    reply = client.post("/faults", content=body)
    assert 400 == reply.status_code
    assert all(fault.value in reply.json()["error"] for fault in Fault)
    assert () == simulator.faults.planned


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"fault=hang",
        b"[]",
        b'"hang"',
        b"null",
        b"{}",
        b"\xff\xfe",
        b'{"fault": "nonsense"}',
        b'{"fault": null}',
        b'{"fault": ["hang"]}',
        b'{"fault": "hang", "nth": "x"}',
        b'{"fault": "hang", "nth": null}',
        b'{"fault": "hang", "nth": NaN}',
    ],
)
def test_a_wrong_fault_is_refused_with_what_would_be_right(
    simulator: ToySimulator, client: httpx.Client, body: bytes
) -> None:
    """Nothing is planned, and the answer names every fault."""
    refused(simulator, client, body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"fault": "hang", "nth": 1e999}', id="infinite"),
        pytest.param(b'{"fault": "hang", "nth": 0}', id="before the first"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"fault": "hang", "operation": "\\ud800"}', id="half a character"),
    ],
)
def test_a_malicious_fault_is_refused_as_well(
    simulator: ToySimulator, client: httpx.Client, body: bytes
) -> None:
    """Numbers, depths and characters that nobody means are a bad request, never HTTP 500."""
    refused(simulator, client, body)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/charges", 405),
        ("GET", "/charges/INV-1/pay", 405),
        ("PUT", "/faults", 405),
        ("POST", "/callbacks", 405),
        ("GET", "/nothing", 404),
    ],
)
def test_other_methods_and_paths_are_refused(
    client: httpx.Client, simulator: ToySimulator, method: str, path: str, status: int
) -> None:
    """They do not fall through to the provider, and change nothing."""
    simulator.ledger.add(pretend("INV-1"))
    assert status == client.request(method, path).status_code
    assert ChargeStatus.PENDING is simulator.ledger.charges[0].status


def test_looking_in_suffers_no_fault(simulator: ToySimulator, client: httpx.Client) -> None:
    """Where every request of the provider's goes wrong, the control paths work."""
    simulator.faults.draw(1.0, 0, [Fault.CLOSE])
    assert [[], [], []] == [client.get(path).json() for path in ("/charges", "/callbacks", "/faults")]
