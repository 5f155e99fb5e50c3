from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from paygate import (
    CallbackRequest,
    Charge,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    EWallet,
    InvalidCharge,
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
    ],
)
def test_a_request_that_could_never_be_right_is_refused(field: str, value: Any, cure: str) -> None:
    """Bad input names its field and says what to do."""
    with pytest.raises(InvalidCharge, match=cure) as refused:
        order(**{field: value})
    assert field == refused.value.field
    assert str(refused.value).startswith("Mend the charge request; nothing was sent.")


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


def test_many_headers_are_read_in_one_pass() -> None:
    """A stranger's many headers cost no more than their number; this ends at once or not for minutes."""
    pairs = [(f"X-{number}", "v") for number in range(200_000)]
    assert "v" == CallbackRequest("POST", "/", pairs, b"").header("x-199999")
