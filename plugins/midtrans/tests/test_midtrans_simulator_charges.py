"""What the pretend Midtrans answers to a new charge of every kind. Requests are made by hand."""

import re
import struct
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
import qriskit

from paygate import AccountNumber, ChargeStatus, EWallet, Money, QrCode, Qris, Redirect, VirtualAccount
from tests.midtrans_merchant import ACCOUNTS, HOST, ORDERS, START, Merchant, opened

SAME = {
    "status_code": "201",
    "order_id": "INV-1",
    "gross_amount": "20000.00",
    "currency": "IDR",
    "transaction_time": "2026-01-02 10:00:00",
    "transaction_status": "pending",
    "fraud_status": "accept",
}
OWN = {"status_message", "transaction_id", "merchant_id", "payment_type", "expiry_time"}
BANKS = {"bca": 11, "bni": 16, "bri": 18, "cimb": 16}


@pytest.fixture
def merchant() -> Merchant:
    """A merchant of a pretend Midtrans."""
    return opened()


@pytest.mark.parametrize(
    ("kind", "payment_type", "more", "ends"),
    [
        ("qris", "qris", {"acquirer", "actions", "qr_string"}, "2026-01-02 10:15:00"),
        ("airpay", "qris", {"acquirer", "actions", "qr_string"}, "2026-01-02 10:15:00"),
        ("gopay", "gopay", {"actions"}, "2026-01-02 10:15:00"),
        ("shopeepay", "shopeepay", {"actions"}, "2026-01-02 10:15:00"),
        *((bank, "bank_transfer", {"va_numbers"}, "2026-01-03 10:00:00") for bank in BANKS),
        ("permata", "bank_transfer", {"permata_va_number"}, "2026-01-03 10:00:00"),
        ("mandiri", "echannel", {"biller_code", "bill_key"}, "2026-01-03 10:00:00"),
    ],
)
def test_a_new_charge_is_answered_with_its_fields_and_no_other(
    merchant: Merchant, kind: str, payment_type: str, more: set[str], ends: str
) -> None:
    """Amounts are text with two decimals, times are Jakarta's without an offset, and 201 is the code."""
    told = merchant.charge(kind)
    assert told | SAME == told
    assert set(SAME) | OWN | more == set(told)
    assert (payment_type, ends) == (told["payment_type"], told["expiry_time"])
    assert re.fullmatch("G[0-9]{9}", told["merchant_id"])
    assert str(uuid.UUID(told["transaction_id"])) == told["transaction_id"]
    assert all("signature" not in name for name in told)


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("qris", Qris()),
        ("gopay", EWallet("gopay")),
        ("shopeepay", EWallet("shopeepay")),
        *((bank, VirtualAccount(bank)) for bank in ACCOUNTS),
    ],
)
def test_it_stands_in_the_books(merchant: Merchant, kind: str, method: object) -> None:
    """Once, open, under the transaction_id, with what its payer is shown and what is known of the payer."""
    customer = {"first_name": "Siti", "last_name": "Rahayu", "email": "siti@mail.example"}
    told = merchant.charge(kind, customer_details={**customer, "phone": "+62 812-3456 (7890)"})
    [charge] = merchant.simulator.ledger.charges
    assert (told["transaction_id"], method) == (charge.provider_reference, charge.method)
    assert (Money.idr(20_000), ChargeStatus.PENDING) == (charge.amount, charge.status)
    assert START == charge.created_at
    assert ("Siti Rahayu", "siti@mail.example") == (charge.details["customer"], charge.details["email"])
    assert "+62 812-3456 (7890)" == charge.details["phone"]


@pytest.mark.parametrize(("kind", "acquirer"), [("qris", "gopay"), ("airpay", "airpay shopee")])
def test_a_qris_is_one_that_any_app_can_read(merchant: Merchant, kind: str, acquirer: str) -> None:
    """By the judgement of a reader that is not ours; the amount is in it, and its acquirer is told."""
    told = merchant.charge(kind, amount=12_345)
    read = qriskit.parse(told["qr_string"], strict=True)
    assert [] == qriskit.validate(read)
    assert 12_345 == read.amount
    assert acquirer == told["acquirer"]
    assert QrCode(told["qr_string"]) == merchant.made().instructions


def test_gopay_is_the_acquirer_of_a_qris_that_names_none(merchant: Merchant) -> None:
    """So it is without the object, and without the field in it."""
    assert "gopay" == merchant.charge("qris", "INV-1", qris=None)["acquirer"]
    assert "gopay" == merchant.charge("qris", "INV-2", qris={})["acquirer"]


@pytest.mark.parametrize("kind", ["qris", "gopay"])
def test_a_code_is_to_be_had_as_a_picture(merchant: Merchant, kind: str) -> None:
    """At both addresses of the answer, on the host that was asked, for whoever has them: no key is needed."""
    told = merchant.charge(kind)
    urls = [one["url"] for one in told["actions"] if one["name"].startswith("generate-qr-code")]
    assert 2 == len(set(urls))
    for url in urls:
        reply = merchant.simulator.handle(httpx.Request("GET", url))
        assert (200, "image/png") == (reply.status_code, reply.headers["Content-Type"])
        assert reply.content.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", reply.content[16:24])
        assert width == height > 100
        assert url.startswith(HOST)
        assert merchant.simulator.operation(httpx.Request("GET", url)) is None
        assert 404 == merchant.simulator.handle(httpx.Request("POST", url)).status_code


def test_there_is_no_picture_of_what_is_no_code(merchant: Merchant) -> None:
    """HTTP 404 for an account, and for a number that nobody has."""
    account = merchant.charge("bca")["transaction_id"]
    for name in (account, str(uuid.uuid4()), "INV-1"):
        reply = merchant.simulator.handle(httpx.Request("GET", f"{HOST}/v2/qris/{name}/qr-code"))
        assert (404, "404") == (reply.status_code, reply.json()["status_code"])


def test_gopay_says_what_can_be_done(merchant: Merchant) -> None:
    """Five actions; the payer is led to a page of the host that was asked."""
    told = merchant.charge("gopay")
    here = f"{HOST}/v2/{told['transaction_id']}"
    page = f"{HOST}/_sandbox/pay/{told['transaction_id']}"
    assert [
        ("generate-qr-code", "GET"),
        ("generate-qr-code-v2", "GET"),
        ("deeplink-redirect", "GET"),
        ("get-status", "GET"),
        ("cancel", "POST"),
    ] == [(one["name"], one["method"]) for one in told["actions"]]
    assert [page, f"{here}/status", f"{here}/cancel"] == [one["url"] for one in told["actions"][2:]]
    assert Redirect(page) == merchant.made().instructions


def test_shopeepay_says_one_thing(merchant: Merchant) -> None:
    """Where the payer is led."""
    told = merchant.charge("shopeepay")
    page = f"{HOST}/_sandbox/pay/{told['transaction_id']}"
    assert [{"name": "deeplink-redirect", "method": "GET", "url": page}] == told["actions"]


@pytest.mark.parametrize(
    ("kind", "wallet", "url"),
    [
        ("gopay", {"enable_callback": True, "callback_url": "https://shop.example/r?a=1"}, True),
        ("gopay", {"enable_callback": True, "callback_url": "shop://return"}, True),
        ("gopay", {"enable_callback": False, "callback_url": "https://shop.example/r"}, False),
        ("gopay", {"callback_url": "https://shop.example/r"}, False),
        ("gopay", {"enable_callback": True}, False),
        ("gopay", None, False),
        ("shopeepay", {"callback_url": "https://shop.example/r"}, True),
        ("shopeepay", {}, False),
        ("shopeepay", None, False),
    ],
)
def test_where_the_payer_goes_afterwards(
    merchant: Merchant, kind: str, wallet: dict[str, object] | None, url: bool
) -> None:
    """GoPay leads back to the shop only where the callback is enabled; ShopeePay where it is told where to."""
    other: dict[str, Any] = {kind: wallet}
    merchant.charge(kind, **other)
    expected = wallet["callback_url"] if url and wallet else None
    assert expected == merchant.made().return_url


@pytest.mark.parametrize("bank", BANKS)
def test_an_account_is_told_in_a_list(merchant: Merchant, bank: str) -> None:
    """With its bank; each charge has another number, of that bank's length."""
    [one] = merchant.charge(bank, "INV-1")["va_numbers"]
    [other] = merchant.charge(bank, "INV-2")["va_numbers"]
    assert {"bank": bank, "va_number": one["va_number"]} == one
    assert re.fullmatch(f"[0-9]{{{BANKS[bank]}}}", one["va_number"])
    assert one != other
    assert AccountNumber(one["va_number"], bank) == merchant.made("INV-1").instructions


@pytest.mark.parametrize("payment_type", ["bank_transfer", "permata"])
def test_permata_has_a_field_of_its_own(merchant: Merchant, payment_type: str) -> None:
    """It is asked for in two ways, and answered by the one it was asked for."""
    told = merchant.charge("permata", payment_type=payment_type)
    assert payment_type == told["payment_type"]
    assert AccountNumber(told["permata_va_number"], "permata") == merchant.made().instructions


def test_mandiri_is_a_bill(merchant: Merchant) -> None:
    """Its key and the biller's code; the payer's page shows both."""
    told = merchant.charge("mandiri")
    assert "70012" == told["biller_code"] == merchant.made().details["biller code"]
    assert told["bill_key"] == merchant.made().details["bill key"]
    assert AccountNumber(f"70012 {told['bill_key']}", "mandiri") == merchant.made().instructions


def test_a_merchant_may_bring_its_own_number(merchant: Merchant) -> None:
    """The digits after the bank's own; filled up with zeros, and taken as long as the charge is open."""
    own = {"bank": "bca", "va_number": "777"}
    told = merchant.charge("bca", "INV-1", bank_transfer=own)
    assert [{"bank": "bca", "va_number": "12345000777"}] == told["va_numbers"]
    again = merchant.charge("bca", "INV-2", bank_transfer=own)
    assert ["bank_transfer.va_number is in use"] == again["validation_messages"]
    merchant.cancel("INV-1")
    assert told["va_numbers"] == merchant.charge("bca", "INV-2", bank_transfer=own)["va_numbers"]


def test_a_number_that_is_made_is_no_ones_own(merchant: Merchant) -> None:
    """Though a merchant has brought the one that would be next."""
    own = {"bank": "bca", "va_number": "3"}
    [brought] = merchant.charge("bca", "INV-1", bank_transfer=own)["va_numbers"]
    made = [merchant.charge("bca", f"INV-{number}")["va_numbers"][0] for number in range(2, 7)]
    assert brought not in made


@pytest.mark.parametrize("number", ["", "12a", "1234567", "1 2", "-1", "٣"])
def test_an_own_number_of_another_form(merchant: Merchant, number: str) -> None:
    """Only digits, and no more than the bank has left for them."""
    told = merchant.charge("bca", bank_transfer={"bank": "bca", "va_number": number})
    assert "400" == told["status_code"]
    assert () == merchant.simulator.ledger.charges


def test_a_time_is_jakartas(merchant: Merchant) -> None:
    """Late in the evening of London it is the next day there."""
    merchant.clock.moment = START.replace(hour=23, minute=59, second=59)
    told = merchant.charge("bca")
    assert ("2026-01-03 06:59:59", "2026-01-04 06:59:59") == (told["transaction_time"], told["expiry_time"])
    assert timedelta(hours=24) == merchant.made().expires_at - merchant.made().created_at


def test_a_field_that_is_not_known_does_no_harm(merchant: Merchant) -> None:
    """Nor do the objects of other payment types, nor null."""
    told = merchant.charge("qris", echannel={"bill_info1": 5}, whatever=[1], customer_details=None)
    assert "201" == told["status_code"]
    assert set(ORDERS) >= {"qris"}
