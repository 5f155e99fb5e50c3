"""The pretend Ayolinx calls back in SNAP BI's own form: it logs in at the merchant's, then tells under the token."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import Money, VirtualAccount
from paygate.sandbox import PayerAction
from tests.merchant import (
    ACCOUNT,
    LINK,
    LOGIN,
    NOTIFICATION,
    PAY_RETURN,
    QRIS,
    STORE,
    TAKEN,
    WALLET,
    Clock,
    Merchant,
    Shop,
    check_notice,
)

NOTIFY = "/v1.0/qr/qr-mpm-notify"
TRANSFER = "/v1.0/transfer-va/payment"
BASE = "https://shop.example/callbacks/main"
GRANTED = {
    "responseCode": "2007300",
    "responseMessage": "Successful",
    "accessToken": "a-token-of-ours",
    "tokenType": "Bearer",
    "expiresIn": "900",
}
CIMB: dict[str, Any] = {
    "partnerServiceId": "2056",
    "customerNo": "77",
    "additionalInfo": {"channel": "VIRTUAL_ACCOUNT_CIMB"},
}
Make = Callable[..., Merchant]


class Bank(Shop):
    """A merchant's server that grants a token, and repeats of a virtual account's payment what it must."""

    def __init__(self, **changed: Any) -> None:
        super().__init__()
        self.token = GRANTED
        self.changed = changed
        self.left_out: str | None = None
        self.code: Any = "2002500"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        super().__call__(request)
        if request.url.path.endswith(LOGIN):
            return httpx.Response(self.status, json=self.token)
        if request.url.path.endswith(NOTIFY):
            return httpx.Response(self.status, content=self.content)
        data = json.loads(request.content)
        told = {name: value for name, value in data.items() if name != self.left_out} | self.changed
        answer = {"responseCode": self.code, "responseMessage": "Success", "virtualAccountData": told}
        return httpx.Response(self.status, json=answer)


@pytest.fixture
def clock() -> Clock:
    """The simulator's clock."""
    return Clock()


@pytest.fixture
def make(make_simulator: Callable[..., AyolinxSimulator], account: SandboxAccount, clock: Clock) -> Make:
    """Make merchants of pretend Ayolinxes that call back in SNAP BI's form."""

    def made(url: str = BASE, **options: Any) -> Merchant:
        simulator = make_simulator(url, clock=clock, **options)
        simulator.variant = "snap"
        return Merchant(simulator, account, clock)

    return made


@pytest.fixture
def merchant(make: Make) -> Merchant:
    """One such merchant."""
    return make()


def paid(merchant: Merchant, path: str = ACCOUNT, **changed: Any) -> str:
    """Let a charge be ordered and paid; return Ayolinx's number of it."""
    merchant.order(path, **changed)
    return merchant.simulator.act("INV-1", PayerAction.PAY).provider_reference


def digest(account: SandboxAccount, request: httpx.Request, path: str, algorithm: str = "sha512") -> str:
    """The signature of a request under a token."""
    token = request.headers["Authorization"].removeprefix("Bearer ")
    body_hash = hashlib.sha256(request.content).hexdigest()
    text = f"POST:{path}:{token}:{body_hash}:{request.headers['X-TIMESTAMP']}"
    secret = account.client_secret.encode()
    return base64.b64encode(hmac.digest(secret, text.encode(), algorithm)).decode()


def check_login(request: httpx.Request, account: SandboxAccount, key: str) -> None:
    """Check the signature of a request for a token, or raise InvalidSignature."""
    text = f"{key}|{request.headers['X-TIMESTAMP']}"
    signature = base64.b64decode(request.headers["X-SIGNATURE"], validate=True)
    account.provider_key.public_key().verify(signature, text.encode(), PKCS1v15(), SHA256())


def test_a_transfer(merchant: Merchant, account: SandboxAccount, clock: Clock) -> None:
    """Two requests: a login signed by Ayolinx's key, and the payment signed by the client secret."""
    merchant.order(ACCOUNT, **CIMB)
    clock.go(minutes=2)
    number = merchant.simulator.act("INV-1", PayerAction.PAY).provider_reference
    shop = Bank()
    merchant.simulator.deliveries.run(shop)
    login, transfer = shop.got
    assert (BASE + LOGIN, BASE + TRANSFER) == (str(login.url), str(transfer.url))
    assert {"grantType": "client_credentials"} == json.loads(login.content)
    assert account.client_key == login.headers["X-CLIENT-KEY"]
    check_login(login, account, account.client_key)
    assert "Bearer a-token-of-ours" == transfer.headers["Authorization"]
    assert account.client_key == transfer.headers["X-PARTNER-ID"]
    assert transfer.headers["X-EXTERNAL-ID"].isdecimal()
    assert len(transfer.headers["X-EXTERNAL-ID"]) <= 36
    assert digest(account, transfer, "/callbacks/main" + TRANSFER) == transfer.headers["X-SIGNATURE"]
    assert {"2026-09-14T10:17:00+07:00"} == {one.headers["X-TIMESTAMP"] for one in shop.got}
    assert {
        "partnerServiceId": "    2056",
        "customerNo": "77",
        "virtualAccountNo": "    2056000000000001",
        "virtualAccountName": "Siti Nurhaliza",
        "trxId": "INV-1",
        "paymentRequestId": number,
        "paidAmount": {"currency": "IDR", "value": "10000.00"},
        "virtualAccountTrxType": "C",
        "additionalInfo": {
            "paymentTimeIso8601": "2026-09-14T10:17:00+07:00",
            "paymentNtb": "612300000001",
        },
    } == json.loads(transfer.content)
    [delivery] = merchant.simulator.deliveries.all
    assert (True, True) == (delivery.accepted, delivery.done)


def test_a_qr(merchant: Merchant, account: SandboxAccount) -> None:
    """A QR's notice has the same body as without a token, and is taken by any success."""
    number = paid(merchant, QRIS)
    shop = Bank()
    merchant.simulator.deliveries.run(shop)
    _, notice = shop.got
    assert BASE + NOTIFY == str(notice.url)
    assert digest(account, notice, "/callbacks/main" + NOTIFY) == notice.headers["X-SIGNATURE"]
    assert {
        "callbackType": "QRIS",
        "amount": {"currency": "IDR", "value": "10000.00"},
        "customerNumber": "0812******45",
        "latestTransactionStatus": "00",
        "originalPartnerReferenceNo": "INV-1",
        "originalReferenceNo": number,
        "finishedTime": "2026-09-14T10:15:00+07:00",
        "additionalInfo": {"channel": "BNC_QRIS", "RRN": "612300000001", "paymentNtb": "1"},
    } == json.loads(notice.content)
    assert merchant.simulator.deliveries.all[0].accepted


@pytest.mark.parametrize("path", [WALLET, STORE, LINK])
def test_the_others_have_but_the_notice(merchant: Merchant, path: str) -> None:
    """Wallets, stores and links are told by a signed notice in this variant too."""
    paid(merchant, path, urlParams=[NOTIFICATION, PAY_RETURN] if path == WALLET else [NOTIFICATION])
    shop = Bank()
    merchant.simulator.deliveries.run(shop)
    [request] = shop.got
    assert "00" == check_notice(request, merchant.account, "/hooks/one")["latestTransactionStatus"]


def test_a_link_that_is_paid_by_transfer(merchant: Merchant) -> None:
    """Only an account of its own is told as a transfer; of a link comes the notice."""
    merchant.order(LINK)
    merchant.simulator.act("INV-1", PayerAction.PAY, VirtualAccount("bni"))
    shop = Bank()
    merchant.simulator.deliveries.run(shop)
    [request] = shop.got
    told = check_notice(request, merchant.account, "/callbacks/main")
    assert {"channel", "plh"} == set(told["additionalInfo"])


@pytest.mark.parametrize("path", [ACCOUNT, QRIS])
def test_an_address_in_the_order_is_passed_over(merchant: Merchant, path: str) -> None:
    """Both requests go to the address of the portal, where the merchant's login is."""
    paid(merchant, path, urlParams=[NOTIFICATION])
    shop = Bank()
    merchant.simulator.deliveries.run(shop)
    assert {"/callbacks/main"} == {request.url.path.partition("/v1.0")[0] for request in shop.got}


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://shop.example", ""),
        ("https://shop.example/", ""),
        ("https://shop.example/hooks/", "/hooks"),
        ("https://shop.example/a%20b", "/a%20b"),
    ],
)
@pytest.mark.parametrize("path", [ACCOUNT, QRIS])
@pytest.mark.parametrize("signs", ["own", "documented"])
@pytest.mark.parametrize("algorithm", ["sha512", "sha256"])
def test_what_the_docs_leave_open(
    make: Make, url: str, base: str, path: str, signs: str, algorithm: str
) -> None:
    """The signature is over the merchant's own path or the documented one, by either of the two hashes."""
    merchant = make(url, snap_signs=signs, snap_hmac=algorithm)
    paid(merchant, path)
    shop = Bank()
    merchant.simulator.deliveries.run(shop)
    end = TRANSFER if path == ACCOUNT else NOTIFY
    assert [base + LOGIN, base + end] == [request.url.raw_path.decode() for request in shop.got]
    signed = end if signs == "documented" else base + end
    right = digest(merchant.account, shop.got[1], signed, algorithm)
    assert right == shop.got[1].headers["X-SIGNATURE"]


def test_what_ayolinx_calls_itself(make: Make, account: SandboxAccount) -> None:
    """The key in a request for a token may be one that was agreed upon."""
    merchant = make(snap_client_key="agreed-key")
    paid(merchant)
    shop = Bank()
    merchant.simulator.deliveries.run(shop)
    login, transfer = shop.got
    assert ("agreed-key", "agreed-key") == (login.headers["X-CLIENT-KEY"], transfer.headers["X-PARTNER-ID"])
    check_login(login, account, "agreed-key")


WRONG_TOKENS: dict[str, Any] = {
    "another code": GRANTED | {"responseCode": "2002500"},
    "a number": GRANTED | {"responseCode": 2007300},
    "a refusal": GRANTED | {"responseCode": "4017300"},
    "another type": GRANTED | {"tokenType": "bearer"},
    "no type": {name: value for name, value in GRANTED.items() if name != "tokenType"},
    "no token": {name: value for name, value in GRANTED.items() if name != "accessToken"},
    "an empty token": GRANTED | {"accessToken": ""},
    "a token with spaces": GRANTED | {"accessToken": "a b"},
    "a token that is none": GRANTED | {"accessToken": 1},
    "seconds as a number": GRANTED | {"expiresIn": 900},
    "no seconds": {name: value for name, value in GRANTED.items() if name != "expiresIn"},
    "zero seconds": GRANTED | {"expiresIn": "0"},
    "other digits": GRANTED | {"expiresIn": "٩٠٠"},
    "no message": {name: value for name, value in GRANTED.items() if name != "responseMessage"},
    "a list": [GRANTED],
    "nothing": None,
}


@pytest.mark.parametrize("path", [ACCOUNT, QRIS])
@pytest.mark.parametrize("kind", WRONG_TOKENS)
def test_a_token_that_is_not_as_documented(merchant: Merchant, path: str, kind: str) -> None:
    """Without a token in the documented form nothing is told, and the delivery has failed."""
    paid(merchant, path)
    shop = Bank()
    shop.token = WRONG_TOKENS[kind]
    merchant.simulator.deliveries.run(shop)
    assert 1 == len(shop.got)
    assert not merchant.simulator.deliveries.all[0].accepted


@pytest.mark.parametrize("status", [201, 401, 500])
def test_a_token_under_another_status(merchant: Merchant, status: int) -> None:
    """Nor with one under another status than HTTP 200."""
    paid(merchant)
    shop = Bank()
    shop.status = status
    merchant.simulator.deliveries.run(shop)
    assert (1, False) == (len(shop.got), merchant.simulator.deliveries.all[0].accepted)


ECHOED = [
    "partnerServiceId",
    "customerNo",
    "virtualAccountNo",
    "trxId",
    "paidAmount",
    "paymentRequestId",
    "virtualAccountTrxType",
]


@pytest.mark.parametrize("name", ECHOED)
def test_an_answer_that_does_not_repeat(merchant: Merchant, name: str) -> None:
    """A payment's answer repeats what it is about, to the letter; trimmed is not the same."""
    paid(merchant, **CIMB)
    shop = Bank()
    shop.left_out = name
    merchant.simulator.deliveries.run(shop)
    assert (2, False) == (len(shop.got), merchant.simulator.deliveries.all[0].accepted)


@pytest.mark.parametrize(
    "changed",
    [
        {"partnerServiceId": "2056"},
        {"virtualAccountNo": "2056000000000001"},
        {"paidAmount": {"currency": "IDR", "value": "10000"}},
        {"trxId": "INV-2"},
        {"customerNo": 77},
    ],
    ids=str,
)
def test_an_answer_that_repeats_wrongly(merchant: Merchant, changed: dict[str, Any]) -> None:
    """An answer that repeats something else is not taken."""
    paid(merchant, **CIMB)
    merchant.simulator.deliveries.run(Bank(**changed))
    assert not merchant.simulator.deliveries.all[0].accepted


@pytest.mark.parametrize("code", ["2005600", "2002400", "00", "4042512", 2002500, None])
def test_an_answer_under_another_code(merchant: Merchant, code: Any) -> None:
    """A transfer is taken by 2002500 alone, in text."""
    paid(merchant)
    shop = Bank()
    shop.code = code
    merchant.simulator.deliveries.run(shop)
    assert (2, False) == (len(shop.got), merchant.simulator.deliveries.all[0].accepted)


def test_an_answer_may_say_more_or_less_of_the_rest(merchant: Merchant) -> None:
    """What the docs' example does not repeat may be left out, and more may be said."""
    paid(merchant)
    merchant.simulator.deliveries.run(Bank(additionalInfo={}, virtualAccountName="S.", freeTexts=[]))
    assert merchant.simulator.deliveries.all[0].accepted


ANSWERS = [
    (TAKEN, True),
    (b'{"responseCode":"2005200","responseMessage":"Successful"}', True),
    (b'{"responseCode":"4015200","responseMessage":"Unauthorized"}', False),
    (b'{"responseMessage":"Successful"}', False),
    (b"OK", False),
]


@pytest.mark.parametrize(("content", "taken"), ANSWERS)
def test_what_a_qrs_answer_must_say(merchant: Merchant, content: bytes, *, taken: bool) -> None:
    """A QR's notice is taken by any success, as without a token."""
    paid(merchant, QRIS)
    shop = Bank()
    shop.content = content
    merchant.simulator.deliveries.run(shop)
    assert taken is merchant.simulator.deliveries.all[0].accepted


@pytest.mark.parametrize(("content", "_"), ANSWERS)
def test_a_notices_answer_does_for_no_transfer(merchant: Merchant, content: bytes, _: bool) -> None:
    """A transfer wants 2002500 and what it is about; the answer to a notice is not enough."""
    paid(merchant)
    shop = Shop(200, content)
    shop.by_end[LOGIN] = json.dumps(GRANTED).encode()
    merchant.simulator.deliveries.run(shop)
    assert (2, False) == (len(shop.got), merchant.simulator.deliveries.all[0].accepted)


@pytest.mark.parametrize("path", [ACCOUNT, QRIS])
def test_a_retry_logs_in_anew(merchant: Merchant, clock: Clock, path: str) -> None:
    """Each attempt has a login, a time, a number and a signature of its own, and tells the same."""
    paid(merchant, path)
    shop = Bank(trxId="INV-2")
    shop.content = b"no"
    for minutes in (0, 1, 5, 10, 60, 600):
        clock.go(minutes=minutes)
        merchant.simulator.deliveries.run(shop)
    logins, calls = shop.got[::2], shop.got[1::2]
    assert (5, 5) == (len(logins), len(calls))
    for header in ("X-TIMESTAMP", "X-SIGNATURE"):
        assert (
            5 == len({one.headers[header] for one in logins}) == len({one.headers[header] for one in calls})
        )
    assert 5 == len({one.headers["X-EXTERNAL-ID"] for one in calls})
    assert 1 == len({one.content for one in calls})
    assert merchant.simulator.deliveries.all[0].done


@pytest.mark.parametrize("action", [PayerAction.FAIL, PayerAction.EXPIRE])
def test_a_transfer_that_never_came(merchant: Merchant, action: PayerAction) -> None:
    """SNAP BI's payment tells of money only: what is not paid is not told. A query shows it."""
    merchant.order(ACCOUNT)
    merchant.simulator.act("INV-1", action)
    assert () == merchant.simulator.deliveries.all
    with pytest.raises(ValueError, match="nothing else"):
        merchant.simulator.tell("INV-1", "06")
    assert merchant.query(ACCOUNT)["latestTransactionStatus"] in ("05", "06")


def test_a_transfer_that_is_told_again(merchant: Merchant) -> None:
    """A tester may tell a payment twice, or one that never was."""
    merchant.order(ACCOUNT)
    merchant.simulator.tell("INV-1", "00")
    merchant.simulator.tell("INV-1", "00")
    shop = Bank()
    merchant.simulator.deliveries.run(shop)
    assert shop.got[1].content == shop.got[3].content
    assert "03" == merchant.query(ACCOUNT)["latestTransactionStatus"]


def test_another_amount_is_transferred(merchant: Merchant) -> None:
    """The paid amount is told, whatever was asked for."""
    merchant.order(ACCOUNT)
    merchant.simulator.act("INV-1", PayerAction.PAY, amount=Money.idr(1))
    shop = Bank()
    merchant.simulator.deliveries.run(shop)
    assert {"currency": "IDR", "value": "1.00"} == json.loads(shop.got[1].content)["paidAmount"]


def test_the_variants(merchant: Merchant) -> None:
    """There are two; a third is refused, and the usual one is a notice."""
    simulator = merchant.simulator
    assert (("notice", "snap"), "snap") == (simulator.variants, simulator.variant)
    with pytest.raises(ValueError, match="notice or snap"):
        simulator.variant = "xml"
    simulator.variant = "notice"
    paid(merchant)
    shop = Bank()
    simulator.deliveries.run(shop)
    [request] = shop.got
    assert "00" == check_notice(request, merchant.account, "/callbacks/main")["latestTransactionStatus"]
    assert "notice" == AyolinxSimulator("https://shop.example/", account=merchant.account).variant
