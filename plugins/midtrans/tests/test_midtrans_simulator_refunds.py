"""Giving charges back at the pretend Midtrans: wholly, in parts, twice, too much. Requests are made by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import ChargeStatus, Money, Refund, RefundStatus
from paygate.sandbox import PayerAction
from tests.midtrans_merchant import ACCOUNTS, Merchant, opened, signed

WALLETS = ("qris", "airpay", "gopay", "shopeepay")
IN_PART = ("qris", "gopay")


def paid(kind: str = "gopay", **options: Any) -> Merchant:
    """A merchant whose charge of 20,000 rupiah has just been paid."""
    merchant = opened(**options)
    merchant.charge(kind)
    merchant.simulator.act("INV-1", PayerAction.PAY)
    merchant.told()
    return merchant


@pytest.mark.parametrize("amount", [None, 20_000])
@pytest.mark.parametrize("path", ["refund", "refund/online/direct"])
@pytest.mark.parametrize("kind", WALLETS)
def test_a_charge_is_given_back(kind: str, path: str, amount: int | None) -> None:
    """By either path; without an amount it is the whole."""
    merchant = paid(kind)
    body = {"refund_key": "R-1", "reason": "Barang habis"} | ({"amount": amount} if amount else {})
    told = merchant.ask("POST", f"/v2/INV-1/{path}", body)
    assert {
        "status_code": "200",
        "status_message": "Success, refund request is approved",
        "order_id": "INV-1",
        "transaction_status": "refund",
        "refund_chargeback_id": 1,
        "refund_amount": "20000.00",
        "refund_key": "R-1",
        "gross_amount": "20000.00",
    }.items() <= told.items()
    [refund] = merchant.made().refunds
    assert Refund(reference="R-1", amount=Money.idr(20_000), status=RefundStatus.DONE) == refund
    assert ChargeStatus.REFUNDED is merchant.made().status


@pytest.mark.parametrize("kind", IN_PART)
def test_parts_add_up(kind: str) -> None:
    """Each is told as a part, until they are the whole; a status lists them all."""
    merchant = paid(kind)
    for number, (amount, status) in enumerate(
        [(5_000, "partial_refund"), (14_999, "partial_refund"), (1, "refund")], 1
    ):
        merchant.clock.move(minutes=1)
        told = merchant.refund(f"R-{number}", amount)
        assert (status, f"{amount}.00", number) == (
            told["transaction_status"],
            told["refund_amount"],
            told["refund_chargeback_id"],
        )
    stands = merchant.status()
    assert ("200", "refund", "20000.00") == (
        stands["status_code"],
        stands["transaction_status"],
        stands["refund_amount"],
    )
    assert {
        "refund_chargeback_id": 2,
        "refund_amount": "14999.00",
        "refund_key": "R-2",
        "reason": "Barang habis",
        "created_at": "2026-01-02 10:02:00",
        "bank_confirmed_at": "2026-01-02 10:02:00",
    } == stands["refunds"][1]
    assert 3 == len(stands["refunds"])
    assert signed(stands, merchant.simulator.server_key) == stands["signature_key"]
    assert "412" == merchant.refund("R-4", 1)["status_code"]


def test_without_an_amount_it_is_what_is_left() -> None:
    """After a part was given back."""
    merchant = paid()
    merchant.refund("R-1", 5_000)
    told = merchant.refund("R-2")
    assert ("refund", "15000.00") == (told["transaction_status"], told["refund_amount"])


@given(st.lists(st.integers(1, 15_000), min_size=1, max_size=8))
def test_no_more_is_given_back_than_was_paid(amounts: list[int]) -> None:
    """Whatever is asked for in whatever order: what is too much is rejected, and changes nothing."""
    merchant = paid()
    rest = 20_000
    for number, amount in enumerate(amounts):
        code = merchant.refund(f"R-{number}", amount)["status_code"]
        assert ("412" if rest == 0 else "200" if amount <= rest else "414") == code
        rest -= amount if code == "200" else 0
    assert 20_000 - rest == sum(int(one.amount.amount) for one in merchant.made().refunds)


@pytest.mark.parametrize("kind", WALLETS)
@pytest.mark.parametrize("amount", [20_001, 99_999_999_999])
def test_too_much_is_rejected(kind: str, amount: int) -> None:
    """With 414, and the charge stays paid."""
    merchant = paid(kind)
    told = merchant.refund(amount=amount)
    assert ("414", {"status_code", "status_message", "id"}) == (told["status_code"], set(told))
    assert "settlement" == merchant.status()["transaction_status"]
    assert "refunds" not in merchant.status()
    assert [] == merchant.told()


@pytest.mark.parametrize("kind", ["shopeepay", "airpay"])
def test_shopeepay_gives_no_part_back(kind: str) -> None:
    """Nor does its QRIS; the whole it does."""
    merchant = paid(kind)
    assert "414" == merchant.refund(amount=19_999)["status_code"]
    assert "200" == merchant.refund()["status_code"]


@pytest.mark.parametrize("kind", ACCOUNTS)
def test_a_transfer_is_never_given_back(kind: str) -> None:
    """There is no way back to whom it came from: 412."""
    merchant = paid(kind)
    assert "412" == merchant.refund()["status_code"]
    assert "settlement" == merchant.status()["transaction_status"]


@pytest.mark.parametrize("action", [None, PayerAction.FAIL, PayerAction.EXPIRE])
def test_what_was_not_paid_is_not_given_back(action: PayerAction | None) -> None:
    """The status does not allow it: 412."""
    merchant = opened()
    merchant.charge()
    if action is not None:
        merchant.simulator.act("INV-1", action)
    assert "412" == merchant.refund()["status_code"]


def test_a_refund_asked_for_again_is_made_once() -> None:
    """The same key for the same charge and amount, within seven days, is answered as the first time."""
    merchant = paid()
    first = merchant.refund("R-1", 5_000)
    merchant.told()
    merchant.clock.move(days=7)
    assert first == merchant.refund("R-1", 5_000)
    assert [] == merchant.told()
    assert 1 == len(merchant.made().refunds)
    merchant.clock.move(seconds=1)
    assert "406" == merchant.refund("R-1", 5_000)["status_code"]
    assert 1 == len(merchant.made().refunds)


def test_so_is_the_whole() -> None:
    """Though the charge has been given back meanwhile, and no amount is named."""
    merchant = paid("shopeepay")
    first = merchant.refund("R-1")
    assert first == merchant.refund("R-1")
    assert "412" == merchant.refund("R-2")["status_code"]
    assert 1 == len(merchant.made().refunds)


def test_a_key_is_for_one_refund() -> None:
    """With another amount, or for another charge, it is a duplicate: 406."""
    merchant = paid()
    merchant.refund("R-1", 5_000)
    assert "406" == merchant.refund("R-1", 6_000)["status_code"]
    assert "406" == merchant.refund("R-1")["status_code"]
    merchant.charge("gopay", "INV-2")
    merchant.simulator.act("INV-2", PayerAction.PAY)
    assert "406" == merchant.refund("R-1", 5_000, "INV-2")["status_code"]
    assert () == merchant.made("INV-2").refunds


def test_without_a_key_it_is_made_twice() -> None:
    """Midtrans makes one up; a merchant who tries again gives back again."""
    merchant = paid()
    told = [merchant.refund(None, 5_000) for _ in range(2)]
    assert 2 == len({one["refund_key"] for one in told})
    assert 2 == len(merchant.made().refunds)


@pytest.mark.parametrize(
    ("other", "code", "said"),
    [
        ({"refund_key": "R 1"}, "400", "refund_key format is invalid"),
        ({"refund_key": "R/1"}, "400", "refund_key format is invalid"),
        ({"refund_key": "R.1"}, "400", "refund_key format is invalid"),
        ({"refund_key": 1}, "408", "refund_key has the wrong type"),
        ({"reason": ""}, "400", "reason is required"),
        ({"reason": None}, "400", "reason is required"),
        ({"reason": "x" * 256}, "400", "reason must not exceed 255 characters"),
        ({"amount": 0}, "400", "amount must be between 1 and 99999999999"),
        ({"amount": -1}, "400", "amount must be between 1 and 99999999999"),
        ({"amount": "5000"}, "408", "amount has the wrong type"),
        ({"amount": 5_000.0}, "408", "amount has the wrong type"),
        ({"amount": True}, "408", "amount has the wrong type"),
    ],
)
def test_a_refund_that_is_wrong(other: dict[str, Any], code: str, said: str) -> None:
    """A key of other signs, no reason, an amount that is no whole number of rupiah."""
    merchant = paid()
    told = merchant.refund(**other)
    assert (code, [said]) == (told["status_code"], told["validation_messages"])
    assert () == merchant.made().refunds


@pytest.mark.parametrize(("kind", "days"), [("qris", 45), ("airpay", 7), ("gopay", 45), ("shopeepay", 365)])
def test_a_charge_can_be_given_back_for_so_long(kind: str, days: int) -> None:
    """Counted from when it was paid; later it is rejected, 414."""
    late, early = paid(kind), paid(kind)
    early.clock.move(days=days)
    late.clock.move(days=days, seconds=1)
    assert ("200", "414") == (early.refund()["status_code"], late.refund()["status_code"])


def test_a_refund_may_wait_for_the_bank() -> None:
    """Then it is 201, and called back about twice: when it is asked for, and when the bank confirms it."""
    merchant = paid(refunds_wait=True)
    told = merchant.refund("R-1", 5_000)
    assert ("201", "partial_refund") == (told["status_code"], told["transaction_status"])
    assert [RefundStatus.PENDING] == [one.status for one in merchant.made().refunds]
    [first] = merchant.told()
    assert "bank_confirmed_at" not in first["refunds"][0]
    assert "bank_confirmed_at" not in merchant.status()["refunds"][0]
    merchant.clock.move(hours=2)
    merchant.simulator.confirm_refund("INV-1", "R-1")
    [second] = merchant.told()
    assert "2026-01-02 12:00:00" == second["refunds"][0]["bank_confirmed_at"]
    assert [RefundStatus.DONE] == [one.status for one in merchant.made().refunds]
    assert first["signature_key"] == second["signature_key"]
    assert "200" == merchant.refund("R-1", 5_000)["status_code"]


def test_only_what_waits_is_confirmed() -> None:
    """No other refund, and none twice."""
    merchant = paid(refunds_wait=True)
    merchant.refund("R-1", 5_000)
    merchant.simulator.confirm_refund("INV-1", "R-1")
    for order_id, key in (("INV-1", "R-1"), ("INV-1", "R-2"), ("INV-2", "R-1")):
        with pytest.raises(KeyError):
            merchant.simulator.confirm_refund(order_id, key)
