"""Every code of Ayolinx's with evidence, on top of SNAP BI's table, and what it means in our words.

Sources: Ayolinx docs, "Callback description" (status), "Channel description" as quoted by its API pages,
and the example of each API (success codes); public merchant code for 581000001 and for our answers.
Ayolinx's own error page could not be had, so SNAP BI's table stands for it; a code that is in neither
leaves the outcome unknown.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from paygate import (
    AuthenticationFailed,
    ChargeStatus,
    EWallet,
    Method,
    PaygateError,
    PaymentLink,
    Qris,
    Retail,
    VirtualAccount,
)
from paygate.snap import GENERAL, STATUSES, Errors

CHANNELS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "BNC_QRIS": Qris(),
        "EMONEY_DANA_SNAP": EWallet("dana"),
        "VIRTUAL_ACCOUNT_BNI": VirtualAccount("bni"),
        "VIRTUAL_ACCOUNT_BRI": VirtualAccount("bri"),
        "VIRTUAL_ACCOUNT_CIMB": VirtualAccount("cimb"),
        "VIRTUAL_ACCOUNT_MANDIRI": VirtualAccount("mandiri"),
        "RETAIL_ALFAMART": Retail("alfamart"),
        "RETAIL_ALFAMIDI": Retail("alfamidi"),
        "RETAIL_DANDAN": Retail("dandan"),
        "RETAIL_PEGADAIAN": Retail("pegadaian"),
        "RETAIL_POS_INDONESIA": Retail("pos_indonesia"),
    }
)
"""Every channel with documentary evidence."""

CHANNEL_OF: Final[Mapping[tuple[type[Method], str], str]] = MappingProxyType(
    {(type(method), method.brand): channel for channel, method in CHANNELS.items()}
)
"""The channel of a method, by its kind and brand."""

CHARGED: Final[tuple[Method | type[Method], ...]] = (*CHANNELS.values(), PaymentLink)
ASKABLE: Final[tuple[Method, ...]] = tuple(CHANNELS.values())
"""What can be charged, and of that what can be asked about: not a link."""

BANKS: Final = tuple(one.bank for one in CHANNELS.values() if isinstance(one, VirtualAccount))
LINK_CHANNELS: Final = ("BNC_QRIS", "EMONEY_DANA_SNAP", "VIRTUAL_ACCOUNT_BNI")
"""What a link offers unless told: the three of the documented example."""

ERRORS: Final[Errors] = GENERAL

ODD: Final[Mapping[str, type[PaygateError]]] = MappingProxyType({"581000001": AuthenticationFailed})
"""Refusals that have not the form of SNAP BI."""

RETAIL_SUCCESS: Final = frozenset({"00"})
"""The success code in the example of "Create retail transaction"; seven digits are a success too."""

STATUS: Final[Mapping[str, ChargeStatus | None]] = STATUSES
"""latestTransactionStatus; Ayolinx documents SNAP BI's eight. There is none for "expired"."""

NOTICE: Final = "56"
"""The service that a notice is answered as, of whatever method; of its answers only success is documented."""

PAYMENT: Final = "25"
"""The service of a virtual account's payment under a token; success and a wrong token as merchants answer."""

QRIS: Final = "52"
"""The service whose path a notice under a token has."""


def channel_of(method: Method) -> str:
    """The channel of a method that has one."""
    return CHANNEL_OF[type(method), method.brand]
