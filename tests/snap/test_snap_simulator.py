"""The pretend SNAP provider is as strict as the standard: every request here is made and signed by hand."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from paygate import ChargeStatus, Money, Qris
from paygate.sandbox import PayerAction, SnapSandboxAccount, SnapSimulator, qris_fields
from tests.snap.by_hand import (
    AMOUNT,
    CALLBACK_URL,
    NAMED_QR,
    NUMBERS,
    ORDERS,
    QR,
    QR_CANCEL,
    QR_QUERY,
    QR_REFUND,
    VA,
    VA_DELETE,
    VA_STATUS,
    Clock,
    Merchant,
    Shop,
    made_account,
    signed_rsa,
    simulated,
)
from tests.watch import CANARIES

REFUND = NAMED_QR | {"partnerRefundNo": "R-1", "refundAmount": AMOUNT, "reason": "Barang habis"}
OLD_QR = "/nusa/snap/v1.0/qr/qr-mpm-generate"


@pytest.fixture(scope="module")
def account() -> SnapSandboxAccount:
    """An account at the pretend NusaPay; its secret is watched for."""
    made = made_account()
    CANARIES.add(made.client_secret)
    return made


@pytest.fixture
def clock() -> Clock:
    """The simulator's clock."""
    return Clock()


@pytest.fixture
def simulator(account: SnapSandboxAccount, clock: Clock) -> SnapSimulator:
    """A pretend NusaPay."""
    return simulated(account, clock)


@pytest.fixture
def merchant(simulator: SnapSimulator, clock: Clock) -> Merchant:
    """Somebody who signs by hand."""
    return Merchant(simulator, clock)


def test_a_token_is_for_those_who_sign_for_it(merchant: Merchant, account: SnapSandboxAccount) -> None:
    """A login by another key, client or time is refused; the right one gets a token of text."""
    granted = merchant.log_in()
    assert ("2007300", "Bearer", "3600") == (
        granted["responseCode"],
        granted["tokenType"],
        granted["expiresIn"],
    )
    refused = [
        merchant.log_in(account.provider_key),
        merchant.log_in(headers={"X-CLIENT-KEY": "somebody"}),
        merchant.log_in(headers={"X-TIMESTAMP": "2026-09-14T10:09:59.000+07:00"}),
        merchant.log_in(headers={"X-TIMESTAMP": "2026-09-14T10:15:00+07:00"}),
        merchant.log_in(headers={"X-SIGNATURE": None}),
    ]
    assert ["4017300", "4017300", "4017300", "4007301", "4007302"] == [one["responseCode"] for one in refused]
    assert 1 == merchant.simulator.door.logins


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Bearer nonsense"}, "4014701"),
        ({"Authorization": None}, "4004702"),
        ({"X-PARTNER-ID": "client"}, "4014700"),
        ({"X-PARTNER-ID": None}, "4004702"),
        ({"CHANNEL-ID": "95221"}, "4014700"),
        ({"CHANNEL-ID": None}, "4004702"),
        ({"X-SIGNATURE": "00" * 64}, "4014700"),
        ({"X-SIGNATURE": None}, "4004702"),
        ({"X-EXTERNAL-ID": "ABC"}, "4004701"),
        ({"X-TIMESTAMP": "2026-09-14T10:20:01.000+07:00"}, "4014700"),
        ({"X-TIMESTAMP": "2026-09-14T03:15:00.000Z"}, "4004701"),
        ({"Content-Type": "text/plain"}, "4004701"),
    ],
)
def test_a_header_that_is_wrong_is_refused(
    merchant: Merchant, headers: dict[str, str | None], code: str
) -> None:
    """Token, partner, channel, signature, number and time: each is checked, and nothing is done."""
    assert code == merchant.ask(ORDERS[QR], headers=headers)["responseCode"]
    assert () == merchant.simulator.ledger.charges


def test_the_front_of_the_path_is_not_signed(merchant: Merchant) -> None:
    """NusaPay signs the path as its gateway sees it; over the whole path, or in base64, nothing fits."""
    assert "4014700" == merchant.ask(ORDERS[QR], signed_path=QR)["responseCode"]
    assert "2004700" == merchant.ask(ORDERS[QR])["responseCode"]


def test_numbers_are_used_once(merchant: Merchant, clock: Clock) -> None:
    """A repeated X-EXTERNAL-ID, a repeated order and a changed one are three different refusals."""
    merchant.order()
    again = [
        merchant.ask(ORDERS[QR], headers={"X-EXTERNAL-ID": "1"}),
        merchant.ask(ORDERS[QR]),
        merchant.ask(ORDERS[QR] | {"amount": {"value": "1.00", "currency": "IDR"}}),
    ]
    assert ["4094700", "4094701", "4044718"] == [one["responseCode"] for one in again]
    clock.go(days=1, seconds=1)
    assert "4094701" == merchant.ask(ORDERS[QR], headers={"X-EXTERNAL-ID": "1"})["responseCode"]
    assert 1 == merchant.simulator.ledger.count("INV-1")


@pytest.mark.parametrize("path", [QR, VA])
def test_a_careless_provider_makes_a_second_charge(
    account: SnapSandboxAccount, clock: Clock, path: str
) -> None:
    """With duplicates allowed the books show a client that sends twice."""
    merchant = Merchant(simulated(account, clock, refuse_duplicates=False), clock)
    merchant.order(path)
    merchant.order(path)
    assert 2 == merchant.simulator.ledger.count("INV-1")


def test_a_place_that_is_not_there_is_not_found(merchant: Merchant) -> None:
    """Where NusaPay has moved a service, the standard's own path is gone; another verb is not supported."""
    assert "4040000" == merchant.ask(ORDERS[QR], OLD_QR)["responseCode"]
    assert "4052700" == merchant.ask(ORDERS[VA], VA, "PUT")["responseCode"]
    assert "4053100" == merchant.ask(NUMBERS | {"trxId": "INV-1"}, VA_DELETE)["responseCode"]


@pytest.mark.parametrize(
    ("path", "changed", "code"),
    [
        (QR, {"partnerReferenceNo": ""}, "4004702"),
        (QR, {"partnerReferenceNo": "x" * 65}, "4004701"),
        (QR, {"amount": {"value": "20000", "currency": "IDR"}}, "4004701"),
        (QR, {"amount": {"value": 20000.0, "currency": "IDR"}}, "4004701"),
        (QR, {"amount": {"value": "0.00", "currency": "IDR"}}, "4044713"),
        (QR, {"amount": None}, "4004702"),
        (QR, {"merchantId": "M-1"}, "4044708"),
        (QR, {"merchantId": None}, "4004702"),
        (QR, {"additionalInfo": {"paymentChannel": "NP_VA_BNI"}}, "4004701"),
        (QR, {"additionalInfo": {"channel": "NP_QRIS"}}, "4004702"),
        (QR, {"validityPeriod": "2026-09-14T10:15:00+07:00"}, "4004701"),
        (QR, {"validityPeriod": "1789359300"}, "4004701"),
        (VA, {"partnerServiceId": "98810"}, "4002701"),
        (VA, {"partnerServiceId": "00098810"}, "4042716"),
        (VA, {"partnerServiceId": "   77777"}, "4042716"),
        (VA, {"virtualAccountNo": "98810000000000042"}, "4002701"),
        (VA, {"customerNo": 42}, "4002701"),
        (VA, {"virtualAccountName": " "}, "4002701"),
        (VA, {"virtualAccountTrxType": "O"}, "4002701"),
        (VA, {"virtualAccountPhone": "+6281234567890"}, "4002701"),
        (VA, {"trxId": None}, "4002702"),
    ],
)
def test_a_field_that_is_wrong_is_refused_by_name(
    merchant: Merchant, path: str, changed: dict[str, Any], code: str
) -> None:
    """Every mandatory field, its form and its meaning are checked, and nothing is done."""
    assert code == merchant.ask(ORDERS[path] | changed, path)["responseCode"]
    assert () == merchant.simulator.ledger.charges


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"text"', b"\xff"])
def test_a_body_that_is_no_object_is_refused(merchant: Merchant, body: bytes) -> None:
    """It is signed well, and is no JSON object."""
    assert "4004700" == merchant.ask(body)["responseCode"]


def test_a_qris_lives(merchant: Merchant) -> None:
    """Made, asked about, paid, given back in part and then as a whole; the history tells both refunds."""
    made = merchant.order()
    assert ("INV-1", "20000") == (made["partnerReferenceNo"], qris_fields(made["qrContent"])["54"])
    told = merchant.query(originalReferenceNo=made["referenceNo"])
    assert ("03", AMOUNT, "47") == (
        told["latestTransactionStatus"],
        told["amount"],
        told["serviceCode"],
    )
    assert "4047800" == merchant.ask(REFUND, QR_REFUND)["responseCode"]
    merchant.simulator.act("INV-1", PayerAction.PAY)
    told = merchant.query()
    assert ("00", "2026-09-14T10:15:00+07:00") == (told["latestTransactionStatus"], told["paidTime"])
    part = {"value": "5000.00", "currency": "IDR"}
    codes = [
        merchant.ask(REFUND | {"refundAmount": part}, QR_REFUND),
        merchant.ask(REFUND | {"refundAmount": part}, QR_REFUND),
        merchant.ask(REFUND | {"refundAmount": AMOUNT}, QR_REFUND),
        merchant.ask(REFUND | {"partnerRefundNo": "R-2"}, QR_REFUND),
        merchant.ask(
            REFUND | {"partnerRefundNo": "R-2", "refundAmount": {"value": "15000.00", "currency": "IDR"}},
            QR_REFUND,
        ),
    ]
    assert ["2007800", "4097801", "4047818", "4047813", "2007800"] == [one["responseCode"] for one in codes]
    told = merchant.query()
    assert ("04", ["R-1", "R-2"]) == (
        told["latestTransactionStatus"],
        [one["partnerRefundNo"] for one in told["refundHistory"]],
    )


def test_a_qris_is_cancelled_once(merchant: Merchant) -> None:
    """An open one becomes void for a reason; a void or a paid one cannot."""
    merchant.order()
    merchant.order(partnerReferenceNo="INV-2")
    body = NAMED_QR | {"reason": "Salah pesan"}
    assert "4007702" == merchant.ask(NAMED_QR, QR_CANCEL)["responseCode"]
    assert "2007700" == merchant.ask(body, QR_CANCEL)["responseCode"]
    assert "4057701" == merchant.ask(body, QR_CANCEL)["responseCode"]
    merchant.simulator.act("INV-2", PayerAction.PAY)
    assert (
        "4047714" == merchant.ask(body | {"originalPartnerReferenceNo": "INV-2"}, QR_CANCEL)["responseCode"]
    )
    assert "05" == merchant.query()["latestTransactionStatus"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"originalPartnerReferenceNo": "INV-9"}, "4045101"),
        ({"originalReferenceNo": "9"}, "4045101"),
        ({"serviceCode": "51"}, "4005101"),
        ({"merchantId": "M-1"}, "4045108"),
    ],
)
def test_a_question_must_name_the_charge(merchant: Merchant, changed: dict[str, Any], code: str) -> None:
    """Both numbers, the service that made it and the merchant must fit."""
    merchant.order()
    assert code == merchant.ask(NAMED_QR | {"serviceCode": "47"} | changed, QR_QUERY)["responseCode"]


def test_a_virtual_account_lives(merchant: Merchant, clock: Clock) -> None:
    """Made under the merchant's number, asked about by it, and paid; a number in use is not given twice."""
    data = merchant.order(VA)["virtualAccountData"]
    assert ("   98810000000000042", "INV-1", AMOUNT) == (
        data["virtualAccountNo"],
        data["trxId"],
        data["totalAmount"],
    )
    assert "4042711" == merchant.ask(ORDERS[VA] | {"trxId": "INV-2"}, VA)["responseCode"]
    told = merchant.status()["virtualAccountData"]
    assert ("03", "ASK-1", None) == (
        told["paymentFlagStatus"],
        told["inquiryRequestId"],
        told.get("paidAmount"),
    )
    merchant.simulator.act("INV-1", PayerAction.PAY)
    told = merchant.status()["virtualAccountData"]
    assert ("00", AMOUNT) == (told["paymentFlagStatus"], told["paidAmount"])
    assert "4042601" == merchant.status(customerNo="1", virtualAccountNo="   988101")["responseCode"]
    assert "4043114" == merchant.ask(NUMBERS | {"trxId": "INV-1"}, VA_DELETE, "DELETE")["responseCode"]


def test_a_virtual_account_is_deleted_and_expires(merchant: Merchant, clock: Clock) -> None:
    """DELETE has a signed body; a number is free again afterwards; what is late is told as NusaPay has it."""
    merchant.order(VA)
    assert "4043101" == merchant.ask(NUMBERS | {"trxId": "INV-9"}, VA_DELETE, "DELETE")["responseCode"]
    assert "2003100" == merchant.ask(NUMBERS | {"trxId": "INV-1"}, VA_DELETE, "DELETE")["responseCode"]
    assert "05" == merchant.status()["virtualAccountData"]["paymentFlagStatus"]
    merchant.order(VA, trxId="INV-2")
    clock.go(hours=25)
    assert "08" == merchant.status()["virtualAccountData"]["paymentFlagStatus"]
    assert VA_STATUS.endswith("/transfer-va/status")


def test_a_notice_is_signed_with_the_provider_s_key(merchant: Merchant, account: SnapSandboxAccount) -> None:
    """It is RSA over the merchant's own path; only 2005200 ends it."""
    merchant.order()
    merchant.simulator.act("INV-1", PayerAction.PAY)
    shop = Shop({"responseCode": "2005600", "responseMessage": "Successful"})
    merchant.simulator.deliveries.run(shop)
    assert not merchant.simulator.deliveries.all[0].done
    [sent] = shop.got
    text = (
        f"POST:/callbacks/main-4f1c:{hashlib.sha256(sent.content).hexdigest()}:{sent.headers['X-TIMESTAMP']}"
    )
    expected = signed_rsa(account.provider_key, text)
    assert (CALLBACK_URL, expected) == (str(sent.url), sent.headers["X-SIGNATURE"])
    told = json.loads(sent.content)
    assert ("INV-1", "00", AMOUNT, {"paymentChannel": "NP_QRIS"}) == (
        told["originalPartnerReferenceNo"],
        told["latestTransactionStatus"],
        told["amount"],
        told["additionalInfo"],
    )
    merchant.clock.go(minutes=1)
    shop.content = {"responseCode": "2005200", "responseMessage": "Successful"}
    merchant.simulator.deliveries.run(shop)
    assert merchant.simulator.deliveries.all[0].accepted


@pytest.mark.parametrize("left_out", [None, "trxId", "paidAmount", "virtualAccountName"])
def test_a_flag_under_a_token_is_echoed(merchant: Merchant, left_out: str | None) -> None:
    """The provider logs in, signs with the secret in hex, and is content only if the flag is said back."""
    merchant.order(VA)
    merchant.simulator.variant = "symmetric"
    merchant.simulator.act("INV-1", PayerAction.PAY)
    token = {
        "responseCode": "2007300",
        "responseMessage": "Successful",
        "accessToken": "abc",
        "tokenType": "Bearer",
        "expiresIn": "900",
    }
    flag = {
        **{key: value for key, value in ORDERS[VA].items() if key != "additionalInfo"},
        "paidAmount": AMOUNT,
        "paymentRequestId": merchant.simulator.ledger.charges[0].provider_reference,
    }
    echo = {key: value for key, value in flag.items() if key != left_out}
    shop = Shop({"responseCode": "2002500", "responseMessage": "Successful", "virtualAccountData": echo})
    shop.by_end["/access-token/b2b"] = token
    merchant.simulator.deliveries.run(shop)
    assert (left_out is None) == merchant.simulator.deliveries.all[0].accepted
    sent = shop.got[1]
    path = "/callbacks/main-4f1c/v1.0/transfer-va/payment"
    text = f"POST:{path}:abc:{hashlib.sha256(sent.content).hexdigest()}:{sent.headers['X-TIMESTAMP']}"
    secret = merchant.account.client_secret.encode()
    assert hmac.digest(secret, text.encode(), "sha512").hex() == sent.headers["X-SIGNATURE"]
    assert path == sent.url.path


def test_what_cannot_be_is_refused(merchant: Merchant) -> None:
    """An unknown reference, a closed charge, another method, status or variant: nothing happens."""
    merchant.order(VA)
    simulator = merchant.simulator
    with pytest.raises(KeyError):
        simulator.act("INV-9", PayerAction.PAY)
    with pytest.raises(ValueError, match="not paid in that way"):
        simulator.act("INV-1", PayerAction.PAY, by=Qris())
    with pytest.raises(ValueError, match="nothing else"):
        simulator.tell("INV-1", "06")
    with pytest.raises(ValueError, match="statuses are"):
        simulator.tell("INV-1", "42")
    with pytest.raises(ValueError, match="asymmetric or symmetric"):
        simulator.variant = "carrier pigeon"
    simulator.act("INV-1", PayerAction.PAY, amount=Money.idr(1))
    with pytest.raises(ValueError, match="is paid"):
        simulator.act("INV-1", PayerAction.EXPIRE)
    assert ChargeStatus.PAID is simulator.ledger.charges[0].status
    assert "1.00" == merchant.status()["virtualAccountData"]["paidAmount"]["value"]
