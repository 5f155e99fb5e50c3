"""Nine of nine: each documented call of Ayolinx's to a merchant is verified, read and answered."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from paygate_ayolinx.door import SandboxAccount

from paygate import (
    Callback,
    CallbackRejected,
    CallbackRequest,
    ChargeStatus,
    Method,
    Money,
    Paygate,
    PaymentLink,
    Qris,
    VirtualAccount,
)
from tests.ayolinx_calls import (
    NINE,
    NOTICE_TAKEN,
    NOW,
    PATH,
    STAMP,
    Inbound,
    base64_of,
    by_hmac,
    compact,
    headers_of,
    named,
    sent,
    text_of,
)
from tests.watch import CANARIES

PAYMENT = named("virtual account payment")
PAYMENT_TAKEN = (
    b'{"responseCode":"2002500","responseMessage":"Successful","virtualAccountData":{'
    b'"partnerServiceId":" 98829172","customerNo":"12345678901234567890",'
    b'"virtualAccountNo":" 9882917212345678901234567890","virtualAccountName":"Jokul Doe","trxId":"INV-1",'
    b'"paidAmount":{"value":"11500.00","currency":"IDR"},"paymentRequestId":"abcdef-123456-abcdef",'
    b'"virtualAccountTrxType":"C","additionalInfo":{}}}'
)
MINUTE = timedelta(minutes=1)
TOLD: dict[str, tuple[str, Method | None, Money, datetime | None, str]] = {
    "QRIS notice": ("INV-1", Qris(), Money.idr(20_000), NOW - MINUTE, "AYO-REF-1"),
    "QRIS notice under a token": ("INV-1", Qris(), Money.idr(20_000), NOW - MINUTE, "AYO-REF-1"),
    "e-wallet notice": (
        "fd3f5af0-af57-4513-95a8-77df45721ed2",
        None,
        Money.idr(30),
        None,
        "20250110111212800110166944801931623",
    ),
    "virtual account payment": (
        "INV-1",
        VirtualAccount("bni"),
        Money.idr(11_500),
        NOW - 2 * MINUTE,
        "abcdef-123456-abcdef",
    ),
    "virtual account notice": (
        "INV-1",
        VirtualAccount("bni"),
        Money.idr(11_500),
        NOW - 2 * MINUTE,
        "AYO-REF-1",
    ),
    "store notice": ("INV-1", None, Money.idr(75_000), None, "AYO-REF-1"),
    "link notice": ("INV-1", PaymentLink(), Money.idr(20_000), NOW - MINUTE, "4DrzTTeCn9Z"),
}
"""Of each charge: reference, method, paid amount, paid when, the provider's number."""

TELLING = [one for one in NINE if one.kind != "token request"]
TOKEN_REQUESTS = [one for one in NINE if one.kind == "token request"]
WITH_TOKEN = [one for one in NINE if one.kind == "call with a token"]
ALLOWED_PATHS = (
    PATH,
    "/v1.0/transfer-va/payment",
    "/v1.0/qr/qr-mpm-notify",
    f"{PATH}/v1.0/transfer-va/payment",
    f"{PATH}/v1.0/qr/qr-mpm-notify",
)


def by_name(calls: list[Inbound]) -> pytest.MarkDecorator:
    """Once for each of these calls."""
    return pytest.mark.parametrize("call", calls, ids=[one.name for one in calls])


@pytest.fixture(scope="module")
def paygate(account: SandboxAccount) -> Iterator[Paygate]:
    """A paygate whose clock stands still."""
    with Paygate.from_mapping({"gateways": {"main": account.settings(PATH)}}, clock=NOW.timestamp) as one:
        yield one


def granted(paygate: Paygate, account: SandboxAccount, call: Inbound = TOKEN_REQUESTS[0]) -> str:
    """A token that paygate issued to Ayolinx; it is watched for from then on."""
    reply = json.loads(paygate.parse_callback("main", sent(call, account)).reply.body)
    token: str = reply["accessToken"]
    CANARIES.add(token)
    return token


@pytest.fixture(scope="module")
def token(paygate: Paygate, account: SandboxAccount) -> str:
    """A token of ours."""
    return granted(paygate, account)


def taken(paygate: Paygate, request: CallbackRequest, body: bytes = NOTICE_TAKEN) -> Callback:
    """Check that a call is answered with HTTP 200 and exactly these bytes."""
    callback = paygate.parse_callback("main", request)
    assert (200, {"Content-Type": "application/json"}) == (callback.reply.status, callback.reply.headers)
    assert body == callback.reply.body
    return callback


def test_there_are_nine() -> None:
    """Five notices, two token requests and two calls with a token: Ayolinx's documented inbound surface."""
    kinds = [one.kind for one in NINE]
    assert (5, 2, 2) == (
        kinds.count("notice"),
        kinds.count("token request"),
        kinds.count("call with a token"),
    )
    assert set(TOLD) == {one.name for one in TELLING}


@by_name(TELLING)
def test_a_genuine_call_is_believed(
    paygate: Paygate, account: SandboxAccount, token: str, call: Inbound
) -> None:
    """What was paid, when, by which method and under which numbers; and the documented answer."""
    body = PAYMENT_TAKEN if call is PAYMENT else NOTICE_TAKEN
    callback = taken(paygate, sent(call, account, token), body)
    [charge] = callback.charges
    told = (charge.reference, charge.method, charge.paid_amount, charge.paid_at, charge.provider_reference)
    assert TOLD[call.name] == told
    assert ("main", ChargeStatus.PAID, None) == (charge.gateway, charge.status, charge.amount)
    assert (call.content, call.content, NOW) == (callback.raw, charge.raw, callback.sent_at)
    assert (500, True) == (callback.again.status, b'"5002500"' in callback.again.body or call is not PAYMENT)


@by_name(TOKEN_REQUESTS)
def test_a_genuine_token_request_is_granted(paygate: Paygate, account: SandboxAccount, call: Inbound) -> None:
    """Five texts; the token then works, and each request gets another."""
    callback = paygate.parse_callback("main", sent(call, account))
    reply = json.loads(callback.reply.body)
    issued = reply.pop("accessToken")
    CANARIES.add(issued)
    assert {
        "responseCode": "2007300",
        "responseMessage": "Successful",
        "tokenType": "Bearer",
        "expiresIn": "900",
    } == reply
    assert (200, {"Content-Type": "application/json"}, ()) == (
        callback.reply.status,
        callback.reply.headers,
        callback.charges,
    )
    assert taken(paygate, sent(PAYMENT, account, issued), PAYMENT_TAKEN).charges
    assert issued != granted(paygate, account, call)
    assert issued not in f"{callback!r}{callback.reply!r}"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"grantType": "client_credentials"}', b'{"other": 1}'])
def test_a_token_request_need_not_say_what_it_wants(
    paygate: Paygate, account: SandboxAccount, body: bytes
) -> None:
    """Its body is not part of the proof, and there is only one kind of grant."""
    assert (
        b"2007300" in paygate.parse_callback("main", sent(TOKEN_REQUESTS[0], account, body=body)).reply.body
    )


@by_name(WITH_TOKEN)
@pytest.mark.parametrize("path", ALLOWED_PATHS)
def test_a_call_with_a_token_over_each_allowed_path(
    paygate: Paygate, account: SandboxAccount, token: str, call: Inbound, path: str
) -> None:
    """The documented path, our own and our own followed by the documented one may have been signed."""
    assert paygate.parse_callback("main", sent(call, account, token, path=path)).charges


@by_name(WITH_TOKEN)
@pytest.mark.parametrize("seen", ["/", "/behind/a/proxy", "/v1.0/transfer-va/payment", PATH])
def test_the_path_that_the_server_saw_does_not_count(
    paygate: Paygate, account: SandboxAccount, token: str, call: Inbound, seen: str
) -> None:
    """A proxy may have rewritten it: only what was signed and what is configured count."""
    genuine = sent(call, account, token)
    assert paygate.parse_callback(
        "main", CallbackRequest("POST", seen, genuine.headers, genuine.body)
    ).charges


@by_name(list(NINE))
def test_a_body_with_white_space(
    paygate: Paygate, account: SandboxAccount, token: str, call: Inbound
) -> None:
    """It may have been signed as it came, or without white space between its tokens."""
    pretty = json.dumps(call.body, indent=2).encode()
    for signed in (pretty, call.content):
        callback = paygate.parse_callback("main", sent(call, account, token, body=pretty, signed=signed))
        assert 200 == callback.reply.status
        assert [pretty] * len(callback.charges) == [charge.raw for charge in callback.charges]


@by_name(list(NINE))
def test_fields_that_nobody_knows(
    paygate: Paygate, account: SandboxAccount, token: str, call: Inbound
) -> None:
    """Whatever else a genuine body holds is tolerated."""
    more = {
        "flagAdvise": "Y",
        "billDetails": [{"billNo": "1"}],
        "freeTexts": None,
        "referenceNo": 17,
        "additionalInfo": call.body.get("additionalInfo", {}) | {"feeMoney": {"value": 1.5}, "é": []},
    }
    assert (
        200
        == paygate.parse_callback(
            "main", sent(call, account, token, body=compact(call.body | more))
        ).reply.status
    )


@by_name(WITH_TOKEN)
def test_headers_that_may_be_missing(
    paygate: Paygate, account: SandboxAccount, token: str, call: Inbound
) -> None:
    """Neither X-PARTNER-ID nor X-EXTERNAL-ID is signed; without them a proven call is proven."""
    genuine = sent(call, account, token)
    few = {name: genuine.headers[name] for name in ("X-TIMESTAMP", "X-SIGNATURE", "Authorization")}
    assert paygate.parse_callback("main", CallbackRequest("POST", PATH, few, genuine.body)).charges
    lower = {name.lower(): value.replace("Bearer", "bearer") for name, value in few.items()}
    assert paygate.parse_callback("main", CallbackRequest("POST", PATH, lower, genuine.body)).charges


@by_name(WITH_TOKEN)
def test_a_signature_in_hexadecimal(
    paygate: Paygate, account: SandboxAccount, token: str, call: Inbound
) -> None:
    """The standard does not say how an HMAC is written, so both ways are read."""
    raw = by_hmac(account.client_secret, text_of(call, account, token))
    for signature in (raw.hex(), raw.hex().upper(), base64_of(raw)):
        headers = headers_of(call, account, signature, token)
        assert paygate.parse_callback("main", CallbackRequest("POST", PATH, headers, call.content)).charges


@by_name(WITH_TOKEN)
def test_hmac_sha256_where_it_is_configured(account: SandboxAccount, call: Inbound) -> None:
    """One page of Ayolinx's says HMAC-SHA256: then that one counts, and the other no more."""
    document = {"gateways": {"main": account.settings(PATH) | {"inbound_hmac": "sha256"}}}
    with Paygate.from_mapping(document, clock=NOW.timestamp) as paygate:
        issued = granted(paygate, account)
        text = text_of(call, account, issued)
        proof = base64_of(by_hmac(account.client_secret, text, "sha256"))
        headers = headers_of(call, account, proof, issued)
        assert paygate.parse_callback("main", CallbackRequest("POST", PATH, headers, call.content)).charges


def test_the_name_that_was_agreed(account: SandboxAccount) -> None:
    """Ayolinx may call itself by another client key than ours, in token requests and as the partner."""
    document = {"gateways": {"main": account.settings(PATH) | {"inbound_client_key": "ayolinx-for-shop"}}}
    other = SandboxAccount(
        "ayolinx-for-shop", account.client_secret, account.merchant_key, account.provider_key
    )
    with Paygate.from_mapping(document, clock=NOW.timestamp) as paygate:
        issued = granted(paygate, other)
        for partner in (other, account):
            assert paygate.parse_callback("main", sent(PAYMENT, partner, issued)).charges


@pytest.mark.parametrize("padding", ["", " ", "   ", "        "])
@pytest.mark.parametrize(("bank", "prefix"), [("bni", "98829172"), ("bri", "15574"), ("cimb", "2056")])
def test_padded_numbers(
    paygate: Paygate, account: SandboxAccount, token: str, padding: str, bank: str, prefix: str
) -> None:
    """SNAP BI pads to the left with spaces: compared without them, said back with each of them."""
    numbers = {"partnerServiceId": padding + prefix, "virtualAccountNo": f"{padding}{prefix}1234"}
    callback = paygate.parse_callback(
        "main", sent(PAYMENT, account, token, body=compact(PAYMENT.body | numbers))
    )
    assert VirtualAccount(bank) == callback.charges[0].method
    assert numbers.items() <= json.loads(callback.reply.body)["virtualAccountData"].items()


@pytest.mark.parametrize(
    "change",
    [
        {"customerNo": 1234567890},
        {"virtualAccountName": None},
        {"virtualAccountTrxType": None},
        {"paymentRequestId": None},
        {"partnerServiceId": None},
        {"additionalInfo": None},
        {"additionalInfo": {"channel": None}},
        {"virtualAccountName": 'Ny. "Ratna" \\ é'},
    ],
    ids=str,
)
def test_what_a_payment_need_not_say(
    paygate: Paygate, account: SandboxAccount, token: str, change: dict[str, Any]
) -> None:
    """A number in digits, a null and a missing field lose no paid charge; what came is said back."""
    body = PAYMENT.body | change
    [name] = change
    for one in (body, {key: value for key, value in body.items() if key != name or value is not None}):
        callback = paygate.parse_callback("main", sent(PAYMENT, account, token, body=compact(one)))
        [charge] = callback.charges
        assert ("INV-1", Money.idr(11_500)) == (charge.reference, charge.paid_amount)
        said = json.loads(callback.reply.body)["virtualAccountData"]
        assert (change[name] if name != "additionalInfo" else {}) == said.get(name)


def test_a_payment_of_the_fewest_fields(paygate: Paygate, account: SandboxAccount, token: str) -> None:
    """Number and amount are enough; nothing is said back that did not come."""
    body = {"trxId": "INV-1", "paidAmount": {"value": "11500.00", "currency": "IDR"}}
    callback = taken(
        paygate,
        sent(PAYMENT, account, token, body=compact(body)),
        b'{"responseCode":"2002500","responseMessage":"Successful","virtualAccountData":{"trxId":"INV-1",'
        b'"paidAmount":{"value":"11500.00","currency":"IDR"},"additionalInfo":{}}}',
    )
    [charge] = callback.charges
    assert (None, None, None) == (charge.method, charge.paid_at, charge.provider_reference)


@pytest.mark.parametrize(
    ("change", "moment"),
    [
        ({"additionalInfo": {"paymentTimeIso8601": "2026-09-14T03:13:00Z"}}, NOW - 2 * MINUTE),
        ({"additionalInfo": {"paymentTimeIso8601": "yesterday"}}, None),
        ({"additionalInfo": {}, "trxDateTime": "2026-09-14T10:12:00+07:00"}, NOW - 3 * MINUTE),
        ({"additionalInfo": {"paymentTimeIso8601": 1789355580}}, datetime.fromtimestamp(1789355580, UTC)),
    ],
    ids=str,
)
def test_when_it_was_paid(
    paygate: Paygate, account: SandboxAccount, token: str, change: dict[str, Any], moment: datetime | None
) -> None:
    """A time that is missing or cannot be read is worth no paid charge."""
    [charge] = paygate.parse_callback(
        "main", sent(PAYMENT, account, token, body=compact(PAYMENT.body | change))
    ).charges
    assert moment == charge.paid_at


@pytest.mark.parametrize("stamp", ["2026-09-14T03:15:00Z", "2026-09-14T03:15:00+00:00", STAMP])
@by_name(list(NINE))
def test_either_zone_of_the_timestamp(
    paygate: Paygate, account: SandboxAccount, token: str, call: Inbound, stamp: str
) -> None:
    """The docs write Jakarta time and UTC; the text is signed as it was sent."""
    assert NOW == paygate.parse_callback("main", sent(call, account, token, stamp=stamp)).sent_at


@pytest.mark.parametrize("call", [one for one in NINE if one.kind == "notice"], ids=lambda call: call.name)
@pytest.mark.parametrize("authorization", ["Bearer of-a-proxy", "Basic dXNlcjpwYXNz", "Bearer "])
def test_a_notice_to_which_a_proxy_has_added_its_own_authorization(
    paygate: Paygate, account: SandboxAccount, call: Inbound, authorization: str
) -> None:
    """Its RSA signature proves it; whose token it carries on the way is nothing to us."""
    request = sent(call, account, more={"Authorization": authorization})
    assert NOTICE_TAKEN == paygate.parse_callback("main", request).reply.body


@pytest.mark.parametrize("odd", [[], "", 7, True, None, {"channel": 7, "plh": []}, {"channel": None}])
def test_odd_details_do_not_lose_a_paid_charge(paygate: Paygate, account: SandboxAccount, odd: Any) -> None:
    """An empty object may be written as a list; the charge is told without its method."""
    call = named("QRIS notice")
    body = compact({**call.body, "additionalInfo": odd})
    [charge] = paygate.parse_callback("main", sent(call, account, body=body)).charges
    assert (ChargeStatus.PAID, None) == (charge.status, charge.method)


def test_a_payment_without_a_reference_is_refused(
    paygate: Paygate, account: SandboxAccount, token: str
) -> None:
    """Nobody could tell what was paid."""
    body = compact({**PAYMENT.body, "trxId": ""})
    with pytest.raises(CallbackRejected) as refused:
        paygate.parse_callback("main", sent(PAYMENT, account, token, body=body))
    assert ("body", 400) == (refused.value.reason, refused.value.reply.status)


def test_our_own_client_key_is_not_the_agreed_one(account: SandboxAccount) -> None:
    """Where another was agreed, a token request with our client key gets no token."""
    settings = {**account.settings(PATH), "inbound_client_key": "ayolinx-at-shop"}
    request = sent(named("QRIS token request"), account)
    with (
        Paygate.from_mapping({"gateways": {"main": settings}}, clock=NOW.timestamp) as paygate,
        pytest.raises(CallbackRejected) as refused,
    ):
        paygate.parse_callback("main", request)
    assert "client" == refused.value.reason
