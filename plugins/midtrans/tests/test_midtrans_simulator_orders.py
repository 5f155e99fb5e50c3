"""Which orders the pretend Midtrans refuses, and how: each by its own code. Requests are made by hand."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.midtrans_merchant import START, Body, Merchant, opened, order

WORDS = "x" * 256
ITEM: Body = {"id": "A1", "price": 20_000, "quantity": 1, "name": "Kopi"}


@pytest.fixture
def merchant() -> Merchant:
    """A merchant of a pretend Midtrans."""
    return opened()


def refused(merchant: Merchant, code: str, told: Body, *said: str) -> None:
    """Check that a charge was refused by this code, for this reason, and left nothing behind."""
    assert code == told["status_code"]
    assert [*said] == told.get("validation_messages", [])
    assert () == merchant.simulator.ledger.charges
    assert [] == merchant.told()


def named(**other: Any) -> Body:
    """The details of a charge, with others."""
    return {"transaction_details": {"order_id": "INV-1", "gross_amount": 20_000, **other}}


@pytest.mark.parametrize(
    ("order_id", "said"),
    [
        ("INV/1", "format is invalid"),
        ("INV 1", "format is invalid"),
        ("INV\n", "format is invalid"),
        ("é", "format is invalid"),
        ("", "format is invalid"),
        ("x" * 51, "must not exceed 50 characters"),
        (None, "is required"),
    ],
)
def test_an_order_id_of_another_form(merchant: Merchant, order_id: str | None, said: str) -> None:
    """Letters, digits, and four signs; at most fifty."""
    told = merchant.charge(**named(order_id=order_id))
    refused(merchant, "400", told, f"transaction_details.order_id {said}")


@given(st.from_regex(r"[A-Za-z0-9_~.-]{1,50}", fullmatch=True))
def test_every_order_id_of_that_form_is_taken(order_id: str) -> None:
    """And the charge is found under it, if only it is no step in a path."""
    merchant = opened()
    assert order_id == merchant.charge(order_id=order_id)["order_id"]
    if order_id not in (".", ".."):
        assert order_id == merchant.status(order_id)["order_id"]


@pytest.mark.parametrize("amount", ["20000", "20000.00", 20_000.0, 20_000.5, True, [20_000]])
def test_an_amount_is_a_whole_number(merchant: Merchant, amount: object) -> None:
    """Text, fractions and truth are another data type: 408."""
    told = merchant.charge(amount=amount)
    refused(merchant, "408", told, "transaction_details.gross_amount has the wrong type")


@pytest.mark.parametrize("amount", [0, -1, 100_000_000_000])
def test_an_amount_is_more_than_nothing(merchant: Merchant, amount: int) -> None:
    """And less than a hundred milliard."""
    told = merchant.charge(amount=amount)
    refused(merchant, "400", told, "transaction_details.gross_amount must be between 1 and 99999999999")


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (
            [ITEM | {"price": 19_999}],
            "transaction_details.gross_amount is not equal to the sum of item_details",
        ),
        ([ITEM, ITEM], "transaction_details.gross_amount is not equal to the sum of item_details"),
        ([], "transaction_details.gross_amount is not equal to the sum of item_details"),
        ([ITEM | {"name": "x" * 51}], "item_details[0].name must not exceed 50 characters"),
        ([ITEM | {"name": " "}], "item_details[0].name is required"),
        ([{"price": 20_000, "quantity": 1}], "item_details[0].name is required"),
        ([ITEM | {"id": "x" * 51}], "item_details[0].id must not exceed 50 characters"),
        ([ITEM | {"name": "Kopi\n"}], "item_details[0].name format is invalid"),
    ],
)
def test_items_that_are_wrong(merchant: Merchant, items: list[Body], said: str) -> None:
    """They add up to the amount, and their names are short."""
    refused(merchant, "400", merchant.charge(item_details=items), said)


@given(
    st.lists(st.tuples(st.integers(-1_000, 1_000_000), st.integers(1, 99)), min_size=1, max_size=5).filter(
        lambda lines: sum(price * count for price, count in lines) > 0
    ),
    st.integers(-3, 3),
)
def test_items_add_up_to_the_amount(lines: list[tuple[int, int]], off: int) -> None:
    """Exactly, discounts included; one rupiah more or less is refused."""
    merchant = opened()
    total = sum(price * count for price, count in lines)
    items = [{"price": price, "quantity": count, "name": "Kopi"} for price, count in lines]
    told = merchant.charge(amount=max(1, total + off), item_details=items)
    assert ("201" if max(1, total + off) == total else "400") == told["status_code"]


@pytest.mark.parametrize(
    ("other", "place"),
    [
        ({"transaction_details": []}, "transaction_details"),
        ({"transaction_details": {"order_id": 1, "gross_amount": 1}}, "transaction_details.order_id"),
        ({"payment_type": 1}, "payment_type"),
        ({"item_details": ITEM}, "item_details"),
        ({"item_details": ["Kopi"]}, "item_details"),
        ({"item_details": [ITEM | {"price": "20000"}]}, "item_details[0].price"),
        ({"item_details": [ITEM | {"price": 20_000.0}]}, "item_details[0].price"),
        ({"item_details": [ITEM | {"quantity": "1"}]}, "item_details[0].quantity"),
        ({"customer_details": "Siti"}, "customer_details"),
        ({"customer_details": {"phone": 812345}}, "customer_details.phone"),
        ({"qris": "gopay"}, "qris"),
        ({"qris": {"acquirer": 1}}, "qris.acquirer"),
        ({"custom_expiry": 15}, "custom_expiry"),
        ({"custom_expiry": {"expiry_duration": "15"}}, "custom_expiry.expiry_duration"),
        ({"custom_expiry": {"expiry_duration": 15, "unit": 1}}, "custom_expiry.unit"),
        ({"custom_expiry": {"expiry_duration": 15, "order_time": 1}}, "custom_expiry.order_time"),
        ({"custom_field1": 1}, "custom_field1"),
        ({"metadata": "x"}, "metadata"),
    ],
)
def test_a_field_of_another_type(merchant: Merchant, other: Body, place: str) -> None:
    """It is named in full, and the code is 408."""
    refused(merchant, "408", merchant.charge(**other), f"{place} has the wrong type")


@pytest.mark.parametrize(
    ("kind", "other", "said"),
    [
        ("qris", {"payment_type": None}, ["payment_type is required"]),
        ("qris", {"payment_type": "QRIS"}, []),
        ("qris", {"payment_type": "bank"}, []),
        ("qris", {"qris": {"acquirer": "shopeepay"}}, []),
        ("qris", {"qris": {"acquirer": "airpay_shopee"}}, []),
        ("bca", {"bank_transfer": None}, ["bank_transfer is required", "bank_transfer.bank is required"]),
        ("bca", {"bank_transfer": {}}, ["bank_transfer.bank is required"]),
        ("bca", {"bank_transfer": {"bank": "BCA"}}, []),
        ("bca", {"bank_transfer": {"bank": "danamon"}}, []),
        ("bca", {"bank_transfer": {"bank": "mandiri"}}, []),
    ],
)
def test_a_payment_type_that_there_is_not(
    merchant: Merchant, kind: str, other: Body, said: list[str]
) -> None:
    """Nor an acquirer, nor a bank: Mandiri is a bill, and Danamon is to be had through BI-SNAP only."""
    told = merchant.charge(kind, **other)
    refused(merchant, "400", told, *said, "payment_type or what it asks for is not supported")


@pytest.mark.parametrize(
    ("bill", "said"),
    [
        ({"bill_info1": "x" * 11, "bill_info2": "x"}, ["echannel.bill_info1 must not exceed 10 characters"]),
        ({"bill_info1": "x", "bill_info2": "x" * 31}, ["echannel.bill_info2 must not exceed 30 characters"]),
        ({"bill_info1": "x"}, ["echannel.bill_info2 is required"]),
        ({}, ["echannel.bill_info1 is required", "echannel.bill_info2 is required"]),
    ],
)
def test_a_bill_that_is_wrong(merchant: Merchant, bill: Body, said: list[str]) -> None:
    """Mandiri wants two lines, of ten and of thirty characters."""
    refused(merchant, "400", merchant.charge("mandiri", echannel=bill), *said)


@pytest.mark.parametrize(
    ("kind", "other", "said"),
    [
        ("qris", {"customer_details": {"email": "siti"}}, "customer_details.email format is invalid"),
        ("qris", {"customer_details": {"phone": "none"}}, "customer_details.phone format is invalid"),
        (
            "qris",
            {"customer_details": {"first_name": "Siti\n"}},
            "customer_details.first_name format is invalid",
        ),
        ("qris", {"custom_field3": WORDS}, "custom_field3 must not exceed 255 characters"),
        ("gopay", {"gopay": {"callback_url": "return"}}, "gopay.callback_url format is invalid"),
        ("shopeepay", {"shopeepay": {"callback_url": ""}}, "shopeepay.callback_url format is invalid"),
    ],
)
def test_a_field_of_another_form(merchant: Merchant, kind: str, other: Body, said: str) -> None:
    """It is named in full, and the code is 400."""
    refused(merchant, "400", merchant.charge(kind, **other), said)


def test_all_that_is_wrong_is_told_at_once(merchant: Merchant) -> None:
    """A merchant need not try again for each."""
    told = merchant.charge(**named(order_id="a b", gross_amount=0), custom_field1=WORDS)
    assert 3 == len(told["validation_messages"])


@pytest.mark.parametrize(
    ("kind", "shortest", "longest"),
    [
        ("qris", 20, 7 * 86_400),
        ("gopay", 20, 7 * 86_400),
        ("shopeepay", 20, 5 * 86_400),
        ("bca", 20, 180 * 86_400),
        ("permata", 20, 180 * 86_400),
        ("mandiri", 20, 180 * 86_400),
    ],
)
def test_how_long_a_charge_may_live(merchant: Merchant, kind: str, shortest: int, longest: int) -> None:
    """From twenty seconds to what the way to pay allows, both included."""
    for seconds, code in (
        (shortest - 1, "400"),
        (shortest, "201"),
        (longest, "201"),
        (longest + 1, "400"),
        (10**18, "400"),
        (0, "400"),
        (-5, "400"),
    ):
        own = {"expiry_duration": seconds, "unit": "second"}
        told = merchant.charge(kind, f"INV{seconds}", custom_expiry=own)
        assert (seconds, code) == (seconds, told["status_code"])


@pytest.mark.parametrize(
    ("unit", "span"),
    [
        ("second", timedelta(seconds=30)),
        ("minute", timedelta(minutes=30)),
        ("hour", timedelta(hours=30)),
        ("day", timedelta(days=30)),
        (None, timedelta(minutes=30)),
    ],
)
def test_a_life_is_counted_in_units(merchant: Merchant, unit: str | None, span: timedelta) -> None:
    """In minutes where none is named."""
    own = {"expiry_duration": 30, "unit": unit}
    told = merchant.charge("bca", custom_expiry=own)
    assert START + span == merchant.made().expires_at
    assert (START + span + timedelta(hours=7)).strftime("%Y-%m-%d %H:%M:%S") == told["expiry_time"]


def test_a_unit_that_there_is_not(merchant: Merchant) -> None:
    """One in the plural."""
    told = merchant.charge(custom_expiry={"expiry_duration": 30, "unit": "minutes"})
    refused(merchant, "400", told, "custom_expiry.unit must be one of second, minute, hour, day")


def test_a_life_without_its_length(merchant: Merchant) -> None:
    """Where a custom expiry is given, it says how long."""
    told = merchant.charge(custom_expiry={"unit": "hour"})
    refused(merchant, "400", told, "custom_expiry.expiry_duration is required")


@pytest.mark.parametrize(
    ("order_time", "ends"),
    [
        ("2026-01-02 10:00:00 +0700", "2026-01-02 10:15:00"),
        ("2026-01-02 03:00:00 +0000", "2026-01-02 10:15:00"),
        ("2026-01-02 09:50:00 +0700", "2026-01-02 10:05:00"),
        ("2026-01-02 10:10:00 +0700", "2026-01-02 10:25:00"),
    ],
)
def test_a_life_begins_when_the_merchant_says(merchant: Merchant, order_time: str, ends: str) -> None:
    """In a time with its offset, of any zone."""
    own = {"order_time": order_time, "expiry_duration": 15, "unit": "minute"}
    assert ends == merchant.charge(custom_expiry=own)["expiry_time"]


@pytest.mark.parametrize(
    "order_time",
    [
        "2026-01-02 10:00:00",
        "2026-01-02T10:00:00 +0700",
        "2026-01-02 10:00:00 +07:00",
        "2026-01-02 10:00:00+0700",
        "2026-1-2 10:00:00 +0700",
        "2026-13-02 10:00:00 +0700",
        "2026-01-02 10:00:00 +9900",
        "0001-01-01 00:00:00 +0700",
        "9999-12-31 23:59:59 +0000",
        "now",
        "",
    ],
)
def test_a_beginning_of_another_form(merchant: Merchant, order_time: str) -> None:
    """Or of another age."""
    own = {"order_time": order_time, "expiry_duration": 15, "unit": "minute"}
    said = "custom_expiry.order_time must be of these days, as in 2026-01-02 10:00:00 +0700"
    refused(merchant, "400", merchant.charge(custom_expiry=own), said)


def test_a_life_that_is_over(merchant: Merchant) -> None:
    """A charge that would have expired is none."""
    own = {"order_time": "2026-01-02 09:45:00 +0700", "expiry_duration": 15, "unit": "minute"}
    said = "custom_expiry.order_time is so long ago that the charge has expired"
    refused(merchant, "400", merchant.charge(custom_expiry=own), said)


@pytest.mark.parametrize("payment_type", ["cstore", "dana", "ovo", "kredivo", "akulaku", "bca_klikpay"])
def test_what_the_merchant_has_no_access_to(merchant: Merchant, payment_type: str) -> None:
    """Midtrans has it, and answers 402."""
    refused(merchant, "402", merchant.charge(payment_type=payment_type))


def test_a_card_needs_its_token(merchant: Merchant) -> None:
    """Without one it is 411; with one it is closed to this merchant, too."""
    refused(merchant, "411", merchant.charge(payment_type="credit_card"))
    told = merchant.charge(payment_type="credit_card", credit_card={"token_id": "48111111-1114"})
    refused(merchant, "402", told)


@pytest.mark.parametrize(("kind", "closed"), [("qris", "qris"), ("gopay", "gopay"), ("bca", "bca")])
def test_access_can_be_closed(kind: str, closed: str) -> None:
    """To a payment type or to a bank, and to nothing else."""
    merchant = opened(closed={closed})
    refused(merchant, "402", merchant.charge(kind))
    assert "201" == merchant.charge("bni")["status_code"]


def test_an_order_id_in_use_is_a_duplicate(merchant: Merchant) -> None:
    """Whatever the method, and though the first is paid or void: 406, under HTTP 200."""
    first = merchant.charge()
    reply = merchant.send("POST", "/v2/charge", order("bca"))
    assert (200, "406") == (reply.status_code, reply.json()["status_code"])
    assert "conflict with the current state" in reply.json()["status_message"]
    merchant.cancel()
    assert "406" == merchant.charge()["status_code"]
    assert first["transaction_id"] == merchant.made().provider_reference
    assert 1 == merchant.simulator.ledger.count("INV-1")


def test_that_of_an_expired_charge_may_be_used_again(merchant: Merchant) -> None:
    """However it has expired; then the order_id names the new one, and the transaction_id either."""
    first = merchant.charge()["transaction_id"]
    merchant.expire()
    second = merchant.charge()["transaction_id"]
    merchant.clock.move(minutes=15)
    third = merchant.charge("bca")["transaction_id"]
    assert 3 == len({first, second, third}) == merchant.simulator.ledger.count("INV-1")
    assert third == merchant.status("INV-1")["transaction_id"]
    assert "expire" == merchant.status(first)["transaction_status"]


def test_a_careless_provider_makes_it_twice() -> None:
    """Then the ledger shows what a client has done."""
    merchant = opened(refuse_duplicates=False)
    assert ["201", "201"] == [merchant.charge()["status_code"] for _ in range(2)]
    assert 2 == merchant.simulator.ledger.count("INV-1")
