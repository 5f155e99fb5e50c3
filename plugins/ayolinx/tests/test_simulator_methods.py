"""What the pretend Ayolinx answers to a good order of each kind, and what stands in its books."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    AccountNumber,
    ChargeStatus,
    EWallet,
    Money,
    PaymentCode,
    PaymentLink,
    Qris,
    Redirect,
    Retail,
    VirtualAccount,
)
from paygate.sandbox import PretendCharge
from tests.merchant import ACCOUNT, HOST, LINK, NOTIFICATION, ORDERS, STORE, WALLET, Clock, Merchant

SANDBOX = "http://127.0.0.1:8765"


@pytest.fixture
def clock() -> Clock:
    """The simulator's clock."""
    return Clock()


@pytest.fixture
def merchant(
    make_simulator: Callable[..., AyolinxSimulator], account: SandboxAccount, clock: Clock
) -> Merchant:
    """A merchant of a pretend Ayolinx."""
    return Merchant(make_simulator(clock=clock), account, clock)


def booked(merchant: Merchant) -> PretendCharge:
    """The only charge in the books, which is open and of 10000 rupiah."""
    [charge] = merchant.simulator.ledger.charges
    assert ("INV-1", Money.idr(10_000), ChargeStatus.PENDING) == (
        charge.reference,
        charge.amount,
        charge.status,
    )
    assert charge is merchant.simulator.ledger.numbered(charge.provider_reference)
    assert charge.provider_reference.isalnum(), "it is safe in an address"
    return charge


def test_a_wallet(merchant: Merchant) -> None:
    """The answer sends the payer to a page of the sandbox that was asked, by the number of the charge."""
    answer = merchant.ask(ORDERS[WALLET], WALLET, host=SANDBOX)
    charge = booked(merchant)
    url = f"{SANDBOX}/_sandbox/pay/{charge.provider_reference}"
    assert {
        "responseCode": "2005400",
        "responseMessage": "Successful",
        "partnerReferenceNo": "INV-1",
        "referenceNo": charge.provider_reference,
        "webRedirectUrl": url,
    } == answer
    assert (EWallet("dana"), Redirect(url)) == (charge.method, charge.instructions)
    assert "https://shop.example/done?order=INV-1" == charge.return_url
    assert 1_789_359_300 == charge.expires_at.timestamp()


def test_the_docs_own_order_of_a_wallet(merchant: Merchant, clock: Clock) -> None:
    """The sample of "Get Payment Url", with the time set back to before it ran out."""
    clock.moment = clock.moment.replace(year=2025, month=4)
    status = "https://dev-payment.ayolinx.id/status?h=f13ce04d-34c5-4a03-ac46-d608cab468a2"
    sample = {
        "partnerReferenceNo": "fd3f5af0-af57-4513-95a8-77df45721ed2",
        "validUpTo": "1746249942",
        "amount": {"currency": "IDR", "value": "30.00"},
        "urlParams": [{"type": "PAY_RETURN", "url": status}, {"type": "NOTIFICATION", "url": status}],
        "additionalInfo": {"channel": "EMONEY_DANA_SNAP"},
        "subMerchantId": "216620060009008054580",
    }
    assert "2005400" == merchant.ask(sample, WALLET)["responseCode"]


BANKS = [
    ("VIRTUAL_ACCOUNT_BNI", "98829172", "bni"),
    ("VIRTUAL_ACCOUNT_BRI", "15574", "bri"),
    ("VIRTUAL_ACCOUNT_CIMB", "2056", "cimb"),
    ("VIRTUAL_ACCOUNT_MANDIRI", "87319", "mandiri"),
]


@pytest.mark.parametrize(("channel", "prefix", "bank"), BANKS)
@pytest.mark.parametrize("given", [{}, {"virtualAccountNo": ""}, {"virtualAccountNo": None}], ids=str)
def test_an_account_with_a_number_of_ayolinx(
    merchant: Merchant, channel: str, prefix: str, bank: str, given: dict[str, Any]
) -> None:
    """Without a number Ayolinx makes one of the bank's size; the answer is padded as in SNAP BI."""
    order = ORDERS[ACCOUNT] | {"partnerServiceId": prefix, "additionalInfo": {"channel": channel}}
    answer = merchant.ask(order | given, ACCOUNT)
    charge = booked(merchant)
    assert isinstance(charge.instructions, AccountNumber)
    number = charge.instructions.number
    assert (VirtualAccount(bank), bank) == (charge.method, charge.instructions.bank)
    assert (prefix, 16, True) == (number[: len(prefix)], len(number), number.isdecimal())
    assert {
        "responseCode": "2002700",
        "responseMessage": "Successful",
        "virtualAccountData": {
            "partnerServiceId": f"{prefix:>8}",
            "customerNo": "30000000000000000001",
            "virtualAccountNo": f"{prefix:>8}{number[len(prefix) :]}",
            "virtualAccountName": "Siti Nurhaliza",
            "trxId": "INV-1",
            "totalAmount": {"currency": "IDR", "value": "10000.00"},
            "virtualAccountTrxType": "C",
            "expiredDate": "2026-09-15T10:15:00+07:00",
            "additionalInfo": {"channel": channel},
        },
    } == answer
    assert {"customer": "Siti Nurhaliza", "customer number": "30000000000000000001"} == charge.details


@pytest.mark.parametrize("given", ["2056", "    2056", " 2056", "2056 "])
def test_a_prefix_with_and_without_spaces(merchant: Merchant, given: str) -> None:
    """A partnerServiceId is taken as the merchant has it, or filled up to eight characters."""
    merchant.order(ACCOUNT, partnerServiceId=given, additionalInfo={"channel": "VIRTUAL_ACCOUNT_CIMB"})


@pytest.mark.parametrize(
    "given",
    [98829172, "98829173", "2056", "9882917", "098829172", " 98829172", "9882917A", "        ", "28798"],
)
def test_another_prefix(merchant: Merchant, given: Any) -> None:
    """It is text, of at most eight characters, and the one that the bank has in this environment."""
    answer = merchant.ask(ORDERS[ACCOUNT] | {"partnerServiceId": given}, ACCOUNT)
    assert answer["responseCode"] in ("4002701", "4002702")
    assert "partnerServiceId" in answer["responseMessage"]
    assert () == merchant.simulator.ledger.charges


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customerNo", "3" * 21),
        ("customerNo", "30A"),
        ("customerNo", " 30"),
        ("customerNo", 30),
        ("virtualAccountTrxType", "O"),
        ("virtualAccountTrxType", "c"),
        ("virtualAccountEmail", "siti"),
        ("virtualAccountEmail", 1),
        ("virtualAccountPhone", "0812 345"),
        ("virtualAccountPhone", 62812345),
        ("virtualAccountName", "   "),
        ("virtualAccountNo", 9882917230000000000000000001),
        ("virtualAccountNo", "30000000000000000001"),
        ("virtualAccountNo", "9882917230000000000000000002"),
        ("virtualAccountNo", "98829172"),
        ("virtualAccountNo", ["9882917230000000000000000001"]),
    ],
)
def test_a_field_of_an_account_that_is_wrong(merchant: Merchant, field: str, value: Any) -> None:
    """What is not as SNAP BI has it is refused by its name; a number must be prefix and customerNo."""
    answer = merchant.ask(ORDERS[ACCOUNT] | {field: value}, ACCOUNT)
    assert ("4002701", True) == (answer["responseCode"], field in answer["responseMessage"])
    assert () == merchant.simulator.ledger.charges


def test_an_account_with_a_number_of_the_merchants(merchant: Merchant, clock: Clock) -> None:
    """A number of the merchant's own pays one charge at a time: it is free again when that has ended."""
    full = "9882917230000000000000000001"
    answer = merchant.order(ACCOUNT, virtualAccountNo=full)
    assert full == answer["virtualAccountData"]["virtualAccountNo"]
    charge = booked(merchant)
    assert (VirtualAccount("bni", full), AccountNumber(full, "bni")) == (charge.method, charge.instructions)
    again = ORDERS[ACCOUNT] | {"trxId": "INV-2", "virtualAccountNo": full}
    assert "4042711" == merchant.ask(again, ACCOUNT)["responseCode"]
    assert 0 == merchant.simulator.ledger.count("INV-2")
    clock.go(hours=24)
    assert "2002700" == merchant.ask(again, ACCOUNT)["responseCode"]


def test_a_short_number_of_the_merchants_in_padded_form(merchant: Merchant) -> None:
    """A number may be padded as SNAP BI shows it; it is the same number."""
    order = ORDERS[ACCOUNT] | {
        "partnerServiceId": "    2056",
        "customerNo": "77",
        "virtualAccountNo": "    205677",
        "additionalInfo": {"channel": "VIRTUAL_ACCOUNT_CIMB"},
    }
    assert "    205677" == merchant.ask(order, ACCOUNT)["virtualAccountData"]["virtualAccountNo"]
    assert AccountNumber("205677", "cimb") == booked(merchant).instructions


def test_a_number_of_ayolinx_is_never_one_in_use(merchant: Merchant) -> None:
    """Where a merchant's own number stands in the way, the next one is made."""
    own = "9882917200000001"
    merchant.order(ACCOUNT, "INV-0", customerNo="00000001", virtualAccountNo=own)
    numbers = {merchant.order(ACCOUNT)["virtualAccountData"]["virtualAccountNo"], own}
    assert {"9882917200000002", own} == numbers


def test_an_account_with_all_that_may_be_told(merchant: Merchant) -> None:
    """E-mail, telephone and end are taken, and repeated in the answer."""
    told = {"virtualAccountEmail": "siti@shop.example", "virtualAccountPhone": "+6281234567890"}
    end = {"expiredDate": "2026-09-14T11:15:00+07:00"}
    data = merchant.order(ACCOUNT, **told, **end)["virtualAccountData"]
    assert told | end == {name: data[name] for name in told | end}
    assert "+6281234567890" == booked(merchant).details["phone"]


def test_the_docs_own_order_of_an_account(merchant: Merchant) -> None:
    """The example of "Create VA"."""
    sample = {
        "partnerServiceId": "98829172",
        "customerNo": "30000000000000000001",
        "virtualAccountName": "Customer Name",
        "trxId": "123321123321",
        "virtualAccountTrxType": "C",
        "totalAmount": {"value": "11500.00", "currency": "IDR"},
        "additionalInfo": {"channel": "VIRTUAL_ACCOUNT_BNI"},
    }
    data = merchant.ask(sample, ACCOUNT)["virtualAccountData"]
    assert ("9882917200000001", "123321123321") == (data["virtualAccountNo"], data["trxId"])


STORES = ["alfamart", "alfamidi", "dandan", "pegadaian", "pos_indonesia"]


@pytest.mark.parametrize("store", STORES)
def test_a_store(merchant: Merchant, store: str) -> None:
    """The answer is a code for the till and a page that shows it, under the short success code of the docs."""
    order = ORDERS[STORE] | {
        "additionalInfo": {"channel": f"RETAIL_{store.upper()}"},
        "customerPhone": "0812345",
    }
    answer = merchant.ask(order, STORE, host=SANDBOX)
    charge = booked(merchant)
    assert isinstance(charge.instructions, PaymentCode)
    url = f"{SANDBOX}/_sandbox/pay/{charge.provider_reference}"
    assert {
        "responseCode": "00",
        "responseMessage": "Successful",
        "partnerReferenceNo": "INV-1",
        "expiryDate": "2026-09-14T11:15:00+07:00",
        "vaNumber": charge.instructions.code,
        "paymentUrl": url,
    } == answer
    assert (Retail(store), store, url) == (charge.method, charge.instructions.store, charge.instructions.url)
    assert {"customer": "Siti Nurhaliza", "email": "siti@shop.example", "phone": "0812345"} == charge.details


def test_store_codes_differ(merchant: Merchant) -> None:
    """No two charges have one code."""
    codes = {merchant.order(STORE, f"INV-{number}")["vaNumber"] for number in range(20)}
    assert 20 == len(codes)


@pytest.mark.parametrize("field", ["customerEmail", "customerPhone"])
@pytest.mark.parametrize("value", ["siti", "@", "a b@shop.example", "0812-345"])
def test_a_customer_of_a_store_in_another_form(merchant: Merchant, field: str, value: str) -> None:
    """An e-mail address has an @, a telephone number has digits."""
    answer = merchant.ask(ORDERS[STORE] | {field: value}, STORE)
    assert ("4005401", True) == (answer["responseCode"], field in answer["responseMessage"])


def test_a_link(merchant: Merchant) -> None:
    """The answer goes by the link's hash, not by the merchant's number, and its expiryDate is seven hours off."""
    answer = merchant.ask(ORDERS[LINK] | {"description": "Sarapan"}, LINK, host=SANDBOX)
    charge = booked(merchant)
    url = f"{SANDBOX}/_sandbox/pay/{charge.provider_reference}"
    assert {
        "responseCode": "2000100",
        "responseMessage": "Successful",
        "paymentLink": url,
        "partnerReferenceNo": charge.provider_reference,
        "expiryDate": "2026-09-14T11:30:00+07:00",
    } == answer
    assert 11 == len(charge.provider_reference)
    offered = (EWallet("dana"), Qris(), VirtualAccount("bni"), Retail("alfamidi"))
    assert (PaymentLink(offered), Redirect(url)) == (charge.method, charge.instructions)
    assert datetime(2026, 9, 14, 11, 30, tzinfo=UTC) == charge.expires_at
    assert {
        "customer": "Siti Nurhaliza",
        "email": "siti@shop.example",
        "phone": "+6281234567890",
        "items": "2 x Kopi at 2500, 1 x Teh at 5000",
        "description": "Sarapan",
    } == charge.details


def test_the_docs_own_order_of_a_link(merchant: Merchant, clock: Clock) -> None:
    """The example of "Create payment link", whose answer's expiryDate comes out as in the example."""
    clock.moment = clock.moment.replace(year=2025, month=8, day=21)
    sample = {
        "partnerReferenceNo": "932281121132128",
        "customerName": "test",
        "customerEmail": "test@surfin.sg",
        "customerPhoneNumber": "19999999999",
        "customerPhoneNumberCountryCode": "+62",
        "listItem": [{"name": "test", "price": "20000", "qty": "1"}],
        "listPaymentChannel": ["EMONEY_DANA_SNAP", "BNC_QRIS", "VIRTUAL_ACCOUNT_BNI"],
        "description": "",
        "expiryTime": "2025-08-22T18:30:00+07:00",
        "urlParams": [{"type": "NOTIFICATION", "url": "https://www.ayolinx.id"}],
    }
    answer = merchant.ask(sample, LINK)
    assert ("2000100", "2025-08-22T11:30:00+07:00") == (answer["responseCode"], answer["expiryDate"])


KOPI: dict[str, Any] = {"name": "Kopi", "price": "10000", "qty": "1"}


@pytest.mark.parametrize(
    ("field", "value", "case", "name"),
    [
        ("listItem", [], "40002", "listItem"),
        ("listItem", KOPI, "40001", "listItem"),
        ("listItem", ["Kopi"], "40001", "listItem"),
        *[
            ("listItem", [KOPI | {"price": price}], "40001", "price")
            for price in ("10000.00", 10000, "-1", "1e4", "10.000", "010")
        ],
        *[("listItem", [KOPI | {"qty": qty}], "40001", "qty") for qty in ("0", 1, "1.5", "-1", "one")],
        ("listItem", [KOPI | {"price": "0"}], "40413", "Amount"),
        ("listItem", [KOPI | {"price": "9" * 13, "qty": "11"}], "40413", "Amount"),
        ("listPaymentChannel", [], "40002", "listPaymentChannel"),
        ("listPaymentChannel", "BNC_QRIS", "40001", "listPaymentChannel"),
        ("listPaymentChannel", ["BNC_QRIS", "BNC_QRIS"], "40001", "listPaymentChannel"),
        ("listPaymentChannel", ["BNC_QRIS", "GOPAY"], "40001", "listPaymentChannel"),
        ("listPaymentChannel", [None], "40001", "listPaymentChannel"),
        ("listPaymentChannel", [["BNC_QRIS"]], "40001", "listPaymentChannel"),
        ("customerEmail", "siti", "40001", "customerEmail"),
        ("customerPhoneNumber", "081234567890", "40001", "customerPhoneNumber"),
        ("customerPhoneNumber", "+6281234567890", "40001", "customerPhoneNumber"),
        ("customerPhoneNumberCountryCode", "62", "40001", "customerPhoneNumberCountryCode"),
        ("customerPhoneNumberCountryCode", "+0", "40001", "customerPhoneNumberCountryCode"),
        ("description", "a\nb", "40001", "description"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_field_of_a_link_that_is_wrong(
    merchant: Merchant, field: str, value: Any, case: str, name: str
) -> None:
    """Prices are whole rupiah in text, quantities too; a telephone number comes without its country's code."""
    answer = merchant.ask(ORDERS[LINK] | {field: value}, LINK)
    assert (f"{case[:3]}01{case[3:]}", True) == (answer["responseCode"], name in answer["responseMessage"])
    assert () == merchant.simulator.ledger.charges


@pytest.mark.parametrize("path", ORDERS)
def test_any_field_more_is_passed_over(merchant: Merchant, path: str) -> None:
    """A field that the docs do not have does no harm."""
    merchant.order(path, callbackUrl=NOTIFICATION["url"], metadata={"a": [1]})
    assert 1 == merchant.simulator.ledger.count("INV-1")


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"a=1", b"\xff", b"[" * 100_000], ids=lambda c: c[:9]
)
def test_a_body_that_is_none(merchant: Merchant, path: str, content: bytes) -> None:
    """A body that is no JSON object is a bad request, by whatever API."""
    code = merchant.ask(content, path)["responseCode"]
    assert (code[:3], code[5:]) == ("400", "00")
    assert () == merchant.simulator.ledger.charges


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_every_api_is_a_post(merchant: Merchant, path: str, method: str) -> None:
    """Any other method is not found."""
    assert 404 == merchant.simulator.handle(httpx.Request(method, HOST + path)).status_code
