"""The pretend Midtrans: takes requests, lets payers act, and calls back. No I/O of its own."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import httpx

from paygate import Method
from paygate.sandbox import Deliveries, Faults, Ledger, PayerAction, PretendCharge, origin_of
from paygate_midtrans.simulator import refunds
from paygate_midtrans.simulator.books import STATUSES, Books
from paygate_midtrans.simulator.callbacks import telling, waits
from paygate_midtrans.simulator.charges import Call
from paygate_midtrans.simulator.door import Turned, let_in, new_key
from paygate_midtrans.simulator.endpoints import Endpoint, endpoint_of, picture, problem
from paygate_midtrans.simulator.repeats import Repeats, key_of
from paygate_midtrans.simulator.standing import TOLD, signature, standing

OUTCOMES: Final = {
    PayerAction.PAY: "settlement",
    PayerAction.FAIL: "deny",
    PayerAction.EXPIRE: "expire",
}
OWN_STATUS: Final = (401, 405, 429)
"""The codes that are the HTTP status, too; the others come under HTTP 200."""
MESSAGE: Final = "midtrans payment notification"


class MidtransSimulator:
    """One merchant's sandbox at Midtrans.

    With `refuse_duplicates` off it makes a second charge for an order_id in use, as a careless provider
    would: then the ledger shows whether a client sends twice. Callbacks go to `callback_url` unless the
    order names another; `pace` divides the waits between retries. `closed` are the payment types, and banks,
    that the merchant has no access to. Midtrans calls back when a charge is made, too; `tells_pending` turns
    that off. With `refunds_wait` a refund waits until the bank confirms it (`confirm_refund`). With
    `plain_status` the HTTP status of a "no" is its code, as now and then at Midtrans; 407 never is.
    """

    def __init__(
        self,
        callback_url: str,
        *,
        pace: float = 1.0,
        clock: Callable[[], float] = time.time,
        refuse_duplicates: bool = True,
        server_key: str | None = None,
        closed: Collection[str] = (),
        tells_pending: bool = True,
        refunds_wait: bool = False,
        plain_status: bool = False,
    ) -> None:
        self.server_key = new_key() if server_key is None else server_key
        self.faults = Faults()
        self._deliveries = Deliveries(pace, clock)
        self._books = Books(
            clock, self._changed, refuse_duplicates=refuse_duplicates, refunds_wait=refunds_wait
        )
        self._repeats = Repeats(clock)
        self._url = callback_url
        self._closed = frozenset(closed)
        self._tells_pending = tells_pending
        self._plain_status = plain_status
        self._lock = threading.Lock()

    @property
    def ledger(self) -> Ledger:
        """Every charge it ever made."""
        return self._books.ledger

    @property
    def deliveries(self) -> Deliveries:
        """Its callbacks, those about charges whose time is up by now among them."""
        with self._lock:
            self._books.pass_time()
        return self._deliveries

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the merchant configures, all but `base_url`."""
        return {
            "adapter": "midtrans",
            "environment": "sandbox",
            "server_key": self.server_key,
            "callback_path": httpx.URL(self._url).path,
        }

    @property
    def variants(self) -> tuple[str, ...]:
        """The one way in which it calls back."""
        return ("notification",)

    @property
    def variant(self) -> str:
        """That way."""
        return "notification"

    @variant.setter
    def variant(self, variant: str) -> None:
        if variant not in self.variants:
            raise ValueError(f"it calls back by {' or '.join(self.variants)}")

    def operation(self, request: httpx.Request) -> str | None:
        """Which operation a request asks for; none is a picture."""
        try:
            return endpoint_of(request)[0].operation
        except Turned:
            return None

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as strictly as Midtrans should."""
        try:
            drawn = picture(self._books, request)
            if drawn is not None:
                return drawn
            endpoint, name = endpoint_of(request)
            body = let_in(request, self.server_key)
            call = Call(name=name, body=body, headers=request.headers, base=origin_of(request.url))
            key = key_of(request, body)
            return self._answer(endpoint, call) if key is None else self._once(key, endpoint, call)
        except Turned as turned:
            return self._turned(turned, is_known=self.operation(request) is not None)

    def refusal(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - all are alike
        """A "no" to what was all right. It comes under HTTP 200, as most of Midtrans' do."""
        return self._turned(Turned(400, ["the request was refused by the test"]), is_known=True)

    def busy(self, request: httpx.Request, retry_after: int) -> httpx.Response:  # noqa: ARG002
        """Too many requests."""
        body = problem(429, self._books.new_id())
        return httpx.Response(429, json=body, headers={"Retry-After": str(retry_after)})

    def revoke_tokens(self) -> None:
        """Do nothing: there are none, the server key signs every request."""

    def act(self, reference: str, action: PayerAction, by: Method | None = None) -> PretendCharge:
        """Let the payer pay, fail or be late; then the callback is due.

        Raises KeyError for an unknown order_id and ValueError for a charge that is no longer open or is
        not paid in that way.
        """
        with self._lock:
            charge = self._known(reference)
            status = self._books.sheet(charge).status
            if status != "pending":
                raise ValueError(f"the charge is {charge.status.value}")
            own = charge.method
            if by is not None and (own.kind, own.brand) != (by.kind, by.brand):
                raise ValueError("the charge is not paid in that way")
            self._books.turn(charge, OUTCOMES[action])
            return charge

    def turn(self, reference: str, status: str) -> PretendCharge:
        """Let a charge stand in any way that Midtrans knows, as after a dispute; then the callback is due.

        Raises KeyError for an unknown order_id and ValueError for an unknown status.
        """
        with self._lock:
            charge = self._known(reference)
            self._books.turn(charge, _checked(status))
            return charge

    def tell(self, reference: str, status: str, key: str | None = None, **changed: Any) -> None:
        """Call back with any status that Midtrans knows, whatever the books say, which stay as they are.

        Fields that are `changed` are so before it is signed; None leaves one out. Another `key` than the
        server key forges the signature. Raises KeyError and ValueError as `turn` does.
        """
        with self._lock:
            charge = self._known(reference)
            told = {**self._notice(charge), "transaction_status": _checked(status), **changed}
            if "status_code" not in changed:
                told["status_code"] = TOLD.get(status, "200")
            if "signature_key" not in changed:
                told["signature_key"] = signature(told, self.server_key if key is None else key)
            self._send(charge, {name: value for name, value in told.items() if value is not None})

    def confirm_refund(self, reference: str, refund_key: str) -> PretendCharge:
        """Let the bank confirm a refund that waits; then a second callback is due. Raises KeyError."""
        with self._lock:
            charge = self._known(reference)
            refunds.confirm(self._books, charge, refund_key)
            return charge

    def _answer(self, endpoint: Endpoint, call: Call) -> httpx.Response:
        with self._lock:
            self._books.pass_time()
            self._check_open(call.body)
            told = endpoint.answer(self._books, call)
            if endpoint.operation == "query":
                told["signature_key"] = signature(told, self.server_key)
        return httpx.Response(200, json=told)

    def _once(self, key: str, endpoint: Endpoint, call: Call) -> httpx.Response:
        repeated = self._repeats.begin(key)
        if repeated is not None:
            return repeated
        answer: httpx.Response | None = None
        try:
            answer = self._answer(endpoint, call)
            return answer
        finally:
            self._repeats.end(key, answer)

    def _check_open(self, body: Mapping[str, Any]) -> None:
        """Turn away a payment type, or a bank, that the merchant has no access to."""
        transfer = body.get("bank_transfer")
        named = (body.get("payment_type"), transfer.get("bank") if isinstance(transfer, dict) else None)
        if any(isinstance(one, str) and one in self._closed for one in named):
            raise Turned(402)

    def _turned(self, turned: Turned, *, is_known: bool) -> httpx.Response:
        has_own = self._plain_status or turned.code in OWN_STATUS or not is_known
        body = problem(turned.code, self._books.new_id(), turned.problems)
        return httpx.Response(turned.code if has_own else 200, json=body)

    def _changed(self, charge: PretendCharge) -> None:
        if self._books.sheet(charge).status == "pending" and not self._tells_pending:
            return
        told = self._notice(charge)
        self._send(charge, {**told, "signature_key": signature(told, self.server_key)})

    def _notice(self, charge: PretendCharge) -> dict[str, Any]:
        code = TOLD.get(self._books.sheet(charge).status, "200")
        return {"status_code": code, "status_message": MESSAGE, **standing(self._books, charge)}

    def _send(self, charge: PretendCharge, told: Mapping[str, Any]) -> None:
        order = self._books.sheet(charge).order
        for url in order.addresses or (self._url, *order.more_addresses):
            self._deliveries.add(charge.reference, telling(url, told), waits)

    def _known(self, reference: str) -> PretendCharge:
        self._books.pass_time()
        charge = self.ledger.find(reference)
        if charge is None:
            raise KeyError(reference)
        return charge


def _checked(status: str) -> str:
    if status not in STATUSES:
        raise ValueError(f"the statuses are {', '.join(STATUSES)}")
    return status
