"""How the pages write things for people."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import ChargeStatus, EWallet, Method, Money, PaymentLink, Qris, Retail, VirtualAccount
from paygate.methods import METHODS
from paygate.sandbox import Fault, wording
from paygate.sandbox.simulator import PayerAction
from tests.sandbox.toy import ToySimulator


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("1", "Rp\xa01"),
        ("25000", "Rp\xa025.000"),
        ("1234567.00", "Rp\xa01.234.567"),
        ("25000.50", "Rp\xa025.000,50"),
        ("99999999999999.99", "Rp\xa099.999.999.999.999,99"),
    ],
)
def test_an_amount_is_written_as_indonesians_read_it(amount: str, written: str) -> None:
    """Points between thousands, a comma before sen, and no break in it."""
    assert written == wording.rupiah(Money.idr(amount))


@given(st.decimals("0.01", "99999999999999.99", places=2))
def test_an_amount_can_be_read_back(amount: Decimal) -> None:
    """No digit is lost or rounded, whatever the amount."""
    written = wording.rupiah(Money.idr(amount)).removeprefix("Rp\xa0")
    assert amount == Decimal(written.replace(".", "").replace(",", "."))


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.1, "1 s"),
        (59, "59 s"),
        (99.0, "99 s"),
        (99.5, "2 min"),
        (3600, "60 min"),
        (7200, "2 h"),
        (90000, "25 h"),
    ],
)
def test_a_wait_is_rounded_up(seconds: float, written: str) -> None:
    """So that it is over by then."""
    assert written == wording.span(seconds)


@pytest.mark.parametrize(
    ("method", "written"),
    [
        (Qris(), "QRIS"),
        (EWallet("dana"), "E-wallet DANA"),
        (EWallet("gopay"), "E-wallet GoPay"),
        (EWallet("shopeepay"), "E-wallet ShopeePay"),
        (VirtualAccount("mandiri"), "Virtual account Mandiri"),
        (VirtualAccount("bni"), "Virtual account BNI"),
        (Retail("pos_indonesia"), "Store Pos Indonesia"),
        (PaymentLink(), "Payment link"),
    ],
)
def test_a_method_is_named_with_its_brand(method: Method, written: str) -> None:
    """As the banks and stores write themselves."""
    assert written == wording.method(method)


def test_nothing_is_without_words() -> None:
    """Every fault and every method has some."""
    assert set(Fault) == set(wording.FAULTS)
    assert set(METHODS) == set(wording.KINDS)


def test_a_time_of_today_needs_no_date() -> None:
    """By this machine's clock; another day is named, and machines get the offset."""
    now = datetime.now(UTC).astimezone()
    assert f"{now:%H:%M:%S}" == wording.moment(now)
    assert wording.moment(now) == wording.moment(now.timestamp())
    old = datetime(2025, 11, 7, 14, 3, 22).astimezone()
    assert "7 Nov 2025, 14:03:22" == wording.moment(old)
    assert old == datetime.fromisoformat(wording.instant(old.astimezone(UTC)))


def test_a_charge_whose_time_is_up_is_shown_as_expired() -> None:
    """Though the provider has not been asked yet, and its books still say pending."""
    simulator = ToySimulator("http://127.0.0.1:1/")
    charge = simulator.charge("qris", "INV-1", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert ("expired", False) == (wording.charge_state(charge).words, wording.is_open(charge))
    assert ChargeStatus.PENDING is charge.status


@pytest.mark.parametrize(
    ("status", "accepts", "words", "tone"),
    [
        (200, True, "accepted, though corrupted", "bad"),
        (401, False, "refused, as it must be", "good"),
        (500, False, "not accepted", "bad"),
        (None, False, "not accepted", "bad"),
    ],
)
def test_a_corrupted_callback_must_be_refused(
    status: int | None, accepts: bool, words: str, tone: str
) -> None:
    """A merchant who takes it does not check signatures; one who breaks down over it proves nothing."""
    simulator = ToySimulator("http://127.0.0.1:1/")
    simulator.charge("qris", "INV-1")
    simulator.act("INV-1", PayerAction.PAY)
    copy = simulator.deliveries.corrupt(1)

    def post(_: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(status)

    simulator.deliveries.run(post)
    assert accepts == copy.accepted
    assert wording.State(words, tone) == wording.delivery_state(simulator.deliveries, copy)
