"""What the pretend Ayolinx tells a merchant of each kind of charge, where, and how it is signed."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import ChargeStatus, EWallet, Method, Money, Qris, Retail, VirtualAccount
from paygate.sandbox import PayerAction
from tests.merchant import (
    ACCOUNT,
    LINK,
    NOTIFICATION,
    ORDERS,
    PAY_RETURN,
    QRIS,
    QUERIES,
    STORE,
    WALLET,
    Clock,
    Merchant,
    Shop,
    check_notice,
)

AMOUNT = {"currency": "IDR", "value": "10000.00"}
PORTAL = "/callbacks/main"


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


def sent(merchant: Merchant) -> httpx.Request:
    """The one call that is due now, which the merchant takes."""
    shop = Shop()
    merchant.simulator.deliveries.run(shop)
    [request] = shop.got
    return request


def told(merchant: Merchant, path: str = PORTAL) -> dict[str, Any]:
    """What the call that is due tells, once its signature is found right."""
    return check_notice(sent(merchant), merchant.account, path)


def expected(method: Method, number: str, status: str, described: str, finished: str) -> dict[str, Any]:
    """The body of a method's notice, field by field as the docs have it."""
    head = {
        "amount": AMOUNT,
        "originalReferenceNo": number,
        "latestTransactionStatus": status,
        "originalPartnerReferenceNo": "INV-1",
    }
    if isinstance(method, EWallet | Retail):
        return head | {"transactionStatusDesc": described}
    if isinstance(method, VirtualAccount):
        return head | {
            "finishedTime": finished,
            "additionalInfo": {"channel": f"VIRTUAL_ACCOUNT_{method.bank.upper()}"},
        }
    return head | {
        "callbackType": "QRIS",
        "customerNumber": "0812******45",
        "finishedTime": finished,
        "additionalInfo": {"channel": "BNC_QRIS", "RRN": "612300000001", "paymentNtb": "1"},
    }


METHODS: dict[str, Method] = {
    QRIS: Qris(),
    WALLET: EWallet("dana"),
    ACCOUNT: VirtualAccount("bni"),
    STORE: Retail("alfamart"),
}


@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize(
    ("action", "status", "described"),
    [
        (PayerAction.PAY, "00", "SUCCESS"),
        (PayerAction.FAIL, "06", "FAILED"),
        (PayerAction.EXPIRE, "05", "CANCELED"),
    ],
)
def test_what_is_told(
    merchant: Merchant, clock: Clock, path: str, action: PayerAction, status: str, described: str
) -> None:
    """Each method has the fields of its page; wallets and stores name neither channel nor time."""
    merchant.order(path, urlParams=[PAY_RETURN, NOTIFICATION] if path == WALLET else [])
    clock.go(minutes=2)
    number = merchant.simulator.act("INV-1", action).provider_reference
    finished = "2026-09-14T10:17:00+07:00"
    body = told(merchant, "/hooks/one" if path == WALLET else PORTAL)
    assert expected(METHODS[path], number, status, described, finished) == body


@pytest.mark.parametrize("by", [EWallet("dana"), Qris(), VirtualAccount("bni"), Retail("alfamidi"), None])
def test_what_is_told_of_a_link(merchant: Merchant, clock: Clock, by: Method | None) -> None:
    """A link's notice is that of the method it was paid by, and the link's hash; the charge has its own number."""
    merchant.order(LINK)
    clock.go(minutes=2)
    charge = merchant.simulator.act("INV-1", PayerAction.PAY, by)
    method = by or EWallet("dana")
    assert method == charge.paid_by
    body = told(merchant)
    plain = expected(
        method, body["originalReferenceNo"], "00", "SUCCESS", finished="2026-09-14T10:17:00+07:00"
    )
    info = plain.get("additionalInfo", {}) | {"plh": charge.provider_reference}
    assert plain | {"additionalInfo": info} == body
    assert charge.provider_reference != body["originalReferenceNo"]


def test_a_link_that_goes_by_its_hash(
    make_simulator: Callable[..., AyolinxSimulator], account: SandboxAccount, clock: Clock
) -> None:
    """The docs do not say which number names a link's charge; it may be the one that they answered with."""
    merchant = Merchant(make_simulator(clock=clock, link_reference="hash"), account, clock)
    made = merchant.order(LINK)["partnerReferenceNo"]
    merchant.simulator.act("INV-1", PayerAction.PAY)
    body = told(merchant)
    assert (made, made) == (body["originalPartnerReferenceNo"], body["additionalInfo"]["plh"])


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("https://other.example/hooks/one", "/hooks/one"),
        ("https://other.example/hooks/one?refNo=1", "/hooks/one"),
        ("https://other.example", "/"),
        ("http://127.0.0.1:8080/a%20b/%C3%A9", "/a%20b/%C3%A9"),
    ],
)
def test_an_order_with_an_address_of_its_own(merchant: Merchant, path: str, url: str, signed: str) -> None:
    """A charge is told where its order says; the path of that address is signed, without a query."""
    addresses = [{"type": "NOTIFICATION", "url": url}] + ([PAY_RETURN] if path == WALLET else [])
    merchant.order(path, urlParams=addresses)
    merchant.simulator.act("INV-1", PayerAction.PAY)
    request = sent(merchant)
    assert httpx.URL(url) == request.url
    assert "00" == check_notice(request, merchant.account, signed)["latestTransactionStatus"]


def test_a_notice_is_signed_over_all_of_it(merchant: Merchant) -> None:
    """Path, body and time are signed, by Ayolinx's key; a notice brings no header of SNAP BI's other form."""
    merchant.order(QRIS)
    merchant.simulator.act("INV-1", PayerAction.PAY)
    request = sent(merchant)
    assert ("POST", "application/json") == (request.method, request.headers["Content-Type"])
    assert "2026-09-14T10:15:00+07:00" == request.headers["X-TIMESTAMP"]
    assert not {"x-client-key", "x-partner-id", "x-external-id", "authorization"} & set(request.headers)
    check_notice(request, merchant.account, PORTAL)
    changed = request.content.replace(b"10000.00", b"10000.01")
    for wrong, path in (
        (request, "/v1.0/qr/qr-mpm-notify"),
        (httpx.Request("POST", request.url, headers=request.headers, content=changed), PORTAL),
        (
            httpx.Request(
                "POST",
                request.url,
                headers={**request.headers, "X-TIMESTAMP": "2026-09-14T10:15:01+07:00"},
                content=request.content,
            ),
            PORTAL,
        ),
    ):
        with pytest.raises(InvalidSignature):
            check_notice(wrong, merchant.account, path)


@pytest.mark.parametrize("path", ORDERS)
def test_another_amount_is_paid(merchant: Merchant, path: str) -> None:
    """A tester may let another amount be paid than was asked for; notice and query tell what was paid."""
    merchant.order(path)
    merchant.simulator.act("INV-1", PayerAction.PAY, amount=Money.idr(9_999))
    assert {"currency": "IDR", "value": "9999.00"} == told(
        merchant, "/hooks/one" if path == WALLET else PORTAL
    )["amount"]
    if path in QUERIES:
        assert "9999.00" == merchant.query(path)["amount"]["value"]


STATUSES = ["00", "01", "02", "03", "04", "05", "06", "07"]
WORDS = ["SUCCESS", "INITIATED", "PAYING", "PENDING", "REFUNDED", "CANCELED", "FAILED", "NOT FOUND"]


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize("paid", [False, True])
def test_any_status_can_be_told(merchant: Merchant, clock: Clock, path: str, *, paid: bool) -> None:
    """Every status of the docs can be told at any time; only a refund changes the books."""
    merchant.order(path)
    where = "/hooks/one" if path == WALLET else PORTAL
    if paid:
        merchant.simulator.act("INV-1", PayerAction.PAY)
        told(merchant, where)
    stands = ChargeStatus.PAID if paid else ChargeStatus.PENDING
    clock.go(minutes=2)
    for status, word in zip(STATUSES, WORDS, strict=True):
        charge = merchant.simulator.tell("INV-1", status)
        stands = ChargeStatus.REFUNDED if status == "04" else stands
        body = told(merchant, where)
        assert (status, stands) == (body["latestTransactionStatus"], charge.status)
        assert body.get("transactionStatusDesc", word) == word
        if "finishedTime" in body:
            assert (status in ("00", "04", "05", "06")) == bool(body["finishedTime"])
    if path in QUERIES:
        assert "04" == merchant.query(path)["latestTransactionStatus"]


@pytest.mark.parametrize("status", ["08", "0", "", "paid", "00 "])
def test_a_status_that_is_none(merchant: Merchant, status: str) -> None:
    """What the docs do not name is not told, and nothing is told of what was never ordered."""
    merchant.order(QRIS)
    with pytest.raises(ValueError, match="statuses are 00, 01"):
        merchant.simulator.tell("INV-1", status)
    with pytest.raises(KeyError, match="INV-2"):
        merchant.simulator.tell("INV-2", "00")
    assert () == merchant.simulator.deliveries.all


@pytest.mark.parametrize("path", ORDERS)
def test_a_charge_ends_once(merchant: Merchant, path: str) -> None:
    """What has ended cannot be paid, declined or left again."""
    merchant.order(path)
    merchant.simulator.act("INV-1", PayerAction.FAIL)
    for action in PayerAction:
        with pytest.raises(ValueError, match="failed"):
            merchant.simulator.act("INV-1", action)
    assert 1 == len(merchant.simulator.deliveries.all)


@pytest.mark.parametrize(
    ("path", "by"),
    [
        (LINK, Retail("alfamart")),
        (LINK, VirtualAccount("bri")),
        (QRIS, EWallet("dana")),
        (WALLET, EWallet("ovo")),
        (ACCOUNT, VirtualAccount("bri")),
        (STORE, Retail("dandan")),
    ],
)
def test_a_way_that_is_not_offered(merchant: Merchant, path: str, by: Method) -> None:
    """A link is paid by what it offers, any other charge in its own way; else it stays open."""
    merchant.order(path)
    with pytest.raises(ValueError, match=r"not offer|not paid in that way"):
        merchant.simulator.act("INV-1", PayerAction.PAY, by)
    assert ChargeStatus.PENDING is merchant.simulator.ledger.charges[0].status
    assert () == merchant.simulator.deliveries.all


@pytest.mark.parametrize("path", METHODS)
def test_the_own_way_may_be_named(merchant: Merchant, path: str) -> None:
    """To name the method that a charge has anyway does no harm."""
    merchant.order(path)
    charge = merchant.simulator.act("INV-1", PayerAction.PAY, METHODS[path])
    assert (ChargeStatus.PAID, None) == (charge.status, charge.paid_by)


@pytest.mark.parametrize("path", ORDERS)
def test_a_notice_is_repeated_as_it_was(merchant: Merchant, clock: Clock, path: str) -> None:
    """By every method a notice that is not taken comes again after 1, 5, 10 and 60 minutes, byte by byte."""
    merchant.order(path)
    merchant.simulator.act("INV-1", PayerAction.PAY)
    shop = Shop(500)
    for minutes in (0, 1, 5, 10, 60):
        clock.go(minutes=minutes, seconds=-1)
        merchant.simulator.deliveries.run(shop)
        clock.go(seconds=1)
        merchant.simulator.deliveries.run(shop)
    assert 5 == len(shop.got)
    assert 1 == len(
        {(one.headers["X-TIMESTAMP"], one.headers["X-SIGNATURE"], one.content) for one in shop.got}
    )
    assert merchant.simulator.deliveries.all[0].done
