"""How an adapter's conversation with a provider is written down, run and read.

A flow is a generator: it yields requests, receives responses and returns the result. It does no I/O.
"""

from collections.abc import Generator
from contextlib import suppress
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

from msgspec import MsgspecError

from paygate.errors import OutcomeUnknown, PaygateError, PluginError

if TYPE_CHECKING:
    import httpx

R = TypeVar("R")
D_co = TypeVar("D_co", covariant=True)

DAY: Final = 86_400
UNREADABLE: Final = "unreadable"
"""The extension of a reply that nobody could read."""

Flow: TypeAlias = Generator["httpx.Request", "httpx.Response", R]


class Credential(Protocol):
    """What proves who we are to the provider, until `expires_at` (unix seconds)."""

    @property
    def expires_at(self) -> float: ...

    def sign(self, request: "httpx.Request") -> "httpx.Request":
        """Sign one request, afresh each time: a new timestamp and a new X-EXTERNAL-ID."""
        ...

    def rejected_by(self, response: "httpx.Response") -> bool:
        """Whether this reply says, beyond doubt, that the credential is no longer good."""
        ...


@runtime_checkable
class KeptCredential(Credential, Protocol):
    """A credential that other processes can use: `restore_credential` makes it anew from what it keeps."""

    def keep(self) -> bytes:
        """All that is needed to restore it; the same bytes each time. paygate encrypts them."""
        ...


class Decoder(Protocol[D_co]):
    """Anything that turns a body into a message, as msgspec.json.Decoder(...) does."""

    def decode(self, buf: bytes, /) -> D_co: ...


class Conversation(Generic[R]):
    """A flow in progress: answer `request` until it is None, then read `result`.

    The only place that knows StopIteration. Adapter tests use it as it is: no client, no loop.
    """

    __slots__ = ("_flow", "request", "result")

    request: "httpx.Request | None"
    result: R

    def __init__(self, flow: Flow[R]) -> None:
        given: object = flow
        if not isinstance(given, GeneratorType):
            raise PluginError(
                f"the adapter returned {type(given).__name__} where a flow (a generator) was due"
            )
        self._flow = flow
        self.request = None
        self._step(flow.__next__)

    def answer(self, response: "httpx.Response") -> None:
        """Hand over the response to the request last yielded."""
        self._step(self._flow.send, response)

    def fail(self, error: PaygateError) -> None:
        """Raise `error` inside the flow, which may ask the provider instead of failing."""
        self._step(self._flow.throw, error)

    def close(self) -> None:
        """End the flow early; harmless when it has ended. What it raises then changes nothing any more."""
        with suppress(Exception):
            self._flow.close()

    def _step(self, move: Any, *given: Any) -> None:
        try:
            self.request = move(*given)
        except StopIteration as end:
            self.request = None
            self.result = end.value


def answered(value: R) -> Flow[R]:
    """A flow that asks nothing, for an `authorize` that needs no login."""
    return value
    yield  # type: ignore[unreachable] # what makes it a generator


def read(reply: "httpx.Response", decoder: Decoder[D_co]) -> D_co:
    """Decode a reply; one that nobody can read leaves the outcome unknown.

    Raises OutcomeUnknown for HTTP 5xx and for a body that does not decode. Other HTTP statuses are
    the adapter's to judge, together with the provider's own code.
    """
    status = reply.status_code
    if status >= 500:
        raise unreadable(reply, f"the provider answered HTTP {status}")
    try:
        message = decoder.decode(reply.content)
    except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # The error's own text may quote the body, so only its kind is told.
        what = f"the provider's answer cannot be read ({type(error).__name__})"
        raise unreadable(reply, what) from None
    reply.extensions.pop(UNREADABLE, None)  # it was tried in another form before
    return message


def retry_after(reply: "httpx.Response") -> float | None:
    """Retry-After in seconds, where it is a plain number of at most a day."""
    text = reply.headers.get("Retry-After", "")
    is_number = text.isascii() and text.isdigit() and len(text) <= 5
    return float(text) if is_number and int(text) <= DAY else None


def unreadable(reply: "httpx.Response", what: str, **context: Any) -> OutcomeUnknown:
    """The error to raise for a reply that says nothing certain; the reply is marked.

    A flow may catch it and ask the provider instead. After a marked reply to something that changes the
    charge, no later "no" is believed: it becomes OutcomeUnknown.
    """
    reply.extensions[UNREADABLE] = True
    return OutcomeUnknown(what, **{"http_status": reply.status_code, **context})
