"""What the adapter asks Ayolinx for a login and a QRIS, byte by byte, without a client."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount

from paygate import ChargeRef, ChargeRequest, Conversation, Credential, Money, Qris
from tests.ayolinx import adapter_of
from tests.flows import asked

BASE = "https://sandbox.ayolinx.id"
NOW = datetime(2024, 9, 12, 5, 55, 0, 250_000, tzinfo=UTC).timestamp()
STAMP = "2024-09-12T12:55:00+07:00"
TOKEN = "91838ba37d8f14bfc72345fd54132e6d"
SIGNING = {"authorization", "x-partner-id", "x-timestamp", "x-signature", "x-external-id"}
REF = ChargeRef("main", "INV-1", Qris())


@pytest.fixture(scope="session")
def make_adapter(account: SandboxAccount) -> Callable[..., Ayolinx]:
    """Make adapters whose clock stands still, with other settings than the account's where given."""
    return lambda **other: adapter_of(account, lambda: NOW, **{"callback_url": None, **other})


@pytest.fixture(scope="session")
def adapter(make_adapter: Callable[..., Ayolinx]) -> Ayolinx:
    """The account's adapter."""
    return make_adapter()


def order(reference: str = "INV-1", amount: Money | None = None, **other: Any) -> ChargeRequest:
    """A charge request that is right."""
    return ChargeRequest(reference=reference, amount=amount or Money.idr(25_000), method=Qris(), **other)


def logged_in(adapter: Ayolinx) -> Credential:
    """The credential of a login that went well."""
    talk = Conversation(adapter.authorize())
    talk.answer(
        httpx.Response(
            200,
            json={
                "responseCode": "2007300",
                "responseMessage": "Successful",
                "accessToken": TOKEN,
                "tokenType": "Bearer",
                "expiresIn": "3600",
            },
        )
    )
    assert talk.request is None
    return talk.result


def test_the_login(adapter: Ayolinx, account: SandboxAccount) -> None:
    """The login names the client and is signed with the merchant's RSA key over client key and time."""
    request = asked(adapter.authorize())
    assert ("POST", f"{BASE}/v1.0/access-token/b2b") == (request.method, str(request.url))
    assert b'{"grantType":"client_credentials"}' == request.content
    headers = dict(request.headers)
    signature = base64.b64decode(headers.pop("x-signature"), validate=True)
    assert {
        "host": "sandbox.ayolinx.id",
        "content-length": "34",
        "content-type": "application/json",
        "x-client-key": account.client_key,
        "x-timestamp": STAMP,
    } == headers
    signed = f"{account.client_key}|{STAMP}".encode()
    account.merchant_key.public_key().verify(signature, signed, PKCS1v15(), SHA256())


@pytest.mark.parametrize(("life", "until"), [("3600", 3540), ("900", 840), ("100", 50), ("1", 0.5)])
def test_a_credential_ends_before_its_token(adapter: Ayolinx, life: str, until: float) -> None:
    """A credential ends a minute before its token does, or at half its life."""
    for expires_in in (life, int(life)):
        talk = Conversation(adapter.authorize())
        talk.answer(httpx.Response(200, json={"accessToken": TOKEN, "expiresIn": expires_in}))
        assert NOW + until == talk.result.expires_at


def test_a_signed_request(make_adapter: Callable[..., Ayolinx]) -> None:
    """A request is signed as in a vector that was computed elsewhere; nothing else is added to it."""
    adapter = make_adapter(
        client_secret="SKSandbox-00000000-0000-0000-0000-000000000000", client_key="CKSandbox-1"
    )
    request = asked(adapter.create_charge(order("INV-0001", Money.idr(10_000))))
    assert (
        b'{"partnerReferenceNo":"INV-0001","amount":{"currency":"IDR","value":"10000.00"},'
        b'"additionalInfo":{"channel":"BNC_QRIS"}}'
    ) == request.content
    headers = dict(logged_in(adapter).sign(request).headers)
    number = headers.pop("x-external-id")
    assert number.isdecimal()
    assert 36 >= len(number)
    assert {
        "host": "sandbox.ayolinx.id",
        "content-length": str(len(request.content)),
        "content-type": "application/json",
        "authorization": f"Bearer {TOKEN}",
        "x-partner-id": "CKSandbox-1",
        "x-timestamp": STAMP,
        "x-signature": (
            "Bus5qx2MX4TnJ8UiKrL+QLwuYjPZm35UnfxYswRDejNVkS2y2IjBkW627faMpRBMVJEekgVWqwZ3pswhNlZCKQ=="
        ),
    } == headers


def test_each_signing_has_a_number_of_its_own(adapter: Ayolinx) -> None:
    """A request that is signed again, as after a renewed login, gets another X-EXTERNAL-ID."""
    credential = logged_in(adapter)
    request = asked(adapter.query(REF))
    numbers = {credential.sign(request).headers["X-EXTERNAL-ID"] for _ in range(100)}
    assert 100 == len(numbers)
    assert 1 == len(request.headers.get_list("X-EXTERNAL-ID"))


def test_a_charge_as_it_is_sent(adapter: Ayolinx) -> None:
    """A QRIS is asked for with reference, amount and channel, and nothing that is not documented."""
    request = asked(adapter.create_charge(order()))
    assert ("POST", f"{BASE}/v1.0/qr/qr-mpm-generate") == (request.method, str(request.url))
    assert (
        b'{"partnerReferenceNo":"INV-1","amount":{"currency":"IDR","value":"25000.00"},'
        b'"additionalInfo":{"channel":"BNC_QRIS"}}'
    ) == request.content
    assert set() == SIGNING & set(request.headers), "signing is paygate's"


def test_a_charge_with_everything(make_adapter: Callable[..., Ayolinx]) -> None:
    """A sub-merchant goes with the channel, an expiry as Jakarta time in whole seconds."""
    adapter = make_adapter(sub_merchant_id="000580132685")
    moment = datetime(2026, 1, 2, 20, 15, 30, 999_999, tzinfo=timezone(timedelta(hours=-3)))
    request = asked(adapter.create_charge(order(expires_at=moment)))
    assert (
        b'{"partnerReferenceNo":"INV-1","amount":{"currency":"IDR","value":"25000.00"},'
        b'"additionalInfo":{"channel":"BNC_QRIS","subMerchantId":"000580132685"},'
        b'"validUpTo":"2026-01-03T06:15:30+07:00"}'
    ) == request.content


@pytest.mark.parametrize("operation", ["query", "cancel"])
def test_a_charge_is_named(make_adapter: Callable[..., Ayolinx], operation: str) -> None:
    """Query and cancel name reference and channel alone, also for a merchant with a sub-merchant."""
    adapter = make_adapter(sub_merchant_id="000580132685")
    ref = ChargeRef("main", "INV-1", Qris(), "AYO-1", Money.idr(25_000))
    request = asked(getattr(adapter, operation)(ref))
    assert ("POST", f"{BASE}/v1.0/qr/qr-mpm-{operation}") == (request.method, str(request.url))
    assert (
        b'{"originalPartnerReferenceNo":"INV-1","additionalInfo":{"channel":"BNC_QRIS"}}' == request.content
    )
    assert set() == SIGNING & set(request.headers)


@pytest.mark.parametrize(
    ("settings", "origin"),
    [
        ({}, "https://sandbox.ayolinx.id"),
        ({"base_url": "https://sandbox.ayolinx.id/"}, "https://sandbox.ayolinx.id"),
        ({"base_url": "http://127.0.0.1:8000"}, "http://127.0.0.1:8000"),
        (
            {"environment": "production", "client_key": "CK-1", "client_secret": "SK-1"},
            "https://openapi.ayolinx.id",
        ),
    ],
)
def test_where_requests_go(
    make_adapter: Callable[..., Ayolinx], settings: dict[str, str], origin: str
) -> None:
    """Each environment has its host, unless another one is configured."""
    adapter = make_adapter(**settings)
    assert f"{origin}/v1.0/access-token/b2b" == str(asked(adapter.authorize()).url)
    assert f"{origin}/v1.0/qr/qr-mpm-query" == str(asked(adapter.query(REF)).url)


@given(
    cents=st.integers(1, 10**16 - 1),
    reference=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64),
)
def test_any_amount_and_reference(adapter: Ayolinx, cents: int, reference: str) -> None:
    """Amounts are sent as text with two decimals, exactly; references as they are."""
    request = asked(adapter.create_charge(order(reference, Money(Decimal(cents) / 100))))
    quoted = reference.replace("\\", "\\\\").replace('"', '\\"')
    assert (
        f'{{"partnerReferenceNo":"{quoted}",'
        f'"amount":{{"currency":"IDR","value":"{cents // 100}.{cents % 100:02}"}},'
        '"additionalInfo":{"channel":"BNC_QRIS"}}'
    ).encode() == request.content


@given(moment=st.datetimes(datetime(2024, 10, 1), datetime(9999, 12, 30), timezones=st.timezones()))  # noqa: DTZ001
def test_any_expiry(adapter: Ayolinx, moment: datetime) -> None:
    """An expiry is the same instant in Jakarta's time, cut to seconds."""
    content = asked(adapter.create_charge(order(expires_at=moment))).content
    sent = content.partition(b'"validUpTo":"')[2].removesuffix(b'"}').decode()
    assert 25 == len(sent)
    assert sent.endswith("+07:00")
    assert datetime.fromisoformat(sent) == moment.astimezone(UTC).replace(microsecond=0)


def test_the_signature_by_hand(adapter: Ayolinx, account: SandboxAccount) -> None:
    """What is signed is method, path, token, hash of the very bytes and time, in this order."""
    request = logged_in(adapter).sign(asked(adapter.cancel(REF)))
    body = hashlib.sha256(request.content).hexdigest()
    text = f"POST:/v1.0/qr/qr-mpm-cancel:{TOKEN}:{body}:{STAMP}"
    digest = hmac.digest(account.client_secret.encode(), text.encode(), "sha512")
    assert base64.b64encode(digest).decode() == request.headers["X-SIGNATURE"]
