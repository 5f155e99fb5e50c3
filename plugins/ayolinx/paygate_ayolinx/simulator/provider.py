"""The pretend Ayolinx: takes requests, lets payers act, and calls back. No I/O of its own."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from paygate import ChargeStatus, Method, Money, PaymentLink
from paygate.sandbox import (
    OUTCOMES,
    Deliveries,
    Faults,
    Ledger,
    PayerAction,
    PretendCharge,
    SnapCaller,
    SnapDoor,
    SnapHmac,
    SnapSigns,
    Turned,
    origin_of,
)
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator.books import TOLD, AyolinxBooks, LinkReference
from paygate_ayolinx.simulator.callbacks import Callbacks
from paygate_ayolinx.simulator.channels import same
from paygate_ayolinx.simulator.endpoints import NOWHERE, answer, endpoint_of

RETRY_WAITS: Final = (60.0, 300.0, 600.0, 3600.0)
STATUSES: Final = ("00", "01", "02", "03", "04", "05", "06", "07")
"""Every latestTransactionStatus that the docs name."""


class AyolinxSimulator:
    """One merchant's sandbox at Ayolinx.

    With `refuse_duplicates` off it makes a second charge for a repeated reference, as a careless
    provider would: then the ledger shows whether a client sends twice. Callbacks go to the order's own
    address where it names one, else to `callback_url`; `pace` divides the waits between retries.
    The rest chooses what the docs leave open: which number names a link's charge in a callback, and, in
    the variant "snap", the path in the signature, its hash, and what Ayolinx calls itself, which is the
    merchant's client key unless told.
    """

    def __init__(
        self,
        callback_url: str,
        *,
        pace: float = 1.0,
        account: SandboxAccount | None = None,
        clock: Callable[[], float] = time.time,
        refuse_duplicates: bool = True,
        link_reference: LinkReference = "own",
        snap_signs: SnapSigns = "own",
        snap_hmac: SnapHmac = "sha512",
        snap_client_key: str | None = None,
    ) -> None:
        self.account = account or SandboxAccount.made()
        self.door = SnapDoor(self.account, clock)
        self.faults = Faults()
        self.deliveries = Deliveries(pace, clock)
        self._books = AyolinxBooks(
            self.account, clock, refuse_duplicates=refuse_duplicates, link_reference=link_reference
        )
        self._caller = SnapCaller(
            self.account,
            callback_url,
            self._books.now,
            client_key=snap_client_key,
            signs=snap_signs,
            hmac=snap_hmac,
        )
        self._callbacks = Callbacks(self._books, self._caller)
        self._lock = threading.Lock()

    @property
    def ledger(self) -> Ledger:
        """Every charge it ever made."""
        return self._books.ledger

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the merchant configures, all but `base_url`."""
        url = self._caller.url
        thanks = url.copy_with(raw_path=b"/thanks")
        return {**self.account.settings(url.path), "callback_url": str(url), "return_url": str(thanks)}

    @property
    def variants(self) -> tuple[str, ...]:
        """The ways in which it can call back: a signed notice, or SNAP BI's own with a token."""
        return ("notice", "snap")

    @property
    def variant(self) -> str:
        """The way in which it calls back about QRIS and virtual accounts; the others have but the notice."""
        return "snap" if self._callbacks.snap else "notice"

    @variant.setter
    def variant(self, variant: str) -> None:
        if variant not in self.variants:
            raise ValueError(f"it calls back by {' or '.join(self.variants)}")
        self._callbacks.snap = variant == "snap"

    def operation(self, request: httpx.Request) -> str | None:
        """Which operation a request asks for."""
        return endpoint_of(request).operation or None

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as strictly as Ayolinx should."""
        endpoint = endpoint_of(request)
        if endpoint is NOWHERE or request.method != "POST":
            return answer(endpoint, 404, "00", "Not Found")
        try:
            with self._lock:
                if endpoint.answer is None:
                    fields: Mapping[str, Any] = self.door.log_in(request)
                else:
                    body = self.door.let_in(request)
                    fields = endpoint.answer(self._books, body, origin_of(request.url))
        except Turned as turned:
            return answer(endpoint, turned.status, turned.case, turned.message)
        return answer(endpoint, 200, "00", "Successful", fields)

    def refusal(self, request: httpx.Request) -> httpx.Response:
        """A "no" that was not meant."""
        return answer(endpoint_of(request), 400, "00", "Bad Request")

    def busy(self, request: httpx.Request, retry_after: int) -> httpx.Response:
        """Too many requests."""
        reply = answer(endpoint_of(request), 429, "00", "Too Many Requests")
        reply.headers["Retry-After"] = str(retry_after)
        return reply

    def revoke_tokens(self) -> None:
        """Let every token end now."""
        self.door.revoke_tokens()

    def act(
        self,
        reference: str,
        action: PayerAction,
        by: Method | None = None,
        amount: Money | None = None,
    ) -> PretendCharge:
        """Let the payer pay, fail or be late; then the callback is due.

        A link is paid `by` one of the methods it offers, the first unless told. `amount` is another than
        was asked for; a closed virtual account would not take it, and here it does, to try the merchant.
        Raises KeyError for an unknown reference and ValueError for a charge that is no longer open or
        is not paid in that way.
        """
        with self._lock:
            charge = self._open(reference)
            charge.paid_by = _payer(charge, by)
            charge.status = OUTCOMES[action]
            charge.finished_at = self._books.now()
            self._books.sheet(charge).paid = amount
            self.notify(charge, TOLD[charge.status])
            return charge

    def tell(self, reference: str, status: str) -> PretendCharge:
        """Call back with any status of the docs, whatever the books say; "04" does refund the charge.

        Raises KeyError for an unknown reference and ValueError for a status that cannot be told.
        """
        if status not in STATUSES:
            raise ValueError(f"the statuses are {', '.join(STATUSES)}")
        with self._lock:
            charge = self._books.known(reference)
            if not self._callbacks.can_tell(charge, status):
                raise ValueError("a virtual account's payment in SNAP BI's own form tells of nothing else")
            if status == TOLD[ChargeStatus.REFUNDED]:
                charge.status = ChargeStatus.REFUNDED
            self.notify(charge, status)
            return charge

    def notify(self, charge: PretendCharge, status: str) -> None:
        """Send the callback of a charge; nothing where the variant has no words for the status."""
        if self._callbacks.can_tell(charge, status):
            telling = self._callbacks.telling(charge, status)
            self.deliveries.add(charge.reference, telling, RETRY_WAITS)

    def _open(self, reference: str) -> PretendCharge:
        charge = self._books.known(reference)
        if charge.status is not ChargeStatus.PENDING:
            raise ValueError(f"the charge is {charge.status.value}")
        return charge


def _payer(charge: PretendCharge, by: Method | None) -> Method | None:
    """How a link is paid: by one of the methods that it offers."""
    link = charge.method
    if isinstance(link, PaymentLink):
        found = next((one for one in link.offered if by is None or same(one, by)), None)
        if found is None:
            raise ValueError("the link does not offer that method")
        return found
    if by is not None and not same(link, by):
        raise ValueError("the charge is not paid in that way")
    return None
