"""What can go wrong, in three branches by what happened to the money.

    PaygateError
    ├── NotSent                 nothing left this machine: mend it, call again
    │   ├── ConfigurationError  a setting is missing, wrong or unsafe
    │   ├── PluginError         an adapter cannot be found, loaded or trusted
    │   ├── UnsupportedOperation
    │   ├── InvalidCharge       the request could never be right (field, why)
    │   │   └── ReferenceTaken  it is that of another charge
    │   ├── Unreachable         no connection, or no login because of the network
    │   │   └── CircuitOpen     not tried, for the gateway has not answered lately
    │   ├── StoreUnavailable    the store of charges does not answer
    │   └── NotAuthorized       the provider refused the login
    ├── OutcomeUnknown          it may have arrived: query, never resend (or let a store ask)
    └── Refused                 the provider said no, and nothing was done
        ├── AuthenticationFailed, PermissionDenied, InvalidRequest, DuplicateReference (InstructionsLost),
        │   ChargeNotFound, AlreadyPaid, ChargeExpired, AmountRejected, LimitExceeded,
        │   RateLimited, StateConflict
        └── CallbackRejected    a callback that must not be believed (reason, reply)

A payer's decline is no error: it is a charge whose status is FAILED.
"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar, Final

from paygate.advice import advice_for

HIDDEN: Final = "***"
"""What stands in the place of a value that must not be seen."""

CUT_OFF: Final = "…"
"""What a text ends with that was cut off."""

SHORTEST_PART: Final = 3
CONTEXT = (
    "gateway",
    "operation",
    "reference",
    "provider_code",
    "provider_message",
    "http_status",
    "external_id",
)


class PaygateError(Exception):
    """Anything that paygate raises on purpose.

    `str()` leads with what to do. `what` says what happened; the attributes say where:
    gateway, operation, reference, provider_code, provider_message, http_status and
    external_id (the X-EXTERNAL-ID to quote to the provider). Unknown ones are None.
    """

    exit_code: ClassVar[int] = 1
    elsewhere: bool = False
    """Whether nothing was done here, and another gateway may be able to do it: routes go on from there."""
    is_kept: bool = False
    """Of OutcomeUnknown, whether a store has it written down: then the same call again asks first."""

    def __init__(
        self,
        what: str,
        *,
        gateway: str | None = None,
        operation: str | None = None,
        reference: str | None = None,
        provider_code: str | None = None,
        provider_message: str | None = None,
        http_status: int | None = None,
        external_id: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.gateway = gateway
        self.operation = operation
        self.reference = reference
        self.provider_code = provider_code
        self.provider_message = provider_message
        self.http_status = http_status
        self.external_id = external_id

    def message(self, language: str = "en") -> str:
        """Say what to do and what happened, in `language`: "en" or "id"."""
        context = self.context
        where = " ".join(f"{key}={value}" for key, value in context.items())
        text = f"{self.advice(language)} {self.what}"
        return f"{text} [{where}]" if where else text

    def advice(self, language: str = "en") -> str:
        """Say what to do about it, in `language`: "en" or "id"."""
        return advice_for(type(self), language, self.operation, is_kept=self.is_kept)

    @property
    def context(self) -> dict[str, Any]:
        """Where it happened: every attribute that is known."""
        known = ((key, getattr(self, key)) for key in CONTEXT)
        return {key: value for key, value in known if value is not None}

    def locate(self, **context: Any) -> None:
        """Add where it happened, keeping what is known already."""
        for key, value in context.items():
            if getattr(self, key) is None:
                setattr(self, key, value)

    def hide(self, values: Iterable[str]) -> None:
        """Take these personal values out of what happened and what the provider said, in any letter case.

        One that is too short to be recognised stays.
        """
        for value in values:
            if len(value) < SHORTEST_PART:
                continue
            self.what = _hidden(value, self.what)
            if self.provider_message is not None:
                self.provider_message = _hidden(value, self.provider_message)
            if self.provider_code is not None:
                self.provider_code = _hidden(value, self.provider_code)
        self.args = (self.what,)

    def __str__(self) -> str:
        return self.message()


def _hidden(value: str, text: str) -> str:
    """A text without a value, also where the text was cut off in the middle of it."""
    text = re.sub(re.escape(value), HIDDEN, text, flags=re.IGNORECASE)
    if not text.endswith(CUT_OFF):
        return text
    kept = text.removesuffix(CUT_OFF)
    for length in range(len(value) - 1, SHORTEST_PART - 1, -1):
        if kept.lower().endswith(value[:length].lower()):
            return kept[:-length] + HIDDEN + CUT_OFF
    return text


class NotSent(PaygateError):
    """Nothing left this machine, so nothing was charged: mend it and call again."""

    exit_code = 2
    elsewhere = True


class ConfigurationError(NotSent, ValueError):
    """A setting is missing, wrong or unsafe; the text names gateway and key, never the value."""


class PluginError(NotSent):
    """An adapter cannot be found, loaded or trusted; the text says which distribution and stage.

    `stage` is where it failed, for programs: "metadata", "names", "import", "api version", "interface",
    "settings" or "hooks"; None where it was found, loaded and failed later.
    """

    def __init__(self, what: str, *, stage: str | None = None, **context: Any) -> None:
        super().__init__(what, **context)
        self.stage = stage


class UnsupportedOperation(NotSent):
    """The adapter does not offer this operation for this method; known before anything is sent."""


class InvalidCharge(NotSent, ValueError):
    """The request could never be right: `field` names the part, `why` the reason."""

    def __init__(self, field: str, why: str, **context: Any) -> None:
        super().__init__(f"{field}: {why}", **context)
        self.field = field
        self.why = why

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.field, self.why), self.__dict__


class ReferenceTaken(InvalidCharge):
    """The store has another charge, or refund, of this reference; `why` says what differs."""

    elsewhere = False


class StoreUnavailable(NotSent):
    """The store of charges does not answer, so nothing was sent: nobody would know of the charge."""

    elsewhere = False


class Unreachable(NotSent):
    """The provider could not be reached, so nothing was sent; `retry_after` is in seconds."""

    def __init__(self, what: str, *, retry_after: float | None = None, **context: Any) -> None:
        super().__init__(what, **context)
        self.retry_after = retry_after


class CircuitOpen(Unreachable):
    """The gateway has not answered several times in a row: nothing was sent, until `retry_after` seconds."""


class NotAuthorized(NotSent):
    """The provider refused our login, so the operation was never sent: check keys and client key."""


class OutcomeUnknown(PaygateError):
    """It may have arrived and nobody can say: query, or where a store has it (`is_kept`) call again."""

    exit_code = 3


class Refused(PaygateError):
    """The provider said no: nothing was done, and asking again changes nothing."""

    exit_code = 4


class AuthenticationFailed(Refused):
    """The provider does not accept our signature, token, client key or address."""

    elsewhere = True


class PermissionDenied(Refused):
    """The provider knows us and does not allow this: a feature, partner or merchant setting."""

    elsewhere = True


class InvalidRequest(Refused):
    """The provider could not accept a field of the request."""


class DuplicateReference(Refused):
    """A charge with this reference exists at the provider; this call made no second one."""


class InstructionsLost(DuplicateReference):
    """The charge exists, and what its payer needs (a QR, an account number, a code) cannot be had again.

    `charge` is how it stands. The text says which way out there is.
    """

    def __init__(self, what: str, *, charge: Any = None, **context: Any) -> None:
        super().__init__(what, **context)
        self.charge = charge


class ChargeNotFound(Refused):
    """The provider does not know this charge, or not yet if it was sent moments ago."""


class AlreadyPaid(Refused):
    """The charge is paid, so it cannot be changed as asked."""


class ChargeExpired(Refused):
    """The charge expired or was closed before this request."""


class AmountRejected(Refused):
    """The provider does not accept this amount."""

    elsewhere = True


class LimitExceeded(Refused):
    """The amount or the number of charges is over a limit of the provider, merchant or payer."""

    elsewhere = True


class RateLimited(Refused):
    """Too many requests: the one refusal that may be asked again, after `retry_after` seconds."""

    elsewhere = True

    def __init__(self, what: str, *, retry_after: float | None = None, **context: Any) -> None:
        super().__init__(what, **context)
        self.retry_after = retry_after


class StateConflict(Refused):
    """The charge is in a state that does not allow this operation."""


class CallbackRejected(Refused):
    """A callback that must not be believed; answer the caller with `reply`.

    `reason` is a short fixed word for counting: "signature", "timestamp", "body", …
    """

    def __init__(self, reason: str, what: str, reply: Any = None, **context: Any) -> None:
        super().__init__(what, **context)
        self.reason = reason
        self.reply = reply

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.what), self.__dict__
