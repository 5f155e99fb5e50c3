"""What people type for a charge: taken where it is plain, refused where it could mean something else."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import EWallet, InvalidCharge, Item, Money, PaymentLink, Qris, Retail, VirtualAccount
from paygate.cli.arguments import amount_of, item_of, method_of, moment_of, phone_of, typed

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["25000", "25000.00", "Rp25000", "Rp 25000", "rp25000", "Rp. 25000", "IDR 25000", "idr25000", " 25000 "],
)
def test_plain_amounts_are_taken(text: str) -> None:
    """Digits, perhaps two decimals after a point, perhaps the currency before it."""
    assert Money.idr(25_000) == amount_of(text)


@given(st.decimals(min_value=0, max_value=99_999_999_999_999, places=2))
def test_every_exact_amount_can_be_written(amount: object) -> None:
    """What Money holds is taken as it is, to the last digit."""
    assert Money.idr(str(amount)) == amount_of(str(amount))


@pytest.mark.parametrize(
    ("text", "meanings"),
    [
        ("20.000,00", "20000:"),
        ("20.000", "20000 or 20:"),
        ("20,000", "20000 or 20:"),
        ("20,000.00", "20000:"),
        ("1.000.000", "1000000:"),
        ("25,5", "25.50:"),
        ("25.5", "25.50:"),
        ("25,567", "25567 or 25.567:"),
        ("2e4", "20000:"),
        ("1jt", "1000000:"),
        ("1,5jt", "1500000:"),
        ("25rb", "25000:"),
        ("25k", "25000:"),
        ("2m", "2000000 or 2000000000:"),
        ("20_000", "20000:"),
        ("20 000", "20000:"),
        ("025000", "25000:"),
        ("Rp20.000,-", "20000 or 20:"),
        ("Rp 20.000", "20000 or 20:"),
    ],
)
def test_an_ambiguous_amount_is_refused_with_what_it_may_mean(text: str, meanings: str) -> None:
    """Each meaning is shown as it is to be written, so that nothing is guessed."""
    with pytest.raises(InvalidCharge) as caught:
        amount_of(text)
    assert f"may mean {meanings}" in caught.value.what


@pytest.mark.parametrize("text", ["-5", "+5", "(5)", "Rp-25000"])
def test_a_sign_is_refused(text: str) -> None:
    """An amount is never negative, and a plus is a slip."""
    with pytest.raises(InvalidCharge, match="has a sign"):
        amount_of(text)


@pytest.mark.parametrize(
    "text", ["", "Rp", "abc", "25000 rupiah!", "٢٥", "２５", "1e400", "NaN", "0x10", "2.5.1"]
)
def test_no_amount_is_refused(text: str) -> None:
    """With an example of how to write one."""
    with pytest.raises(InvalidCharge, match="is no amount: write digits alone"):
        amount_of(text)


@given(st.text())
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    """Nothing else is raised, whatever is typed."""
    try:
        amount = amount_of(text)
    except InvalidCharge:
        return
    assert amount.amount >= 0


@pytest.mark.parametrize(
    "method",
    [
        Qris(),
        EWallet("dana"),
        VirtualAccount("bni"),
        VirtualAccount("bni", "9882917200000001"),
        Retail("alfamart"),
        PaymentLink(),
    ],
    ids=typed,
)
def test_a_method_is_read_as_it_is_written(method: Qris) -> None:
    """`typed` and `method_of` are each other's inverse."""
    assert method == method_of(typed(method))


def test_a_link_offers_methods() -> None:
    """In the given order."""
    assert PaymentLink((Qris(), VirtualAccount("bni"))) == method_of(
        "payment_link", ("qris", "virtual_account:bni")
    )


@pytest.mark.parametrize(
    ("text", "offered", "why"),
    [
        ("cash", (), "is no method: use qris"),
        ("qris:bni", (), "is no method"),
        ("e_wallet", (), "is no method"),
        ("e_wallet:", (), "is no method"),
        ("virtual_account:bni:1:2", (), "is no method"),
        ("retail:a:b", (), "is no method"),
        ("qris", ("qris",), "only a payment_link offers"),
        ("payment_link", ("payment_link",), "cannot offer another"),
        ("payment_link", ("cash",), "is no method"),
    ],
)
def test_a_wrong_method_is_refused(text: str, offered: tuple[str, ...], why: str) -> None:
    """The text says what there is."""
    with pytest.raises(InvalidCharge, match=why):
        method_of(text, offered)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
    ],
)
def test_a_wait_is_counted_from_now(text: str, wait: timedelta) -> None:
    """Seconds, minutes, hours or days."""
    assert NOW + wait == moment_of(text, NOW)


def test_a_time_with_its_offset_is_taken() -> None:
    """ISO 8601; the offset stays."""
    assert "2026-01-31T17:00:00+07:00" == moment_of("2026-01-31T17:00:00+07:00").isoformat()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-01-31T17:00:00", "names no time zone"),
        ("2026-01-31", "names no time zone"),
        ("soon", "is no time"),
        ("15", "is no time"),
        ("0m", "is no time"),
        ("15 m", "is no time"),
        ("9999999h", "is no time"),
        ("999999d", "is beyond"),
    ],
)
def test_an_unclear_time_is_refused(text: str, why: str) -> None:
    """Nothing is assumed about time zones or units."""
    with pytest.raises(InvalidCharge, match=why):
        moment_of(text, NOW + timedelta(days=365 * 7000))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("081234567890", "+6281234567890"),
        ("02112345678", "+622112345678"),
        ("+6281234567890", "+6281234567890"),
        ("6281234567890", "6281234567890"),
        ("0812", "0812"),
        ("00628123456789", "00628123456789"),
        (None, None),
    ],
)
def test_a_local_number_becomes_international(text: str | None, number: str | None) -> None:
    """One zero before it is Indonesia's; what is anything else is left to be refused."""
    assert number == phone_of(text)


def test_an_item_has_name_price_and_quantity() -> None:
    """The name may have colons itself."""
    assert Item("Kopi", Money.idr(15_000), 2) == item_of("Kopi:15000:2")
    assert Item("Kopi: susu", Money.idr(15_000), 2) == item_of("Kopi: susu:Rp15000:2")


@pytest.mark.parametrize(
    "text", ["Kopi", "Kopi:15000", "Kopi:15000:two", "Kopi:15000:0", "Kopi:15.000:2", ":1:1"]
)
def test_a_wrong_item_is_refused(text: str) -> None:
    """Its parts are checked as those of the charge are."""
    with pytest.raises(InvalidCharge):
        item_of(text)
