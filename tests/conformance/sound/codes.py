"""Lontar's words, as the adapter understands them."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paygate import (
    AlreadyPaid,
    AmountRejected,
    AuthenticationFailed,
    ChargeExpired,
    ChargeNotFound,
    ChargeStatus,
    DuplicateReference,
    EWallet,
    InvalidRequest,
    LimitExceeded,
    Method,
    PaygateError,
    PermissionDenied,
    Qris,
    RateLimited,
    RefundStatus,
    StateConflict,
    VirtualAccount,
)

SUCCESS: Final = "OK"
TOKEN_ENDED: Final = "TOKEN_ENDED"


class Refusal(Struct, frozen=True):
    """What a refusal means, and the HTTP status that it must come with."""

    status: int
    error: type[PaygateError]


REFUSALS: Final[Mapping[str, Refusal]] = {
    "BAD_FIELD": Refusal(400, InvalidRequest),
    "AMOUNT": Refusal(400, AmountRejected),
    "BAD_SIGNATURE": Refusal(401, AuthenticationFailed),
    TOKEN_ENDED: Refusal(401, AuthenticationFailed),
    "NOT_ALLOWED": Refusal(403, PermissionDenied),
    "LIMIT": Refusal(403, LimitExceeded),
    "NOT_FOUND": Refusal(404, ChargeNotFound),
    "DUPLICATE": Refusal(409, DuplicateReference),
    "ALREADY_PAID": Refusal(409, AlreadyPaid),
    "CLOSED": Refusal(409, ChargeExpired),
    "WRONG_STATE": Refusal(409, StateConflict),
    "TOO_MANY": Refusal(429, RateLimited),
}
ERRORS: Final = {code: refusal.error for code, refusal in REFUSALS.items()}

STATUS: Final[Mapping[str, ChargeStatus | None]] = {
    "OPEN": ChargeStatus.PENDING,
    "PAID": ChargeStatus.PAID,
    "FAILED": ChargeStatus.FAILED,
    "LATE": ChargeStatus.EXPIRED,
    "VOID": ChargeStatus.CANCELLED,
    "REFUNDED": ChargeStatus.REFUNDED,
    "PART_REFUNDED": ChargeStatus.PARTIALLY_REFUNDED,
    "GONE": None,
}
REFUND_STATUS: Final = {
    "WAITING": RefundStatus.PENDING,
    "DONE": RefundStatus.DONE,
    "REJECTED": RefundStatus.FAILED,
}
CHANNELS: Final[Mapping[str, Method]] = {
    "qris": Qris(),
    "va_bni": VirtualAccount("bni"),
    "dana": EWallet("dana"),
}


def channel_of(method: Method) -> str:
    """Lontar's name of a method."""
    return next(
        name for name, one in CHANNELS.items() if (type(one), one.brand) == (type(method), method.brand)
    )
