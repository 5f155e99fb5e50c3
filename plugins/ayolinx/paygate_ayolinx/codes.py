"""Every code of Ayolinx's with evidence, on top of SNAP BI's table, and what it means in our words.

Sources: Ayolinx docs, "Callback description" (status) and the example of each API (success codes);
public merchant code for 581000001. Ayolinx's own error page could not be had, so SNAP BI's table
stands for it; a code that is in neither leaves the outcome unknown.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from paygate import AuthenticationFailed, ChargeStatus, PaygateError
from paygate.snap import GENERAL, STATUSES, Errors

QRIS_CHANNEL: Final = "BNC_QRIS"

ERRORS: Final[Errors] = GENERAL

ODD: Final[Mapping[str, type[PaygateError]]] = MappingProxyType({"581000001": AuthenticationFailed})
"""Codes that have not the form of SNAP BI."""

STATUS: Final[Mapping[str, ChargeStatus | None]] = STATUSES
"""latestTransactionStatus; Ayolinx documents SNAP BI's eight. There is none for "expired"."""

NOTICE_TAKEN: Final = "2005600"
NOTICE_MALFORMED: Final = "4005600"
NOTICE_UNPROVEN: Final = "4015600"
"""The last two are not documented: an answer other than HTTP 200 with success is what matters."""
