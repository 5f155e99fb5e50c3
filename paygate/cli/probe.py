"""Whether a signed request is accepted: a question about a charge that cannot exist, which changes nothing."""

import secrets
from typing import Any, Final

from paygate.capabilities import NOTHING, of_adapter
from paygate.diagnosis import Finding, Verdict
from paygate.errors import (
    AuthenticationFailed,
    ChargeNotFound,
    InvalidCharge,
    PaygateError,
    UnsupportedOperation,
)
from paygate.gateway import Gateway
from paygate.methods import METHODS, SAMPLES, Method
from paygate.model import ChargeRef

SUBJECT: Final = "signed request"
CURE: Final = (
    "Compare client_secret with the provider's portal: the login does without it, and every later request is "
    "signed with it. Then look at this machine's clock."
)

HARMLESS: Final = "It was a question, and changed nothing: ask again later, or show it to the provider."


def asked(gateway: Gateway, adapter: type[Any]) -> Finding | None:
    """Ask about a charge that cannot exist; None where the adapter cannot be asked about any."""
    reference = f"paygate-doctor-{secrets.token_hex(8)}"
    unsent: PaygateError | None = None
    for method in _methods(adapter):
        try:
            gateway.query(ChargeRef(gateway.name, reference, method))
        except ChargeNotFound:
            return Finding(SUBJECT, Verdict.GOOD, "it is accepted; it knows no such charge, as it should")
        except AuthenticationFailed as error:
            return Finding(
                SUBJECT, Verdict.BAD, f"it is refused, though the login is not: {told(error)}", CURE
            )
        except (InvalidCharge, UnsupportedOperation) as error:
            unsent = error  # not about this method, or brand: perhaps about another
        except PaygateError as error:
            return _uncertain(error)
        else:
            what = "it is accepted, and the provider says that it knows a charge which cannot exist"
            return Finding(SUBJECT, Verdict.UNSURE, what, "Ask the provider what its answer means.")
    return _uncertain(unsent) if unsent is not None else None


def _uncertain(error: PaygateError) -> Finding:
    return Finding(
        SUBJECT, Verdict.UNSURE, f"nobody can tell whether it is accepted: {told(error)}", HARMLESS
    )


def told(error: PaygateError) -> str:
    """What an error says, with the provider's code where it has one."""
    return error.what if error.provider_code is None else f"{error.what} (code {error.provider_code})"


def _methods(adapter: type[Any]) -> list[Method]:
    """The methods that can be asked about, those first that the adapter makes charges by."""
    operations = of_adapter(adapter)
    served, made = operations.get("query", NOTHING), operations.get("create_charge", NOTHING)
    kinds: dict[type[Method], Any] = {kind: kind for kind in METHODS}
    named = (
        kinds[kind](brand)
        for one in (made, served)
        for kind in METHODS
        for brand in sorted(one.brands(kind))
        if brand
    )
    able = dict.fromkeys(method for method in (*SAMPLES.values(), *named) if method in served)
    return sorted(able, key=lambda method: method not in made)
