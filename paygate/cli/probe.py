"""Whether a signed request is accepted: a question about a charge that cannot exist, which changes nothing."""

import secrets
from typing import Any, Final

from paygate.capabilities import NOTHING, of_adapter
from paygate.diagnosis import Finding, Verdict
from paygate.errors import AuthenticationFailed, ChargeNotFound, PaygateError
from paygate.gateway import Gateway
from paygate.methods import METHODS, EWallet, Method, PaymentLink, Qris, Retail, VirtualAccount
from paygate.model import ChargeRef

SUBJECT: Final = "signed request"
EXAMPLES: Final[tuple[Method, ...]] = (
    Qris(),
    VirtualAccount("bni"),
    EWallet("dana"),
    Retail("alfamart"),
    PaymentLink(),
)
CURE: Final = (
    "Compare client_secret with the provider's portal: the login does without it, and every later request is "
    "signed with it. Then look at this machine's clock."
)

HARMLESS: Final = "It was a question, and changed nothing: ask again later, or show it to the provider."


def asked(gateway: Gateway, adapter: type[Any]) -> Finding | None:
    """Ask about a charge that cannot exist; None where the adapter cannot be asked about any."""
    method = _method(adapter)
    if method is None:
        return None
    reference = f"paygate-doctor-{secrets.token_hex(8)}"
    try:
        gateway.query(ChargeRef(gateway.name, reference, method))
    except ChargeNotFound:
        return Finding(SUBJECT, Verdict.GOOD, "it is accepted; it knows no such charge, as it should")
    except AuthenticationFailed as error:
        return Finding(SUBJECT, Verdict.BAD, f"it is refused, though the login is not: {told(error)}", CURE)
    except PaygateError as error:
        what = f"nobody can tell whether it is accepted: {told(error)}"
        return Finding(SUBJECT, Verdict.UNSURE, what, HARMLESS)
    what = "it is accepted, and the provider says that it knows a charge which cannot exist"
    return Finding(SUBJECT, Verdict.UNSURE, what, "Ask the provider what its answer means.")


def told(error: PaygateError) -> str:
    """What an error says, with the provider's code where it has one."""
    return error.what if error.provider_code is None else f"{error.what} (code {error.provider_code})"


def _method(adapter: type[Any]) -> Method | None:
    """A method that can be asked about: one of the examples, or a brand that the adapter names."""
    served = of_adapter(adapter).get("query", NOTHING)
    kinds: dict[type[Method], Any] = {kind: kind for kind in METHODS}
    named = (kinds[kind](brand) for kind in METHODS for brand in sorted(served.brands(kind)) if brand)
    return next((method for method in (*EXAMPLES, *named) if method in served), None)
