"""A pretend SNAP provider: takes requests, lets payers act, and calls back. No I/O of its own."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import httpx

from paygate.methods import EWallet, Method, Qris, VirtualAccount
from paygate.model import ChargeStatus
from paygate.money import Money
from paygate.sandbox.addresses import origin_of
from paygate.sandbox.deliveries import Deliveries
from paygate.sandbox.delivery import Telling
from paygate.sandbox.faults import Faults
from paygate.sandbox.ledger import Ledger, PretendCharge
from paygate.sandbox.simulator import OUTCOMES, PayerAction
from paygate.sandbox.snap.account import SnapSandboxAccount
from paygate.sandbox.snap.accounts import ECHOED, flag
from paygate.sandbox.snap.books import SnapBooks
from paygate.sandbox.snap.calling import SnapCaller, jakarta
from paygate.sandbox.snap.door import SnapDoor
from paygate.sandbox.snap.endpoints import NOWHERE, Endpoint, answer, endpoints_of
from paygate.sandbox.snap.fields import Turned
from paygate.sandbox.snap.originals import notice
from paygate.snap import SnapProfile

RETRY_WAITS: Final = (60.0, 300.0, 900.0)
STATUSES: Final = ("00", "01", "02", "03", "04", "05", "06")
PAID: Final = "00"
TOLD_BY: Final[Mapping[type[Method], tuple[str, str]]] = {
    Qris: ("52", "/v1.0/qr/qr-mpm-notify"),
    VirtualAccount: ("25", "/v1.0/transfer-va/payment"),
    EWallet: ("56", "/v1.0/debit/notify"),
}
"""The merchant's own service that a charge is told by, and its path under a token."""


class SnapSimulator:
    """One merchant's sandbox at a SNAP provider that keeps to the standard, but for its profile.

    `adapter` is the name that the adapter goes by, `channels` are the provider's names of its methods. With
    `refuse_duplicates` off it makes a second charge or refund for a repeated number, as a careless provider
    would. `expired` is the status that an expired charge is told with. Callbacks go to `callback_url`, those
    of a wallet's charge to the order's own address; under a token, to the standard's paths below it. `pace`
    divides the waits between retries.
    """

    def __init__(
        self,
        adapter: str,
        profile: SnapProfile,
        channels: Mapping[str, Method],
        account: SnapSandboxAccount,
        callback_url: str,
        *,
        pace: float = 1.0,
        clock: Callable[[], float] = time.time,
        refuse_duplicates: bool = True,
        expired: str = "05",
    ) -> None:
        self.account = account
        self.door = SnapDoor(
            account,
            clock,
            layout=profile.layout,
            encoding=profile.encoding,
            unsigned_prefix=profile.unsigned_prefix,
            channel_id=profile.channel_id,
            symmetric=profile.symmetric,
        )
        self.faults = Faults()
        self.deliveries = Deliveries(pace, clock)
        self.variants: Sequence[str] = tuple(profile.inbound)
        self._variant = self.variants[0]
        self._adapter = adapter
        self._books = SnapBooks(
            account,
            channels,
            clock,
            channel_field=profile.channel_field,
            expired=expired,
            refuse_duplicates=refuse_duplicates,
        )
        hexadecimal = profile.encoding == "hex"
        self._caller = SnapCaller(account, callback_url, self._books.now, hexadecimal=hexadecimal)
        self._endpoints = endpoints_of(profile, channels)
        self._statuses = tuple(dict.fromkeys((*STATUSES, expired)))
        self._lock = threading.Lock()

    @property
    def ledger(self) -> Ledger:
        """Every charge it ever made."""
        return self._books.ledger

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the merchant configures, all but `base_url`."""
        url = self._caller.url
        return {**self.account.configured(self._adapter, url.path), "callback_url": str(url)}

    @property
    def variant(self) -> str:
        """How its calls are proven: "asymmetric" by its own key, "symmetric" by a token and the secret."""
        return self._variant

    @variant.setter
    def variant(self, variant: str) -> None:
        if variant not in self.variants:
            raise ValueError(f"its calls are {' or '.join(self.variants)}")
        self._variant = variant

    def operation(self, request: httpx.Request) -> str | None:
        """Which operation a request asks for."""
        return self._endpoint(request).operation or None

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as strictly as the standard allows."""
        endpoint = self._endpoint(request)
        if endpoint is NOWHERE:
            return self._answer(endpoint, 404, "00", "Not Found")
        if request.method != endpoint.verb:
            return self._answer(endpoint, 405, "00", "Requested Function Is Not Supported")
        try:
            with self._lock:
                if endpoint.answer is None:
                    fields: Mapping[str, Any] = self.door.log_in(request)
                else:
                    fields = endpoint.answer(self._books, self.door.let_in(request), origin_of(request.url))
        except Turned as turned:
            return self._answer(endpoint, turned.status, turned.case, turned.message)
        return self._answer(endpoint, 200, "00", "Successful", fields)

    def refusal(self, request: httpx.Request) -> httpx.Response:
        """A "no" that was not meant."""
        return self._answer(self._endpoint(request), 400, "00", "Bad Request")

    def busy(self, request: httpx.Request, retry_after: int) -> httpx.Response:
        """Too many requests."""
        reply = self._answer(self._endpoint(request), 429, "00", "Too Many Requests")
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

        `amount` is another than was asked for; a closed virtual account would not take it, and here it does,
        to try the merchant. Raises KeyError for an unknown reference, and ValueError for a charge that is no
        longer open or that is not paid by that method.
        """
        with self._lock:
            charge = self._books.known(reference)
            if charge.status is not ChargeStatus.PENDING:
                raise ValueError(f"the charge is {charge.status.value}")
            if by is not None and (by.kind, by.brand) != (charge.method.kind, charge.method.brand):
                raise ValueError("the charge is not paid in that way")
            charge.status = OUTCOMES[action]
            charge.finished_at = self._books.now()
            self._books.sheet(charge).paid = amount
            status = self._books.told[charge.status]
            if _can_tell(charge, status):
                self._notify(charge, status)
            return charge

    def tell(self, reference: str, status: str) -> PretendCharge:
        """Call back with any status of the standard, whatever the books say.

        Raises KeyError for an unknown reference and ValueError for a status that cannot be told.
        """
        if status not in self._statuses:
            raise ValueError(f"the statuses are {', '.join(self._statuses)}")
        with self._lock:
            charge = self._books.known(reference)
            if not _can_tell(charge, status):
                raise ValueError("a virtual account's flag tells of a payment and of nothing else")
            self._notify(charge, status)
            return charge

    def _notify(self, charge: PretendCharge, status: str) -> None:
        self.deliveries.add(charge.reference, self._telling(charge, status), RETRY_WAITS)

    def _telling(self, charge: PretendCharge, status: str) -> Telling:
        is_flag = isinstance(charge.method, VirtualAccount)
        body = flag(self._books, charge) if is_flag else notice(self._books, charge, status)
        echoed = ECHOED if is_flag else ()
        service, path = TOLD_BY[type(charge.method)]
        code = f"200{service}00"
        if self._variant == "symmetric":
            return self._caller.by_token(path, body, code, echoed)
        own = self._books.sheet(charge).callback_url
        return self._caller.by_notice(httpx.URL(own) if own else self._caller.url, body, code, echoed)

    def _endpoint(self, request: httpx.Request) -> Endpoint:
        return self._endpoints.get(request.url.path, NOWHERE)

    def _answer(
        self,
        endpoint: Endpoint,
        status: int,
        case: str,
        message: str,
        fields: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        return answer(endpoint, jakarta(self._books.now()), status, case, message, fields)


def _can_tell(charge: PretendCharge, status: str) -> bool:
    """Whether there are words for it: the flag of a virtual account tells of a payment alone."""
    return status == PAID or not isinstance(charge.method, VirtualAccount)
