"""What a SNAP provider's reply says: a message, a definite no, or nothing that can be relied on."""

import re
from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from paygate.errors import PaygateError, RateLimited
from paygate.flow import Decoder, read, retry_after, unreadable
from paygate.redaction import scrub
from paygate.snap.codes import GENERAL, Errors, SnapCode

if TYPE_CHECKING:
    import httpx


class Message(Protocol):
    """Any reply of SNAP BI."""

    @property
    def response_code(self) -> str | int: ...

    @property
    def response_message(self) -> str: ...


M = TypeVar("M", bound=Message)


PLAIN: Final = re.compile(r"[0-9A-Za-z]{1,12}")
NO_ODD_CODES: Final[Mapping[str, type[PaygateError]]] = MappingProxyType({})


def read_reply(
    reply: "httpx.Response",
    decoder: Decoder[M],
    errors: Errors = GENERAL,
    odd: Mapping[str, type[PaygateError]] = NO_ODD_CODES,
    odd_success: Container[str] = (),
) -> M:
    """Read a reply; return the message of a success, raise what any other one means.

    Success takes HTTP status and responseCode together. Where they disagree, or the code is not in
    `errors`, the outcome is unknown, whatever the message says. `odd` holds refusals whose code has not
    the form of SNAP BI; they are believed under an HTTP 4xx only. `odd_success` holds success codes of
    the same kind, believed under HTTP 200 only.
    """
    message = read(reply, decoder)
    status = reply.status_code
    code = SnapCode.parse(message.response_code)
    if code is not None and code.is_success and status == 200:
        return message
    given = str(message.response_code)
    if code is None and status == 200 and given in odd_success:
        return message
    shown = given if PLAIN.fullmatch(given) else scrub(given)
    told = scrub(message.response_message)
    context: dict[str, Any] = {"provider_code": shown, "provider_message": told, "http_status": status}
    if code is None:
        if given in odd and 400 <= status < 500:
            raise odd[given](told, **context)
        raise unreadable(reply, "the response code has no form that we know", **context)
    if code.http != status:
        raise unreadable(reply, "HTTP status and response code disagree", **context)
    kind = errors.get((code.http, code.case))
    if kind is None:
        raise unreadable(reply, "the response code is not one that we know", **context)
    if kind is RateLimited:
        raise RateLimited(told, retry_after=retry_after(reply), **context)
    raise kind(told, **context)
