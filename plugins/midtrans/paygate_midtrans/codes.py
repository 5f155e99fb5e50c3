"""Midtrans' names of methods, statuses and codes, and what they mean in our words.

Sources: docs.midtrans.com, "Core API": one page for each method, "Get Transaction Status", "Cancel",
"Expire", "Refund" and "Direct Refund Transaction", "Status Codes". What is in no table leaves the outcome
unknown.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from paygate import (
    AmountRejected,
    AuthenticationFailed,
    ChargeNotFound,
    ChargeStatus,
    DuplicateReference,
    EWallet,
    InvalidRequest,
    Method,
    PaygateError,
    PermissionDenied,
    Qris,
    RateLimited,
    StateConflict,
    VirtualAccount,
)

GOPAY: Final = EWallet("gopay")
SHOPEEPAY: Final = EWallet("shopeepay")
MANDIRI: Final = VirtualAccount("mandiri")
BANKS: Final = ("bca", "bni", "bri", "cimb", "mandiri", "permata")
CHARGED: Final[tuple[Method, ...]] = (Qris(), GOPAY, SHOPEEPAY, *(VirtualAccount(bank) for bank in BANKS))
"""Everything that can be charged, asked about and cancelled here."""

BANK_TRANSFER: Final = "bank_transfer"
ECHANNEL: Final = "echannel"
PAYMENT_TYPES: Final[Mapping[str, Method]] = MappingProxyType(
    {"qris": Qris(), "gopay": GOPAY, "shopeepay": SHOPEEPAY, ECHANNEL: MANDIRI}
)
"""payment_type of the methods that have one of their own; banks but Mandiri share `bank_transfer`."""

STATUS: Final[Mapping[str, ChargeStatus]] = MappingProxyType(
    {
        "pending": ChargeStatus.PENDING,
        "settlement": ChargeStatus.PAID,
        "capture": ChargeStatus.PAID,
        "deny": ChargeStatus.FAILED,
        "failure": ChargeStatus.FAILED,
        "cancel": ChargeStatus.CANCELLED,
        "expire": ChargeStatus.EXPIRED,
        "refund": ChargeStatus.REFUNDED,
        "partial_refund": ChargeStatus.PARTIALLY_REFUNDED,
    }
)
"""transaction_status, in lower case. authorize and chargebacks have no word here: a person must look."""

FRAUD: Final[Mapping[str, ChargeStatus]] = MappingProxyType(
    {
        "": ChargeStatus.PAID,
        "accept": ChargeStatus.PAID,
        "challenge": ChargeStatus.PENDING,
    }
)
"""What fraud_status makes of a payment: only one that was accepted, or never doubted, is paid. "deny" is
left out: beside a payment it is a contradiction."""

RETURNED: Final = (ChargeStatus.REFUNDED, ChargeStatus.PARTIALLY_REFUNDED)
DENIED: Final = 202
Stand = Mapping[int, tuple[ChargeStatus, ...]]
"""The codes of a success, and the statuses that may stand beside each. All others contradict it."""

FOUND: Final[Stand] = MappingProxyType(
    {
        200: tuple(ChargeStatus),
        201: (ChargeStatus.PENDING, *RETURNED),
        DENIED: (ChargeStatus.FAILED, ChargeStatus.CANCELLED, ChargeStatus.EXPIRED),
        407: (ChargeStatus.EXPIRED,),
    }
)
"""Of an answer about a charge that exists. Midtrans: paid only if the code is 200. 407 is no error here."""

NEW: Final[Stand] = MappingProxyType(
    {200: (ChargeStatus.PENDING,), 201: (ChargeStatus.PENDING,), DENIED: (ChargeStatus.FAILED,)}
)
"""Of the answer to a new charge."""

REFUNDED: Final[Stand] = MappingProxyType({200: RETURNED, 201: (*RETURNED, ChargeStatus.PAID)})
"""Of the answer to a refund: approved, and waiting for bank or wallet. What 202 means is not documented."""

UNCHANGEABLE: Final = 412

ERRORS: Final[Mapping[int, type[PaygateError]]] = MappingProxyType(
    {
        400: InvalidRequest,
        401: AuthenticationFailed,
        402: PermissionDenied,
        403: InvalidRequest,
        404: ChargeNotFound,
        405: InvalidRequest,
        406: DuplicateReference,
        408: InvalidRequest,
        410: PermissionDenied,
        411: InvalidRequest,
        UNCHANGEABLE: StateConflict,
        413: InvalidRequest,
        414: AmountRejected,
        429: RateLimited,
    }
)
"""status_code of a definite no. 300, 5xx and 900 are none: what they leave behind nobody can say; and 409 is
about cards, so what it means of anything else is not documented."""

SHORTEST: Final = timedelta(seconds=20)
LONGEST: Final[Mapping[Method, timedelta]] = MappingProxyType(
    {GOPAY: timedelta(days=7), SHOPEEPAY: timedelta(days=5)}
)
LONGEST_OTHERWISE: Final = timedelta(days=180)
"""How long a charge may live, by the pages of each method; that of QRIS is the one of its SNAP page."""


def payment_type_of(method: Method) -> str:
    """The payment_type of a method that has one."""
    own = (
        told for told, one in PAYMENT_TYPES.items() if (type(one), one.brand) == (type(method), method.brand)
    )
    return next(own, BANK_TRANSFER)


def longest_of(method: Method) -> timedelta:
    """How long a charge by a method may live."""
    return LONGEST.get(method, LONGEST_OTHERWISE)
