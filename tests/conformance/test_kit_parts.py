"""The kit's own tools: the wire, the tripwire, the ways to spoil a call, and the ears for secrets."""

import hmac
import json
import logging
import socket
import sys
import time
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from paygate_tiny.simulator import TinySimulator

from paygate import CallbackRequest, Customer, Secret
from paygate.conformance.accidents import ACCIDENTS, CODE_DISAGREES, accidents
from paygate.conformance.tampering import (
    bytes_spoilt,
    garbled,
    headers_spoilt,
    proofs,
    rewritten,
    words_changed,
)
from paygate.conformance.tripwire import Touched, Tripwire
from paygate.conformance.watch import overheard, personal_of, secrets_of, seen, shown_by
from paygate.conformance.watched import WatchedText
from paygate.conformance.wire import Wire, copied
from paygate.sandbox import Simulator, origin_of

HOME = "http://127.0.0.1:1"
visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)
documents = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.one_of(st.text(max_size=8), st.integers(), st.booleans()),
    min_size=1,
    max_size=5,
)


@pytest.fixture
def simulator() -> TinySimulator:
    """A pretend Tiny."""
    return TinySimulator("https://shop.example/callbacks/main")


@pytest.fixture
def wire(simulator: TinySimulator) -> Wire:
    """A wire to it."""
    return Wire({HOME: simulator})


def order(simulator: TinySimulator, reference: str = "INV-1", home: str = HOME) -> httpx.Request:
    """A request that the pretend Tiny takes."""
    headers = {"X-Key": simulator.settings["api_key"]}
    return httpx.Request(
        "POST", f"{home}/charges", json={"id": reference, "amount": "25000.00"}, headers=headers
    )


def test_the_wire_keeps_each_request_as_it_was_sent(simulator: TinySimulator, wire: Wire) -> None:
    """A request that is signed and sent again does not change what was kept of the first time."""
    request = order(simulator)
    assert 200 == wire.handle_request(request).status_code
    request.headers["X-Key"] = "another"
    assert 401 == wire.handle_request(request).status_code
    assert [simulator.settings["api_key"], "another"] == [one.request.headers["X-Key"] for one in wire.sent]
    assert [200, 401] == [one.reply.status_code for one in wire.sent if one.reply is not None]
    assert (2, 1, 0) == (wire.asked("create_charge"), wire.asked("create_charge", 1), wire.asked("query"))


def test_a_spoilt_answer_is_for_one_request_or_for_all(simulator: TinySimulator, wire: Wire) -> None:
    """`spoil` is used up, `spoil_all` is not until it is mended."""
    wire.spoil("create_charge", lambda *_: httpx.Response(502))
    assert [502, 200] == [wire.handle_request(order(simulator, f"INV-{n}")).status_code for n in range(2)]
    wire.spoil_all("create_charge", lambda *_: httpx.Response(503))
    assert [503, 503] == [wire.handle_request(order(simulator, f"INV-{n}")).status_code for n in range(2, 4)]
    wire.mend()
    assert 200 == wire.handle_request(order(simulator, "INV-5")).status_code


def test_nobody_lives_elsewhere(simulator: TinySimulator, wire: Wire) -> None:
    """A request to another address is kept, and answered by nobody's 404."""
    assert 404 == wire.handle_request(order(simulator, home="http://127.0.0.1:2")).status_code
    assert ["http://127.0.0.1:2"] == [one.origin for one in wire.sent]
    assert () == simulator.ledger.charges


def mistaken(_: Simulator, request: httpx.Request) -> httpx.Response:
    """An answer with a mistake in it."""
    raise KeyError("nowhere")


def test_what_fails_in_the_kit_is_no_fault_of_the_network(simulator: TinySimulator, wire: Wire) -> None:
    """An exception of httpx's is an accident; any other is kept as a failure of simulator or kit."""
    wire.spoil("create_charge", ACCIDENTS[0].answer)
    with pytest.raises(httpx.ReadTimeout):
        wire.handle_request(order(simulator))
    assert wire.failure is None
    wire.spoil("create_charge", mistaken)
    with pytest.raises(KeyError):
        wire.handle_request(order(simulator, "INV-2"))
    assert isinstance(wire.failure, KeyError)


def test_each_accident_but_one_does_the_work_first(simulator: TinySimulator) -> None:
    """Only the request that never arrives is not in the books."""
    wire = Wire({HOME: simulator})
    broken_off: list[tuple[str, Exception]] = []
    for number, accident in enumerate(ACCIDENTS):
        wire.spoil("create_charge", accident.answer)
        try:
            wire.handle_request(order(simulator, f"INV-{number}"))
        except httpx.HTTPError as error:
            broken_off.append((accident.told, error))
    made = {number for number in range(len(ACCIDENTS)) if simulator.ledger.find(f"INV-{number}")}
    assert 4 == len(broken_off)
    assert all(told.startswith(("a timeout", "a connection")) for told, _ in broken_off)
    assert ["a timeout while sending"] == [
        one.told for number, one in enumerate(ACCIDENTS) if number not in made
    ]


def test_a_refusal_under_http_200_is_no_accident_where_that_is_usual(simulator: TinySimulator) -> None:
    """Some providers say "no" under HTTP 200: then it cannot be told from a genuine one."""
    request = order(simulator)
    assert CODE_DISAGREES in accidents(simulator, request)
    simulator.refusal = lambda request: httpx.Response(200, json={"error": "no"})  # type: ignore[method-assign]
    assert CODE_DISAGREES not in accidents(simulator, request)


def test_a_copied_answer_has_the_length_of_its_content() -> None:
    """Another content has another length; the rest of the headers stays."""
    reply = httpx.Response(200, json={"a": 1}, headers={"X-Own": "1"})
    other = copied(reply, content=b"{}", status=400)
    assert (400, b"{}", "2", "1") == (
        other.status_code,
        other.content,
        other.headers["Content-Length"],
        other.headers["X-Own"],
    )
    assert "https://a.example:8443" == origin_of(httpx.URL("https://a.example:8443/path?query"))


def test_the_tripwire_refuses_and_is_taken_away() -> None:
    """Within it nobody connects, looks a name up or sleeps; afterwards everything is as before."""
    before = (socket.create_connection, socket.getaddrinfo, time.sleep, vars(socket.socket).get("connect"))
    with Tripwire(awake=True) as tripwire:
        with pytest.raises(Touched):
            socket.create_connection(("127.0.0.1", 1))
        with pytest.raises(Touched):
            socket.getaddrinfo("shop.example", 443)
        with pytest.raises(Touched):
            time.sleep(0)
        with socket.socket() as one, pytest.raises(Touched):
            one.connect(("127.0.0.1", 1))
    assert ["a socket", "the name service", "time.sleep", "a socket"] == tripwire.touched
    after = (socket.create_connection, socket.getaddrinfo, time.sleep, vars(socket.socket).get("connect"))
    assert before == after
    with Tripwire() as tripwire:
        time.sleep(0)
    assert [] == tripwire.touched


@given(visible)
def test_a_garbled_value_is_another_one(value: str) -> None:
    """A letter or digit becomes another of its kind, so that the form stays; where there is none, one is added."""
    other = garbled(value)
    assert value != other
    if any(sign.isalnum() for sign in value):
        assert len(value) == len(other)


@given(visible, visible)
def test_every_spoilt_header_is_another_call(value: str, other: str) -> None:
    """No way to spoil a header leaves the call as it was, and none touches another header."""
    call = CallbackRequest("POST", "/callbacks/main", {"X-Sign": value, "X-Time": other}, b"{}")
    spoilt = list(headers_spoilt(call, "X-Sign"))
    assert len(spoilt) >= 8
    for one in spoilt:
        assert one.request.headers.get("X-Sign") != value or value in ("null", " ", "é" * len(value))
        assert one.request.headers["X-Time"] == other
        assert one.request.body == call.body


@given(documents)
def test_every_spoilt_body_is_another_body(told: dict[str, Any]) -> None:
    """Bytes, words and forms are changed; the headers stay."""
    call = CallbackRequest("POST", "/callbacks/main", {"X-Sign": "abc"}, json.dumps(told).encode())
    for one in (*bytes_spoilt(call), *rewritten(call), *words_changed(call, ("paid", "00"))):
        assert one.request.body != call.body
        assert one.request.headers == call.headers
        assert one.told.startswith("with")


def test_words_are_changed_one_by_one_and_the_body_stays_json() -> None:
    """Each value of a body is changed by itself, those within other objects as well."""
    body = b'{"status":"open","charge":{"amount":"1000.00","paid":false,"tries":3}}'
    call = CallbackRequest("POST", "/", {}, body)
    changed = [json.loads(one.request.body) for one in words_changed(call, ("paid",))]
    assert {"status": "paid", "charge": {"amount": "1000.00", "paid": False, "tries": 3}} in changed
    assert {"status": "open", "charge": {"amount": "paid", "paid": False, "tries": 3}} in changed
    assert {"status": "open", "charge": {"amount": "1000.00", "paid": False, "tries": 1}} in changed
    assert 3 == len(changed)


def test_headers_of_any_client_prove_nothing() -> None:
    """Only what a provider adds may be part of a proof."""
    headers = {
        "Host": "shop.example",
        "Content-Type": "application/json",
        "X-Sign": "abc",
        "Authorization": "x",
    }
    assert ("X-Sign", "Authorization") == proofs(CallbackRequest("POST", "/", headers, b""))


def test_a_watched_value_notices_only_an_equal_one() -> None:
    """`==` with the right value is seen, as text and as bytes; compare_digest is not."""
    compared: list[str] = []
    value = WatchedText("abc", compared)
    assert value != "other"
    assert hmac.compare_digest(value, "abc")
    assert hmac.compare_digest(value.encode(), b"abc")
    assert [] == compared
    assert value == "abc"
    assert value.strip().lower().encode() == b"abc"
    assert ["text", "bytes"] == compared
    assert {"abc": 1}[value.encode().decode()] == 1
    assert hash(value) == hash("abc")


class _Settings(Struct, frozen=True, kw_only=True):
    """Some settings."""

    client_key: str
    client_secret: Secret
    optional_key: Secret | None = None
    server_key: str = ""
    provider_public_key: str = ""


def test_secret_settings_are_known_by_type_or_by_name() -> None:
    """A public key is none; of a key in several lines each line is one."""
    given = {
        "client_key": "client-key-1",
        "client_secret": "-----BEGIN KEY-----\nfirst-line\nsecond-line\n-----END KEY-----",
        "optional_key": "optional-key-1",
        "server_key": "server-key-1",
        "provider_public_key": "public-key-1",
    }
    assert {
        "first-line": "the setting client_secret",
        "second-line": "the setting client_secret",
        "optional-key-1": "the setting optional_key",
        "server-key-1": "the setting server_key",
    } == secrets_of(given, _Settings)


def test_the_payers_values_are_known_in_every_form() -> None:
    """The phone number with and without its country; whatever letter case the text has."""
    canaries = personal_of(Customer(name="Siti", email="siti@shop.example", phone="+6281234567890"))
    for text in ("SITI", "to siti@shop.example", "6281234567890", "081234567890"):
        assert (seen(canaries, text) or "").startswith("the payer's")
    assert seen(canaries, "nobody") is None
    assert {} == personal_of(None)


def test_an_error_shows_its_notes_causes_and_attributes() -> None:
    """All that a report of it may hold is looked through."""
    try:
        try:
            raise KeyError("cause-1")
        except KeyError as cause:
            error = ValueError("text-1")
            error.add_note("note-1")
            error.own = "own-1"  # type: ignore[attr-defined]
            raise error from cause
    except ValueError as raised:
        shown = shown_by(raised)
    assert all(one in shown for one in ("cause-1", "text-1", "note-1", "own-1"))


def test_every_logger_is_heard_and_left_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    """Also one with a level of its own, and what is printed."""
    logger = logging.getLogger("kit.of.its.own")
    logger.setLevel(logging.CRITICAL)
    with overheard() as heard:
        logger.debug("the key is %s", "key-1")
        sys.stdout.write("printed-1")
        try:
            raise ValueError("raised-1")
        except ValueError:
            logger.exception("it failed")
    assert all(one in heard.logged for one in ("key-1", "raised-1"))
    assert "printed-1" in heard.printed
    assert logging.CRITICAL == logger.level
    assert "" == capsys.readouterr().out
