"""responseCode and latestTransactionStatus of SNAP BI, and what they mean in our words.

Source: SNAP BI technical and security standard v1.0.2, response codes; the portal pages of QR MPM and
debit for the status. Match on the code, never on the text: providers write it differently.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from paygate.errors import (
    AlreadyPaid,
    AmountRejected,
    AuthenticationFailed,
    ChargeExpired,
    ChargeNotFound,
    DuplicateReference,
    InvalidRequest,
    LimitExceeded,
    OutcomeUnknown,
    PaygateError,
    PermissionDenied,
    RateLimited,
    StateConflict,
)
from paygate.model import ChargeStatus

FORM: Final = re.compile(r"([1-5][0-9]{2})([0-9A-Za-z]{2})([0-9]{2})", re.ASCII)


class SnapCode(Struct, frozen=True):
    """A responseCode in its parts: HTTP status, service and case."""

    http: int
    service: str
    case: str

    @classmethod
    def parse(cls, code: str | int) -> "SnapCode | None":
        """Read "4042701", 4042701 or "200US00"; None for anything else."""
        if isinstance(code, int) and not 0 <= code < 10**7:
            return None
        form = FORM.fullmatch(str(code))
        return cls(int(form[1]), form[2], form[3]) if form else None

    @property
    def is_success(self) -> bool:
        """Whether it is done: 200 and case 00. A 202 is still in progress."""
        return self.http == 200 and self.case == "00"

    def __str__(self) -> str:
        return f"{self.http}{self.service}{self.case}"


Errors = Mapping[tuple[int, str], type[PaygateError]]

GENERAL: Final[Errors] = MappingProxyType(
    {
        (202, "00"): OutcomeUnknown,  # in progress: ask later
        (400, "00"): InvalidRequest,
        (400, "01"): InvalidRequest,
        (400, "02"): InvalidRequest,
        (401, "00"): AuthenticationFailed,
        (401, "01"): AuthenticationFailed,
        (401, "02"): AuthenticationFailed,
        (401, "03"): AuthenticationFailed,
        (401, "04"): AuthenticationFailed,
        (403, "00"): ChargeExpired,
        (403, "01"): PermissionDenied,
        (403, "02"): LimitExceeded,
        (403, "03"): PermissionDenied,  # suspected fraud
        (403, "04"): LimitExceeded,
        (403, "05"): PermissionDenied,  # do not honor
        (403, "06"): PermissionDenied,  # not at this time
        (403, "07"): PermissionDenied,
        (403, "08"): PermissionDenied,
        (403, "09"): PermissionDenied,
        (403, "10"): LimitExceeded,
        (403, "11"): PermissionDenied,
        (403, "12"): PermissionDenied,
        (403, "13"): PermissionDenied,
        (403, "14"): LimitExceeded,  # insufficient funds
        (403, "15"): PermissionDenied,
        (403, "16"): PermissionDenied,
        (403, "17"): LimitExceeded,
        (403, "18"): PermissionDenied,
        (403, "19"): PermissionDenied,
        (403, "20"): LimitExceeded,
        (403, "21"): PermissionDenied,
        (403, "22"): LimitExceeded,
        (403, "23"): LimitExceeded,
        (404, "00"): StateConflict,
        (404, "01"): ChargeNotFound,
        (404, "02"): PermissionDenied,  # invalid routing
        (404, "03"): PermissionDenied,
        (404, "04"): StateConflict,  # cancelled
        (404, "05"): PermissionDenied,
        (404, "06"): PermissionDenied,
        (404, "07"): InvalidRequest,
        (404, "08"): PermissionDenied,  # invalid merchant
        (404, "09"): PermissionDenied,
        (404, "10"): InvalidRequest,
        (404, "11"): InvalidRequest,
        (404, "12"): InvalidRequest,
        (404, "13"): AmountRejected,
        (404, "14"): AlreadyPaid,
        (404, "15"): PermissionDenied,  # wrong one-time password of the payer
        (404, "16"): PermissionDenied,  # partner not found
        (404, "17"): PermissionDenied,
        (404, "18"): OutcomeUnknown,  # inconsistent: success for some services, failure for others
        (404, "19"): ChargeExpired,
        (405, "00"): PermissionDenied,
        (405, "01"): StateConflict,
        # A copy of this very request was there before, for its number is used once: ask what became of it.
        (409, "00"): OutcomeUnknown,
        (409, "01"): DuplicateReference,
        (429, "00"): RateLimited,
        (500, "00"): OutcomeUnknown,
        (500, "01"): OutcomeUnknown,
        (500, "02"): OutcomeUnknown,
        (504, "00"): OutcomeUnknown,
    }
)
"""What a code means whatever the service. A pair that is not here leaves the outcome unknown."""

STATUSES: Final[Mapping[str, ChargeStatus | None]] = MappingProxyType(
    {
        "00": ChargeStatus.PAID,
        "01": ChargeStatus.PENDING,
        "02": ChargeStatus.PENDING,
        "03": ChargeStatus.PENDING,
        "04": ChargeStatus.REFUNDED,
        "05": ChargeStatus.CANCELLED,
        "06": ChargeStatus.FAILED,
        "07": None,
    }
)
"""latestTransactionStatus: None is "not found". A status that is not here is never guessed."""
