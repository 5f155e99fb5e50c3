"""What is done with a call from outside, whatever the server: who is let in, and what is answered. No I/O."""

import logging
import re
from collections.abc import Callable, Collection, Sequence
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from paygate.callback import AGAIN, Callback, CallbackReply, CallbackRequest, ConflictKind
from paygate.desk import LARGEST_CALLBACK
from paygate.errors import CallbackRejected, UnsupportedOperation
from paygate.gateway import AsyncGateway, Gateway
from paygate.model import Charge
from paygate.redaction import place_of

log = logging.getLogger("paygate")

JSON_ONLY: Final = ("application/json",)
LENGTH: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
PATH_SIGNS: Final = "/:@!$&'()*+,;=~"


def _plain(status: int, text: str, **headers: str) -> CallbackReply:
    return CallbackReply(status, MappingProxyType({"Content-Type": "text/plain", **headers}), text.encode())


BAD_LENGTH: Final = _plain(400, "Bad Request")
NOT_POST: Final = _plain(405, "", Allow="POST")  # no text, so that HEAD is answered like GET
NO_LENGTH: Final = _plain(411, "Length Required")
TOO_LARGE: Final = _plain(413, "Content Too Large")
OTHER_TYPE: Final = _plain(415, "Unsupported Media Type")


class TurnedAway(Exception):
    """A call that is answered with `reply` and goes no further."""

    def __init__(self, reply: CallbackReply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Reception:
    """Lets calls in for one gateway. The applications move the bytes and call the merchant's functions."""

    def __init__(
        self,
        gateway: Gateway | AsyncGateway,
        functions: Sequence[Callable[..., object] | None],
        largest_body: int,
        content_types: Collection[str],
    ) -> None:
        if not isinstance(gateway, (Gateway, AsyncGateway)):
            raise TypeError(f'use a gateway, as in paygate.gateway("main"), not {type(gateway).__name__}')
        if isinstance(content_types, str):
            raise TypeError("content_types are several: use a tuple of them")
        if not 0 < largest_body <= LARGEST_CALLBACK:
            raise ValueError(f"largest_body: use 1 to {LARGEST_CALLBACK} bytes; more is never read")
        if not gateway.supports("parse_callback"):
            raise UnsupportedOperation(
                "the adapter reads no callbacks", gateway=gateway.name, operation="parse_callback"
            )
        self.is_stored = gateway.store is not None
        """Whether calls are only stored and acknowledged here: a Worker tells the handler."""
        if self.is_stored and any(one is not None for one in functions):
            raise TypeError(
                "this gateway has a store, which knows its charges and keeps its callbacks: "
                "give the handler to a Worker, and no `known` to anybody"
            )
        if not self.is_stored and functions[0] is None:
            raise TypeError("without a store each callback is handled as it comes: give the handler")
        self._gateway = gateway
        self._largest = largest_body
        self._content_types = frozenset(one.lower() for one in content_types)

    def admit(self, head: CallbackRequest) -> "Intake":
        """Let a call in by its method and headers; its own body is not looked at. Raises TurnedAway."""
        if head.method != "POST":
            raise self.turned_away("method", NOT_POST)
        content_type = (head.header("content-type") or "").partition(";")[0].strip().lower()
        if content_type and content_type not in self._content_types:
            raise self.turned_away("content type", OTHER_TYPE)
        length = head.header("content-length")
        if not length:
            return Intake(self, head, None, self._largest)
        if LENGTH.fullmatch(length) is None:
            raise self.turned_away("length", BAD_LENGTH)
        if int(length) > self._largest:
            raise self.turned_away("size", TOO_LARGE)
        return Intake(self, head, int(length), self._largest)

    def parsed(self, request: CallbackRequest) -> Callback:
        """Have a call verified and read. Raises TurnedAway with the reply for the provider."""
        try:
            return self._gateway.parse_callback(request)
        except CallbackRejected as rejected:
            raise self.rejected(rejected) from None

    def compared(self, callback: Callback, known: Sequence[Charge | None]) -> Callback:
        """Hold a callback against what the merchant knows; log the kind of what contradicts it."""
        result = self._gateway.compare(callback, known)
        for conflict in result.conflicts:
            again = "; the provider is to repeat it" if conflict.kind is ConflictKind.UNKNOWN else ""
            log.warning(
                "paygate: a callback of gateway %s contradicts what you know: %s%s",
                self._gateway.name,
                conflict.kind.value,
                again,
            )
        return result

    def failed(self, callback: Callback, error: Exception) -> CallbackReply:
        """Answer so that the provider calls again. An error's text may quote anything: it is not logged."""
        log.error(
            "paygate: the handling of a callback of gateway %s failed (%s); the provider is to repeat it",
            self._gateway.name,
            place_of(error),
        )
        return callback.again

    def unstored(self, error: Exception) -> CallbackReply:
        """Answer so that the provider calls again: what is not stored is not acknowledged."""
        log.error(
            "paygate: a callback of gateway %s was not stored (%s); the provider is to repeat it",
            self._gateway.name,
            place_of(error),
        )
        return AGAIN

    def rejected(self, rejected: CallbackRejected) -> TurnedAway:
        """A call that is not proven goes no further."""
        return self.turned_away(rejected.reason, rejected.reply)

    def turned_away(self, reason: str, reply: CallbackReply) -> TurnedAway:
        """Log why a call goes no further, in a fixed word."""
        log.warning("paygate: a call to gateway %s was turned away: %s", self._gateway.name, reason)
        return TurnedAway(reply)


class Intake:
    """A call whose body is coming in, piece by piece and no more than is allowed.

    `length` is what the caller said that it would be; None where it did not say.
    """

    def __init__(self, reception: Reception, head: CallbackRequest, length: int | None, largest: int) -> None:
        self.length = length
        self._reception = reception
        self._head = head
        self._largest = largest
        self._body = bytearray()

    @property
    def wanted(self) -> int:
        """How many bytes to read on: to the end, or to the first one that is too many."""
        return (self._largest + 1 if self.length is None else self.length) - len(self._body)

    def add(self, piece: bytes) -> None:
        """Take a piece of the body. Raises TurnedAway as soon as it is too much."""
        self._body += piece
        if len(self._body) > self._largest:
            raise self._reception.turned_away("size", TOO_LARGE)

    def whole(self) -> CallbackRequest:
        """The call with its body. Raises TurnedAway unless it is as long as was said."""
        head = self._head
        if self.length not in (None, len(self._body)):
            raise TurnedAway(BAD_LENGTH)  # most likely cut off: nobody is there to read it, nothing to log
        return CallbackRequest(head.method, head.path, head.headers, bytes(self._body))


def encoded(path: bytes) -> str:
    """A path that the server has decoded, as it stands in an address."""
    return quote(path, safe=PATH_SIGNS)


def headers_of(reply: CallbackReply) -> list[tuple[str, str]]:
    """The adapter's headers, and the body's length."""
    kept = [(name, value) for name, value in reply.headers.items() if name.lower() != "content-length"]
    return [*kept, ("Content-Length", str(len(reply.body)))]
