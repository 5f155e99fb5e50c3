"""Ayolinx's channel codes, as its API pages name them, and the methods that they stand for."""

from typing import Final, TypeAlias

from paygate import EWallet, Method, Qris, Retail, VirtualAccount

Payable: TypeAlias = Qris | EWallet | VirtualAccount | Retail

QRIS: Final[dict[str, Payable]] = {"BNC_QRIS": Qris()}
WALLETS: Final[dict[str, Payable]] = {"EMONEY_DANA_SNAP": EWallet("dana")}
ACCOUNTS: Final[dict[str, Payable]] = {
    "VIRTUAL_ACCOUNT_BNI": VirtualAccount("bni"),
    "VIRTUAL_ACCOUNT_BRI": VirtualAccount("bri"),
    "VIRTUAL_ACCOUNT_CIMB": VirtualAccount("cimb"),
    "VIRTUAL_ACCOUNT_MANDIRI": VirtualAccount("mandiri"),
}
STORES: Final[dict[str, Payable]] = {
    "RETAIL_ALFAMART": Retail("alfamart"),
    "RETAIL_ALFAMIDI": Retail("alfamidi"),
    "RETAIL_DANDAN": Retail("dandan"),
    "RETAIL_PEGADAIAN": Retail("pegadaian"),
    "RETAIL_POS_INDONESIA": Retail("pos_indonesia"),
}
CHANNELS: Final = QRIS | WALLETS | ACCOUNTS | STORES


def same(one: Method, other: Method) -> bool:
    """Whether two methods are of one kind and brand, whatever number they bring."""
    return (one.kind, one.brand) == (other.kind, other.brand)


def channel_of(method: Method) -> str:
    """The channel of a method; empty where it has none, as a link."""
    return next((channel for channel, known in CHANNELS.items() if same(known, method)), "")
