"""The ways to pay that Midtrans has: how each is asked for, how long it lives, what can be given back."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from msgspec import Struct

from paygate import EWallet, Method, Qris, VirtualAccount

SHORTEST: Final = timedelta(seconds=20)


class Product(Struct, frozen=True, kw_only=True):
    """One way to pay.

    `lifetime` is for a charge that names no end, `longest` the most it may name. It can be given back for
    `refund_days` after it was paid, none at all for a virtual account; `in_part` says whether also in parts.
    """

    payment_type: str
    method: Method
    message: str
    lifetime: timedelta
    longest: timedelta
    refund_days: int = 0
    in_part: bool = False


def _account(bank: str, payment_type: str = "bank_transfer", message: str = "") -> Product:
    return Product(
        payment_type=payment_type,
        method=VirtualAccount(bank),
        message=message or "Success, Bank Transfer transaction is created",
        lifetime=timedelta(hours=24),
        longest=timedelta(days=180),
    )


def _qris(*, refund_days: int, in_part: bool) -> Product:
    """The longest life is that of the wallet; the docs tell it of the wallet only, and so is it inferred."""
    return Product(
        payment_type="qris",
        method=Qris(),
        message="QRIS transaction is created",
        lifetime=timedelta(minutes=15),
        longest=timedelta(days=7),
        refund_days=refund_days,
        in_part=in_part,
    )


# Whether a QRIS can be given back in parts depends on its acquirer, the docs say; that ShopeePay's cannot is
# inferred from its wallet. Here GoPay's is paid with GoPay (on-us), and ShopeePay's from elsewhere (off-us).
ACQUIRERS: Final[Mapping[str, Product]] = {
    "gopay": _qris(refund_days=45, in_part=True),
    "airpay shopee": _qris(refund_days=7, in_part=False),
}
GOPAY: Final = Product(
    payment_type="gopay",
    method=EWallet("gopay"),
    message="GoPay transaction is created",
    lifetime=timedelta(minutes=15),
    longest=timedelta(days=7),
    refund_days=45,
    in_part=True,
)
SHOPEEPAY: Final = Product(
    payment_type="shopeepay",
    method=EWallet("shopeepay"),
    message="ShopeePay transaction is created",
    lifetime=timedelta(minutes=15),
    longest=timedelta(days=5),
    refund_days=365,
)
BANKS: Final[Mapping[str, Product]] = {bank: _account(bank) for bank in ("bca", "bni", "bri", "cimb")}
PERMATA: Final[Mapping[str, Product]] = {
    name: _account("permata", name, "Success, PERMATA VA transaction is successful")
    for name in ("bank_transfer", "permata")
}
"""By the payment type that asks for it; there are two."""
MANDIRI: Final = _account("mandiri", "echannel", "OK, Mandiri Bill transaction is successful")
ELSEWHERE: Final = frozenset({"credit_card", "cstore", "dana", "ovo", "kredivo", "akulaku", "bca_klikpay"})
"""Payment types that Midtrans has, and that this merchant has no access to."""
