"""What was asked for, as the journal keeps it: enough to tell whether two requests are the same."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from paygate.errors import HIDDEN
from paygate.model import Charge, ChargeRequest, ChargeStatus

IN_CLEAR: Final = ("reference", "amount", "method", "expires_at")
"""All else may be personal, and is kept as a digest: it tells that it differs, and not what it was."""

PASSING: Final = ("expires_at",)
"""A moment that programs compute anew for each call; the charge that exists has its own."""

LENGTH: Final = 16
_json: Final = msgspec.json.Encoder(order="sorted")


def kept(request: ChargeRequest) -> bytes:
    """A request as JSON, its fields by name; nothing that may be personal is in it."""
    return _json.encode({name: _field(request, name) for name in request.__struct_fields__})


def digest(request: ChargeRequest) -> bytes:
    """16 bytes, the same for requests that ask for the same; when they expire is not looked at."""
    fields = [getattr(request, name) for name in request.__struct_fields__ if name not in PASSING]
    return blake2b(_json.encode(fields), digest_size=LENGTH).digest()


def difference(request: ChargeRequest, before: bytes) -> str:
    """In what a request differs from one that was kept, in words; personal values are not told."""
    old: Mapping[str, Any] = msgspec.json.decode(before)
    new: Mapping[str, Any] = msgspec.json.decode(kept(request))
    differing = [
        name for name in request.__struct_fields__ if name not in PASSING and old.get(name) != new.get(name)
    ]
    return "; ".join(
        f"{name} was {_words(old.get(name))}, now {_words(new.get(name))}" if name in IN_CLEAR else name
        for name in differing
    )


def awaited(gateway: str, request: ChargeRequest) -> Charge:
    """The charge that a request asks for, before anything is known of it."""
    return Charge(
        gateway=gateway,
        reference=request.reference,
        status=ChargeStatus.PENDING,
        method=request.method,
        amount=request.amount,
        expires_at=request.expires_at,
    )


def _field(request: ChargeRequest, name: str) -> Any:
    value = getattr(request, name)
    if name in IN_CLEAR or not value:
        return value
    return blake2b(_json.encode((request.reference, value)), digest_size=LENGTH).hexdigest()


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        value = {name: HIDDEN if name == "number" else one for name, one in value.items() if one}
        first = "currency" if "currency" in value else "kind"
        parts = (value.get(first), *(one for name, one in value.items() if name != first))
        return " ".join(str(one) for one in parts)
    return str(value)
