"""The lives of charges at the pretend Midtrans: asked about, paid, cancelled, expired. Requests by hand."""

import uuid
from datetime import timedelta

import pytest

from paygate import ChargeStatus, EWallet, Qris
from paygate.sandbox import PayerAction
from tests.midtrans_merchant import ORDERS, Merchant, opened, signed

SAME = {
    "status_code",
    "status_message",
    "signature_key",
    "transaction_id",
    "order_id",
    "merchant_id",
    "gross_amount",
    "currency",
    "payment_type",
    "transaction_time",
    "transaction_status",
    "fraud_status",
}
ACCOUNT = {
    "permata": {"permata_va_number"},
    "mandiri": {"biller_code", "bill_key"},
    **{bank: {"va_numbers", "payment_amounts"} for bank in ("bca", "bni", "bri", "cimb")},
}
PAYER = {
    "qris": {"issuer", "transaction_type", "merchant_cross_reference_id"},
    "airpay": {"issuer", "transaction_type", "merchant_cross_reference_id"},
    "gopay": {"payment_option_type"},
}
SHOWN = {**ACCOUNT, "qris": {"acquirer"}, "airpay": {"acquirer"}}
ENDS = [
    (PayerAction.PAY, "settlement", "200", ChargeStatus.PAID),
    (PayerAction.FAIL, "deny", "202", ChargeStatus.FAILED),
    (PayerAction.EXPIRE, "expire", "407", ChargeStatus.EXPIRED),
]


@pytest.fixture
def merchant() -> Merchant:
    """A merchant of a pretend Midtrans."""
    return opened()


@pytest.mark.parametrize("kind", ORDERS)
def test_how_an_open_charge_stands(merchant: Merchant, kind: str) -> None:
    """The fields of a callback, signed as one, and nothing that only the first answer had."""
    made = merchant.charge(kind)
    told = merchant.status()
    assert SAME | SHOWN.get(kind, set()) == set(told)
    assert ("201", "pending") == (told["status_code"], told["transaction_status"])
    assert signed(told, merchant.simulator.server_key) == told["signature_key"]
    assert {name: made[name] for name in set(made) & SAME - {"status_message"}} == {
        name: told[name] for name in set(made) & SAME - {"status_message"}
    }
    assert told | {name: made[name] for name in SHOWN.get(kind, set()) & set(made)} == told


@pytest.mark.parametrize("kind", ORDERS)
def test_how_a_paid_charge_stands(merchant: Merchant, kind: str) -> None:
    """When it was settled, and what is known of who has paid."""
    merchant.charge(kind)
    merchant.clock.move(minutes=3)
    merchant.simulator.act("INV-1", PayerAction.PAY)
    told = merchant.status()
    assert SAME | SHOWN.get(kind, set()) | PAYER.get(kind, set()) | {"settlement_time"} == set(told)
    assert ("200", "settlement") == (told["status_code"], told["transaction_status"])
    assert "2026-01-02 10:03:00" == told["settlement_time"]
    assert signed(told, merchant.simulator.server_key) == told["signature_key"]
    assert merchant.clock.moment == merchant.made().finished_at


@pytest.mark.parametrize(
    ("kind", "issuer", "side"), [("qris", "gopay", "on-us"), ("airpay", "dana", "off-us")]
)
def test_a_qris_says_whose_customer_has_paid(merchant: Merchant, kind: str, issuer: str, side: str) -> None:
    """On-us where the acquirer's own has."""
    merchant.charge(kind)
    merchant.simulator.act("INV-1", PayerAction.PAY)
    told = merchant.status()
    assert (issuer, side) == (told["issuer"], told["transaction_type"])


def test_a_transfer_says_when_it_came(merchant: Merchant) -> None:
    """The whole amount at once; before that there is none."""
    merchant.charge("bca")
    assert [] == merchant.status()["payment_amounts"]
    merchant.simulator.act("INV-1", PayerAction.PAY)
    paid = {"paid_at": "2026-01-02 10:00:00", "amount": "20000.00"}
    assert [paid] == merchant.status()["payment_amounts"]


def test_a_charge_has_two_names(merchant: Merchant) -> None:
    """The order_id and the transaction_id lead to it in every path."""
    number = merchant.charge()["transaction_id"]
    assert merchant.status("INV-1") == merchant.status(number)
    assert "200" == merchant.cancel(number)["status_code"]
    assert "cancel" == merchant.status("INV-1")["transaction_status"]


@pytest.mark.parametrize(("action", "status", "code", "shown"), ENDS)
def test_what_a_payer_does(
    merchant: Merchant, action: PayerAction, status: str, code: str, shown: ChargeStatus
) -> None:
    """It pays, fails or is late, once; nothing can be done with it afterwards."""
    merchant.charge()
    assert shown is merchant.simulator.act("INV-1", action).status
    told = merchant.status()
    assert (code, status) == (told["status_code"], told["transaction_status"])
    with pytest.raises(ValueError, match=f"the charge is {shown.value}"):
        merchant.simulator.act("INV-1", PayerAction.PAY)
    for answer in (merchant.cancel(), merchant.expire()):
        assert {"status_code", "status_message", "id"} == set(answer)
        assert "412" == answer["status_code"]
    assert status == merchant.status()["transaction_status"]


def test_a_payer_pays_in_the_way_of_the_charge(merchant: Merchant) -> None:
    """Another is refused, and so is a charge that nobody has made."""
    merchant.charge()
    with pytest.raises(ValueError, match="not paid in that way"):
        merchant.simulator.act("INV-1", PayerAction.PAY, EWallet("gopay"))
    with pytest.raises(KeyError):
        merchant.simulator.act("INV-2", PayerAction.PAY)
    assert ChargeStatus.PAID is merchant.simulator.act("INV-1", PayerAction.PAY, Qris()).status


@pytest.mark.parametrize("kind", ORDERS)
def test_a_charge_is_cancelled(merchant: Merchant, kind: str) -> None:
    """While it is open, once; 200 says that it was done."""
    merchant.charge(kind)
    told = merchant.cancel()
    assert ("200", "cancel", "Success, transaction is canceled") == (
        told["status_code"],
        told["transaction_status"],
        told["status_message"],
    )
    assert ("202", "cancel") == (merchant.status()["status_code"], merchant.status()["transaction_status"])
    assert "412" == merchant.cancel()["status_code"]
    assert ChargeStatus.CANCELLED is merchant.made().status


@pytest.mark.parametrize("kind", ORDERS)
def test_a_charge_is_let_expire(merchant: Merchant, kind: str) -> None:
    """While it is open, once; 407 says that it was done, under HTTP 200."""
    merchant.charge(kind)
    reply = merchant.send("POST", "/v2/INV-1/expire")
    told = reply.json()
    assert (200, "407", "expire") == (reply.status_code, told["status_code"], told["transaction_status"])
    assert "Success, transaction has expired" == told["status_message"]
    assert ("407", "expire") == (merchant.status()["status_code"], merchant.status()["transaction_status"])
    assert "412" == merchant.expire()["status_code"]
    assert ChargeStatus.EXPIRED is merchant.made().status


def test_an_empty_object_is_a_body_too(merchant: Merchant) -> None:
    """What Midtrans' own client sends with every POST."""
    merchant.charge()
    assert "200" == merchant.ask("POST", "/v2/INV-1/cancel", {})["status_code"]


@pytest.mark.parametrize("kind", ["qris", "bca"])
def test_a_charge_expires_by_itself(merchant: Merchant, kind: str) -> None:
    """The moment its time is up, and not before, though nobody looks at it until later."""
    merchant.charge(kind, custom_expiry={"expiry_duration": 20, "unit": "second"})
    merchant.clock.move(seconds=19)
    assert "pending" == merchant.status()["transaction_status"]
    merchant.clock.move(seconds=1)
    with pytest.raises(ValueError, match="expired"):
        merchant.simulator.act("INV-1", PayerAction.PAY)
    merchant.clock.move(days=1)
    assert ("407", "expire") == (merchant.status()["status_code"], merchant.status()["transaction_status"])
    assert "412" == merchant.cancel()["status_code"]
    charge = merchant.made()
    assert charge.created_at + timedelta(seconds=20) == charge.expires_at == charge.finished_at


def test_charges_expire_in_the_order_of_their_time(merchant: Merchant) -> None:
    """Whatever the order they were made in; one that is paid never does."""
    for order_id, minutes in (("INV-1", 30), ("INV-2", 10), ("INV-3", 20)):
        own = {"expiry_duration": minutes, "unit": "minute"}
        merchant.charge(order_id=order_id, custom_expiry=own)
    merchant.simulator.act("INV-3", PayerAction.PAY)
    merchant.told()
    merchant.clock.move(hours=1)
    assert ["INV-2", "INV-1"] == [one["order_id"] for one in merchant.told()]
    assert ChargeStatus.PAID is merchant.made("INV-3").status


@pytest.mark.parametrize(
    "action", ["status", "cancel", "expire", "refund", "refund/online/direct", "approve"]
)
def test_a_charge_that_there_is_not(merchant: Merchant, action: str) -> None:
    """404 under HTTP 200, by any name."""
    for name in ("INV-1", str(uuid.uuid4())):
        verb = "GET" if action == "status" else "POST"
        reply = merchant.send(verb, f"/v2/{name}/{action}", {"refund_key": "R-1", "reason": "Habis"})
        assert (200, "404") == (reply.status_code, reply.json()["status_code"])
        assert "Transaction doesn't exist." == reply.json()["status_message"]


def test_what_is_for_cards_only(merchant: Merchant) -> None:
    """There is nothing to approve, to deny or to capture; but what is asked for must be there, and right."""
    number = merchant.charge()["transaction_id"]
    for action in ("approve", "deny"):
        assert "412" == merchant.ask("POST", f"/v2/INV-1/{action}")["status_code"]
    wanted = {"transaction_id": number, "gross_amount": 20_000}
    assert "412" == merchant.ask("POST", "/v2/capture", wanted)["status_code"]
    unknown = wanted | {"transaction_id": str(uuid.uuid4())}
    assert "404" == merchant.ask("POST", "/v2/capture", unknown)["status_code"]
    assert "400" == merchant.ask("POST", "/v2/capture", {})["status_code"]
    assert "pending" == merchant.status()["transaction_status"]


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("authorize", ChargeStatus.PENDING),
        ("capture", ChargeStatus.PAID),
        ("failure", ChargeStatus.FAILED),
        ("chargeback", ChargeStatus.REFUNDED),
        ("partial_chargeback", ChargeStatus.PARTIALLY_REFUNDED),
        ("settlement", ChargeStatus.PAID),
    ],
)
def test_a_tester_turns_a_charge(merchant: Merchant, status: str, shown: ChargeStatus) -> None:
    """To any way in which it may stand at Midtrans, after any other; it is told and can be asked for."""
    merchant.charge()
    merchant.simulator.act("INV-1", PayerAction.EXPIRE)
    merchant.told()
    assert shown is merchant.simulator.turn("INV-1", status).status
    assert status == merchant.status()["transaction_status"]
    assert [status] == [one["transaction_status"] for one in merchant.told()]


def test_a_tester_turns_only_what_is_there(merchant: Merchant) -> None:
    """To a status that Midtrans knows."""
    merchant.charge()
    with pytest.raises(ValueError, match="settlement"):
        merchant.simulator.turn("INV-1", "paid")
    with pytest.raises(KeyError):
        merchant.simulator.turn("INV-2", "settlement")
