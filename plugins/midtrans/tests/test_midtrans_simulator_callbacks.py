"""How the pretend Midtrans calls back: what it tells, when, where to, and how often. Checked by hand."""

import json
from typing import Any

import httpx
import pytest

from paygate import EWallet
from paygate.sandbox import PayerAction
from tests.midtrans_merchant import CALLBACK_URL, ORDERS, Merchant, opened, signed

SAME = {
    "transaction_time",
    "transaction_status",
    "transaction_id",
    "status_message",
    "status_code",
    "signature_key",
    "payment_type",
    "order_id",
    "merchant_id",
    "gross_amount",
    "currency",
    "fraud_status",
}
OPEN = {
    "qris": {"acquirer"},
    "airpay": {"acquirer"},
    **{bank: {"va_numbers", "payment_amounts"} for bank in ("bca", "bni", "bri", "cimb")},
    "permata": {"permata_va_number"},
    "mandiri": {"biller_code", "bill_key"},
}
PAID = {
    "qris": {"issuer", "transaction_type", "merchant_cross_reference_id"},
    "airpay": {"issuer", "transaction_type", "merchant_cross_reference_id"},
    "gopay": {"payment_option_type"},
}
CODES = [
    ("settlement", "200"),
    ("capture", "200"),
    ("authorize", "200"),
    ("pending", "201"),
    ("deny", "202"),
    ("cancel", "202"),
    ("expire", "202"),
    ("failure", "202"),
    ("refund", "200"),
    ("partial_refund", "200"),
    ("chargeback", "200"),
    ("partial_chargeback", "200"),
]
FIRST, SECOND, THIRD, FOURTH, FIFTH = (60 * minutes for minutes in (2, 10, 30, 90, 210))


@pytest.fixture
def merchant() -> Merchant:
    """A merchant of a pretend Midtrans."""
    return opened()


@pytest.fixture
def quiet() -> Merchant:
    """One that is told nothing of charges that are only made."""
    return opened(tells_pending=False)


@pytest.mark.parametrize("kind", ORDERS)
def test_a_new_charge_is_told(merchant: Merchant, kind: str) -> None:
    """With 201, and the fields of its way to pay."""
    merchant.charge(kind)
    [told] = merchant.told()
    assert SAME | OPEN.get(kind, set()) == set(told)
    assert ("201", "pending") == (told["status_code"], told["transaction_status"])


@pytest.mark.parametrize("kind", ORDERS)
def test_a_paid_charge_is_told(quiet: Merchant, kind: str) -> None:
    """With 200, when it was settled, and what is known of the payer."""
    made = quiet.charge(kind, amount=12_345)
    quiet.clock.move(minutes=3)
    quiet.simulator.act("INV-1", PayerAction.PAY)
    [told] = quiet.told()
    assert SAME | {"settlement_time"} | OPEN.get(kind, set()) | PAID.get(kind, set()) == set(told)
    assert {
        "status_code": "200",
        "status_message": "midtrans payment notification",
        "transaction_status": "settlement",
        "transaction_id": made["transaction_id"],
        "transaction_time": "2026-01-02 10:00:00",
        "settlement_time": "2026-01-02 10:03:00",
        "order_id": "INV-1",
        "gross_amount": "12345.00",
        "currency": "IDR",
        "fraud_status": "accept",
        "merchant_id": made["merchant_id"],
        "payment_type": made["payment_type"],
    }.items() <= told.items()
    assert signed(told, quiet.simulator.server_key) == told["signature_key"]
    assert 128 == len(told["signature_key"])


@pytest.mark.parametrize(
    ("end", "code", "status"),
    [
        ("cancel", "202", "cancel"),
        ("expire", "202", "expire"),
        ("deny", "202", "deny"),
        ("late", "202", "expire"),
    ],
)
def test_an_end_without_money_is_told(quiet: Merchant, end: str, code: str, status: str) -> None:
    """With 202, whoever ended it; though 407 was the answer to who let it expire."""
    quiet.charge()
    if end == "deny":
        quiet.simulator.act("INV-1", PayerAction.FAIL)
    elif end == "late":
        quiet.clock.move(minutes=15)
    else:
        quiet.ask("POST", f"/v2/INV-1/{end}")
    [told] = quiet.told()
    assert (code, status) == (told["status_code"], told["transaction_status"])
    assert signed(told, quiet.simulator.server_key) == told["signature_key"]


def test_a_refund_is_told(quiet: Merchant) -> None:
    """With 200, and all that was given back until then, one by one and together."""
    quiet.charge("gopay")
    quiet.simulator.act("INV-1", PayerAction.PAY)
    quiet.told()
    quiet.refund("R-1", 5_000)
    quiet.refund("R-2", 15_000)
    part, whole = quiet.told()
    assert ("200", "partial_refund", "5000.00") == (
        part["status_code"],
        part["transaction_status"],
        part["refund_amount"],
    )
    assert ("200", "refund", "20000.00") == (
        whole["status_code"],
        whole["transaction_status"],
        whole["refund_amount"],
    )
    assert [["R-1"], ["R-1", "R-2"]] == [
        [one["refund_key"] for one in told["refunds"]] for told in (part, whole)
    ]
    assert "20000.00" == part["gross_amount"]
    assert signed(part, quiet.simulator.server_key) == part["signature_key"]


def test_a_refused_request_tells_nobody(merchant: Merchant) -> None:
    """Neither a charge that was not made, nor what was not done with one."""
    merchant.charge(amount=0)
    merchant.charge()
    merchant.told()
    merchant.charge()
    merchant.refund()
    merchant.status("INV-2")
    assert [] == merchant.told()


def test_it_comes_as_from_midtrans(quiet: Merchant) -> None:
    """A POST of JSON, by Veritrans, to the address of the merchant."""
    quiet.charge()
    quiet.simulator.act("INV-1", PayerAction.PAY)
    quiet.told()
    [request] = quiet.requests
    assert ("POST", CALLBACK_URL) == (request.method, str(request.url))
    assert ("Veritrans", "application/json") == (
        request.headers["User-Agent"],
        request.headers["Content-Type"],
    )
    assert isinstance(json.loads(request.content), dict)


@pytest.mark.parametrize(
    ("headers", "addresses"),
    [
        ({"X-Append-Notification": "https://a.example/x"}, [CALLBACK_URL, "https://a.example/x"]),
        (
            {"X-Append-Notification": "https://a.example/x, https://b.example/x"},
            [CALLBACK_URL, "https://a.example/x", "https://b.example/x"],
        ),
        ({"X-Override-Notification": "https://a.example/x"}, ["https://a.example/x"]),
        (
            {
                "X-Override-Notification": "https://a.example/x",
                "X-Append-Notification": "https://b.example/x",
            },
            ["https://a.example/x"],
        ),
    ],
)
def test_a_charge_may_name_who_is_told(
    quiet: Merchant, headers: dict[str, str], addresses: list[str]
) -> None:
    """Beside the usual address, or instead of it; the latter wins."""
    quiet.charge(headers=headers)
    quiet.cancel()
    quiet.told()
    assert addresses == [str(request.url) for request in quiet.requests]


@pytest.mark.parametrize("name", ["X-Append-Notification", "X-Override-Notification"])
@pytest.mark.parametrize("value", ["", "shop", "https://a.example,https://b.example,https://c.example"])
def test_it_names_two_addresses_at_most(merchant: Merchant, name: str, value: str) -> None:
    """What is no list of those is refused."""
    assert [f"{name} must hold at most 2 URLs"] == merchant.charge(headers={name: value})[
        "validation_messages"
    ]


@pytest.mark.parametrize(
    ("status", "waits"),
    [
        (200, []),
        (201, []),
        (204, []),
        (299, []),
        (500, [FIRST]),
        (503, [FIRST, SECOND, THIRD, FOURTH]),
        (400, [FIRST, SECOND]),
        (404, [FIRST, SECOND]),
        (301, [FIRST, SECOND, THIRD, FOURTH, FIFTH]),
        (302, [FIRST, SECOND, THIRD, FOURTH, FIFTH]),
        (303, [FIRST, SECOND, THIRD, FOURTH, FIFTH]),
        (401, [FIRST, SECOND, THIRD, FOURTH, FIFTH]),
        (502, [FIRST, SECOND, THIRD, FOURTH, FIFTH]),
        (307, [FIRST, SECOND, THIRD, FOURTH, FIFTH]),
    ],
)
def test_it_tries_again_as_it_was_answered(quiet: Merchant, status: int, waits: list[int]) -> None:
    """So often, so long after each, with the very same message, and never again."""
    quiet.charge()
    quiet.cancel()
    quiet.answers = [httpx.Response(status, headers={"Location": "/x"} if status < 304 else {})] * 10
    assert 1 == len(quiet.told())
    for wait in waits:
        quiet.clock.move(seconds=wait - 1)
        assert [] == quiet.told()
        quiet.clock.move(seconds=1)
        assert 1 == len(quiet.told())
    quiet.clock.move(days=30)
    assert [] == quiet.told()
    assert 1 == len({request.content for request in quiet.requests})
    [delivery] = quiet.simulator.deliveries.all
    assert (status < 300, True) == (delivery.accepted, delivery.done)


def test_it_tries_again_where_nobody_answers(quiet: Merchant) -> None:
    """Five times."""

    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    quiet.charge()
    quiet.cancel()
    for _ in range(10):
        quiet.simulator.deliveries.run(nobody)
        quiet.clock.move(days=1)
    [delivery] = quiet.simulator.deliveries.all
    assert [None] * 6 == delivery.summary()["attempts"]


def test_the_last_answer_says_how_often(quiet: Merchant) -> None:
    """Two failures of the server by 503, and one of its own kind: that one ends it."""
    quiet.charge()
    quiet.cancel()
    quiet.answers = [httpx.Response(503), httpx.Response(503), httpx.Response(500)]
    for _ in range(5):
        quiet.told()
        quiet.clock.move(days=1)
    assert 3 == len(quiet.requests)


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize(("hops", "taken"), [(1, True), (5, True), (6, False)])
def test_it_follows_a_redirect_that_keeps_the_post(
    quiet: Merchant, status: int, hops: int, taken: bool
) -> None:
    """Up to five, with the same message; a sixth is a failed attempt."""
    quiet.charge()
    quiet.cancel()
    quiet.answers = [httpx.Response(status, headers={"Location": f"/hop/{n}"}) for n in range(1, hops + 1)]
    quiet.told()
    [delivery] = quiet.simulator.deliveries.all
    assert taken == delivery.accepted
    led = [f"https://shop.example/hop/{number}" for number in range(1, min(hops, 5) + 1)]
    assert [CALLBACK_URL, *led] == [str(request.url) for request in quiet.requests]
    assert 1 == len({(one.method, one.content, one.headers["User-Agent"]) for one in quiet.requests})


def test_it_follows_no_redirect_to_nowhere(quiet: Merchant) -> None:
    """An address that is none is a failed attempt."""
    quiet.charge()
    quiet.cancel()
    quiet.answers = [httpx.Response(307, headers={"Location": "http://a:b/"})]
    quiet.told()
    [delivery] = quiet.simulator.deliveries.all
    assert [False] == [attempt.accepted for attempt in delivery.attempts]


@pytest.mark.parametrize(("status", "code"), CODES)
def test_a_tester_tells_anything(quiet: Merchant, status: str, code: str) -> None:
    """Any status that Midtrans knows, rightly signed, as often as wanted; the books stay as they are."""
    quiet.charge()
    for _ in range(2):
        quiet.simulator.tell("INV-1", status)
    first, second = quiet.told()
    assert first == second
    assert (code, status) == (first["status_code"], first["transaction_status"])
    assert signed(first, quiet.simulator.server_key) == first["signature_key"]
    assert "pending" == quiet.status()["transaction_status"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"fraud_status": "challenge", "status_code": "201"}, ("201", "challenge", "20000.00")),
        ({"gross_amount": "1.00"}, ("200", "accept", "1.00")),
        ({"fraud_status": None}, ("200", None, "20000.00")),
    ],
)
def test_what_is_told_can_be_changed(
    quiet: Merchant, changed: dict[str, Any], told: tuple[str, str | None, str]
) -> None:
    """Before it is signed, so that only its meaning is wrong."""
    quiet.charge()
    quiet.simulator.tell("INV-1", "capture", **changed)
    [one] = quiet.told()
    assert told == (one["status_code"], one.get("fraud_status"), one["gross_amount"])
    assert signed(one, quiet.simulator.server_key) == one["signature_key"]


def test_what_is_told_can_be_forged(quiet: Merchant) -> None:
    """Signed with another key, with an empty one, or with nothing that is a signature."""
    quiet.charge()
    quiet.simulator.tell("INV-1", "settlement", key="SB-Mid-server-other")
    quiet.simulator.tell("INV-1", "settlement", key="")
    quiet.simulator.tell("INV-1", "settlement", signature_key=None)
    other, empty, none = quiet.told()
    assert signed(other, "SB-Mid-server-other") == other["signature_key"]
    assert signed(empty, "") == empty["signature_key"]
    assert "signature_key" not in none


def test_the_signature_holds_for_another_status(quiet: Merchant) -> None:
    """That is its weakness: one of a captured message fits any status with the same code."""
    quiet.charge("gopay")
    quiet.simulator.act("INV-1", PayerAction.PAY)
    quiet.refund()
    paid, refunded = quiet.told()
    assert paid["transaction_status"] != refunded["transaction_status"]
    assert paid["signature_key"] == refunded["signature_key"]


def test_nothing_is_told_of_what_is_not_there(quiet: Merchant) -> None:
    """No charge of that number, no status of that name."""
    quiet.charge()
    with pytest.raises(KeyError):
        quiet.simulator.tell("INV-2", "settlement")
    with pytest.raises(ValueError, match="settlement"):
        quiet.simulator.tell("INV-1", "SETTLED")
    with pytest.raises(ValueError, match="not paid in that way"):
        quiet.simulator.act("INV-1", PayerAction.PAY, EWallet("dana"))
    assert [] == quiet.told()
