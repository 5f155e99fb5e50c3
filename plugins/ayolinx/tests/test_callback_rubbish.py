"""Bytes that nobody signed, and rubbish that somebody did: one exception, and nothing else.

PAYGATE_FUZZ is the number of examples of mutated callbacks; here a fiftieth of it is tried.
"""

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st
from paygate_ayolinx import codes
from paygate_ayolinx.door import SandboxAccount

from paygate import CallbackRejected, CallbackReply, CallbackRequest, ChargeStatus, Paygate, PaymentLink
from tests.ayolinx_calls import named, sent
from tests.watch import CANARIES, RAISED, leaks

EXAMPLES: Final = max(int(os.environ.get("PAYGATE_FUZZ", "3000")) // 50, 200)
PATH: Final = "/callbacks/main"
STAMP: Final = "2026-09-14T10:15:00+07:00"
NOW: Final = datetime(2026, 9, 14, 3, 15, tzinfo=UTC)
NAMES: Final = (
    "amount",
    "value",
    "currency",
    "channel",
    "additionalInfo",
    "latestTransactionStatus",
    "originalPartnerReferenceNo",
    "partnerReferenceNo",
    "originalReferenceNo",
    "finishedTime",
    "plh",
)

any_text = st.text(st.characters(exclude_categories=[]), max_size=40)
any_header = st.tuples(
    st.one_of(
        st.sampled_from(["X-SIGNATURE", "x-timestamp", "X-PARTNER-ID", "X-CLIENT-KEY", "Authorization"]),
        any_text,
    ),
    st.one_of(
        st.just(STAMP),
        st.text("AQgw-_", min_size=64, max_size=64).map("Bearer {}".format),
        st.binary(max_size=300).map(lambda raw: base64.b64encode(raw).decode()),
        any_text,
    ),
)
texts = st.one_of(
    st.sampled_from(
        [
            "BNC_QRIS",
            "EMONEY_DANA_SNAP",
            "IDR",
            "25000.00",
            "-1.00",
            "00",
            "03",
            "06",
            "07",
            STAMP,
            "1789355700",
        ]
    ),
    st.text(max_size=9),
)
leaves = st.one_of(texts, texts, st.none(), st.booleans(), st.integers(), st.floats())
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=6,
)
notices = st.fixed_dictionaries(
    {
        "latestTransactionStatus": st.one_of(texts, trees),
        "originalPartnerReferenceNo": st.one_of(texts, trees),
    },
    optional={
        "additionalInfo": st.one_of(
            st.fixed_dictionaries({}, optional={"channel": st.one_of(texts, trees), "plh": trees}), trees
        ),
        "partnerReferenceNo": st.one_of(texts, trees),
        "amount": st.one_of(st.fixed_dictionaries({"value": texts}, optional={"currency": texts}), trees),
        "originalReferenceNo": trees,
        "finishedTime": st.one_of(texts, trees),
        "more": trees,
    },
)
payments = st.fixed_dictionaries(
    {"trxId": st.one_of(texts, trees)},
    optional={
        "paidAmount": st.one_of(st.fixed_dictionaries({"value": texts}, optional={"currency": texts}), trees),
        "latestTransactionStatus": st.one_of(st.none(), texts, trees),
        "originalPartnerReferenceNo": texts,
        "additionalInfo": trees,
        **dict.fromkeys(("partnerServiceId", "customerNo", "virtualAccountNo", "paymentRequestId"), leaves),
    },
)


@pytest.fixture(scope="session")
def paygate(account: SandboxAccount) -> Iterator[Paygate]:
    """One paygate for all examples; its clock stands still."""
    with Paygate.from_mapping({"gateways": {"main": account.settings(PATH)}}, clock=NOW.timestamp) as one:
        yield one


def rejected(paygate: Paygate, request: CallbackRequest) -> str:
    """Check that a callback is refused, and return the reason."""
    with pytest.raises(CallbackRejected) as raised:
        paygate.parse_callback("main", request)
    error = raised.value
    assert isinstance(error.reply, CallbackReply)
    assert b"2005600" not in error.reply.body
    assert [] == leaks(f"{error}{error!r}")
    RAISED.clear()
    return error.reason


@settings(max_examples=EXAMPLES)
@given(
    method=st.one_of(st.just("POST"), any_text),
    path=st.one_of(st.just(PATH), any_text),
    headers=st.lists(any_header, max_size=5),
    body=st.one_of(st.binary(), notices.map(lambda notice: json.dumps(notice).encode())),
)
def test_a_callback_that_nobody_signed(
    paygate: Paygate, method: str, path: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    """Whatever a stranger sends is refused, before its body is read."""
    reason = rejected(paygate, CallbackRequest(method, path, headers, body))
    assert reason in ("signature", "timestamp", "method", "token", "client")


@settings(max_examples=EXAMPLES)
@given(
    body=st.one_of(
        st.binary(),
        notices.map(lambda notice: json.dumps(notice).encode()),
        trees.map(lambda tree: json.dumps(tree).encode()),
    )
)
def test_rubbish_that_was_signed(paygate: Paygate, account: SandboxAccount, body: bytes) -> None:
    """A rightly signed body is believed only if it says all that must be known, in the form that we know."""
    text = f"POST:{PATH}:{hashlib.sha256(body).hexdigest()}:{STAMP}"
    proof = base64.b64encode(account.provider_key.sign(text.encode(), PKCS1v15(), SHA256())).decode()
    request = CallbackRequest("POST", PATH, {"X-TIMESTAMP": STAMP, "X-SIGNATURE": proof}, body)
    try:
        callback = paygate.parse_callback("main", request)
    except CallbackRejected:
        assert rejected(paygate, request) in ("body", "status", "amount")
        return
    [charge] = callback.charges
    said: dict[str, Any] = json.loads(body)
    told = said.get("additionalInfo")
    details: dict[str, Any] = (
        told if isinstance(told, dict) else {}
    )  # whatever else stands there tells nothing
    number, channel = details.get("plh"), details.get("channel")
    link = type(number) in (str, int) and number != ""
    method = codes.CHANNELS.get(channel) if isinstance(channel, str) else None
    assert (PaymentLink() if link else method) == charge.method
    assert (said.get("partnerReferenceNo") or said["originalPartnerReferenceNo"]) == charge.reference
    assert said["latestTransactionStatus"] in {f"0{number}" for number in range(7)}
    assert (ChargeStatus.PAID is charge.status) is (said["latestTransactionStatus"] == "00")
    assert (ChargeStatus.PAID is charge.status) is (charge.paid_amount is not None)
    if charge.paid_amount is not None:
        assert Decimal(said["amount"]["value"]) == charge.paid_amount.amount
        assert charge.paid_amount.amount > 0


@pytest.fixture(scope="session")
def token(paygate: Paygate, account: SandboxAccount) -> str:
    """A token of ours; it is watched for."""
    reply = paygate.parse_callback("main", sent(named("QRIS token request"), account)).reply
    issued: str = json.loads(reply.body)["accessToken"]
    CANARIES.add(issued)
    return issued


@settings(max_examples=EXAMPLES)
@given(
    body=st.one_of(st.binary(), st.one_of(payments, notices, trees).map(lambda one: json.dumps(one).encode()))
)
def test_rubbish_under_a_token(paygate: Paygate, account: SandboxAccount, token: str, body: bytes) -> None:
    """A proven call under a token is a notice or a payment, in the form that we know, or refused."""
    request = sent(named("virtual account payment"), account, token, body=body)
    try:
        callback = paygate.parse_callback("main", request)
    except CallbackRejected:
        assert rejected(paygate, request) in ("body", "status", "amount")
        return
    [charge] = callback.charges
    said: dict[str, Any] = json.loads(body)
    reply = json.loads(callback.reply.body)
    if said.get("latestTransactionStatus") is not None:
        assert {"responseCode": "2005600", "responseMessage": "Successful"} == reply
        assert (ChargeStatus.PAID is charge.status) is (said["latestTransactionStatus"] == "00")
        return
    assert (ChargeStatus.PAID, said["trxId"]) == (charge.status, charge.reference)
    assert charge.paid_amount is not None
    assert Decimal(said["paidAmount"]["value"]) == charge.paid_amount.amount > 0
    echo = reply["virtualAccountData"]
    assert all(said.get(name) == echo.get(name) for name in ("trxId", "customerNo", "virtualAccountNo"))


@settings(max_examples=EXAMPLES)
@given(body=st.one_of(st.binary(), st.one_of(trees, notices).map(lambda one: json.dumps(one).encode())))
def test_a_rubbish_wish_for_a_token(paygate: Paygate, account: SandboxAccount, body: bytes) -> None:
    """A proven token request is granted or has a body that we do not know; there is no third."""
    request = sent(named("QRIS token request"), account, body=body)
    try:
        callback = paygate.parse_callback("main", request)
    except CallbackRejected:
        assert "body" == rejected(paygate, request)
        return
    assert (200, ()) == (callback.reply.status, callback.charges)
    assert not body or isinstance(json.loads(body), dict)
