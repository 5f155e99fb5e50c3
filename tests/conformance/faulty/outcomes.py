"""Faults in what an answer, or none, is taken for: here charges are made twice, or lost."""

import uuid
from typing import Any

import httpx
import msgspec

from paygate import (
    AlreadyPaid,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    DuplicateReference,
    Flow,
    InvalidRequest,
    OutcomeUnknown,
    PaygateError,
    RateLimited,
    RefundRequest,
)
from tests.conformance.faulty.registry import caught_by
from tests.conformance.sound import codes, wire
from tests.conformance.sound.adapter import Lontar


def stands(request: ChargeRequest, status: ChargeStatus) -> Charge:
    """A charge that nobody has told of."""
    return Charge(
        gateway="main",
        reference=request.reference,
        status=status,
        method=request.method,
        amount=request.amount,
    )


@caught_by("unsettled_is_settled_by_query", "")
class TakesATimeoutForAFailure(Lontar):
    """Makes every exception a failed charge (doku-python-library; public Ayolinx code: "success: False")."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        try:
            return (yield from super()._create(request))
        except OutcomeUnknown:
            return stands(request, ChargeStatus.FAILED)


@caught_by("unsettled_is_settled_by_query", "")
class TakesATimeoutForAnOpenCharge(Lontar):
    """Makes every exception an open charge, which nobody has made perhaps."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        try:
            return (yield from super()._create(request))
        except OutcomeUnknown:
            return stands(request, ChargeStatus.PENDING)


@caught_by("create_never_sends_twice", "")
class ResendsAfterATimeout(Lontar):
    """Sends the charge again when no answer came (mollie-api-python#325, aioduct#79)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        try:
            return (yield from super()._create(request))
        except OutcomeUnknown:
            return (yield from super()._create(request))


@caught_by("create_never_sends_twice", "")
class ResendsAfterABadGateway(Lontar):
    """Sends the charge again after an HTTP 5xx (BetterPay retries "502" on create)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        reply = yield self._post("/v1/charge", self._order(request))
        if reply.status_code >= 500:
            reply = yield self._post("/v1/charge", self._order(request))
        return self._made(request, reply)


@caught_by("create_never_sends_twice", "")
class ResendsUnderANewReference(Lontar):
    """Makes a new number for each try, so that nobody sees the double (doku-python-library, gocardless#12)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        try:
            return (yield from super()._create(request))
        except OutcomeUnknown:
            order = msgspec.structs.replace(self._order(request), reference=f"{request.reference}-2")
            told = self._read((yield self._post("/v1/charge", order)))
            return msgspec.structs.replace(stands(request, ChargeStatus.PENDING), provider_reference=told.id)


@caught_by("cancel_never_sends_twice", "")
class ResendsACancel(Lontar):
    """Sends a cancel again when no answer came."""

    def _cancel(self, charge: ChargeRef) -> Flow[Charge]:
        try:
            return (yield from super()._cancel(charge))
        except OutcomeUnknown:
            return (yield from super()._cancel(charge))


@caught_by("refund_never_sends_twice", "")
class ResendsARefund(Lontar):
    """Sends a refund again when no answer came (csob/paymentgateway#705)."""

    def _refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        try:
            return (yield from super()._refund(charge, refund))
        except OutcomeUnknown:
            return (yield from super()._refund(charge, refund))


@caught_by("refund_never_sends_twice", "")
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


@caught_by("operations_complete", "")
class RefundsTheWholeForAPart(Lontar):
    """Leaves the amount of a refund out, so that a part becomes the whole."""

    def _money_back(self, charge: ChargeRef, refund: RefundRequest) -> wire.MoneyBack:
        return msgspec.structs.replace(super()._money_back(charge, refund), amount=None)


class _Sent(Lontar):
    def _failed(self, told: wire.Answer, reply: httpx.Response) -> PaygateError:
        return InvalidRequest("the provider failed")


@caught_by("unsettled_is_settled_by_query", "")
class TakesAServerErrorForARefusal(Lontar):
    """Says "refused" after an HTTP 5xx, after which the charge may well exist (prism: connector failures)."""

    def _read(self, reply: httpx.Response) -> wire.ToldCharge:
        if reply.status_code >= 500:
            raise InvalidRequest("the provider failed", http_status=reply.status_code)
        return super()._read(reply)


@caught_by("unsettled_is_settled_by_query", "")
class TakesGarbageForARefusal(Lontar):
    """Says "refused" to an answer that it cannot read."""

    def _read(self, reply: httpx.Response) -> wire.ToldCharge:
        try:
            wire.answer.decode(reply.content)
        except msgspec.MsgspecError:
            raise InvalidRequest("the provider's answer is broken") from None
        return super()._read(reply)


@caught_by("unsettled_is_settled_by_query", "")
class BelievesTheHttpStatus(Lontar):
    """Takes HTTP 200 for success, whatever the body says (Midtrans: HTTP 200 carries a 4xx status_code)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        reply = yield self._post("/v1/charge", self._order(request))
        if reply.status_code == 200:
            return stands(request, ChargeStatus.PENDING)
        return self._made(request, reply)


@caught_by("unsettled_is_settled_by_query", "")
class BelievesTheBodyAlone(Lontar):
    """Never looks at the HTTP status, also where it contradicts the body (go-snap-bi: the status outranks it)."""

    def _refused(self, code: str, message: str, reply: httpx.Response) -> PaygateError:
        refusal = codes.REFUSALS.get(code)
        status = refusal.status if refusal is not None else 400
        agreeing = httpx.Response(status, headers=reply.headers, content=reply.content)
        return super()._refused(code, message, agreeing)

    def _read(self, reply: httpx.Response) -> wire.ToldCharge:
        if reply.status_code < 500:
            reply = httpx.Response(200, headers=reply.headers, content=reply.content)
        return super()._read(reply)


class _Coded(Lontar):
    """Judges a refusal by its code in a way of its own."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return told

    def _refused(self, code: str, message: str, reply: httpx.Response) -> PaygateError:
        return self._verdict(code, super()._refused(code, message, reply))


@caught_by("unknown_code_is_unknown", "")
class TakesAnUnknownCodeForARefusal(_Coded):
    """Says "refused" to a code that it does not know."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return told if code in codes.REFUSALS else InvalidRequest("no")


@caught_by("unknown_code_is_unknown", "")
class TakesAnUnknownCodeForAFailure(Lontar):
    """Makes a code that it does not know a failed charge (public Ayolinx code: all but "00" failed)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        reply = yield self._post("/v1/charge", self._order(request))
        if reply.status_code < 500 and msgspec.json.decode(reply.content)["code"] not in {"OK", *codes.ERRORS}:
            return stands(request, ChargeStatus.FAILED)
        return self._made(request, reply)


@caught_by("refused_is_not_unknown", "")
class NeverSaysNo(_Coded):
    """Calls every refusal unknown, so that the merchant asks for ever about a charge that never was."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return OutcomeUnknown("something went wrong")


@caught_by("declared_codes_map", "")
class HasOneErrorForAll(_Coded):
    """Has one class for every refusal, so that nobody can tell them apart (xendit-python, paynesia)."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return told if isinstance(told, (OutcomeUnknown, RateLimited)) else InvalidRequest("no")


@caught_by("rate_limit_is_told", "")
class TakesARateLimitForUnknown(_Coded):
    """Calls "too many requests" unknown, though nothing was done and it may be asked again."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return OutcomeUnknown("busy") if isinstance(told, RateLimited) else told


@caught_by("rate_limit_is_told", "")
class TakesARateLimitForARefusal(_Coded):
    """Calls "too many requests" an invalid request, so that a good order is given up."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return InvalidRequest("busy") if isinstance(told, RateLimited) else told


@caught_by("rate_limit_is_told", "")
class ForgetsHowLongToWait(Lontar):
    """Leaves Retry-After unread, and asks again while the provider still refuses."""

    def _wait(self, reply: httpx.Response) -> float | None:
        return None


@caught_by("duplicate_reference_is_refused", "")
class TakesADuplicateForSuccess(Lontar):
    """Answers a reference that exists with an open charge, whatever the first one was for."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        try:
            return (yield from super()._create(request))
        except DuplicateReference:
            return stands(request, ChargeStatus.PENDING)


@caught_by("answer_about_another_charge_is_unknown", "")
class ReadsAnyAnswer(Lontar):
    """Takes an answer about another charge for its own."""

    def _compare(self, told: wire.ToldCharge, reference: str) -> None:
        pass


@caught_by("query_changes_nothing", "")
class CreatesWhatItDoesNotFind(Lontar):
    """Makes the charge where a query does not find it."""

    def _query(self, charge: ChargeRef) -> Flow[Charge]:
        try:
            return (yield from super()._query(charge))
        except ChargeNotFound:
            order = wire.Order(charge.reference, str(charge.amount and charge.amount.amount), "qris")
            return self._found(charge, (yield self._post("/v1/charge", order)))


@caught_by("declared_statuses_map", "")
class TakesNotFoundForFailed(Lontar):
    """Calls a charge failed that the provider does not know, or not yet."""

    def _query(self, charge: ChargeRef) -> Flow[Charge]:
        try:
            return (yield from super()._query(charge))
        except ChargeNotFound:
            return Charge(
                gateway=charge.gateway,
                reference=charge.reference,
                status=ChargeStatus.FAILED,
                method=charge.method,
            )


@caught_by("declared_codes_map", "")
class CancelsWhatIsPaid(Lontar):
    """Takes "it is paid already" for "it is cancelled": goods kept back from a payer who has paid."""

    def _cancel(self, charge: ChargeRef) -> Flow[Charge]:
        try:
            return (yield from super()._cancel(charge))
        except AlreadyPaid:
            return Charge(
                gateway=charge.gateway,
                reference=charge.reference,
                status=ChargeStatus.CANCELLED,
                method=charge.method,
            )


@caught_by("operations_complete", "")
class CancelsWithoutLooking(Lontar):
    """Says that a charge is cancelled, and does not ask the provider (BetterPay: success without the work)."""

    def _cancel(self, charge: ChargeRef) -> Flow[Charge]:
        return Charge(
            gateway=charge.gateway,
            reference=charge.reference,
            status=ChargeStatus.CANCELLED,
            method=charge.method,
        )
        yield  # type: ignore[unreachable] # what makes it a generator


@caught_by("cancellation_passes_through", "")
class SendsOnThroughACancellation(Lontar):
    """Catches everything, so that a cancelled charge is sent again (tenacity#529)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        order = self._order(request)
        try:
            reply = yield self._post("/v1/charge", order)
        except BaseException:
            reply = yield self._post("/v1/charge", order)
        return self._made(request, reply)


@caught_by("blocking_equals_async", "")
class BehavesOtherwiseInALoop(Lontar):
    """Looks whether an event loop runs, and then does something else (async twins that drift, stripe#1676)."""

    def _made(self, request: ChargeRequest, reply: httpx.Response) -> Charge:
        import sniffio

        made = super()._made(request, reply)
        try:
            sniffio.current_async_library()
        except sniffio.AsyncLibraryNotFoundError:
            return made
        return msgspec.structs.replace(made, instructions=None)


def _unused() -> Any: ...
