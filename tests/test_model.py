from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import (
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Customer,
    EWallet,
    InvalidCharge,
    Item,
    Method,
    Money,
    PaymentLink,
    Qris,
    Retail,
    VirtualAccount,
)
from tests.provider import order

LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value", "cure"),
    [
        ("reference", "", "1 to 64"),
        ("reference", "x" * 65, "1 to 64"),
        ("reference", "INV é", "ASCII"),
        ("reference", "INV 1", "no spaces"),
        ("reference", "INV\n", "visible"),
        ("reference", 7, "ASCII"),
        ("amount", 25_000, "Money.idr"),
        ("amount", Money.idr(0), "more than zero"),
        ("amount", Money.idr(-1), "more than zero"),
        ("amount", Money(1, "USD"), "rupiah"),
        ("method", "qris", "Qris()"),
        ("method", Qris, "Qris()"),
        ("method", type("Other", (Qris,), {})(), "Qris()"),
        ("expires_at", LATER.replace(tzinfo=None), "time zone"),
        ("expires_at", "2030-01-01", "aware datetime"),
        ("customer", "Ratna", r"Customer\("),
        ("customer", {"name": "Ratna"}, r"Customer\("),
        ("description", "", "1 to 255"),
        ("description", "x" * 256, "1 to 255"),
        ("description", "two\nlines", "printable"),
        ("description", b"bytes", "printable"),
        ("items", [], "tuple of Item"),
        ("items", None, "tuple of Item"),
        ("items", [Item("Kopi", Money.idr(25_000))], "tuple of Item"),
        ("items", (("Kopi", 25_000, 1),), "tuple of Item"),
        ("items", (Item("Kopi", Money.idr(24_999)),), "do not add up"),
        ("items", (Item("Kopi", Money.idr(25_000), 2),), "do not add up"),
        ("items", (Item("Kopi", Money.idr(12_500)), Item("Teh", Money.idr("12500.01"))), "do not add up"),
        ("return_url", "", "https://"),
        ("return_url", "shop.example", "https://"),
        ("return_url", "ftp://shop.example", "https://"),
        ("return_url", "javascript:alert(1)", "https://"),
        ("return_url", "https://shop.example/a b", "https://"),
        ("return_url", "https://shop.example/\nX: y", "https://"),
        ("return_url", "https://" + "x" * 2001, "https://"),
        ("return_url", 7, "https://"),
    ],
    ids=repr,
)
def test_a_request_that_could_never_be_right_is_refused(field: str, value: Any, cure: str) -> None:
    """Bad input names its field and says what to do."""
    with pytest.raises(InvalidCharge, match=cure) as refused:
        order(**{field: value})
    assert field == refused.value.field
    assert str(refused.value).startswith("Mend the charge request; nothing was sent.")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", ["", "x" * 256, "Ratna\n", "Ratna\x00", 7, "\ud800"]),
        ("email", ["", "ratna", "ratna@", "@mail.example", "a@b@c", "a b@c", "a@b\n", "é@mail.example", 7]),
        (
            "phone",
            [
                "",
                "081234567890",
                "6281300000000",
                "+0812345678",
                "+62 812",
                "+6281٢34567",
                "+62813000000\n",
                7,
            ],
        ),
    ],
)
def test_a_customer_that_nobody_could_reach_is_refused(field: str, values: list[Any]) -> None:
    """The error names the field, and says none of the value."""
    for value in values:
        with pytest.raises(InvalidCharge) as refused:
            Customer(**{field: value})
        assert f"customer.{field}" == refused.value.field
        told = str(value).strip()
        assert len(told) < 4 or told not in str(refused.value)


def test_a_customer_may_be_known_in_part_and_is_never_shown() -> None:
    """Any of the three, or none; personal data stays out of a repr, of the request's too."""
    full = Customer(name="Ratna Dewi é", email="ratna+shop@mail.example", phone="+6281234567890")
    assert Customer() == Customer(name=None)
    for text in (repr(full), repr(order(customer=full)), str(full)):
        assert not any(value in text for value in ("Ratna", "mail.example", "8123456"))
    assert full == msgspec.json.decode(msgspec.json.encode(full), type=Customer)


@pytest.mark.parametrize(
    "arguments",
    [
        ("", Money.idr(1)),
        ("x" * 256, Money.idr(1)),
        ("a\nb", Money.idr(1)),
        (7, Money.idr(1)),
        ("Kopi", 1),
        ("Kopi", "1.00"),
        ("Kopi", Money.idr(-1)),
        ("Kopi", Money(1, "USD")),
        ("Kopi", Money.idr(1), 0),
        ("Kopi", Money.idr(1), -1),
        ("Kopi", Money.idr(1), True),
        ("Kopi", Money.idr(1), 1.0),
        ("Kopi", Money.idr(1), "1"),
    ],
    ids=repr,
)
def test_an_item_that_cannot_be_bought_is_refused(arguments: tuple[Any, ...]) -> None:
    """A name, a price of zero rupiah or more for one piece, and a whole number of pieces."""
    with pytest.raises(InvalidCharge) as refused:
        Item(*arguments)
    assert "items" == refused.value.field


@given(
    st.lists(st.tuples(st.decimals(0, 10_000, places=2), st.integers(1, 99)), min_size=1, max_size=9).filter(
        lambda lines: any(price for price, _ in lines)
    )
)
def test_items_that_add_up_to_the_amount_are_taken(lines: list[tuple[Decimal, int]]) -> None:
    """To the cent; and a cent more or less is refused."""
    items = tuple(Item("Kopi", Money.idr(price), quantity) for price, quantity in lines)
    total = sum((price * quantity for price, quantity in lines), Decimal(0))
    assert items == order(amount=Money.idr(total), items=items).items
    with pytest.raises(InvalidCharge, match="do not add up"):
        order(amount=Money.idr(total + Decimal("0.01")), items=items)


@pytest.mark.parametrize("reference", ["x", "x" * 64, "INV/2026/11-0001", "!~"])
def test_visible_ascii_makes_a_reference(reference: str) -> None:
    """One to 64 visible ASCII characters are a reference."""
    assert reference == order(reference).reference


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        (Qris(), "qris"),
        (EWallet("dana"), "e_wallet"),
        (VirtualAccount("bni"), "virtual_account"),
        (Retail("alfamart"), "retail"),
        (PaymentLink(), "payment_link"),
    ],
)
def test_a_method_knows_its_kind_and_survives_a_round_trip(method: Method, kind: str) -> None:
    """A request can be stored as JSON and comes back equal, its method of the same kind."""
    request = ChargeRequest(reference="A", amount=Money.idr(1), method=method, expires_at=LATER)
    assert kind == request.method.kind
    assert request == msgspec.json.decode(msgspec.json.encode(request), type=ChargeRequest)


def test_a_charge_names_itself_and_hides_what_the_provider_wrote() -> None:
    """`ref` carries what a later query needs; `repr` leaves the provider's message out."""
    charge = Charge(
        gateway="main",
        reference="A",
        status=ChargeStatus.PENDING,
        method=Qris(),
        amount=Money.idr(5),
        provider_reference="P",
        raw=b'{"customerNumber":"081234567890"}',
    )
    assert ChargeRef("main", "A", Qris(), "P", Money.idr(5)) == charge.ref
    assert "081234567890" not in repr(charge)
    assert charge == msgspec.json.decode(msgspec.json.encode(charge), type=Charge)


def test_headers_are_found_in_any_case_and_a_repeated_one_is_joined() -> None:
    """A mapping and pairs read alike; a name sent twice cannot pass for one of its values."""
    mapping = CallbackRequest("POST", "/", {"X-Signature": "a"}, b"")
    pairs = CallbackRequest("POST", "/", [("X-SIGNATURE", "a"), ("x-signature", "b")], b"secret body")
    assert "a" == mapping.header("x-signature")
    assert "a, b" == pairs.header("x-signature")
    assert pairs.header("x-timestamp") is None
    assert "secret" not in repr(pairs)


@pytest.mark.parametrize("body", ["text", None, {"a": 1}])
def test_a_body_that_was_parsed_already_is_refused_with_the_reason(body: Any) -> None:
    """Signatures are over raw bytes, so a framework's parsed body is a programming error."""
    with pytest.raises(TypeError, match="raw bytes"):
        CallbackRequest("POST", "/", {}, body)


def test_a_reply_does_not_show_what_it_says() -> None:
    """Its body may hold a token, or the name of who paid."""
    reply = CallbackReply(200, {"Content-Type": "application/json"}, b'{"accessToken":"abc"}')
    assert "CallbackReply(200, 21 bytes)" == repr(reply)


def test_many_headers_are_read_in_one_pass() -> None:
    """A stranger's many headers cost no more than their number; this ends at once or not for minutes."""
    pairs = [(f"X-{number}", "v") for number in range(200_000)]
    assert "v" == CallbackRequest("POST", "/", pairs, b"").header("x-199999")
