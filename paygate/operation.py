"""One call of an operation: what it has sent so far, and so what an error may claim."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from paygate.errors import (
    NotAuthorized,
    NotSent,
    OutcomeUnknown,
    PaygateError,
    PluginError,
    RateLimited,
    Refused,
    Unreachable,
)
from paygate.flow import UNREADABLE, Flow
from paygate.methods import Method
from paygate.model import Charge
from paygate.redaction import place_of

if TYPE_CHECKING:
    import httpx

R = TypeVar("R")
LOGIN: Final = "authorize"


class Operation(Generic[R]):
    """Asks the adapter for a flow, watches its exchanges, and keeps its errors honest.

    A flow with several requests can fail after the first has arrived. Then "not sent" would be a lie,
    and so would "refused" after a request whose outcome nobody knows, for its answer was lost or could not
    be read: both become OutcomeUnknown.
    `personal` values are those of the payer, which a provider may quote in its answer.
    """

    __slots__ = (
        "_answers",
        "_ask",
        "_lost",
        "_personal",
        "changes",
        "external_id",
        "gateway",
        "method",
        "name",
        "reference",
        "result",
    )

    def __init__(
        self,
        gateway: str,
        name: str,
        ask: Callable[[], Flow[R]],
        *,
        reference: str | None = None,
        method: Method | None = None,
        changes: bool,
        personal: tuple[str, ...] = (),
    ) -> None:
        self.gateway = gateway
        self.name = name
        self.reference = reference
        self.method = method
        self.changes = changes
        self._ask = ask
        self._personal = personal
        self.external_id: str | None = None
        self.result: R | None = None
        self._answers: list[httpx.Response] = []
        self._lost = 0

    def begin(self) -> Flow[R]:
        """A new flow, for a new attempt."""
        self._answers.clear()
        self._lost = 0
        self.external_id = None
        return self._ask()

    def sending(self, request: "httpx.Request") -> None:
        """A request is about to leave."""
        self.external_id = request.extensions.get("external_id")

    def answered(self, response: "httpx.Response") -> None:
        """The request last sent was answered, so."""
        self._answers.append(response)

    def failed(self, failure: PaygateError) -> None:
        """The request last sent got no answer."""
        if not isinstance(failure, NotSent):
            self._lost += 1

    def turned_away(self) -> None:
        """The answer was that our credential is no longer good: nothing was done."""
        self._answers.pop()

    def finish(self, result: R) -> R:
        """The flow has ended; its result must be about the charge that was asked for."""
        if self.reference is not None and not (
            isinstance(result, Charge)
            and result.reference == self.reference
            and result.gateway == self.gateway
        ):
            raise PluginError("the adapter answered with another charge than was asked for")
        self.result = result
        return result

    def may_repeat(self, error: PaygateError) -> bool:
        """Whether a new attempt is safe: it cannot do anything a second time."""
        if not self.changes:
            return isinstance(error, (Unreachable, RateLimited, OutcomeUnknown))
        if isinstance(error, RateLimited):
            return len(self._answers) == 1 and not self._unsettled
        return isinstance(error, Unreachable)

    def verdict(self, error: Exception) -> PaygateError:
        """The error to raise: one that claims no more than is known, and says where it happened."""
        if isinstance(error, PaygateError):
            error.hide(self._personal)
        failure = self._judge(error)
        failure.locate(
            gateway=self.gateway,
            operation=self.name,
            reference=self.reference,
            external_id=self.external_id,
        )
        return failure

    @property
    def _unsettled(self) -> int:
        """How many requests had no answer that says what became of them."""
        vague = (one.status_code >= 500 or UNREADABLE in one.extensions for one in self._answers)
        return self._lost + sum(vague)

    def _judge(self, error: Exception) -> PaygateError:
        if self.name == LOGIN:
            return _login_failure(error)
        sent = len(self._answers) + self._lost
        if not isinstance(error, PaygateError):
            place = place_of(error)
            if sent:
                return OutcomeUnknown(f"the adapter failed after sending ({place})")
            return PluginError(f"the adapter failed before sending anything ({place})")
        if sent and isinstance(error, NotSent):
            return OutcomeUnknown(f"a later step was not sent: {error.what}")
        if self.changes and isinstance(error, Refused) and self._unsettled:
            return OutcomeUnknown(
                f"a step had no answer that can be relied on, so this is no certain no: {error.what}",
                provider_code=error.provider_code,
                provider_message=error.provider_message,
                http_status=error.http_status,
            )
        if len(self._answers) > 1 and self.changes:
            error.elsewhere = False  # an earlier step was done here
        return error


def known(error: Exception, failure: PaygateError) -> BaseException | None:
    """The cause to show of a failure: one that is not ours may quote a body, a key or a password."""
    if failure is error:
        return failure.__cause__
    return error if isinstance(error, PaygateError) else None


def _login_failure(error: Exception) -> PaygateError:
    """Whatever stopped the login, the operation itself was never sent."""
    if isinstance(error, NotSent):
        return error
    if not isinstance(error, PaygateError):
        return PluginError(f"the adapter failed while logging in ({place_of(error)})")
    if isinstance(error, Refused) and not isinstance(error, RateLimited):
        failure: PaygateError = NotAuthorized(error.what)
    else:
        failure = Unreachable(
            f"the login got no usable answer: {error.what}",
            retry_after=getattr(error, "retry_after", None),
        )
    failure.locate(**error.context)
    return failure
