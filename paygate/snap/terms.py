"""What a SNAP provider and the merchant agreed on, as every service of the provider needs it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from paygate.errors import ChargeNotFound, InvalidCharge, OutcomeUnknown
from paygate.flow import Decoder
from paygate.methods import Instructions, Method
from paygate.model import ChargeRef, ChargeRequest, ChargeStatus
from paygate.money import Money
from paygate.refunds import Refund, RefundRequest
from paygate.snap.profile import SnapProfile
from paygate.snap.replies import Message, read_reply

if TYPE_CHECKING:
    import httpx

M = TypeVar("M", bound=Message)


class SnapTerms(Struct, frozen=True, kw_only=True):
    """How one gateway's provider speaks, and what it knows the merchant's charges by.

    `channels` are the provider's names of the methods that it serves. `merchant_id` goes with services 47,
    51, 54 and their like, where the provider gave one.
    """

    gateway: str
    profile: SnapProfile
    channels: Mapping[str, Method]
    merchant_id: str | None = None

    def additional(self, method: Method) -> dict[str, str]:
        """What goes into a message's additionalInfo: the channel, where the profile has a place for it."""
        field = self.profile.channel_field
        return {} if field is None else {field: self.channel_of(method)}

    def channel_of(self, method: Method) -> str:
        """The provider's name of a method; InvalidCharge where it has none."""
        for channel, known in self.channels.items():
            if (known.kind, known.brand) == (method.kind, method.brand):
                return channel
        raise InvalidCharge("method", "is none of this provider's")

    def method_of(self, details: object) -> Method | None:
        """The method of a message by its additionalInfo; None where that tells none."""
        field = self.profile.channel_field
        channel = details.get(field) if isinstance(details, Mapping) and field is not None else None
        return self.channels.get(channel) if isinstance(channel, str) else None

    def brands(self, kind: type[Method]) -> tuple[str, ...]:
        """The banks or wallets of a method that the provider serves."""
        return tuple(one.brand for one in self.channels.values() if isinstance(one, kind))

    def read(self, reply: "httpx.Response", decoder: Decoder[M]) -> M:
        """The message of a success; what any other answer means is raised, as in `read_reply`."""
        return read_reply(reply, decoder, self.profile.errors, self.profile.odd)

    def status(self, told: Collection[str | None]) -> ChargeStatus:
        """What a status means that may be told in several places, in the same words everywhere.

        Raises ChargeNotFound where it is "not found", OutcomeUnknown for a status that nobody knows, or that
        is told as two, or not at all.
        """
        given = {one for one in told if one}
        if len(given) > 1:
            raise OutcomeUnknown("the answer tells two statuses")
        status = given.pop() if given else ""
        if status not in self.profile.statuses:
            raise OutcomeUnknown("the status is not one that we know" if status else "it tells no status")
        known = self.profile.statuses[status]
        if known is None:
            raise ChargeNotFound("the provider says: not found", provider_code=status)
        return known

    def status_after(self, told: Collection[str | None]) -> ChargeStatus | None:
        """What a status means that stands beside the success of a change; None where there is none.

        Raises OutcomeUnknown as in `status`, and for "not found" as well: that contradicts the success.
        """
        try:
            return self.status(told) if any(told) else None
        except ChargeNotFound:
            raise OutcomeUnknown("the answer says that it is done, and that nothing was found") from None


class Call(Struct, frozen=True):
    """A request to a service, by its code; `message` is the body."""

    service: str
    message: Any
    verb: str = "POST"


class Made(Struct, frozen=True):
    """What the answer to a new charge holds, in our words."""

    instructions: Instructions
    provider_reference: str | None = None
    expires_at: datetime | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """How a charge stands, in our words."""

    status: ChargeStatus
    provider_reference: str | None = None
    paid_at: datetime | None = None
    paid_amount: Money | None = None
    refunds: tuple[Refund, ...] = ()


class SnapService(Protocol):
    """The services of SNAP BI for one method. Pure: it writes messages and reads answers.

    Each pair is a call, and what its answer means. An answer about another charge, or of no known shape,
    raises OutcomeUnknown; a message that could never be right raises InvalidCharge.
    """

    @property
    def kind(self) -> type[Method]: ...

    def creation(self, request: ChargeRequest) -> Call:
        """Have a charge made."""
        ...

    def made(self, request: ChargeRequest, reply: "httpx.Response") -> Made: ...

    def question(self, charge: ChargeRef) -> Call:
        """Ask how a charge stands."""
        ...

    def standing(self, charge: ChargeRef, reply: "httpx.Response") -> Standing: ...

    def cancellation(self, charge: ChargeRef) -> Call:
        """End an unpaid charge."""
        ...

    def cancelled(self, charge: ChargeRef, reply: "httpx.Response") -> Standing: ...


@runtime_checkable
class RefundingService(SnapService, Protocol):
    """The services of SNAP BI for a method whose money can be given back."""

    def repayment(self, charge: ChargeRef, refund: RefundRequest) -> Call:
        """Give a charge back, or a part of it."""
        ...

    def repaid(self, charge: ChargeRef, refund: RefundRequest, reply: "httpx.Response") -> Standing: ...


def check_reference(told: str | None, reference: str) -> None:
    """See that an answer names our charge, or none; raise OutcomeUnknown."""
    if told not in (None, reference):
        raise OutcomeUnknown("the answer is about another reference")


def contact(request: ChargeRequest, field: str) -> str:
    """What a service must know of the payer: "name", "email" or "phone"; InvalidCharge without it."""
    value: str = getattr(request.customer, field, None) or ""
    if not value.strip():
        raise InvalidCharge(f"customer.{field}", f"a charge by {request.method.kind} needs it: add it")
    return value
