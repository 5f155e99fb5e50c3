"""What an unsigned call to a callback URL tells: only the refusal of a gateway of its kind is good."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paygate import Finding, Gateway, Paygate, UnsupportedOperation
from paygate.cli.doorbell import ring
from paygate.cli.merchant import Merchant
from tests.cli.doorway import doorway, self_signed
from tests.cli.shop import Shop

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
PATH = "/callbacks/main"


@pytest.fixture
def paygate(shop: Shop) -> Iterator[Paygate]:
    """The shop's."""
    with Paygate.from_file(shop.file) as one:
        yield one


@pytest.fixture
def gateway(paygate: Paygate) -> Gateway:
    """The one whose refusal is expected."""
    return paygate.gateway("main")


def last(gateway: Gateway, url: str) -> Finding:
    """What is found, after the remark that this machine cannot be called from outside."""
    return list(ring(gateway, url, 5.0))[-1]


def test_a_program_that_uses_paygate_is_good(paygate: Paygate, gateway: Gateway) -> None:
    """Its reply is, to the byte, the one that every gateway of this kind gives; no more is said."""
    with Merchant(PATH) as merchant:
        merchant.paygate = paygate
        finding = last(gateway, merchant.url + PATH)
    assert ("good", "") == (finding.verdict, finding.cure)
    assert (
        "a paygate gateway of this kind answers there: it refuses an unsigned call with HTTP 401"
        == finding.what
    )


@pytest.mark.parametrize(
    ("status", "headers", "verdict", "what"),
    [
        (200, JSON, "bad", "HTTP 200: it takes a call that nobody signed"),
        (204, {}, "bad", "HTTP 204: it takes a call that nobody signed"),
        (302, {"Location": "https://shop.example/login?x=1"}, "bad", "HTTP 302: a redirect to /login"),
        (404, HTML, "bad", "HTTP 404: nothing is there"),
        (405, JSON, "bad", "HTTP 405: it takes no POST"),
        (
            401,
            JSON,
            "unsure",
            "HTTP 401 (application/json), which is not the refusal of a gateway of this kind",
        ),
        (401, HTML, "bad", "HTTP 401 (text/html), which is not the refusal of a gateway of this kind"),
        (403, {}, "bad", "HTTP 403 (no type), which is not the refusal of a gateway of this kind"),
        (502, HTML, "bad", "HTTP 502: the server fails"),
    ],
)
def test_every_other_answer_is_judged(
    gateway: Gateway, status: int, headers: dict[str, str], verdict: str, what: str
) -> None:
    """Each with what it means and what to do."""
    with doorway(status, headers, b"" if status == 204 else b"{}") as url:
        finding = last(gateway, url + PATH)
    assert verdict == finding.verdict
    assert f"it answers {what}" == finding.what
    assert finding.cure


@pytest.mark.parametrize(
    ("provider", "verdict", "what"),
    [
        ("http://localhost:8700", "good", "127.0.0.1 is this machine, as the provider is"),
        ("https://provider.example", "unsure", "127.0.0.1 is this machine, which no provider can call"),
        (None, "unsure", "127.0.0.1 is this machine, which no provider can call"),
    ],
)
def test_this_machine_is_good_where_the_provider_is_here_too(
    gateway: Gateway, provider: str | None, verdict: str, what: str
) -> None:
    """A sandbox on this machine reaches it; nobody else does."""
    with doorway(401, JSON, b"{}") as url:
        first = next(iter(ring(gateway, url + PATH, 5.0, provider)))
    assert (verdict, what) == (first.verdict, first.what)


def test_a_refused_connection_is_named(gateway: Gateway) -> None:
    """Nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        finding = last(gateway, f"http://127.0.0.1:{taken.getsockname()[1]}{PATH}")
    assert ("bad", "the connection is refused") == (finding.verdict, finding.what)


def test_a_certificate_that_nobody_vouches_for_is_named(gateway: Gateway, tmp_path: Path) -> None:
    """With openssl's own words."""
    with doorway(401, JSON, b"{}", self_signed(tmp_path / "pem")) as url:
        finding = last(gateway, url + PATH)
    assert ("bad", "its certificate is not good: self-signed certificate") == (
        finding.verdict,
        finding.what.replace("self signed", "self-signed"),
    )


def test_a_port_without_tls_is_named(gateway: Gateway) -> None:
    """Plain HTTP where https was told."""
    with doorway(401, JSON, b"{}") as url:
        finding = last(gateway, url.replace("http:", "https:") + PATH)
    assert "bad" == finding.verdict
    assert finding.what.startswith("no TLS there")


def test_an_unknown_name_is_named(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 6761 keeps .invalid for nobody; plain http over the internet is remarked first."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    plain, unknown = ring(gateway, f"http://nowhere.invalid{PATH}", 5.0)
    assert ("bad", True) == (plain.verdict, "not https" in plain.what)
    assert ("bad", "its name is not known") == (unknown.verdict, unknown.what)


def test_silence_is_named(gateway: Gateway) -> None:
    """A server that accepts and never answers, as a firewall that drops."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        findings = list(ring(gateway, f"http://127.0.0.1:{silent.getsockname()[1]}{PATH}", 0.2))
    assert ("bad", "no answer came in time") == (findings[-1].verdict, findings[-1].what)


def test_this_machine_is_remarked(gateway: Gateway) -> None:
    """No provider can call it, however well it answers."""
    with doorway(401, JSON, b"{}") as url:
        first = next(iter(ring(gateway, url + PATH, 5.0)))
    assert ("unsure", True) == (first.verdict, "127.0.0.1 is this machine" in first.what)


@pytest.mark.parametrize("outcome", [None, UnsupportedOperation("the adapter reads no callbacks")])
def test_a_gateway_that_refuses_nothing_has_no_refusal_to_compare(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, outcome: UnsupportedOperation | None
) -> None:
    """An adapter that takes an unsigned call, or none at all, is never called good."""

    def parse(*_: object) -> None:
        if outcome is not None:
            raise outcome

    monkeypatch.setattr(gateway, "parse_callback", parse)
    with doorway(401, JSON, b"{}") as url:
        assert "unsure" == last(gateway, url + PATH).verdict


def test_what_is_no_http_is_named(gateway: Gateway) -> None:
    """A server that says something else, as a mail server does."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                received = b""
                while not received.endswith(b"{}"):  # what is left unread would reset the connection
                    received += connection.recv(65536)
                connection.sendall(b"220 mail ready\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        finding = last(gateway, f"http://127.0.0.1:{server.getsockname()[1]}{PATH}")
        thread.join()
    assert ("bad", "no answer came (RemoteProtocolError)") == (finding.verdict, finding.what)
