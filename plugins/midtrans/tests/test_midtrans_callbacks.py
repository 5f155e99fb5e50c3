"""Midtrans' notifications: what is proven, what is believed of it, and what happens next."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paygate_midtrans.callbacks import Callbacks
from paygate_midtrans.methods import Claimed

from paygate import (
    CallbackRejected,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeStatus,
    ConflictKind,
    EWallet,
    Gateway,
    InvalidCharge,
    Method,
    Money,
    OutcomeUnknown,
    Qris,
    Retry,
    Secret,
    VirtualAccount,
)
from tests.flows import reply_of
from tests.midtrans import METHODS, NUMBER, SERVER_KEY, adapter_of, called, error, made, signed, told
from tests.provider import Provider
from tests.watch import leaks, told_by

OFFICIAL: Final = Path("/work/shared/facts/vectors.json")
OWN: Final = json.loads((Path(__file__).parent / "vectors.json").read_text())
ONCE: Final = Retry(attempts=1)
COVERED: Final = ("order_id", "status_code", "gross_amount", "signature_key")


def told_of(kind: str = "qris", **other: Any) -> dict[str, Any]:
    """A notification of a paid charge, with its hash; None leaves a field out."""
    return signed(told(kind, **{"status_message": "midtrans payment notification", **other}))


def parsed(body: dict[str, Any] | bytes) -> Any:
    """What is made of a call."""
    return adapter_of().parse_callback(called(body))


def rejected(body: dict[str, Any] | bytes) -> CallbackRejected:
    """How a call is refused."""
    with pytest.raises(CallbackRejected) as refused:
        parsed(body)
    assert [] == leaks(told_by(refused.value))
    return refused.value


def official() -> list[Any]:
    """The vectors of Midtrans' own and of merchants, where this machine has them."""
    if not OFFICIAL.exists():
        return []
    return [
        one for one in json.loads(OFFICIAL.read_text())["vectors"] if one["scheme"] == "sha512-concat-hex"
    ]


@pytest.mark.parametrize("vector", OWN, ids=lambda vector: str(vector["id"]))
def test_what_openssl_signs_is_proven(vector: dict[str, str]) -> None:
    """The hash that the openssl command line makes fits, under its own key and no other."""
    body = {**told(), **{name: vector[name] for name in COVERED}}
    assert Callbacks("main", Secret(vector["server_key"])).parse(called(body)).confirm
    for other in (vector["server_key"] + "0", vector["server_key"][:-1], SERVER_KEY):
        with pytest.raises(CallbackRejected):
            Callbacks("main", Secret(other)).parse(called(body))


@pytest.mark.skipif(not OFFICIAL.exists(), reason="the provider's vectors are not on this machine")
def test_what_midtrans_signs_is_proven() -> None:
    """The published vectors fit."""
    for vector in official():
        inputs = vector["inputs"]
        body = {**told(), **{name: inputs[name] for name in COVERED[:3]}, "signature_key": vector["expected"]}
        callback = Callbacks("main", Secret(vector["key"]["server_key"])).parse(called(body))
        assert [inputs["order_id"]] == [one.reference for one in callback.confirm]
    assert official()


@pytest.mark.parametrize("kind", METHODS)
def test_a_call_names_the_charge_to_ask_about(kind: str) -> None:
    """It is proven to be Midtrans', and nothing that it says of the charge is believed."""
    callback = parsed(told_of(kind))
    assert (Claimed("main", "INV-1", METHODS[kind], None, Money.idr(25_000)),) == callback.confirm
    assert isinstance(callback.confirm[0], ChargeRef)
    assert (ChargeStatus.PAID,) == callback.claimed
    assert ((), (), None, "main") == (
        callback.charges,
        callback.conflicts,
        callback.sent_at,
        callback.gateway,
    )
    assert (200, 502) == (callback.reply.status, callback.again.status)
    assert json.loads(callback.raw)["order_id"] == "INV-1"


@pytest.mark.parametrize("field", COVERED)
@pytest.mark.parametrize("value", ["", None, 7, 25000.0, [], {}, True, "missing"], ids=repr)
def test_a_text_that_is_missing_or_none(field: str, value: Any) -> None:
    """Nothing is proven where one of the texts is missing, empty or no text."""
    body = told_of()
    if value == "missing":
        del body[field]
    else:
        body[field] = value
    refused = rejected(body)
    assert ("signature", 401) == (refused.reason, refused.reply.status)


@pytest.mark.parametrize("field", COVERED)
@given(sign=st.integers(0, 127), data=st.data())
def test_a_changed_text_is_refused(field: str, sign: int, data: st.DataObject) -> None:
    """Any other sign in any of the texts that are covered makes it unproven."""
    body = told_of()
    at = data.draw(st.integers(0, len(body[field]) - 1))
    changed = body[field][:at] + chr(sign) + body[field][at + 1 :]
    if changed != body[field]:
        rejected(body | {field: changed})


@pytest.mark.parametrize(
    "signature",
    [
        "0" * 128,
        hashlib.sha512(b"INV-120025000.00").hexdigest(),
        hashlib.sha256(f"INV-120025000.00{SERVER_KEY}".encode()).hexdigest(),
        "é" * 128,
        "\ud800",
        " " + str(told_of()["signature_key"]),
        str(told_of()["signature_key"])[:-1],
    ],
    ids=["zeros", "no key", "sha256", "accents", "half a sign", "blank", "cut"],
)
def test_another_signature_is_refused(signature: str) -> None:
    """Whatever is in its place, it is refused in the one way."""
    assert "signature" == rejected(told_of() | {"signature_key": signature}).reason


def test_without_a_key_nothing_is_proven() -> None:
    """An empty key refuses even what is hashed with it."""
    with pytest.raises(CallbackRejected):
        Callbacks("main", Secret("")).parse(called(signed(told(), "")))


def test_an_amount_is_hashed_as_it_came() -> None:
    """ "25000.00" and "25000" are one amount, and two texts."""
    body = told_of() | {"gross_amount": "25000"}
    assert "signature" == rejected(body).reason
    assert Money.idr(25_000) == parsed(signed(told(gross_amount="25000"))).confirm[0].amount


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 10_000,
        b"order_id=INV-1&status_code=200",
        json.dumps(told_of()).encode("utf-16"),
    ],
    ids=lambda body: str(body[:9]),
)
def test_a_body_that_is_none(body: bytes) -> None:
    """It is refused, with a status that Midtrans repeats no more than twice."""
    refused = rejected(body)
    assert ("body", 400) == (refused.reason, refused.reply.status)


@pytest.mark.parametrize("field", [*COVERED, "payment_type", "transaction_status", "unknown"])
@pytest.mark.parametrize("first", [True, False])
def test_a_name_that_stands_twice_is_refused(field: str, first: bool) -> None:
    """Two programs might read one body in two ways: neither reading is taken."""
    genuine = json.dumps({**told_of(), "unknown": 1})
    other = json.dumps({field: "INV-2"})[1:-1]
    body = f"{{{other}, {genuine[1:]}" if first else f"{genuine[:-1]}, {other}}}"
    assert "body" == rejected(body.encode()).reason
    inner = genuine[:-1] + ', "metadata": {"a": 1, "a": 2}}'
    assert "body" == rejected(inner.encode()).reason


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text(), st.lists).map(lambda x: json.dumps(x).encode())
)
def test_rubbish_raises_one_thing_only(body: bytes) -> None:
    """No bytes choose another exception."""
    with pytest.raises(CallbackRejected):
        parsed(body)


@given(
    st.dictionaries(
        st.sampled_from([*COVERED, "payment_type", "va_numbers", "permata_va_number"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.lists(st.dictionaries(st.text(), st.text())),
    )
)
def test_odd_fields_raise_one_thing_only(fields: dict[str, Any]) -> None:
    """Nor do fields of other kinds, whether the hash fits or not."""
    for body in (fields, told_of() | fields):
        try:
            callback = parsed(json.dumps(body).encode())
        except CallbackRejected:
            continue
        assert () == callback.charges


@pytest.mark.parametrize(
    "other",
    [
        {"payment_type": "credit_card"},
        {"payment_type": "cstore", "store": "indomaret"},
        {"payment_type": "akulaku"},
        {"payment_type": "Credit_Card"},
        {"payment_type": "dana"},
        {"payment_type": "ovo"},
        {"payment_type": "bank_transfer", "va_numbers": [{"bank": "Danamon", "va_number": "1"}]},
    ],
    ids=str,
)
def test_what_is_served_elsewhere_is_acknowledged(other: dict[str, Any]) -> None:
    """Another program's card is no charge of ours: Midtrans is told that it arrived, or would call for hours."""
    callback = parsed(told_of(**other))
    assert ((), (), (), 200) == (
        callback.charges,
        callback.confirm,
        callback.claimed,
        callback.reply.status,
    )


@pytest.mark.parametrize(
    "other",
    [
        {"payment_type": "QRIS"},
        {"payment_type": "qris_v2"},
        {"payment_type": ""},
        {"payment_type": None},
        {"payment_type": ["qris"]},
        {"payment_type": "bank_transfer", "va_numbers": [{"bank": "bca_va", "va_number": "1"}]},
        {"payment_type": "bank_transfer", "va_numbers": [{"bank": "danamon"}, {"bank": "new"}]},
        {"payment_type": "bank_transfer", "va_numbers": [{"bank": 7}]},
        {"payment_type": "bank_transfer", "va_numbers": []},
        {"payment_type": "bank_transfer", "va_numbers": "bca"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("answered", "method"),
    [(told(), Qris()), (told("bni"), VirtualAccount("bni")), (told(payment_type="qris_v2"), None)],
    ids=["qris", "bni", "unknown"],
)
def test_a_method_that_is_not_known_is_asked_about(
    other: dict[str, Any], answered: dict[str, Any], method: Method | None
) -> None:
    """The order may be ours whatever stands there: Midtrans is asked, and the answer says how it was paid."""
    shop, provider = gateway(answered)
    callback = shop.confirm(shop.parse_callback(called(told_of(**other))))
    assert ["/v2/INV-1/status"] == [request.url.path for request in provider.requests]
    assert [(ChargeStatus.PAID, method)] == [(one.status, one.method) for one in callback.charges]
    known = Charge(
        gateway="main",
        reference="INV-1",
        status=ChargeStatus.PENDING,
        method=METHODS["bca"],
        amount=Money.idr(25_000),
    )
    [ours] = shop.compare(callback, [known]).charges
    assert (ChargeStatus.PAID, METHODS["bca"]) == (ours.status, ours.method)


@pytest.mark.parametrize("kind", METHODS)
@pytest.mark.parametrize("claimed", METHODS)
def test_a_method_is_what_midtrans_says_when_it_is_asked(kind: str, claimed: str) -> None:
    """The hash does not cover it: a captured call may name another one."""
    shop, _ = gateway(told(kind))
    [charge] = shop.confirm(shop.parse_callback(called(told_of(claimed)))).charges
    assert METHODS[kind] == charge.method


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, ChargeStatus.PAID),
        ({"transaction_status": "CAPTURE"}, ChargeStatus.PAID),
        ({"fraud_status": "challenge"}, ChargeStatus.PENDING),
        ({"fraud_status": "deny"}, None),
        ({"status_code": "201", "transaction_status": "pending"}, ChargeStatus.PENDING),
        ({"status_code": "202", "transaction_status": "expire"}, ChargeStatus.EXPIRED),
        ({"transaction_status": "refund"}, ChargeStatus.REFUNDED),
        ({"status_code": "201"}, None),
        ({"status_code": "2OO"}, None),
        ({"transaction_status": "chargeback"}, None),
        ({"transaction_status": None}, None),
        ({"transaction_status": ["settlement"]}, None),
    ],
    ids=str,
)
def test_what_a_call_claims(other: dict[str, Any], expected: ChargeStatus | None) -> None:
    """It is told apart, and never applied; what is in no table, or contradicts its code, claims nothing."""
    assert (expected,) == parsed(told_of(**other)).claimed


def test_a_payment_that_midtrans_does_not_know_of_yet_is_told_again() -> None:
    """The call is ahead of the answer to the question: Midtrans is to call again, or the payment is missed."""
    late = [made(), told()]
    shop, _ = gateway(*late)
    replies = [shop.confirm(shop.parse_callback(called(told_of()))) for _ in late]
    assert [502, 200] == [one.reply.status for one in replies]
    assert [ChargeStatus.PENDING, ChargeStatus.PAID] == [one.charges[0].status for one in replies]


@pytest.mark.parametrize("reference", ["a/b", "..", "a b", "é", "A" * 51, "payment notif test"])
def test_an_order_that_cannot_be_ours_is_acknowledged(reference: str) -> None:
    """No charge of ours has such a reference, and none is asked about by it."""
    assert () == parsed(told_of(order_id=reference)).confirm


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("permata", VirtualAccount("permata")),
        ("mandiri", VirtualAccount("mandiri")),
        ("gopay", EWallet("gopay")),
    ],
)
def test_how_it_is_paid(kind: str, expected: Method) -> None:
    """The method is read off what Midtrans sends of each."""
    assert expected == parsed(told_of(kind)).confirm[0].method
    large = told_of(payment_type="bank_transfer", va_numbers=[{"bank": "BCA", "va_number": "1"}])
    assert VirtualAccount("bca") == parsed(large).confirm[0].method


def test_an_amount_that_cannot_be_read_is_not_told() -> None:
    """The hash fits over any text; only an amount becomes one."""
    assert parsed(told_of(gross_amount="a lot")).confirm[0].amount is None


def gateway(*answers: Any) -> tuple[Gateway, Provider]:
    """A gateway whose Midtrans answers so."""
    provider = Provider(*(reply_of(answer) for answer in answers))
    return Gateway("main", adapter_of(), transport=provider, retry=ONCE), provider


def test_paid_is_what_midtrans_says_when_it_is_asked() -> None:
    """A notification of a payment leads to one question, whose answer is compared with the order."""
    shop, provider = gateway(told())
    callback = shop.confirm(shop.parse_callback(called(told_of())))
    [request] = provider.requests
    assert ("GET", "/v2/INV-1/status") == (request.method, request.url.path)
    [charge] = callback.charges
    assert (ChargeStatus.PAID, Money.idr(25_000), NUMBER) == (
        charge.status,
        charge.paid_amount,
        charge.provider_reference,
    )
    known = Charge(
        gateway="main",
        reference="INV-1",
        status=ChargeStatus.PENDING,
        method=Qris(),
        amount=Money.idr(25_000),
    )
    assert [ChargeStatus.PAID] == [one.status for one in shop.compare(callback, [known]).charges]


@pytest.mark.parametrize("status", ["settlement", "capture", "refund"])
def test_an_altered_status_is_not_believed(status: str) -> None:
    """The hash of a pending charge fits over any status: the charge stays what Midtrans says that it is."""
    captured = signed(made(status_code="201"))
    forged = captured | {
        "transaction_status": status,
        "transaction_id": "00000000-0000-4000-8000-000000000009",
    }
    shop, provider = gateway(made())
    callback = shop.parse_callback(called(forged))
    with pytest.raises(InvalidCharge):
        shop.compare(callback, [])
    [charge] = shop.confirm(callback).charges
    assert (ChargeStatus.PENDING, None, NUMBER) == (
        charge.status,
        charge.paid_amount,
        charge.provider_reference,
    )
    assert ["/v2/INV-1/status"] == [request.url.path for request in provider.requests]


def test_texts_that_are_cut_elsewhere_are_not_believed() -> None:
    """Nothing stands between the texts in the hash: an order may be named that it was not made for."""
    genuine = signed(told(order_id="INV-1234", gross_amount="25000.00"))
    cut = genuine | {"order_id": "INV-1", "status_code": "234", "gross_amount": "20025000.00"}
    shop, _ = gateway(told(order_id="INV-1"))
    callback = shop.parse_callback(called(cut))
    assert ["INV-1"] == [one.reference for one in callback.confirm]
    with pytest.raises(OutcomeUnknown):
        shop.confirm(callback)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (error("404"), ChargeNotFound),
        (told(order_id="INV-2"), OutcomeUnknown),
        (error("500"), OutcomeUnknown),
    ],
    ids=["unknown", "another", "failing"],
)
def test_what_cannot_be_confirmed_is_asked_for_again(
    answer: dict[str, Any], expected: type[Exception]
) -> None:
    """No answer that is about the charge, no news of it: `again` has Midtrans call for hours."""
    shop, _ = gateway(answer)
    callback = shop.parse_callback(called(told_of()))
    with pytest.raises(expected):
        shop.confirm(callback)
    assert callback.again.status not in (200, 307, 308, 400, 404, 500, 503)


def test_a_late_notification_takes_no_paid_charge_back() -> None:
    """Pending comes after paid: Midtrans is asked, and says paid."""
    paid = Charge(
        gateway="main",
        reference="INV-1",
        status=ChargeStatus.PAID,
        method=Qris(),
        amount=Money.idr(25_000),
        paid_amount=Money.idr(25_000),
        provider_reference=NUMBER,
    )
    shop, _ = gateway(told())
    late = shop.confirm(shop.parse_callback(called(signed(made()))))
    assert [ChargeStatus.PAID] == [one.status for one in shop.compare(late, [paid]).charges]
    reversed_one, _ = gateway(told(status_code="202", transaction_status="deny"))
    news = reversed_one.confirm(reversed_one.parse_callback(called(told_of())))
    assert [ConflictKind.REGRESSION] == [one.kind for one in reversed_one.compare(news, [paid]).conflicts]
