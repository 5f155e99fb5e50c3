"""Faults that do something twice."""

import uuid

import msgspec

from paygate import (
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Flow,
    OutcomeUnknown,
    PaygateError,
    RefundRequest,
)
from tests.conformance.faulty.outcomes import stands
from tests.conformance.faulty.registry import caught_by
from tests.conformance.sound import wire
from tests.conformance.sound.adapter import Lontar


@caught_by("create_never_sends_twice", "the adapter sent a second request", "unsettled_is_settled_by_query")
class ResendsAfterATimeout(Lontar):
    """Sends the charge again when no answer came (mollie-api-python#325, aioduct#79)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        try:
            return (yield from super()._create(request))
        except OutcomeUnknown:
            return (yield from super()._create(request))


@caught_by("create_never_sends_twice", "after HTTP 500 the adapter sent a second request")
class ResendsAfterABadGateway(Lontar):
    """Sends the charge again after an HTTP 5xx (BetterPay retries "502" on create)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        reply = yield self._post("/v1/charge", self._order(request))
        if reply.status_code >= 500:
            reply = yield self._post("/v1/charge", self._order(request))
        return self._made(request, reply)


@caught_by("create_never_sends_twice", "the adapter sent a second request", "amount_is_compared")
class ResendsUnderANewReference(Lontar):
    """Makes a new number for each try, so that nobody sees the double (doku-python-library, gocardless#12)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        try:
            return (yield from super()._create(request))
        except OutcomeUnknown:
            order = msgspec.structs.replace(self._order(request), reference=f"{request.reference}-2")
            told = self._read((yield self._post("/v1/charge", order)))
            return msgspec.structs.replace(
                stands(self._gateway, request, ChargeStatus.PENDING), provider_reference=told.id
            )


@caught_by("cancel_never_sends_twice", "the adapter sent a second request", "unsettled_is_settled_by_query")
class ResendsACancel(Lontar):
    """Sends a cancel again when no answer came."""

    def _cancel(self, charge: ChargeRef) -> Flow[Charge]:
        try:
            return (yield from super()._cancel(charge))
        except OutcomeUnknown:
            return (yield from super()._cancel(charge))


@caught_by("refund_never_sends_twice", "the adapter sent a second request", "unsettled_is_settled_by_query")
class ResendsARefund(Lontar):
    """Sends a refund again when no answer came (csob/paymentgateway#705)."""

    def _refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        try:
            return (yield from super()._refund(charge, refund))
        except OutcomeUnknown:
            return (yield from super()._refund(charge, refund))


@caught_by(
    "refund_never_sends_twice", "by another number than the merchant's own", "unsettled_is_settled_by_query"
)
class RefundsUnderANumberOfItsOwn(Lontar):
    """Makes a new refund key for each try, so that a repeated refund is paid twice (gocardless-pro-python#12)."""

    def _money_back(self, charge: ChargeRef, refund: RefundRequest) -> wire.MoneyBack:
        key = uuid.uuid4().hex
        return msgspec.structs.replace(super()._money_back(charge, refund), refund_reference=key)

    def _refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        order = self._money_back(charge, refund)
        found = self._found(charge, (yield self._post("/v1/refund", order)))
        mine = found.refund(order.refund_reference)
        assert mine is not None
        return msgspec.structs.replace(
            found, refunds=(msgspec.structs.replace(mine, reference=refund.reference),)
        )


@caught_by("operations_complete", "refund told IDR 25000.00 where IDR 5000.00 were asked for")
class RefundsTheWholeForAPart(Lontar):
    """Leaves the amount of a refund out, so that a part becomes the whole."""

    def _money_back(self, charge: ChargeRef, refund: RefundRequest) -> wire.MoneyBack:
        return msgspec.structs.replace(super()._money_back(charge, refund), amount=None)


@caught_by("unsettled_is_settled_by_query", "a query told a charge that is refunded, and the refund was made")
class ForgetsTheRefunds(Lontar):
    """Tells of no refund in a query, so that nobody learns whether a lost one was made (csob#705)."""

    def _query(self, charge: ChargeRef) -> Flow[Charge]:
        return msgspec.structs.replace((yield from super()._query(charge)), refunds=())


@caught_by("unsettled_is_settled_by_query", "after a timeout while waiting for the answer a query raised")
class AsksByTheProvidersNumber(Lontar):
    """Asks by the provider's number, which nobody has whose charge got no answer (xendit: GET by id)."""

    def _query(self, charge: ChargeRef) -> Flow[Charge]:
        number = charge.provider_reference or "unknown"
        return self._found(charge, (yield self._post("/v1/query", wire.Named(number))))


@caught_by(
    "query_changes_nothing",
    "after some queries the provider's books are not as they were",
    "declared_codes_map",
    "declared_statuses_map",
    "unsettled_is_settled_by_query",
)
class CreatesWhatItDoesNotFind(Lontar):
    """Makes the charge where a query does not find it."""

    def _query(self, charge: ChargeRef) -> Flow[Charge]:
        try:
            return (yield from super()._query(charge))
        except ChargeNotFound:
            order = wire.Order(charge.reference, str(charge.amount and charge.amount.amount), "qris")
            return self._found(charge, (yield self._post("/v1/charge", order)))


@caught_by("cancellation_passes_through", "a cancelled create_charge went on with another request")
class SendsOnThroughACancellation(Lontar):
    """Catches everything, so that a cancelled charge is sent again (tenacity#529)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        order = self._order(request)
        try:
            reply = yield self._post("/v1/charge", order)
        except PaygateError:
            raise
        except BaseException:
            reply = yield self._post("/v1/charge", order)
        return self._made(request, reply)
