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
from paygate_ayolinx.door import SandboxAccount

from paygate import CallbackRejected, CallbackReply, CallbackRequest, ChargeStatus, Paygate
from tests.watch import RAISED, leaks

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
    "originalReferenceNo",
    "finishedTime",
)

any_text = st.text(st.characters(exclude_categories=[]), max_size=40)
any_header = st.tuples(
    st.one_of(st.sampled_from(["X-SIGNATURE", "x-timestamp", "Content-Type", "X-PARTNER-ID"]), any_text),
    st.one_of(
        st.just(STAMP), st.binary(max_size=300).map(lambda raw: base64.b64encode(raw).decode()), any_text
    ),
)
texts = st.one_of(
    st.sampled_from(["BNC_QRIS", "IDR", "25000.00", "-1.00", "00", "03", "06", "07", STAMP, "1789355700"]),
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
        "additionalInfo": st.one_of(st.just({"channel": "BNC_QRIS"}), trees),
    },
    optional={
        "amount": st.one_of(st.fixed_dictionaries({"value": texts}, optional={"currency": texts}), trees),
        "originalReferenceNo": trees,
        "finishedTime": st.one_of(texts, trees),
        "more": trees,
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
    assert reason in ("signature", "timestamp", "method")


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
        assert rejected(paygate, request) in ("body", "channel", "status", "amount")
        return
    [charge] = callback.charges
    said: dict[str, Any] = json.loads(body)
    assert "BNC_QRIS" == said["additionalInfo"]["channel"]
    assert said["originalPartnerReferenceNo"] == charge.reference
    assert said["latestTransactionStatus"] in {f"0{number}" for number in range(7)}
    assert (ChargeStatus.PAID is charge.status) is (said["latestTransactionStatus"] == "00")
    assert (ChargeStatus.PAID is charge.status) is (charge.paid_amount is not None)
    if charge.paid_amount is not None:
        assert Decimal(said["amount"]["value"]) == charge.paid_amount.amount
        assert charge.paid_amount.amount > 0
