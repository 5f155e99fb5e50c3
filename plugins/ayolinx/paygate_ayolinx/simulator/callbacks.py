"""How the pretend Ayolinx calls a merchant back: a signed notice, or SNAP BI's own two requests."""

from typing import Final

import httpx

from paygate import Qris, VirtualAccount
from paygate.sandbox import PretendCharge, SnapCaller, Telling
from paygate_ayolinx.simulator.books import AyolinxBooks
from paygate_ayolinx.simulator.notices import notice, transfer

QRIS_PATH: Final = "/v1.0/qr/qr-mpm-notify"
TRANSFER_PATH: Final = "/v1.0/transfer-va/payment"
TRANSFER_TAKEN: Final = "2002500"
ECHOED: Final = (
    "partnerServiceId",
    "customerNo",
    "virtualAccountNo",
    "trxId",
    "paidAmount",
    "paymentRequestId",
    "virtualAccountTrxType",
)
"""What the example of an answer to a virtual account's payment repeats."""


class Callbacks:
    """Tells a merchant of charges. `snap` is set for SNAP BI's form of it."""

    def __init__(self, books: AyolinxBooks, caller: SnapCaller) -> None:
        self.snap = False
        self._books = books
        self._caller = caller

    def can_tell(self, charge: PretendCharge, status: str) -> bool:
        """Whether there are words for it: a transfer under a token has none for a charge that is not paid."""
        return not (self.snap and isinstance(charge.method, VirtualAccount)) or status == "00"

    def telling(self, charge: PretendCharge, status: str) -> Telling:
        """How a charge is told, once and in every retry.

        Docs: "Payment Notify", "Callback description"; under a token "VA callback introduction".
        """
        if self.snap and isinstance(charge.method, VirtualAccount):
            body = transfer(self._books, charge)
            return self._caller.by_token(TRANSFER_PATH, body, TRANSFER_TAKEN, ECHOED)
        told = notice(self._books, charge, status)
        if self.snap and isinstance(charge.method, Qris):
            return self._caller.by_token(QRIS_PATH, told)
        own = self._books.sheet(charge).callback_url
        return self._caller.by_notice(httpx.URL(own) if own else self._caller.url, told)
