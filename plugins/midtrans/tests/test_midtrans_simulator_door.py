"""The pretend Midtrans lets in what is right, and nothing else. Requests are made by hand."""

import base64
import re
import uuid
from typing import Any

import httpx
import pytest
from paygate_midtrans.simulator import MidtransSimulator

from paygate.sandbox import Fault
from paygate.sandbox.simulator import play
from tests.midtrans_merchant import HOST, Merchant, basic, opened, order

REFUSED = {"status_code", "status_message", "id"}
REQUESTS = [
    ("POST", "/v2/charge", "create_charge"),
    ("GET", "/v2/INV-1/status", "query"),
    ("POST", "/v2/INV-1/cancel", "cancel"),
    ("POST", "/v2/INV-1/expire", "cancel"),
    ("POST", "/v2/INV-1/refund", "refund"),
    ("POST", "/v2/INV-1/refund/online/direct", "refund"),
    ("POST", "/v2/INV-1/approve", "approve"),
    ("POST", "/v2/INV-1/deny", "deny"),
    ("POST", "/v2/capture", "capture"),
]


@pytest.fixture
def merchant() -> Merchant:
    """A merchant of a pretend Midtrans."""
    return opened()


def refused(reply: httpx.Response, status: int, code: int) -> dict[str, Any]:
    """Check that a reply is a "no" of this HTTP status and code; what it says."""
    told: dict[str, Any] = reply.json()
    assert (status, str(code)) == (reply.status_code, told["status_code"])
    assert set(told) >= REFUSED
    assert uuid.UUID(told["id"])
    return told


def test_a_key_has_the_form_of_the_sandboxs() -> None:
    """Made anew for each merchant, unless one is given."""
    first, second = opened().simulator, opened().simulator
    assert re.fullmatch(r"SB-Mid-server-[A-Za-z0-9_-]{24}", first.server_key)
    assert first.server_key != second.server_key
    assert "SB-Mid-server-mine" == opened(server_key="SB-Mid-server-mine").simulator.server_key


def test_the_settings_are_what_a_merchant_configures(merchant: Merchant) -> None:
    """The key, and the public path of the address that is called back."""
    assert {
        "adapter": "midtrans",
        "environment": "sandbox",
        "server_key": merchant.simulator.server_key,
        "callback_path": "/callbacks/main",
    } == merchant.simulator.settings


@pytest.mark.parametrize(("verb", "path", "_"), REQUESTS)
def test_without_the_right_key_nothing_is_done(merchant: Merchant, verb: str, path: str, _: str) -> None:
    """Another key, a password, another scheme, no header: HTTP 401 and the code 401, for every request."""
    key = merchant.simulator.server_key
    for header in (
        None,
        "",
        basic("SB-Mid-server-other"),
        basic(key, "password"),
        basic(""),
        key,
        f"Basic {key}",
        f"Bearer {base64.b64encode(f'{key}:'.encode()).decode()}",
        "Basic " + base64.b64encode(key.encode()).decode(),
        basic(key) + "=",
        "Basic é",
    ):
        reply = merchant.send(verb, path, order(), headers={"Authorization": header})
        refused(reply, 401, 401)
    assert () == merchant.simulator.ledger.charges


@pytest.mark.parametrize("kind", [None, "", "*/*", "text/html", "application/xml, text/*"])
def test_who_takes_no_json_is_given_none(merchant: Merchant, kind: str | None) -> None:
    """An Accept without application/json is the code 403; parameters and other types beside it do no harm."""
    refused(merchant.send("POST", "/v2/charge", order(), headers={"Accept": kind}), 200, 403)
    refused(merchant.send("GET", "/v2/INV-1/status", headers={"Accept": kind}), 200, 403)
    told = merchant.charge(headers={"Accept": "text/html;q=0.5, Application/JSON; q=0.9"})
    assert "201" == told["status_code"]


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize(("verb", "path", "_"), [one for one in REQUESTS if one[0] == "POST"])
def test_a_post_must_call_itself_json(
    merchant: Merchant, verb: str, path: str, _: str, kind: str | None
) -> None:
    """With a body or without."""
    refused(merchant.send(verb, path, order(), headers={"Content-Type": kind}), 200, 403)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b"[]",
        b'"text"',
        b"[" * 100_000,
        b'{"payment_type": "qris",}',
        b"payment_type=qris",
        b'{"transaction_details": {"gross_amount": NaN}}',
        b'{"transaction_details": {"gross_amount": -Infinity}}',
    ],
)
def test_a_body_that_nobody_can_read(merchant: Merchant, content: bytes) -> None:
    """No JSON, or no JSON object, is the code 413."""
    refused(merchant.send("POST", "/v2/charge", content=content), 200, 413)


def test_a_body_may_call_its_charset(merchant: Merchant) -> None:
    """A parameter of the content type does no harm."""
    told = merchant.charge(headers={"Content-Type": "application/json; charset=utf-8"})
    assert "201" == told["status_code"]


@pytest.mark.parametrize(
    "path", ["/", "/v2", "/v1/charge", "/v2/charge/", "/v2/INV-1", "/v2/INV-1/refund/online", "/v2//status"]
)
def test_a_path_that_midtrans_does_not_have(merchant: Merchant, path: str) -> None:
    """HTTP 404, whoever asks, and no operation's."""
    refused(merchant.send("POST", path, order()), 404, 404)
    assert merchant.simulator.operation(httpx.Request("POST", HOST + path)) is None


@pytest.mark.parametrize(("verb", "path", "operation"), REQUESTS)
def test_each_request_is_an_operation_by_one_verb(
    merchant: Merchant, verb: str, path: str, operation: str
) -> None:
    """By another it is HTTP 405, and none."""
    assert operation == merchant.simulator.operation(httpx.Request(verb, HOST + path))
    other = "GET" if verb == "POST" else "POST"
    assert merchant.simulator.operation(httpx.Request(other, HOST + path)) is None
    refused(merchant.send(other, path), 405, 405)


def test_a_no_comes_under_http_200(merchant: Merchant) -> None:
    """Only the body tells; a merchant who looks at the HTTP status alone believes it to be a yes."""
    refused(merchant.send("GET", "/v2/INV-1/status"), 200, 404)
    told = refused(merchant.send("POST", "/v2/charge", {}), 200, 400)
    assert [
        "transaction_details is required",
        "transaction_details.order_id is required",
        "transaction_details.gross_amount is required",
        "payment_type is required",
    ] == told["validation_messages"][:4]


def test_a_no_may_come_under_its_own_http_status() -> None:
    """With `plain_status`, as now and then at Midtrans; but 407 is no "no", and stays under 200."""
    merchant = opened(plain_status=True)
    refused(merchant.send("GET", "/v2/INV-1/status"), 404, 404)
    refused(merchant.send("POST", "/v2/charge", {}), 400, 400)
    assert 200 == merchant.send("POST", "/v2/charge", order()).status_code
    refused(merchant.send("POST", "/v2/charge", order()), 406, 406)
    reply = merchant.send("POST", "/v2/INV-1/expire")
    assert (200, "407") == (reply.status_code, reply.json()["status_code"])


@pytest.mark.parametrize(
    ("fault", "status", "code", "charges"),
    [
        (Fault.RATE_LIMIT, 429, "429", 0),
        (Fault.REVOKE, 200, "201", 1),
        (Fault.STATUS_DISAGREES, 400, "201", 1),
        (Fault.CODE_DISAGREES, 200, "201", 1),
    ],
)
def test_faults_are_told_as_midtrans_would(
    merchant: Merchant, fault: Fault, status: int, code: str, charges: int
) -> None:
    """There is no token to revoke; and a "no" under HTTP 200 is what it says, so that none is made up."""
    simulator = merchant.simulator
    simulator.faults.plan(fault)
    body = order()
    headers = {"Authorization": basic(simulator.server_key), "Accept": "application/json"}
    request = httpx.Request("POST", f"{HOST}/v2/charge", headers=headers, json=body)
    reply = play(simulator, request).reply
    assert reply is not None
    assert (status, code) == (reply.status_code, reply.json()["status_code"])
    assert charges == simulator.ledger.count("INV-1")
    assert ("1" if status == 429 else None) == reply.headers.get("Retry-After")


def test_a_refusal_is_one_of_its_own(merchant: Merchant) -> None:
    """Under HTTP 200, or under its own where Midtrans does so."""
    request = httpx.Request("POST", f"{HOST}/v2/charge")
    refused(merchant.simulator.refusal(request), 200, 400)
    refused(opened(plain_status=True).simulator.refusal(request), 400, 400)


def test_it_calls_back_in_one_way(merchant: Merchant) -> None:
    """And says so to whoever wants another."""
    simulator: MidtransSimulator = merchant.simulator
    simulator.variant = "notification"
    assert (simulator.variant,) == simulator.variants
    with pytest.raises(ValueError, match="notification"):
        simulator.variant = "snap"
