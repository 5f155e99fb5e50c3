"""Faults in what a provider's "no" is taken for."""

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
)
from tests.conformance.faulty.outcomes import stands
from tests.conformance.faulty.registry import caught_by
from tests.conformance.sound import codes
from tests.conformance.sound.adapter import Lontar


class _Coded(Lontar):
    """Judges a refusal by its code in a way of its own."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return told

    def _refused(self, code: str, message: str, reply: httpx.Response) -> PaygateError:
        return self._verdict(code, super()._refused(code, message, reply))


@caught_by("unknown_code_is_unknown", "create_charge raised InvalidRequest")
class TakesAnUnknownCodeForARefusal(_Coded):
    """Says "refused" to a code that it does not know."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return told if code in codes.REFUSALS else InvalidRequest("no")


@caught_by("unknown_code_is_unknown", "create_charge told a charge that is failed")
class TakesAnUnknownCodeForAFailure(Lontar):
    """Makes a code that it does not know a failed charge (public Ayolinx code: all but "00" failed)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        reply = yield self._post("/v1/charge", self._order(request))
        if reply.status_code < 500 and msgspec.json.decode(reply.content)["code"] not in {
            "OK",
            *codes.ERRORS,
        }:
            return stands(self._gateway, request, ChargeStatus.FAILED)
        return self._made(request, reply)


@caught_by(
    "refused_is_not_unknown",
    "create_charge was refused and raised OutcomeUnknown",
    "declared_codes_map",
    "duplicate_reference_is_refused",
    "expired_credential_is_renewed_once",
    "money_survives_exactly",
    "rate_limit_is_told",
    "unsettled_is_settled_by_query",
)
class NeverSaysNo(_Coded):
    """Calls every refusal unknown, so that the merchant asks for ever about a charge that never was."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return OutcomeUnknown("something went wrong")


@caught_by(
    "declared_codes_map",
    "is declared as AmountRejected, and create_charge raised InvalidRequest",
    "duplicate_reference_is_refused",
    "expired_credential_is_renewed_once",
    "unsettled_is_settled_by_query",
)
class HasOneErrorForAll(_Coded):
    """Has one class for every refusal, so that nobody can tell them apart (xendit-python, paynesia)."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return told if isinstance(told, (OutcomeUnknown, RateLimited)) else InvalidRequest("no")


@caught_by("rate_limit_is_told", '"too many requests" raised OutcomeUnknown', "declared_codes_map")
class TakesARateLimitForUnknown(_Coded):
    """Calls "too many requests" unknown, though nothing was done and it may be asked again."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return OutcomeUnknown("busy") if isinstance(told, RateLimited) else told


@caught_by("rate_limit_is_told", '"too many requests" raised InvalidRequest', "declared_codes_map")
class TakesARateLimitForARefusal(_Coded):
    """Calls "too many requests" an invalid request, so that a good order is given up."""

    def _verdict(self, code: str, told: PaygateError) -> PaygateError:
        return InvalidRequest("busy") if isinstance(told, RateLimited) else told


@caught_by("rate_limit_is_told", "and `retry_after` is None")
class ForgetsHowLongToWait(Lontar):
    """Leaves Retry-After unread, and asks again while the provider still refuses."""

    def _wait(self, reply: httpx.Response) -> float | None:
        return None


@caught_by(
    "duplicate_reference_is_refused",
    "a second charge under a reference in use told a charge that is pending",
    "declared_codes_map",
)
class TakesADuplicateForSuccess(Lontar):
    """Answers a reference that exists with an open charge, whatever the first one was for."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        try:
            return (yield from super()._create(request))
        except DuplicateReference:
            return stands(self._gateway, request, ChargeStatus.PENDING)


@caught_by(
    "declared_statuses_map",
    "there is no such charge, and a query told a charge that is failed",
    "declared_codes_map",
    "unsettled_is_settled_by_query",
)
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


@caught_by(
    "declared_codes_map",
    "the code ALREADY_PAID of cancel is declared as AlreadyPaid, and cancel told a charge that is cancelled",
)
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
