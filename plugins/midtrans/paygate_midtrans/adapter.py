"""Midtrans' operations, one short flow each."""

import functools
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

import httpx
import msgspec

from paygate import (
    API_VERSION,
    Callback,
    CallbackRequest,
    Charge,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Finding,
    Flow,
    OutcomeUnknown,
    Qris,
    Refund,
    RefundRequest,
    RefundStatus,
    Trial,
    answered,
    for_methods,
    hookimpl,
    in_part_for,
)
from paygate_midtrans import answers, codes, orders, requests, wire
from paygate_midtrans.credential import ServerKey
from paygate_midtrans.methods import Claimed, method_of
from paygate_midtrans.settings import Settings, checked

if TYPE_CHECKING:
    from paygate_midtrans.callbacks import Callbacks
    from paygate_midtrans.simulator import MidtransSimulator

CHARGE: Final = "/v2/charge"
ENDS: Final = {"cancel": (200, ChargeStatus.CANCELLED), "expire": (407, ChargeStatus.EXPIRED)}
"""The success code of each way to end a charge, and how the charge stands then. 407 is no error there."""

REFUND_PATHS: Final = {"refund": "refund", "direct": "refund/online/direct"}


class Midtrans:
    """Midtrans' Core API: QRIS, GoPay, ShopeePay and virtual accounts, with refunds.

    `clock` gives unix seconds. Raises ConfigurationError for settings that could not work.
    """

    api_version = API_VERSION
    settings_type = Settings

    def __init__(self, gateway: str, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._base_url = checked(gateway, settings)
        self._gateway = gateway
        self._settings = settings
        self._clock = clock
        self._account = orders.Account(settings.acquirer, settings.return_url)
        self._charge_url = httpx.URL(self._base_url + CHARGE)
        self._told_where = (
            ((b"X-Override-Notification", settings.callback_url.encode()),) if settings.callback_url else ()
        )

    @hookimpl
    def authorize(self) -> Flow[ServerKey]:
        """No login: the server key is all (docs: "Authorization")."""
        return answered(ServerKey(self._settings.server_key))

    @hookimpl
    @for_methods(*codes.CHARGED)
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        """Have a charge made (docs: "Charge Transactions", and the page of each method)."""
        order = orders.order(request, self._account, self._clock())
        # No Idempotency-Key: it would bring an old answer back, and the order_id is unique without it.
        reply = yield requests.post(self._charge_url, wire.encode(order), *self._told_where)
        code, told = answers.judged(reply, codes.NEW)
        answers.check_made(told, request)
        status = answers.status_of(told, codes.NEW[code])
        instructions = answers.instructions_of(told, request.method)
        if status is ChargeStatus.PENDING and instructions is None:
            raise OutcomeUnknown("the charge was accepted, but what the payer needs for it is missing")
        return Charge(
            gateway=self._gateway,
            reference=request.reference,
            status=status,
            method=request.method,
            amount=request.amount,
            provider_reference=wire.name(told.transaction_id),
            instructions=instructions if status is ChargeStatus.PENDING else None,
            expires_at=wire.moment(told.expiry_time) or _whole_second(request.expires_at),
            raw=reply.content,
        )

    @hookimpl
    @for_methods(*codes.CHARGED)
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        """Ask how a charge stands (docs: "Get Transaction Status"), by its reference."""
        url = self._url(requests.checked(charge.reference), "status")
        reply = yield requests.get(url)
        code, told = answers.judged(reply, codes.FOUND)
        answers.check_about(told, charge.reference, charge.amount)
        if isinstance(charge, Claimed):
            method = method_of(told.payment_type, told.va_numbers, told.permata_va_number)
            charge = msgspec.structs.replace(charge, method=method)
        return self._standing(charge, told, answers.status_of(told, codes.FOUND[code]), reply)

    @hookimpl
    @for_methods(*codes.CHARGED)
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        """End an unpaid charge (docs: "Cancel Transaction"; with `cancel_by` "Expire Transaction")."""
        way = self._settings.cancel_by
        done, end = ENDS[way]
        reply = yield requests.post(self._url(_id(charge), way), b"")
        _, told = answers.judged(reply, (done,), cancelling=True)
        answers.check_about(told, charge.reference, charge.amount, _transaction_id(charge))
        return self._standing(charge, told, answers.status_of(told, (end,)), reply)

    @hookimpl
    @for_methods(Qris, codes.GOPAY, codes.SHOPEEPAY)
    @in_part_for(Qris, codes.GOPAY)
    def refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        """Give a paid charge back, or a part of it (docs: "Refund Transaction", "Direct Refund")."""
        amount = refund.amount or charge.amount
        whole = wire.rupiah(amount, "refund.amount") if amount is not None else None
        order = wire.NewRefund(refund.reference, refund.reason, whole)
        url = self._url(_id(charge), REFUND_PATHS[self._settings.refund_by])
        reply = yield requests.post(url, wire.encode(order))
        code, told = answers.judged(reply, codes.REFUNDED)
        answers.check_about(told, charge.reference, charge.amount, _transaction_id(charge))
        status = answers.status_of(told, codes.REFUNDED[code])
        answers.check_refund(told, refund.reference, amount)
        given = amount or wire.money(told.gross_amount)
        if given is None:
            raise OutcomeUnknown("the refund was accepted, but how much it is cannot be read")
        ours = Refund(reference=refund.reference, amount=given, status=RefundStatus.PENDING)
        return self._standing(charge, told, status, reply, ours)

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Verify a notification of Midtrans', and say whose charge is to be asked about."""
        return self._callbacks.parse(request)

    @hookimpl
    def explain_callback(self, request: CallbackRequest) -> tuple[Trial, ...]:
        """Try what the signature of a notification may have been made of; no path is part of it."""
        from paygate_midtrans import diagnosis

        return diagnosis.trials(self._settings, request)

    @hookimpl
    def diagnose(self) -> tuple[Finding, ...]:
        """Look at the settings for what Midtrans may see otherwise."""
        from paygate_midtrans import diagnosis

        return tuple(diagnosis.findings(self._settings))

    @staticmethod
    @hookimpl
    def simulator(callback_url: str, pace: float) -> "MidtransSimulator":
        """A pretend Midtrans."""
        from paygate_midtrans.simulator import MidtransSimulator

        return MidtransSimulator(callback_url, pace=pace)

    @functools.cached_property
    def _callbacks(self) -> "Callbacks":
        """What reads notifications, made at the first: programs that only charge need not wait for it."""
        from paygate_midtrans.callbacks import Callbacks

        return Callbacks(self._gateway, self._settings.server_key)

    def _url(self, number: str, way: str) -> httpx.URL:
        return httpx.URL(f"{self._base_url}/v2/{number}/{way}")

    def _standing(
        self,
        charge: ChargeRef,
        told: wire.Answer,
        status: ChargeStatus,
        reply: httpx.Response,
        *asked: Refund,
    ) -> Charge:
        """A charge as an answer tells it, with refunds that were asked for and are not listed there."""
        is_paid = status is ChargeStatus.PAID or status in codes.RETURNED
        refunds = answers.refunds_of(told)
        refunds += tuple(one for one in asked if one.reference not in {other.reference for other in refunds})
        status, refunded_amount = answers.given_back(told, status, refunds, charge.amount)
        open_method = charge.method if status is ChargeStatus.PENDING else None
        return Charge(
            gateway=self._gateway,
            reference=charge.reference,
            status=status,
            method=charge.method,
            amount=charge.amount,
            provider_reference=wire.name(told.transaction_id) or charge.provider_reference,
            instructions=answers.instructions_of(told, open_method) if open_method is not None else None,
            expires_at=wire.moment(told.expiry_time),
            paid_at=wire.moment(told.settlement_time) if is_paid else None,
            paid_amount=answers.paid_amount_of(told) if is_paid else None,
            refunded_amount=refunded_amount,
            refunds=refunds,
            raw=reply.content,
        )


def _transaction_id(charge: ChargeRef) -> str | None:
    """Midtrans' own number of a charge, where we know it and it may stand in a path."""
    known = charge.provider_reference
    return known if known is not None and wire.TRANSACTION_ID.fullmatch(known) is not None else None


def _id(charge: ChargeRef) -> str:
    """What names a charge that is to be changed: Midtrans' own number, for an order_id may be used again."""
    reference = requests.checked(charge.reference)
    return _transaction_id(charge) or reference


def _whole_second(moment: datetime | None) -> datetime | None:
    """When a charge ends that was asked to end then."""
    return moment.replace(microsecond=0) if moment is not None else None
