"""What Midtrans is sent, without a client."""

import json
import string
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import (
    Charge,
    Conversation,
    Customer,
    EWallet,
    Flow,
    InvalidCharge,
    Item,
    Money,
    RefundRequest,
    VirtualAccount,
)
from tests.flows import asked
from tests.midtrans import BASIC, CALLBACK_URL, CUSTOMER, HOST, METHODS, NOW, NUMBER, adapter_of, order, ref

DETAILS = {"order_id": "INV-1", "gross_amount": 25000}
BODIES: dict[str, dict[str, Any]] = {
    "qris": {"payment_type": "qris", "transaction_details": DETAILS, "qris": {"acquirer": "gopay"}},
    "gopay": {"payment_type": "gopay", "transaction_details": DETAILS},
    "shopeepay": {"payment_type": "shopeepay", "transaction_details": DETAILS},
    **{
        bank: {
            "payment_type": "bank_transfer",
            "transaction_details": DETAILS,
            "bank_transfer": {"bank": bank},
        }
        for bank in ("bca", "bni", "bri", "cimb", "permata")
    },
    "mandiri": {
        "payment_type": "echannel",
        "transaction_details": DETAILS,
        "echannel": {"bill_info1": "Order", "bill_info2": "INV-1"},
    },
}
REFUND = RefundRequest(reference="R-1", reason="Barang habis", amount=Money.idr(5_000))
GOOD_SIGNS = string.ascii_letters + string.digits + "-_~."


def body_of(flow: Flow[Charge]) -> dict[str, Any]:
    """The body of a flow's first request."""
    told: dict[str, Any] = json.loads(asked(flow).content)
    return told


@pytest.mark.parametrize("kind", METHODS)
def test_a_new_charge_of_each_method(kind: str) -> None:
    """The body holds what Midtrans asks for, and nothing that nobody gave; the amount is a whole number."""
    request = asked(adapter_of().create_charge(order(kind)))
    assert ("POST", f"{HOST}/v2/charge") == (request.method, str(request.url))
    assert BODIES[kind] == json.loads(request.content)
    assert b'"gross_amount":25000}' in request.content


def test_the_headers_of_a_new_charge() -> None:
    """JSON goes both ways, to the right host, and nothing is sent twice that belongs to it once."""
    request = asked(adapter_of().create_charge(order()))
    headers = dict(request.headers)
    assert {
        "host": "api.sandbox.midtrans.com",
        "accept": "application/json",
        "content-type": "application/json",
        "content-length": str(len(request.content)),
    } == headers


def test_the_server_key_is_the_user_name() -> None:
    """The credential is at hand without a request, puts the key and an empty password in, and never ends."""
    talk = Conversation(adapter_of().authorize())
    assert talk.request is None
    for request in (asked(adapter_of().query(ref())), asked(adapter_of().create_charge(order()))):
        before = dict(request.headers)
        once = dict(talk.result.sign(request).headers)
        assert (
            {**before, "authorization": f"Basic {BASIC}"} == once == dict(talk.result.sign(request).headers)
        )
    assert float("inf") == talk.result.expires_at
    assert "ServerKey(***)" == repr(talk.result)


def test_a_wallet_sends_the_browser_back() -> None:
    """The return address of the charge goes before that of the configuration."""
    adapter = adapter_of(return_url="https://shop.example/thanks")
    own = "https://shop.example/orders/1"
    for kind, extra in (("gopay", {"enable_callback": True}), ("shopeepay", {})):
        told = body_of(adapter.create_charge(order(kind)))
        assert {**extra, "callback_url": "https://shop.example/thanks"} == told[kind]
        assert own == body_of(adapter.create_charge(order(kind, return_url=own)))[kind]["callback_url"]


def test_a_callback_url_goes_with_each_charge() -> None:
    """Where one is configured, it overrides the address in Midtrans' dashboard; else nothing is said of it."""
    request = asked(adapter_of(callback_url=CALLBACK_URL).create_charge(order("bca")))
    assert CALLBACK_URL == request.headers["X-Override-Notification"]
    assert "X-Override-Notification" not in asked(adapter_of().create_charge(order("bca"))).headers


def test_who_acquires_a_qris_is_configured() -> None:
    """The acquirer is the merchant's choice."""
    adapter = adapter_of(acquirer="airpay shopee")
    assert {"acquirer": "airpay shopee"} == body_of(adapter.create_charge(order()))["qris"]


def test_the_payer_and_what_is_bought() -> None:
    """Name, address, phone and items go along; names of items are cut to what Midtrans takes."""
    items = (Item("Kopi " * 20, Money.idr(10_000), 2), Item("Roti", Money.idr(5_000)))
    told = body_of(adapter_of().create_charge(order(customer=CUSTOMER, items=items)))
    assert {
        "first_name": "Siti Rahayu",
        "email": "siti.rahayu@mail.example",
        "phone": "+6281234567890",
    } == told["customer_details"]
    assert [
        {"id": "1", "price": 10000, "quantity": 2, "name": ("Kopi " * 20)[:50]},
        {"id": "2", "price": 5000, "quantity": 1, "name": "Roti"},
    ] == told["item_details"]
    assert "customer_details" not in body_of(adapter_of().create_charge(order(customer=Customer())))


def test_a_short_name_is_sent_as_well() -> None:
    """A name of one or two letters is a name."""
    told = body_of(adapter_of().create_charge(order(customer=Customer(name="Li"))))
    assert {"first_name": "Li"} == told["customer_details"]


def test_mandiri_shows_what_is_paid_for() -> None:
    """A description stands on the machine, cut to what Mandiri shows."""
    told = body_of(
        adapter_of().create_charge(order("mandiri", description="Uang sekolah bulan Januari 2026"))
    )
    assert {"bill_info1": "Order", "bill_info2": "Uang sekolah bulan Januari 202"} == told["echannel"]


@given(
    st.integers(20, 5 * 24 * 3600),
    st.integers(0, 999_999),
    st.sampled_from(list(METHODS)),
    st.integers(-14, 14),
)
def test_an_expiry_is_met_to_the_second(seconds: int, micros: int, kind: str, zone: int) -> None:
    """Time of order and duration add up to the wanted time, in whichever zone it was given."""
    wanted = NOW.replace(microsecond=0) + timedelta(seconds=seconds, microseconds=micros)
    expires_at = wanted.astimezone(timezone(timedelta(hours=zone)))
    told = body_of(adapter_of().create_charge(order(kind, expires_at=expires_at)))["custom_expiry"]
    begin = datetime.strptime(told["order_time"], "%Y-%m-%d %H:%M:%S %z")
    assert "2026-01-02 10:00:00 +0700" == told["order_time"]
    assert ("second", int) == (told["unit"], type(told["expiry_duration"]))
    assert wanted.replace(microsecond=0) == begin + timedelta(seconds=told["expiry_duration"])


@pytest.mark.parametrize(
    ("kind", "longest"),
    [
        ("gopay", timedelta(days=7)),
        ("shopeepay", timedelta(days=5)),
        ("bca", timedelta(days=180)),
        ("mandiri", timedelta(days=180)),
        ("qris", timedelta(days=180)),
    ],
)
def test_how_long_a_charge_may_live(kind: str, longest: timedelta) -> None:
    """What Midtrans would shorten, lengthen or refuse is refused before it is sent."""
    start = NOW.replace(microsecond=0)
    for good in (timedelta(seconds=20), longest):
        told = body_of(adapter_of().create_charge(order(kind, expires_at=start + good)))
        assert good.total_seconds() == told["custom_expiry"]["expiry_duration"]
    for bad in (timedelta(seconds=19), longest + timedelta(seconds=1)):
        with pytest.raises(InvalidCharge) as refused:
            asked(adapter_of().create_charge(order(kind, expires_at=start + bad)))
        assert "expires_at" == refused.value.field
    with pytest.raises(InvalidCharge):
        asked(adapter_of().create_charge(order(kind, expires_at=datetime.max.replace(tzinfo=UTC))))


@given(st.decimals("0.01", "99999999999999.99", places=2))
def test_only_whole_rupiah_are_sent(amount: Decimal) -> None:
    """An amount goes out as a whole number, exactly; one with sen is refused before it is sent."""
    request = order(amount=Money(amount))
    if amount % 1:
        with pytest.raises(InvalidCharge) as refused:
            asked(adapter_of().create_charge(request))
        assert "amount" == refused.value.field
    else:
        content = asked(adapter_of().create_charge(request)).content
        assert f'"gross_amount":{int(amount)}}}'.encode() in content


def test_items_with_sen_are_refused() -> None:
    """Prices are whole rupiah too."""
    items = (Item("Kopi", Money("12500.50"), 2),)
    with pytest.raises(InvalidCharge) as refused:
        asked(adapter_of().create_charge(order(amount=Money.idr(25_001), items=items)))
    assert "items" == refused.value.field


def test_a_refund_with_sen_is_refused() -> None:
    """So are refunds."""
    refund = RefundRequest(reference="R-1", reason="Barang habis", amount=Money("5000.50"))
    with pytest.raises(InvalidCharge) as refused:
        asked(adapter_of().refund(ref(), refund))
    assert "refund.amount" == refused.value.field


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64))
def test_references_that_are_an_order_id(reference: str) -> None:
    """A reference is sent as it is, or refused before anything is sent, by every operation."""
    is_good = set(reference) <= set(GOOD_SIGNS) and len(reference) <= 50 and reference not in (".", "..")
    adapter = adapter_of()
    flows: dict[str, Flow[Charge]] = {
        "status": adapter.query(ref(reference=reference)),
        "cancel": adapter.cancel(ref(reference=reference)),
        "refund": adapter.refund(ref(reference=reference), REFUND),
    }
    for end, flow in flows.items():
        if is_good:
            assert f"{HOST}/v2/{reference}/{end}" == str(asked(flow).url)
        else:
            with pytest.raises(InvalidCharge):
                asked(flow)
    creation = adapter.create_charge(order(reference=reference))
    if is_good:
        assert reference == body_of(creation)["transaction_details"]["order_id"]
    else:
        with pytest.raises(InvalidCharge) as refused:
            asked(creation)
        assert "reference" == refused.value.field


@pytest.mark.parametrize(
    "reference", [".", "..", "a/b", "a?b", "a#b", "a%2Fb", "INV 1", "é", "INV\n", "A" * 51, ""]
)
def test_a_reference_never_leaves_its_place_in_the_path(reference: str) -> None:
    """Nothing that could name another address is asked for."""
    with pytest.raises(InvalidCharge):
        asked(adapter_of().query(ref(reference=reference)))


@pytest.mark.parametrize("kind", METHODS)
def test_nothing_has_an_idempotency_key(kind: str) -> None:
    """It would bring an old answer back, as pending for a charge that is paid; the order_id is guard enough."""
    adapter = adapter_of()
    flows = [
        adapter.create_charge(order(kind)),
        adapter.query(ref(kind)),
        adapter.cancel(ref(kind)),
        adapter.refund(ref(), REFUND),
    ]
    assert not any("Idempotency-Key" in asked(flow).headers for flow in flows)


def test_a_query_is_a_bare_question() -> None:
    """It asks by the reference, whatever else is known, for that is what a lost charge is known by."""
    request = asked(adapter_of().query(ref(provider_reference=NUMBER)))
    assert ("GET", f"{HOST}/v2/INV-1/status", b"") == (request.method, str(request.url), request.content)
    assert {"host": "api.sandbox.midtrans.com", "accept": "application/json"} == dict(request.headers)


def test_a_change_names_midtrans_own_number() -> None:
    """An expired order_id may be used again: what is known to be the charge itself is cancelled and refunded."""
    adapter = adapter_of()
    known = ref(provider_reference=NUMBER)
    assert f"{HOST}/v2/{NUMBER}/cancel" == str(asked(adapter.cancel(known)).url)
    assert f"{HOST}/v2/{NUMBER}/refund" == str(asked(adapter.refund(known, REFUND)).url)
    strange = ref(provider_reference="../../v2/charge")
    assert f"{HOST}/v2/INV-1/cancel" == str(asked(adapter.cancel(strange)).url)


def test_a_cancellation_has_no_body() -> None:
    """Midtrans wants none."""
    request = asked(adapter_of().cancel(ref()))
    assert ("POST", b"", "0") == (request.method, request.content, request.headers["Content-Length"])


@pytest.mark.parametrize(
    ("setting", "end"),
    [({}, "cancel"), ({"cancel_by": "cancel"}, "cancel"), ({"cancel_by": "expire"}, "expire")],
)
def test_how_a_charge_is_ended_is_configured(setting: dict[str, Any], end: str) -> None:
    """Midtrans has two ways."""
    assert f"{HOST}/v2/INV-1/{end}" == str(asked(adapter_of(**setting).cancel(ref())).url)


def test_a_refund_has_key_amount_and_reason() -> None:
    """The refund's own reference is what Midtrans knows a repeat by; the whole of a charge is named too."""
    adapter = adapter_of()
    whole = RefundRequest(reference="R-2", reason="Batal")
    assert {"refund_key": "R-1", "reason": "Barang habis", "amount": 5000} == body_of(
        adapter.refund(ref(), REFUND)
    )
    assert {"refund_key": "R-2", "reason": "Batal", "amount": 25000} == body_of(adapter.refund(ref(), whole))
    unknown = adapter.refund(ref(amount=None), whole)
    assert {"refund_key": "R-2", "reason": "Batal"} == body_of(unknown)
    direct = adapter_of(refund_by="direct").refund(ref(), REFUND)
    assert f"{HOST}/v2/INV-1/refund/online/direct" == str(asked(direct).url)


def test_numbers_of_the_merchants_own_are_refused() -> None:
    """Midtrans would change such a number without a word, and the payer would pay to another one."""
    with pytest.raises(InvalidCharge) as refused:
        asked(adapter_of().create_charge(order(VirtualAccount("bca", "12345678901"))))
    assert "method.number" == refused.value.field
    assert not isinstance(EWallet("gopay"), VirtualAccount)
