"""How a charge can be paid, and what the payer needs for it.

All are frozen msgspec Structs; two that say the same are equal.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final, TypeAlias

from msgspec import Struct


class Qris(Struct, frozen=True, tag_field="kind", tag="qris"):
    """Pay by scanning a QR code with any Indonesian bank or wallet app."""

    kind: ClassVar[str] = "qris"

    @property
    def brand(self) -> str:
        """Nobody in particular: any app will do."""
        return ""


class EWallet(Struct, frozen=True, tag_field="kind", tag="e_wallet"):
    """Pay in a wallet's own app or page; `wallet` is its name in lower case, as in "dana"."""

    kind: ClassVar[str] = "e_wallet"
    wallet: str

    @property
    def brand(self) -> str:
        """The wallet."""
        return self.wallet


class VirtualAccount(Struct, frozen=True, tag_field="kind", tag="virtual_account"):
    """Pay by a transfer to a number made for this charge; `bank` as in "bni".

    The provider makes the number, unless you bring your own: `number` in full, the bank's prefix first.
    """

    kind: ClassVar[str] = "virtual_account"
    bank: str
    number: str | None = None

    @property
    def brand(self) -> str:
        """The bank."""
        return self.bank


class Retail(Struct, frozen=True, tag_field="kind", tag="retail"):
    """Pay at the till of a convenience store with a code; `store` as in "alfamart"."""

    kind: ClassVar[str] = "retail"
    store: str

    @property
    def brand(self) -> str:
        """The store."""
        return self.store


class PaymentLink(Struct, frozen=True, tag_field="kind", tag="payment_link"):
    """Pay on a page of the provider's, by one of the `offered` methods; by those it chooses where none is."""

    kind: ClassVar[str] = "payment_link"
    offered: tuple[Qris | EWallet | VirtualAccount | Retail, ...] = ()

    @property
    def brand(self) -> str:
        """Nobody in particular: the payer chooses."""
        return ""


Method: TypeAlias = Qris | EWallet | VirtualAccount | Retail | PaymentLink
METHODS: Final[tuple[type[Method], ...]] = (Qris, EWallet, VirtualAccount, Retail, PaymentLink)
SAMPLES: Final[Mapping[type[Method], Method]] = MappingProxyType(
    {
        Qris: Qris(),
        VirtualAccount: VirtualAccount("bni"),
        EWallet: EWallet("dana"),
        Retail: Retail("alfamart"),
        PaymentLink: PaymentLink(),
    }
)
"""What stands for a method that is served as a whole."""


def label(kind: str, brand: str) -> str:
    """A method in words, with its brand where it has one: "qris", "virtual_account bni"."""
    return f"{kind} {brand}".strip()


class QrCode(Struct, frozen=True, tag_field="show", tag="qr_code"):
    """Show this payload as a QR code; it is an EMV QRIS string."""

    payload: str


class Redirect(Struct, frozen=True, tag_field="show", tag="redirect"):
    """Send the payer's browser to this address."""

    url: str


class AccountNumber(Struct, frozen=True, tag_field="show", tag="account_number"):
    """Show this virtual account number of a bank, to transfer the exact amount to.

    Where the payer types two numbers, a company code and a key, a blank stands between them.
    """

    number: str
    bank: str


class PaymentCode(Struct, frozen=True, tag_field="show", tag="payment_code"):
    """Show this code, to be told at the till of a store; `url` is a page of the provider's that shows it."""

    code: str
    store: str
    url: str | None = None


Instructions: TypeAlias = QrCode | Redirect | AccountNumber | PaymentCode
