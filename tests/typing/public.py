"""The public interface as a type checker sees it. Checked, never run."""

from collections.abc import Mapping
from decimal import Decimal
from typing import assert_type

from paygate import (
    AccountNumber,
    AsyncPaygate,
    Callback,
    CallbackRequest,
    Charge,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Gateway,
    Money,
    Paygate,
    PaymentCode,
    QrCode,
    Qris,
    Redirect,
    VirtualAccount,
)
from paygate.snap import sign_hmac, verify_hmac


def blocking(paygate: Paygate) -> None:
    """The blocking shell."""
    request = ChargeRequest(reference="A", amount=Money.idr(25_000), method=Qris())
    charge = paygate.create_charge(request)
    assert_type(charge, Charge)
    assert_type(charge.status, ChargeStatus)
    assert_type(charge.instructions, QrCode | Redirect | AccountNumber | PaymentCode | None)
    assert_type(paygate.query(charge), Charge)
    assert_type(paygate.cancel(ChargeRef("main", "A", VirtualAccount("bni"))), Charge)
    assert_type(paygate.gateway("main"), Gateway)
    assert_type(paygate.gateways, Mapping[str, Gateway])
    assert_type(paygate.parse_callback("main", CallbackRequest("POST", "/", {}, b"")), Callback)


async def waiting(paygate: AsyncPaygate) -> None:
    """The async shell."""
    request = ChargeRequest(reference="A", amount=Money("1.00", "IDR"), method=Qris())
    assert_type(await paygate.create_charge(request, gateway="main"), Charge)
    assert_type(paygate.parse_callback("main", CallbackRequest("POST", "/", [("a", "b")], b"")), Callback)


def money() -> None:
    """Amounts are exact."""
    assert_type(Money(Decimal(1)).amount, Decimal)
    assert_type(Money.idr("1.00").currency, str)
    Money(1.5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def signing() -> None:
    """SNAP's functions take and return text."""
    assert_type(sign_hmac("secret", "text", "hex"), str)
    assert_type(verify_hmac("secret", "text", "signature"), bool)
    sign_hmac("secret", "text", "base32")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
