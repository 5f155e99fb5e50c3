"""What the adapter asks Ayolinx for each method but QRIS, byte by byte, without a client."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.products.virtual_account import VirtualAccountProduct

from paygate import (
    Charge,
    ChargeRequest,
    Conversation,
    Customer,
    EWallet,
    Flow,
    Item,
    Money,
    PaymentLink,
    Qris,
    Retail,
    VirtualAccount,
)
from paygate.snap import drawn
from tests.ayolinx import CALLBACK_URL, KINDS, METHODS, adapter_of, order, ref
from tests.flows import asked

BASE = "https://sandbox.ayolinx.id"
NOW = datetime(2024, 9, 12, 5, 55, 0, 250_000, tzinfo=UTC)
STAMP = "2024-09-12T12:55:00+07:00"
TOKEN = "91838ba37d8f14bfc72345fd54132e6d"
EXPIRY = datetime(2025, 5, 3, 5, 25, 42, 999_999, tzinfo=UTC)
DRAWN = "87336445307569504219"
"""int.from_bytes(sha256(b"INV-1")) % 10**20, computed elsewhere."""

AMOUNT = '{"currency":"IDR","value":"25000.00"}'
NOTIFICATION = f'{{"type":"NOTIFICATION","url":"{CALLBACK_URL}"}}'
RETURN = '{"type":"PAY_RETURN","url":"https://shop.example/thanks"}'
WALLET, WALLET_STATUS = (f"/direct-debit/core/v1/debit/{name}" for name in ("payment-host-to-host", "status"))
ACCOUNT, ACCOUNT_STATUS = (f"/v1.0/transfer-va/{name}" for name in ("create-va", "inquiry-va"))
STORE, STORE_STATUS = (f"/v1.0/retail/{name}" for name in ("create", "query"))
LINK = "/v1.0/payment-link/create"
QUERIES = {"qris": "/v1.0/qr/qr-mpm-query", "dana": WALLET_STATUS, "bni": ACCOUNT_STATUS}
CHANNELS = {
    "qris": "BNC_QRIS",
    "dana": "EMONEY_DANA_SNAP",
    **{bank: f"VIRTUAL_ACCOUNT_{bank.upper()}" for bank in ("bni", "bri", "cimb", "mandiri")},
    **{
        store: f"RETAIL_{store.upper()}"
        for store in ("alfamart", "alfamidi", "dandan", "pegadaian", "pos_indonesia")
    },
}
PREFIXES = {"bni": "98829172", "bri": "15574", "cimb": "2056", "mandiri": "87319"}


@pytest.fixture(scope="session")
def make_adapter(account: SandboxAccount) -> Callable[..., Ayolinx]:
    """Make adapters whose clock stands still, with other settings than the account's where given."""
    return lambda **other: adapter_of(account, NOW.timestamp, **other)


@pytest.fixture(scope="session")
def adapter(make_adapter: Callable[..., Ayolinx]) -> Ayolinx:
    """The account's adapter."""
    return make_adapter()


def sent(adapter: Ayolinx, request: ChargeRequest) -> tuple[str, str]:
    """Where a new charge is sent, and the body."""
    made = asked(adapter.create_charge(request))
    assert "POST" == made.method
    assert str(made.url).startswith(f"{BASE}/")
    return made.url.path, made.content.decode()


def test_an_e_wallet(adapter: Ayolinx) -> None:
    """An e-wallet is asked for with both addresses and its end in unix seconds, cut and not rounded."""
    body = (
        f'{{"partnerReferenceNo":"INV-1","validUpTo":"1746249942","amount":{AMOUNT},'
        f'"urlParams":[{RETURN},{NOTIFICATION}],"additionalInfo":{{"channel":"EMONEY_DANA_SNAP"}}}}'
    )
    assert (WALLET, body) == sent(adapter, order("dana", expires_at=EXPIRY))


def test_an_e_wallet_of_a_sub_merchant(make_adapter: Callable[..., Ayolinx]) -> None:
    """The sub-merchant of e-wallets stands at the top, that of QRIS is another; a return URL is configured."""
    adapter = make_adapter(
        e_wallet_sub_merchant_id="216620060009008054580",
        sub_merchant_id="000580132685",
        return_url="https://shop.example/back",
    )
    _, body = sent(adapter, order("dana", return_url=None, expires_at=EXPIRY))
    assert body.endswith(
        '"additionalInfo":{"channel":"EMONEY_DANA_SNAP"},"subMerchantId":"216620060009008054580"}'
    )
    assert '{"type":"PAY_RETURN","url":"https://shop.example/back"}' in body
    assert RETURN in sent(adapter, order("dana"))[1], "that of the charge comes first"


@pytest.mark.parametrize("bank", PREFIXES)
def test_a_virtual_account(adapter: Ayolinx, bank: str) -> None:
    """A virtual account is asked for under its bank's prefix as configured, closed, without a number."""
    body = (
        f'{{"partnerServiceId":"{PREFIXES[bank]}","customerNo":"{DRAWN}","virtualAccountName":"Siti Rahayu",'
        f'"trxId":"INV-1","virtualAccountTrxType":"C","totalAmount":{AMOUNT},'
        f'"additionalInfo":{{"channel":"{CHANNELS[bank]}"}}}}'
    )
    assert (ACCOUNT, body) == sent(adapter, order(bank, customer=Customer(name="Siti Rahayu")))


@pytest.mark.parametrize("bank", PREFIXES)
def test_a_virtual_account_with_everything(adapter: Ayolinx, bank: str) -> None:
    """The merchant's own number goes in full, its part after the prefix as customerNo; the rest besides."""
    number = f"{PREFIXES[bank]}0000004711"
    body = (
        f'{{"partnerServiceId":"{PREFIXES[bank]}","customerNo":"0000004711",'
        '"virtualAccountName":"Siti Rahayu","trxId":"INV-1","virtualAccountTrxType":"C",'
        f'"totalAmount":{AMOUNT},"additionalInfo":{{"channel":"{CHANNELS[bank]}"}},'
        f'"virtualAccountNo":"{number}","virtualAccountEmail":"siti.rahayu@mail.example",'
        '"virtualAccountPhone":"6281234567890","expiredDate":"2025-05-03T12:25:42+07:00"}'
    )
    assert (ACCOUNT, body) == sent(adapter, order(VirtualAccount(bank, number), expires_at=EXPIRY))


@pytest.mark.parametrize("store", ["alfamart", "alfamidi", "dandan", "pegadaian", "pos_indonesia"])
def test_a_store(adapter: Ayolinx, store: str) -> None:
    """A store's code is asked for with name and e-mail address, and its end in unix seconds."""
    body = (
        '{"partnerReferenceNo":"INV-1","validUpTo":"1746249942","customerName":"Siti Rahayu",'
        f'"customerEmail":"siti.rahayu@mail.example","amount":{AMOUNT},'
        f'"additionalInfo":{{"channel":"{CHANNELS[store]}"}},"customerPhone":"6281234567890",'
        f'"urlParams":[{NOTIFICATION}]}}'
    )
    assert (STORE, body) == sent(adapter, order(store, expires_at=EXPIRY))


def test_a_store_in_other_forms(make_adapter: Callable[..., Ayolinx]) -> None:
    """Its end may be told in ISO 8601; without phone and callback URL their fields are left out."""
    adapter = make_adapter(retail_expiry="iso", callback_url=None)
    nobody = Customer(name="Siti Rahayu", email="siti.rahayu@mail.example")
    body = (
        '{"partnerReferenceNo":"INV-1","validUpTo":"2025-05-03T12:25:42+07:00",'
        f'"customerName":"Siti Rahayu","customerEmail":"siti.rahayu@mail.example","amount":{AMOUNT},'
        '"additionalInfo":{"channel":"RETAIL_ALFAMART"}}'
    )
    assert (STORE, body) == sent(adapter, order("alfamart", customer=nobody, expires_at=EXPIRY))


@pytest.mark.parametrize(
    ("other", "items", "description"),
    [
        ({}, '[{"name":"INV-1","price":"25000","qty":"1"}]', ""),
        ({"description": "Order 1"}, '[{"name":"Order 1","price":"25000","qty":"1"}]', "Order 1"),
        (
            {"items": (Item("Kopi", Money.idr(10_000), 2), Item("Roti", Money.idr("5000.00")))},
            '[{"name":"Kopi","price":"10000","qty":"2"},{"name":"Roti","price":"5000","qty":"1"}]',
            "",
        ),
        (
            {"items": (Item("All", Money.idr(25_000)), Item("Gift", Money.idr(0)))},
            '[{"name":"All","price":"25000","qty":"1"},{"name":"Gift","price":"0","qty":"1"}]',
            "",
        ),
    ],
)
def test_a_link(adapter: Ayolinx, other: dict[str, Any], items: str, description: str) -> None:
    """A link has items instead of an amount, one if none are named; every field stands there."""
    body = (
        '{"partnerReferenceNo":"INV-1","customerName":"Siti Rahayu",'
        '"customerEmail":"siti.rahayu@mail.example","customerPhoneNumber":"81234567890",'
        f'"customerPhoneNumberCountryCode":"+62","listItem":{items},'
        '"listPaymentChannel":["BNC_QRIS","EMONEY_DANA_SNAP","VIRTUAL_ACCOUNT_BNI"],'
        f'"description":"{description}","expiryTime":"2025-05-03T12:25:42+07:00",'
        f'"urlParams":[{NOTIFICATION}]}}'
    )
    assert (LINK, body) == sent(adapter, order("link", expires_at=EXPIRY, **other))


@pytest.mark.parametrize(
    ("offered", "channels"),
    [
        ((Retail("dandan"), Qris()), ["RETAIL_DANDAN", "BNC_QRIS"]),
        ((VirtualAccount("cimb"), VirtualAccount("bri")), ["VIRTUAL_ACCOUNT_CIMB", "VIRTUAL_ACCOUNT_BRI"]),
        ((EWallet("dana"), EWallet("dana")), ["EMONEY_DANA_SNAP"]),
        (tuple(METHODS[name] for name in CHANNELS), list(CHANNELS.values())),
    ],
)
def test_what_a_link_offers(
    make_adapter: Callable[..., Ayolinx], offered: tuple[Any, ...], channels: list[str]
) -> None:
    """A link offers what was named, in that order and each once; without a callback URL it names none."""
    _, body = sent(make_adapter(callback_url=None), order(PaymentLink(offered)))
    told = json.loads(body)
    assert (channels, []) == (told["listPaymentChannel"], told["urlParams"])


def test_a_qris_with_a_callback_url(adapter: Ayolinx) -> None:
    """A QRIS names where to call back, if that is configured."""
    body = (
        f'{{"partnerReferenceNo":"INV-1","amount":{AMOUNT},"additionalInfo":{{"channel":"BNC_QRIS"}},'
        f'"urlParams":[{NOTIFICATION}]}}'
    )
    assert ("/v1.0/qr/qr-mpm-generate", body) == sent(adapter, order())


@pytest.mark.parametrize("name", CHANNELS)
def test_a_query(adapter: Ayolinx, name: str) -> None:
    """A query names reference and channel and nothing else, a virtual account's as well."""
    request = asked(adapter.query(ref(name)))
    place = {"qris": "qris", "dana": "dana"}.get(name, "bni")
    path = STORE_STATUS if isinstance(METHODS[name], Retail) else QUERIES[place]
    assert ("POST", f"{BASE}{path}") == (request.method, str(request.url))
    body = f'{{"originalPartnerReferenceNo":"INV-1","additionalInfo":{{"channel":"{CHANNELS[name]}"}}}}'
    assert body == request.content.decode()


def test_a_query_of_a_number_of_ones_own(adapter: Ayolinx) -> None:
    """A virtual account is asked about by its reference, not by its number."""
    by_number = asked(adapter.query(ref(VirtualAccount("bni", "988291721"))))
    assert asked(adapter.query(ref("bni"))).content == by_number.content


DOCUMENTED: dict[str, tuple[ChargeRequest, str]] = {
    "dana": (
        order("dana", "fd3f5af0-af57-4513-95a8-77df45721ed2", amount=Money.idr(30), expires_at=EXPIRY),
        (
            '{"partnerReferenceNo":"fd3f5af0-af57-4513-95a8-77df45721ed2","validUpTo":"1746249942",'
            '"amount":{"currency":"IDR","value":"30.00"},"urlParams":[{"type":"PAY_RETURN",'
            '"url":"https://shop.example/thanks"},{"type":"NOTIFICATION",'
            '"url":"https://shop.example/callbacks/main"}],"additionalInfo":{"channel":"EMONEY_DANA_SNAP"}}'
        ),
    ),
    "virtual account": (
        order(
            VirtualAccount("bni", "9882917230000000000000000001"),
            "123321123321",
            amount=Money.idr(11_500),
            customer=Customer(name="Customer Name"),
        ),
        (
            '{"partnerServiceId":"98829172","customerNo":"30000000000000000001",'
            '"virtualAccountNo":"9882917230000000000000000001","virtualAccountName":"Customer Name",'
            '"trxId":"123321123321","virtualAccountTrxType":"C","totalAmount":{"value":"11500.00",'
            '"currency":"IDR"},"additionalInfo":{"channel":"VIRTUAL_ACCOUNT_BNI"}}'
        ),
    ),
    "link": (
        order(
            PaymentLink((EWallet("dana"), Qris(), VirtualAccount("bni"))),
            "932281121132128",
            amount=Money.idr(20_000),
            customer=Customer(name="test", email="test@surfin.example", phone="+6219999999999"),
            items=(Item("test", Money.idr(20_000)),),
            expires_at=datetime(2025, 8, 22, 11, 30, tzinfo=UTC),
        ),
        (
            '{"partnerReferenceNo":"932281121132128","customerName":"test",'
            '"customerEmail":"test@surfin.example","customerPhoneNumber":"19999999999",'
            '"customerPhoneNumberCountryCode":"+62","listItem":[{"name":"test","price":"20000","qty":"1"}],'
            '"listPaymentChannel":["EMONEY_DANA_SNAP","BNC_QRIS","VIRTUAL_ACCOUNT_BNI"],"description":"",'
            '"expiryTime":"2025-08-22T18:30:00+07:00","urlParams":[{"type":"NOTIFICATION",'
            '"url":"https://shop.example/callbacks/main"}]}'
        ),
    ),
}


@pytest.mark.parametrize("example", DOCUMENTED)
def test_a_documented_example(adapter: Ayolinx, example: str) -> None:
    """The examples of the docs, but for addresses and a number of ones own, are what is sent for them."""
    request, documented = DOCUMENTED[example]
    assert json.loads(documented) == json.loads(sent(adapter, request)[1])


def logged_in(adapter: Ayolinx) -> Any:
    """The credential of a login that went well."""
    talk = Conversation(adapter.authorize())
    talk.answer(
        httpx.Response(200, json={"responseCode": "2007300", "accessToken": TOKEN, "expiresIn": "3600"})
    )
    return talk.result


@pytest.mark.parametrize("name", METHODS)
def test_the_signatures_by_hand(adapter: Ayolinx, account: SandboxAccount, name: str) -> None:
    """What is signed is method, path alone, token, hash of the very bytes and time, for every API."""
    credential = logged_in(adapter)
    flows: list[Flow[Charge]] = [adapter.create_charge(order(name))]
    if name != "link":
        flows.append(adapter.query(ref(name)))
    for flow in flows:
        request = credential.sign(asked(flow))
        path = str(request.url).removeprefix(BASE)
        text = f"POST:{path}:{TOKEN}:{hashlib.sha256(request.content).hexdigest()}:{STAMP}"
        digest = hmac.digest(account.client_secret.encode(), text.encode(), "sha512")
        assert base64.b64encode(digest).decode() == request.headers["X-SIGNATURE"]
        assert str(len(request.content)) == request.headers["Content-Length"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_end_that_nobody_named(adapter: Ayolinx, kind: str) -> None:
    """Where Ayolinx must be told when a charge ends it is told a day; elsewhere it takes its own."""
    body = json.loads(sent(adapter, order(kind))[1])
    told = {"qris": None, "bni": None, "link": "2024-09-13T12:55:00+07:00"}.get(kind, "1726206900")
    assert [told] * (told is not None) == [
        body[name] for name in ("validUpTo", "expiredDate", "expiryTime") if name in body
    ]


@given(
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=255).filter(
        lambda text: text.isprintable() and text.strip() != ""
    ),
    kind=st.sampled_from(["bni", "alfamart", "link"]),
)
def test_any_name(adapter: Ayolinx, account: SandboxAccount, name: str, kind: str) -> None:
    """Any name is sent as it is, in the bytes that are signed."""
    customer = Customer(name=name, email="a@b.example", phone="+6281234567890")
    request = asked(adapter.create_charge(order(kind, customer=customer)))
    told = json.loads(request.content)
    assert name == (told["virtualAccountName"] if kind == "bni" else told["customerName"])
    signed = logged_in(adapter).sign(request)
    text = f"POST:{signed.url.path}:{TOKEN}:{hashlib.sha256(request.content).hexdigest()}:{STAMP}"
    digest = hmac.digest(account.client_secret.encode(), text.encode(), "sha512")
    assert base64.b64encode(digest).decode() == signed.headers["X-SIGNATURE"]


@given(moment=st.datetimes(datetime(2024, 10, 1), datetime(2286, 11, 19), timezones=st.timezones()))  # noqa: DTZ001
def test_any_end(adapter: Ayolinx, moment: datetime) -> None:
    """An end is the same instant in every form, cut to seconds."""
    whole = moment.astimezone(UTC).replace(microsecond=0)
    for kind in ("dana", "alfamart"):
        told = json.loads(sent(adapter, order(kind, expires_at=moment))[1])["validUpTo"]
        assert (10, whole) == (len(told), datetime.fromtimestamp(int(told), UTC))
    told = json.loads(sent(adapter, order("link", expires_at=moment))[1])["expiryTime"]
    assert (timedelta(hours=7), whole) == (
        datetime.fromisoformat(told).utcoffset(),
        datetime.fromisoformat(told),
    )


@given(one=st.text(min_size=1), other=st.text(min_size=1))
def test_a_customer_number(one: str, other: str) -> None:
    """A charge has the same customer number whenever it is asked for, of 20 digits, and no other charge has."""
    assert drawn(one) == drawn(one)
    assert (20, True) == (len(drawn(one)), drawn(one).isascii() and drawn(one).isdigit())
    assert (one == other) is (drawn(one) == drawn(other))


@given(
    prefix=st.from_regex(r"[0-9]{1,8}", fullmatch=True), rest=st.from_regex(r"[0-9]{1,20}", fullmatch=True)
)
def test_any_number_of_ones_own(prefix: str, rest: str) -> None:
    """A number of the merchant's own is prefix and customer number, whatever digits these have."""
    product = VirtualAccountProduct("main", {"bni": prefix})
    told = product.order(order(VirtualAccount("bni", prefix + rest)))
    assert (prefix, rest, prefix + rest) == (
        told.partner_service_id,
        told.customer_no,
        told.virtual_account_no,
    )
