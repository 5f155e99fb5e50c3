"""Callbacks: what is proven is believed, and nothing else is."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    Callback,
    CallbackRejected,
    CallbackReply,
    CallbackRequest,
    ChargeRequest,
    ChargeStatus,
    Money,
    Paygate,
    Qris,
)
from paygate.desk import LARGEST_CALLBACK
from paygate.sandbox import PayerAction, SimulatorTransport

PATH = "/callbacks/main"
START = datetime(2026, 9, 14, 3, 15, tzinfo=UTC)
STAMP = "2026-09-14T10:15:00+07:00"
NOTICE: dict[str, Any] = {
    "callbackType": "QRIS",
    "additionalInfo": {"channel": "BNC_QRIS", "RRN": "1", "feeMoney": {"currency": "IDR", "value": "1.00"}},
    "amount": {"currency": "IDR", "value": "20000.00"},
    "customerNumber": "0812345",
    "latestTransactionStatus": "00",
    "originalPartnerReferenceNo": "ORD-1",
    "originalReferenceNo": "AYO-1",
    "finishedTime": "2026-09-14T10:14:00+07:00",
}
TAKEN = b'{"responseCode":"2005600","responseMessage":"Successful"}'


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> float:
        return self.moment.timestamp()


@pytest.fixture
def clock() -> Clock:
    """The clock of simulator and paygate."""
    return Clock()


@pytest.fixture
def simulator(make_simulator: Callable[..., AyolinxSimulator], clock: Clock) -> AyolinxSimulator:
    """A pretend Ayolinx that lives by the clock."""
    return make_simulator(clock=clock)


@pytest.fixture
def paygate(
    simulator: AyolinxSimulator, configured: Callable[..., dict[str, Any]], clock: Clock
) -> Iterator[Paygate]:
    """A paygate that lives by the clock."""
    transport = SimulatorTransport(simulator)
    with Paygate.from_mapping(configured(simulator), transport=transport, clock=clock) as one:
        yield one


def compact(notice: Any) -> bytes:
    """JSON without white space."""
    return json.dumps(notice, separators=(",", ":")).encode()


def signature(
    key: RSAPrivateKey, signed: bytes, stamp: str = STAMP, path: str = PATH, method: str = "POST"
) -> str:
    """Sign a body as the provider's documentation has it."""
    text = f"{method}:{path}:{hashlib.sha256(signed).hexdigest()}:{stamp}"
    return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


def sent(account: SandboxAccount, body: bytes, stamp: str = STAMP, **other: Any) -> CallbackRequest:
    """A callback that is signed rightly, but for what is given otherwise."""
    proof = signature(account.provider_key, body, stamp)
    rest = {
        "method": "POST",
        "path": PATH,
        "body": body,
        "headers": {"X-TIMESTAMP": stamp, "X-SIGNATURE": proof},
    }
    return CallbackRequest(**(rest | other))


def refused(paygate: Paygate, request: CallbackRequest, reason: str, status: int) -> CallbackRejected:
    """Check how a callback is refused: by one exception alone, with an answer for the provider."""
    with pytest.raises(CallbackRejected) as raised:
        paygate.parse_callback("main", request)
    error = raised.value
    assert (CallbackRejected, reason) == (type(error), error.reason)
    assert isinstance(error.reply, CallbackReply)
    assert status == error.reply.status
    assert b"2005600" not in error.reply.body
    assert ("main", "parse_callback") == (error.gateway, error.operation)
    return error


@pytest.mark.parametrize(
    ("action", "status", "amount"),
    [
        (PayerAction.PAY, ChargeStatus.PAID, Money.idr(25_000)),
        (PayerAction.FAIL, ChargeStatus.FAILED, None),
        (PayerAction.EXPIRE, ChargeStatus.CANCELLED, None),
    ],
)
def test_the_real_way(
    paygate: Paygate,
    simulator: AyolinxSimulator,
    action: PayerAction,
    status: ChargeStatus,
    amount: Money | None,
) -> None:
    """What the payer did arrives by a signed callback, and our answer satisfies the provider."""
    taken: list[Callback] = []

    def post(request: httpx.Request) -> httpx.Response:
        told = CallbackRequest(request.method, request.url.path, request.headers, request.content)
        callback = paygate.parse_callback("main", told)
        taken.append(callback)
        return httpx.Response(
            callback.reply.status, headers=callback.reply.headers, content=callback.reply.body
        )

    paygate.create_charge(ChargeRequest(reference="INV-1", amount=Money.idr(25_000), method=Qris()))
    simulator.act("INV-1", action)
    simulator.deliveries.run(post)
    [callback] = taken
    [charge] = callback.charges
    assert ("main", "INV-1", Qris(), status, amount) == (
        charge.gateway,
        charge.reference,
        charge.method,
        charge.status,
        charge.paid_amount,
    )
    assert (START if amount else None) == charge.paid_at
    assert None is charge.amount
    assert START == callback.sent_at
    assert (200, {"Content-Type": "application/json"}, TAKEN) == (
        callback.reply.status,
        callback.reply.headers,
        callback.reply.body,
    )
    assert {"reference": "INV-1", "attempts": [200], "delivered": True, "done": True} == (
        simulator.deliveries.all[0].summary()
    )


def test_a_signed_callback(paygate: Paygate, account: SandboxAccount) -> None:
    """A callback signed by hand is read: its charge, its time and its bytes."""
    callback = paygate.parse_callback("main", sent(account, compact(NOTICE)))
    [charge] = callback.charges
    assert ("ORD-1", "AYO-1", ChargeStatus.PAID) == (
        charge.reference,
        charge.provider_reference,
        charge.status,
    )
    assert (Money.idr(20_000), START - timedelta(minutes=1)) == (charge.paid_amount, charge.paid_at)
    assert compact(NOTICE) == callback.raw == charge.raw


def test_no_header_of_ours_is_believed(paygate: Paygate, account: SandboxAccount) -> None:
    """The path that is signed is the configured one, whatever path a proxy or a header tells."""
    body = compact(NOTICE)
    elsewhere = signature(account.provider_key, body, path="/other")
    for name in ("X-Forwarded-Path", "X-Original-URI", "X-Rewrite-URL", "X-Forwarded-Prefix"):
        headers = {"X-TIMESTAMP": STAMP, "X-SIGNATURE": elsewhere, name: "/other"}
        refused(paygate, sent(account, body, headers=headers, path="/other"), "signature", 401)
    assert paygate.parse_callback("main", sent(account, body, path="/behind/a/proxy")).charges


@pytest.mark.parametrize(
    "names", [("X-TIMESTAMP", "X-SIGNATURE"), ("x-timestamp", "x-signature"), ("X-Timestamp", "x-SiGnAtUrE")]
)
@pytest.mark.parametrize("kind", [dict, list, tuple, httpx.Headers, iter])
def test_headers_in_any_form(
    paygate: Paygate, account: SandboxAccount, names: tuple[str, str], kind: Callable[[Any], Any]
) -> None:
    """Header names come in any case, headers as a mapping or as pairs."""
    body = compact(NOTICE)
    pairs = zip(names, (STAMP, signature(account.provider_key, body)), strict=True)
    assert paygate.parse_callback("main", sent(account, body, headers=kind([*pairs]))).charges


def test_a_signature_sent_twice(paygate: Paygate, account: SandboxAccount) -> None:
    """Two signatures prove nothing, even if both are right."""
    body = compact(NOTICE)
    right = signature(account.provider_key, body)
    for other in (right, "", "AAAA"):
        pairs = [("X-TIMESTAMP", STAMP), ("X-SIGNATURE", right), ("x-signature", other)]
        refused(paygate, sent(account, body, headers=pairs), "signature", 401)
    pairs = [("X-TIMESTAMP", STAMP), ("X-SIGNATURE", right), ("X-Timestamp", STAMP)]
    refused(paygate, sent(account, body, headers=pairs), "timestamp", 401)


@pytest.mark.parametrize(
    "proof",
    ["", " ", "!", "AAAA", "é", "\udcff", "A" * 344, "A" * 100_000, "null", "Bearer AAAA", "=" * 344],
    ids=lambda proof: ascii(proof[:12]),
)
def test_a_malformed_signature(paygate: Paygate, account: SandboxAccount, proof: str) -> None:
    """A signature that is empty or of another form does not fit."""
    headers = {"X-TIMESTAMP": STAMP, "X-SIGNATURE": proof}
    refused(paygate, sent(account, compact(NOTICE), headers=headers), "signature", 401)


def test_a_callback_without_proof(paygate: Paygate, account: SandboxAccount) -> None:
    """A callback without signature, without timestamp or without both is refused."""
    body = compact(NOTICE)
    refused(paygate, sent(account, body, headers={}), "signature", 401)
    refused(paygate, sent(account, body, headers={"X-TIMESTAMP": STAMP}), "signature", 401)
    proof = signature(account.provider_key, body)
    refused(paygate, sent(account, body, headers={"X-SIGNATURE": proof}), "timestamp", 401)
    refused(paygate, sent(account, body, headers={"X-SIGNATURE": proof, "X-TIMESTAMP": ""}), "timestamp", 401)


def test_a_signature_over_something_else(paygate: Paygate, account: SandboxAccount) -> None:
    """A signature by another account's key, or over another path, method, body or time, does not fit."""
    body, key = compact(NOTICE), account.provider_key
    text = f"POST:{PATH}:{hashlib.sha256(body).hexdigest()}:{STAMP}".encode()
    right = signature(key, body)
    raw = base64.b64decode(right)
    wrong = {
        "merchant's own key": signature(account.merchant_key, body),
        "another account's key": signature(SandboxAccount.made().provider_key, body),
        "another path": signature(key, body, path="/callbacks/other"),
        "a path with a slash more": signature(key, body, path=f"{PATH}/"),
        "the documented path": signature(key, body, path="/v1.0/qr/qr-mpm-notify"),
        "a whole URL": signature(key, body, path=f"https://shop.example{PATH}"),
        "another method": signature(key, body, method="PUT"),
        "another body": signature(key, compact(NOTICE | {"originalPartnerReferenceNo": "ORD-2"})),
        "no body": signature(key, b""),
        "another time": signature(key, body, "2026-09-14T10:15:01+07:00"),
        "the same time elsewhere": signature(key, body, "2026-09-14T03:15:00Z"),
        "another hash": base64.b64encode(key.sign(text, PKCS1v15(), SHA512())).decode(),
        "another padding": base64.b64encode(key.sign(text, PSS(MGF1(SHA256()), 32), SHA256())).decode(),
        "hexadecimal": raw.hex(),
        "another alphabet": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "a line break": base64.encodebytes(raw).decode(),
        "cut off": base64.b64encode(raw[:-1]).decode(),
    }
    for proof in wrong.values():
        headers = {"X-TIMESTAMP": STAMP, "X-SIGNATURE": proof}
        refused(paygate, sent(account, body, headers=headers), "signature", 401)
    assert paygate.parse_callback("main", sent(account, body)).charges


@pytest.mark.parametrize("method", ["GET", "PUT", "post", "", "POST "])
def test_another_method(paygate: Paygate, account: SandboxAccount, method: str) -> None:
    """A callback that did not come by POST is refused, even if POST was signed."""
    refused(paygate, sent(account, compact(NOTICE), method=method), "method", 401)


def test_a_body_without_end(paygate: Paygate, account: SandboxAccount) -> None:
    """A body of 10 MB is refused for its size, even if rightly signed, as is any that is a byte too large."""
    for size in (10 * 1024 * 1024, LARGEST_CALLBACK + 1):
        refused(paygate, sent(account, b" " * size), "size", 413)
    largest = compact(NOTICE).ljust(LARGEST_CALLBACK)
    assert paygate.parse_callback("main", sent(account, largest)).charges
