"""A SNAP provider's calls to the merchant: which kind one is, whether it is proven, and who reads it then.

Three kinds come to one address and below it. A notice is signed by RSA. With a token, the provider first
asks for one of ours, then calls with it. The headers tell which it claims to be; each kind has its own proof.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol, TypeVar

import msgspec
from msgspec import Struct

from paygate.callback import Callback, CallbackReply, CallbackRequest
from paygate.errors import CallbackRejected
from paygate.model import Charge
from paygate.snap.acknowledgements import Granted, acknowledgements, answer
from paygate.snap.calls import AuthorizedCalls, TokenRequests, bearer_token
from paygate.snap.catalogue import NOTIFIED, PATHS, TOKEN
from paygate.snap.fields import Wire
from paygate.snap.inbound import Notices
from paygate.snap.profile import Inbound
from paygate.snap.settings import Configured, SnapAccount
from paygate.snap.signing import Digest
from paygate.snap.tokens import LIFETIME_SECONDS, InboundTokens

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
GRANT: Final = "client_credentials"
BOTH: Final[tuple[Inbound, ...]] = ("asymmetric", "symmetric")
T = TypeVar("T")


class GrantWanted(Wire, frozen=True):
    """The body of a token request."""

    grant_type: str = GRANT


_grant_wanted: Final = msgspec.json.Decoder(GrantWanted)


class Told(Struct, frozen=True):
    """What a proven call tells, what it is answered with, and with what if the merchant fails."""

    charge: Charge
    reply: CallbackReply
    again: CallbackReply


class CallbackReader(Protocol):
    """Reads calls that are proven. Pure."""

    def service_of(self, request: CallbackRequest, *, authorized: bool) -> str:
        """The service whose refusal a call gets that is not proven: its path is believed for that alone."""
        ...

    def read(self, request: CallbackRequest, *, authorized: bool) -> Told:
        """Read the body; raise CallbackRejected, with the reply, for one that tells nothing clear."""
        ...


class SnapCallbacks:
    """Verifies a SNAP provider's calls for one gateway, and has them read. Pure: no requests, no state.

    `inbound` says by which proofs the provider calls; others are refused. `notice_paths` are those that it
    may have signed by RSA, `call_paths` those under a token; they come from the configuration and the
    standard, never from a request. `digest` is the hash of the HMAC.

    Nobody signed the headers that claim a token. A call whose claim fails is refused where `claims_bind`;
    else it is a notice where a notice's proof is whole, and refused as what it claims to be where it is not.
    """

    def __init__(
        self,
        gateway: str,
        settings: Configured,
        account: SnapAccount,
        clock: Callable[[], float],
        reader: CallbackReader,
        *,
        notice_paths: Sequence[str],
        call_paths: Sequence[str],
        inbound: Sequence[Inbound] = BOTH,
        digest: Digest = "sha512",
        claims_bind: bool = True,
    ) -> None:
        self.notice_paths, self.call_paths = notice_paths, call_paths
        self.digest: Digest = digest
        self._gateway = gateway
        self._reader = reader
        self._inbound = inbound
        self._claims_bind = claims_bind
        window = account.callback_window_minutes * 60
        agreed = settings.inbound_client_key or settings.client_key
        known = {agreed, settings.client_key, account.keys.partner_id or settings.client_key}
        public_key = account.provider_public_key
        self._notices = [Notices(public_key, path, window, clock) for path in notice_paths]
        self._token_requests = TokenRequests(public_key, frozenset({agreed}), clock)
        self._tokens = InboundTokens(account.keys.private_key, gateway, agreed, clock)
        self._calls = AuthorizedCalls(
            self._tokens, settings.client_secret, frozenset(known), call_paths, window, clock, digest
        )

    def parse(self, request: CallbackRequest) -> Callback:
        """Verify first, read afterwards; raise CallbackRejected with the reply for the provider."""
        if "symmetric" in self._inbound:
            names = {name.lower() for name in request.headers}
            try:
                if "authorization" in names and self.claims_a_token(request):
                    return self._told(request, authorized=True)
                if "x-client-key" in names:
                    return self._token_request(request)
            except CallbackRejected:
                if not (self.takes_any_notice and self._is_proven_notice(request)):
                    raise
        return self._told(request, authorized=False)

    @property
    def takes_any_notice(self) -> bool:
        """Whether a notice that is proven is read whatever its headers claim."""
        return "asymmetric" in self._inbound and not (self._claims_bind and "symmetric" in self._inbound)

    def claims_a_token(self, request: CallbackRequest) -> bool:
        """Whether a call claims to come with a token of ours.

        A proxy may add a bearer token of its own to a notice: it tells no partner, and is none that we know.
        """
        token = bearer_token(request)
        return token is not None and (
            request.header("x-partner-id") is not None or self._tokens.verify(token)
        )

    def _told(self, request: CallbackRequest, *, authorized: bool) -> Callback:
        """A notice, or a call with a token of ours."""
        try:
            sent_at = self._calls.verify(request) if authorized else self._verified(request)
        except CallbackRejected as rejected:
            service = self._reader.service_of(request, authorized=authorized)
            rejected.reply = acknowledgements(service).refusal(rejected.reason)
            raise
        told = self._reader.read(request, authorized=authorized)
        return Callback(
            gateway=self._gateway,
            charges=(told.charge,),
            reply=told.reply,
            again=told.again,
            sent_at=sent_at,
            raw=request.body,
        )

    def _verified(self, request: CallbackRequest) -> datetime:
        """The signed time of a notice, whichever of the paths it was signed over."""
        if "asymmetric" not in self._inbound:
            raise CallbackRejected("token", "it has no token of ours, and this provider calls with one")
        *others, last = self._notices
        for notices in others:
            try:
                return notices.verify(request)
            except CallbackRejected as rejected:
                if rejected.reason != "signature":
                    raise
        return last.verify(request)

    def _is_proven_notice(self, request: CallbackRequest) -> bool:
        try:
            self._verified(request)
        except CallbackRejected:
            return False
        return True

    def _token_request(self, request: CallbackRequest) -> Callback:
        """A request for a token of ours (service 73, to be provided by the merchant)."""
        answers = acknowledgements(TOKEN)
        try:
            sent_at = self._token_requests.verify(request)
        except CallbackRejected as rejected:
            rejected.reply = answers.unproven
            raise
        # The body is not part of the proof; one that asks for another kind of grant is not ours to serve.
        wanted = decoded(_grant_wanted, request.body or b"{}", answers.malformed)
        if wanted.grant_type != GRANT:
            raise CallbackRejected("body", "grantType is another than ours", answers.malformed)
        granted = Granted(
            f"200{TOKEN}00", "Successful", self._tokens.issue(), "Bearer", str(LIFETIME_SECONDS)
        )
        return Callback(gateway=self._gateway, charges=(), reply=answer(200, granted), sent_at=sent_at)


def signed_paths(callback_path: str, services: Sequence[str] = NOTIFIED) -> tuple[str, ...]:
    """The paths that a call under a token may have been signed over: the standard's and ours."""
    documented = (PATHS[service] for service in services)
    return tuple(dict.fromkeys((*documented, *own_paths(callback_path, services))))


def own_paths(callback_path: str, services: Sequence[str] = NOTIFIED) -> tuple[str, ...]:
    """The paths that a notice may have been signed over: ours, and the standard's below it.

    Not the standard's alone: the provider's key signs for all of its merchants, and a path that each of them
    may have would let one of them send its own notices to another.
    """
    prefix = callback_path.rstrip("/")
    return tuple(dict.fromkeys((callback_path, *(prefix + PATHS[service] for service in services))))


def decoded(decoder: "msgspec.json.Decoder[T]", body: bytes, malformed: CallbackReply) -> T:
    """Decode the body of a proven call; raise CallbackRejected, with its answer, where nobody can."""
    try:
        return decoder.decode(body)
    except UNREADABLE:
        raise CallbackRejected("body", "the body cannot be read", malformed) from None
