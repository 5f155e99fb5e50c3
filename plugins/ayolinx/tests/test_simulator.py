"""The pretend Ayolinx refuses what the real one should, each with its own code. Requests are made by hand."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import Paygate, QrCode
from tests.merchant import STAMP, Clock, Merchant

QUERY = "/v1.0/qr/qr-mpm-query"
CANCEL = "/v1.0/qr/qr-mpm-cancel"
NAMED = {"originalPartnerReferenceNo": "INV-1", "additionalInfo": {"channel": "BNC_QRIS"}}


@pytest.fixture
def clock() -> Clock:
    """The simulator's clock."""
    return Clock()


@pytest.fixture
def merchant(
    make_simulator: Callable[..., AyolinxSimulator], account: SandboxAccount, clock: Clock
) -> Merchant:
    """A merchant of a pretend Ayolinx."""
    return Merchant(make_simulator(clock=clock), account, clock)


def refused(merchant: Merchant, code: str, answer: dict[str, Any]) -> None:
    """Check that a request was refused by this code and left nothing behind."""
    assert code == answer["responseCode"]
    assert {"responseCode", "responseMessage"} == set(answer)
    assert () == merchant.simulator.ledger.charges


def test_what_is_right(merchant: Merchant) -> None:
    """A token lives an hour and serves a charge, a query and a cancellation."""
    login = merchant.log_in()
    assert ("2007300", "Bearer", "3600") == (login["responseCode"], login["tokenType"], login["expiresIn"])
    token = login["accessToken"]
    made = merchant.ask(token=token)
    [charge] = merchant.simulator.ledger.charges
    assert isinstance(charge.instructions, QrCode)
    assert {
        "responseCode": "2004700",
        "responseMessage": "Successful",
        "partnerReferenceNo": "INV-1",
        "qrContent": charge.instructions.payload,
        "expiredDate": str(int(charge.expires_at.timestamp())),
    } == made
    told = merchant.ask(NAMED, QUERY, token)
    assert ("2005100", "INV-1", "03", "") == (
        told["responseCode"],
        told["originalPartnerReferenceNo"],
        told["latestTransactionStatus"],
        told["finishedTime"],
    )
    assert "2007700" == merchant.ask(NAMED, CANCEL, token)["responseCode"]
    assert "05" == merchant.ask(NAMED, QUERY, token)["latestTransactionStatus"]
    assert "4057701" == merchant.ask(NAMED, CANCEL, token)["responseCode"]


def test_a_login_that_is_signed_wrongly(merchant: Merchant) -> None:
    """A token request by another key, over another string or in another form of signature is refused."""
    key, client = merchant.account.merchant_key, merchant.account.client_key
    text = f"{client}|{STAMP}".encode()
    right = key.sign(text, PKCS1v15(), SHA256())
    for answer in (
        merchant.log_in(key=merchant.account.provider_key),
        merchant.log_in(signed=f"{merchant.account.client_secret}|{STAMP}"),
        merchant.log_in(signed=f"{STAMP}|{client}"),
        merchant.log_in(signed=client + STAMP),
        merchant.log_in(headers={"X-SIGNATURE": right.hex()}),
        merchant.log_in(
            headers={"X-SIGNATURE": base64.b64encode(key.sign(text, PKCS1v15(), SHA512())).decode()}
        ),
        merchant.log_in(headers={"X-SIGNATURE": "AAAA"}),
        merchant.log_in(headers={"X-CLIENT-KEY": "CKSandbox-other"}),
    ):
        refused(merchant, "4017300", answer)
    assert 0 == merchant.simulator.door.logins


@pytest.mark.parametrize("header", ["X-CLIENT-KEY", "X-TIMESTAMP", "X-SIGNATURE"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_login_without_a_header(merchant: Merchant, header: str, value: str | None) -> None:
    """A token request without a header, or with an empty one, is refused."""
    refused(merchant, "4007302", merchant.log_in(headers={header: value}))


@pytest.mark.parametrize(
    "header", ["Authorization", "X-PARTNER-ID", "X-TIMESTAMP", "X-SIGNATURE", "X-EXTERNAL-ID"]
)
def test_a_request_without_a_header(merchant: Merchant, header: str) -> None:
    """So is any other request."""
    refused(merchant, "4004702", merchant.ask(headers={header: None}))


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-09-14 10:15:00+07:00",
        "2026-09-14T10:15:00",
        "2026-09-14T10:15:00.000+07:00",
        "2026-09-14T10:15:00+0700",
        "20260914T101500+0700",
        "2026-13-14T10:15:00+07:00",
        "1789355700",
        "now",
    ],
)
def test_a_time_in_another_form(merchant: Merchant, stamp: str) -> None:
    """Only whole seconds with an offset are a timestamp, at the login and elsewhere."""
    refused(merchant, "4007301", merchant.log_in(headers={"X-TIMESTAMP": stamp}))
    refused(merchant, "4004701", merchant.ask(headers={"X-TIMESTAMP": stamp}))


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_a_stale_time(merchant: Merchant, clock: Clock, seconds: int) -> None:
    """A timestamp more than five minutes from now is refused; a fresh one in another zone is not."""
    stale = (clock.moment + timedelta(seconds=seconds)).isoformat()
    refused(merchant, "4017300", merchant.log_in(headers={"X-TIMESTAMP": stale}))
    refused(merchant, "4014700", merchant.ask(headers={"X-TIMESTAMP": stale}))
    assert "2004700" == merchant.ask(headers={"X-TIMESTAMP": "2026-09-14T03:19:59Z"})["responseCode"]


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded", None])
def test_another_content_type(merchant: Merchant, kind: str | None) -> None:
    """A body that does not call itself JSON is refused."""
    refused(merchant, "4007301", merchant.log_in(headers={"Content-Type": kind}))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'{"grantType":"password"}', "4007302"),
        (b"{}", "4007302"),
        (b"[]", "4007300"),
        (b"", "4007300"),
        (b"\xff", "4007300"),
        (b"[" * 100_000, "4007300"),
    ],
)
def test_a_login_with_another_body(merchant: Merchant, content: bytes, code: str) -> None:
    """A token request asks for client credentials, in JSON."""
    refused(merchant, code, merchant.log_in(content=content))


def test_a_token_that_is_none(merchant: Merchant, clock: Clock) -> None:
    """An unknown, expired or revoked token is refused, and a token of another scheme."""
    refused(merchant, "4014701", merchant.ask(token="0" * 32))
    refused(merchant, "4014701", merchant.ask(token=""))
    token = merchant.log_in()["accessToken"]
    for scheme in (token, f"Basic {token}", f"bearer {token}", f"Bearer  {token}", f"Bearer {token} x"):
        refused(merchant, "4014701", merchant.ask(token=token, headers={"Authorization": scheme}))
    clock.moment += timedelta(seconds=3599)
    assert "4045101" == merchant.ask(NAMED, QUERY, token)["responseCode"]
    clock.moment += timedelta(seconds=1)
    refused(merchant, "4014701", merchant.ask(token=token))
    token = merchant.log_in()["accessToken"]
    merchant.simulator.revoke_tokens()
    refused(merchant, "4014701", merchant.ask(token=token))


def test_the_plugin_brings_it() -> None:
    """The plugin hands over a simulator with an account of its own, whose settings are complete."""
    simulator = Ayolinx.simulator("https://shop.example/hooks/ayolinx", 60.0)
    assert isinstance(simulator, AyolinxSimulator)
    assert "/hooks/ayolinx" == simulator.settings["callback_path"]
    Paygate.from_mapping({"gateways": {"main": {**simulator.settings}}}).close()
