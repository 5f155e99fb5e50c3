"""The host on the wire: each fault as a plain HTTP client sees it, and what reaches the simulator."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import ChargeRef, ChargeRequest, ChargeStatus, Money, OutcomeUnknown, Paygate, Qris
from paygate.sandbox import Fault
from paygate.sandbox.host import serve
from paygate.sandbox.server import Server
from tests.sandbox.orders import ORDER, SUFFERED, Suffered, login, order, told
from tests.sandbox.waiting import PATIENCE, until

CASES = pytest.mark.parametrize("case", SUFFERED, ids=lambda case: case.fault.value)


@pytest.fixture
def host(simulator: AyolinxSimulator) -> Iterator[Server]:
    """The simulator behind real HTTP."""
    with serve(simulator) as running:
        yield running


@pytest.fixture
def client(host: Server) -> Iterator[httpx.Client]:
    """A plain HTTP client of it."""
    with httpx.Client(base_url=host.url, trust_env=False, timeout=PATIENCE) as one:
        yield one


@pytest.fixture
def ordered(host: Server, client: httpx.Client, account: SandboxAccount) -> Callable[[str], httpx.Request]:
    """Make signed orders, after a login over the wire."""
    token = client.send(login(account, host.url)).json()["accessToken"]
    return lambda reference: order(account, host.url, token, reference)


def counted(client: httpx.Client, reference: str) -> object:
    return client.get(f"/_sandbox/charges/{reference}/count").json()["count"]


@CASES
def test_a_plain_client_sees_each_fault(
    simulator: AyolinxSimulator,
    client: httpx.Client,
    ordered: Callable[[str], httpx.Request],
    case: Suffered,
) -> None:
    """On the wire it is what the transports raise or return in the process; the next request is served."""
    request = ordered("INV-1")
    request.extensions["timeout"] = httpx.Timeout(
        PATIENCE, read=1.0 if case.fault is Fault.HANG else PATIENCE
    ).as_dict()
    simulator.faults.plan(case.fault)
    try:
        seen = told(client.send(request))
    except httpx.HTTPError as error:
        seen = told(error)
    assert case.seen == seen
    assert case.charges == counted(client, "INV-1")


def test_a_cut_reply_begins_rightly_and_has_half_its_body(
    simulator: AyolinxSimulator, client: httpx.Client, ordered: Callable[[str], httpx.Request]
) -> None:
    """The status and headers are the real ones; the body ends before its announced length."""
    simulator.faults.plan(Fault.CUT)
    reply = client.send(ordered("INV-1"), stream=True)
    body = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        for chunk in reply.iter_bytes():
            body += chunk
    reply.close()
    assert 200 == reply.status_code
    assert int(reply.headers["Content-Length"]) // 2 == len(body)
    assert body.startswith(b'{"responseCode":"2004700"')


def test_a_slow_answer_holds_up_nobody_else(
    simulator: AyolinxSimulator,
    client: httpx.Client,
    ordered: Callable[[str], httpx.Request],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It comes after the wait; until then other requests are served."""
    monkeypatch.setattr("paygate.sandbox.host.SLOW_SECONDS", 3600)
    simulator.faults.plan(Fault.SLOW)
    slow, quick = ordered("INV-1"), ordered("INV-2")
    slow.extensions["timeout"] = httpx.Timeout(PATIENCE, read=1.0).as_dict()
    with pytest.raises(httpx.ReadTimeout):
        client.send(slow)
    assert "200 2004700" == told(client.send(quick))
    assert 1 == counted(client, "INV-1")


def test_many_hanging_requests_hold_up_nobody_else(
    simulator: AyolinxSimulator, client: httpx.Client, host: Server, ordered: Callable[[str], httpx.Request]
) -> None:
    """Fifty clients wait for ever, and one more is served."""
    simulator.faults.draw(1.0, 0, [Fault.HANG])
    waiting = []
    for number in range(50):
        request = ordered(f"INV-{number}")
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        one = socket.create_connection(("127.0.0.1", urlsplit(host.url).port or 0), PATIENCE)
        one.sendall(f"POST {ORDER} HTTP/1.1\r\n{head}\r\n".encode() + request.content)
        waiting.append(one)
    until(lambda: len(client.get("/_sandbox/charges").json()) == 50)
    simulator.faults.clear()
    assert "200 2004700" == told(client.send(ordered("INV-50")))
    for one in waiting:
        one.close()


def test_a_hanging_request_ends_when_its_client_goes(
    simulator: AyolinxSimulator, client: httpx.Client, ordered: Callable[[str], httpx.Request]
) -> None:
    """The connection is given up on both sides, and the next order is made."""
    simulator.faults.plan(Fault.HANG)
    request = ordered("INV-1")
    request.extensions["timeout"] = httpx.Timeout(PATIENCE, read=0.5).as_dict()
    with pytest.raises(httpx.ReadTimeout):
        client.send(request)
    assert "200 2004700" == told(client.send(ordered("INV-2")))


def test_a_connection_is_cut_behind_a_proxy_too(
    simulator: AyolinxSimulator, client: httpx.Client, ordered: Callable[[str], httpx.Request]
) -> None:
    """A header that names another client does not save the connection from its fault."""
    simulator.faults.plan(Fault.CLOSE)
    request = ordered("INV-1")
    request.headers["X-Forwarded-For"] = "203.0.113.7"
    with pytest.raises(httpx.RemoteProtocolError):
        client.send(request)


def test_paygate_settles_a_lost_answer_over_the_wire(
    simulator: AyolinxSimulator, host: Server, configured: Callable[..., dict[str, object]]
) -> None:
    """The whole way: the outcome is unknown, a query finds the one charge."""
    simulator.faults.plan(Fault.CLOSE)
    request = ChargeRequest(reference="INV-1", amount=Money.idr(25_000), method=Qris())
    with Paygate.from_mapping(configured(simulator, host.url, timeout_seconds=PATIENCE)) as paygate:
        with pytest.raises(OutcomeUnknown):
            paygate.create_charge(request)
        found = paygate.query(ChargeRef("main", request.reference, request.method))
    assert ChargeStatus.PENDING is found.status
    assert {"INV-1": 1} == simulator.ledger.counts()


@pytest.fixture
def targets(simulator: AyolinxSimulator) -> list[tuple[str, bytes]]:
    """The methods and raw paths that reach the simulator."""
    found: list[tuple[str, bytes]] = []
    handle: Callable[[httpx.Request], httpx.Response] = simulator.handle

    def watched(request: httpx.Request) -> httpx.Response:
        found.append((request.method, request.url.raw_path))
        return handle(request)

    simulator.handle = watched  # type: ignore[method-assign]
    return found


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/v1.0/a?b=2&a=1&b=3",
        "/v1.0/a%2Fb%20c?x=%2f&y=1+2&z",
        "/v1.0/%C3%A9?q=%C3%A9",
        "//twice//",
        "/a;b=c,d:e@f!$&'()*+=~",
        "/%7Euser?u=http://x/?y",
    ],
)
def test_the_target_reaches_the_simulator_as_it_was_sent(
    host: Server, targets: list[tuple[str, bytes]], method: str, target: str
) -> None:
    """Queries and percent signs are part of what is signed, so nothing is decoded, sorted or cleaned."""
    raw = http.client.HTTPConnection("127.0.0.1", urlsplit(host.url).port or 0, timeout=PATIENCE)
    raw.request(method, target)
    raw.getresponse().read()
    raw.close()
    assert [(method, target.encode())] == targets


def test_headers_and_body_reach_the_simulator_as_they_were_sent(
    simulator: AyolinxSimulator, client: httpx.Client
) -> None:
    """Bytes that are no text, a header sent twice and an empty body are passed on."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"ok": True}, headers=[("X-Twice", "1"), ("X-Twice", "2")])

    simulator.handle = handle  # type: ignore[method-assign]
    body = bytes(range(256)) * 1000
    reply = client.post("/x", content=body, headers=[("X-Sent", "a"), ("X-Sent", "b")])
    client.get("/y")
    assert body == seen[0].content
    assert ["a", "b"] == seen[0].headers.get_list("X-Sent")
    assert b"" == seen[1].content
    assert ["1", "2"] == reply.headers.get_list("X-Twice")
    assert {"ok": True} == json.loads(reply.content)


def test_many_clients_at_once_are_all_served(
    simulator: AyolinxSimulator, client: httpx.Client, ordered: Callable[[str], httpx.Request]
) -> None:
    """Eight threads order ten charges each; the books have eighty, once each."""
    requests = [[ordered(f"INV-{thread}-{number}") for number in range(10)] for thread in range(8)]
    seen: list[str] = []

    def send(own: list[httpx.Request]) -> None:
        seen.extend(told(client.send(request)) for request in own)

    threads = [threading.Thread(target=send, args=(own,)) for own in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ["200 2004700"] * 80 == seen
    assert {1} == set(simulator.ledger.counts().values())
    assert 80 == len(simulator.ledger.charges)
