"""A SNAP provider's operations, made of the services that it has: what an adapter's hooks delegate to."""

from collections.abc import Callable
from typing import Final

import httpx

from paygate.diagnosis import Signed, Unsigned
from paygate.errors import UnsupportedOperation
from paygate.flow import Flow, answered
from paygate.methods import Method
from paygate.model import Charge, ChargeRef, ChargeRequest, ChargeStatus
from paygate.money import Money
from paygate.refunds import RefundRequest, RefundStatus
from paygate.snap.credential import SnapCredential, log_in
from paygate.snap.messages import encode
from paygate.snap.profile import Timestamps
from paygate.snap.requests import call
from paygate.snap.settings import SnapAccount
from paygate.snap.terms import Call, RefundingService, SnapService, SnapTerms, Standing
from paygate.snap.workings import explain_request

NEVER: Final = float("inf")


class SnapServices:
    """The operations of one gateway, one short flow each; `services` serve one method each.

    An operation that a provider has otherwise is written in the adapter, and the others delegate here. No
    provider needs to have all: an adapter marks those that it has.
    """

    def __init__(
        self, terms: SnapTerms, account: SnapAccount, clock: Callable[[], float], *services: SnapService
    ) -> None:
        self._terms = terms
        self._account = account
        self._clock = clock
        self._timestamps = Timestamps(terms.profile.layout, clock)
        self._services = {one.kind: one for one in services}
        self._urls: dict[str, httpx.URL] = {}

    def authorize(self) -> Flow[SnapCredential]:
        """Get an access token; a provider whose requests are signed by RSA alone needs no login."""
        profile, keys = self._terms.profile, self._account.keys
        if not profile.symmetric:
            return answered(SnapCredential(keys, profile, self._timestamps, "", NEVER, self._clock))
        url = self._account.base_url + profile.token_path
        return log_in(url, keys, profile, self._timestamps, self._clock, profile.odd)

    def restore_credential(self, kept: bytes) -> SnapCredential:
        """The access token that another process got."""
        profile, keys = self._terms.profile, self._account.keys
        return SnapCredential.restored(kept, keys, profile, self._timestamps, self._clock)

    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        """Have a charge made."""
        service = self._service(request.method)
        reply = yield self._request(service.creation(request))
        made = service.made(request, reply)
        return Charge(
            gateway=self._terms.gateway,
            reference=request.reference,
            status=ChargeStatus.PENDING,
            method=request.method,
            amount=request.amount,
            provider_reference=made.provider_reference,
            instructions=made.instructions,
            expires_at=made.expires_at,
            raw=reply.content,
        )

    def query(self, charge: ChargeRef) -> Flow[Charge]:
        """Ask how a charge stands."""
        service = self._service(charge.method)
        reply = yield self._request(service.question(charge))
        return self._charge(charge, service.standing(charge, reply), reply)

    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        """End an unpaid charge."""
        service = self._service(charge.method)
        reply = yield self._request(service.cancellation(charge))
        return self._charge(charge, service.cancelled(charge, reply), reply)

    def refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        """Give a charge back, or a part of it; its number is the refund's reference, so it is done once.

        Earlier refunds are not in the answer: a query tells them all.
        """
        service = self._service(charge.method)
        if not isinstance(service, RefundingService):
            raise UnsupportedOperation("SNAP BI has no service that gives this method's money back")
        reply = yield self._request(service.repayment(charge, refund))
        return self._charge(charge, service.repaid(charge, refund, reply), reply)

    def sign(self, message: Unsigned) -> Signed:
        """Show how a request to the provider is signed."""
        return explain_request(self._account.keys, self._terms.profile, message, self._clock)

    def _service(self, method: Method | None) -> SnapService:
        service = self._services.get(type(method)) if method is not None else None
        if service is None:
            raise UnsupportedOperation("this adapter has no service for the method")
        return service

    def _request(self, asked: Call) -> httpx.Request:
        url = self._urls.get(asked.service)
        if url is None:
            url = httpx.URL(self._account.base_url + self._terms.profile.path(asked.service))
            self._urls[asked.service] = url
        return call(asked.verb, url, encode(asked.message))

    def _charge(self, charge: ChargeRef, standing: Standing, reply: httpx.Response) -> Charge:
        done = [one.amount.amount for one in standing.refunds if one.status is RefundStatus.DONE]
        return Charge(
            gateway=self._terms.gateway,
            reference=charge.reference,
            status=standing.status,
            method=charge.method,
            amount=charge.amount,
            provider_reference=standing.provider_reference,
            paid_at=standing.paid_at,
            paid_amount=standing.paid_amount,
            refunded_amount=Money(sum(done[1:], done[0])) if done else None,
            refunds=standing.refunds,
            raw=reply.content,
        )
