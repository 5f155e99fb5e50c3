"""Faults in what an answer, or none, is taken for."""

import httpx
import msgspec

from paygate import (
    Charge,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Flow,
    InvalidRequest,
    OutcomeUnknown,
    PaygateError,
)
from tests.conformance.faulty.registry import caught_by
from tests.conformance.sound import codes, wire
from tests.conformance.sound.adapter import Lontar


def stands(gateway: str, request: ChargeRequest, status: ChargeStatus) -> Charge:
    """A charge that nobody has told of."""
    return Charge(
        gateway=gateway,
        reference=request.reference,
        status=status,
        method=request.method,
        amount=request.amount,
    )


@caught_by(
    "create_never_sends_twice",
    "create_charge told a charge that is failed, and nobody can know that",
    "amount_is_compared",
    "unknown_code_is_unknown",
)
class TakesATimeoutForAFailure(Lontar):
    """Makes every exception a failed charge (doku-python-library; public Ayolinx code: "success: False")."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        try:
            return (yield from super()._create(request))
        except OutcomeUnknown:
            return stands(self._gateway, request, ChargeStatus.FAILED)


@caught_by(
    "create_never_sends_twice",
    "create_charge told a charge that is pending, and nobody can know that",
    "amount_is_compared",
    "unknown_code_is_unknown",
)
class TakesATimeoutForAnOpenCharge(Lontar):
    """Makes every exception an open charge, which nobody has made perhaps."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        try:
            return (yield from super()._create(request))
        except OutcomeUnknown:
            return stands(self._gateway, request, ChargeStatus.PENDING)


@caught_by(
    "create_never_sends_twice",
    "after HTTP 500 with the body of a success create_charge told a charge that is pending",
    "cancel_never_sends_twice",
    "refund_never_sends_twice",
)
class BelievesABodyUnderAServerError(Lontar):
    """Reads the body of an HTTP 5xx, though nobody knows who wrote it (prism: connector failures)."""

    def _read(self, reply: httpx.Response) -> wire.ToldCharge:
        if reply.status_code >= 500:
            reply = httpx.Response(200, content=reply.content)
        return super()._read(reply)


@caught_by(
    "create_never_sends_twice",
    "create_charge raised InvalidRequest (the provider's answer is broken)",
    "cancel_never_sends_twice",
    "refund_never_sends_twice",
)
class TakesGarbageForARefusal(Lontar):
    """Says "refused" to an answer that it cannot read."""

    def _read(self, reply: httpx.Response) -> wire.ToldCharge:
        try:
            wire.answer.decode(reply.content)
        except msgspec.MsgspecError:
            raise InvalidRequest("the provider's answer is broken") from None
        return super()._read(reply)


@caught_by(
    "create_never_sends_twice",
    "after HTTP 200 with a web page create_charge told a charge that is pending",
    "amount_is_compared",
    "instructions_are_whole",
)
class BelievesTheHttpStatus(Lontar):
    """Takes HTTP 200 for success, whatever the body says (Midtrans: HTTP 200 carries a 4xx status_code)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        reply = yield self._post("/v1/charge", self._order(request))
        if reply.status_code == 200:
            return stands(self._gateway, request, ChargeStatus.PENDING)
        return self._made(request, reply)


@caught_by(
    "create_never_sends_twice",
    "after HTTP 400 with the body of a success create_charge told a charge that is pending",
    "cancel_never_sends_twice",
    "refund_never_sends_twice",
)
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


@caught_by(
    "answer_about_another_charge_is_unknown", "a query was answered with another charge, and told a charge"
)
class ReadsAnyAnswer(Lontar):
    """Takes an answer about another charge for its own."""

    def _compare(self, told: wire.ToldCharge, reference: str) -> None:
        pass


@caught_by(
    "operations_complete",
    "cancel says that it is done, and the provider would still take the money",
    "cancel_never_sends_twice",
    "declared_codes_map",
    "refused_is_not_unknown",
    "unknown_code_is_unknown",
    "unsettled_is_settled_by_query",
)
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


@caught_by("blocking_equals_async", "when blocking and")
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
