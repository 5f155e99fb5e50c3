"""A SNAP access token, and how requests are signed with it."""

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import Final

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from msgspec import Struct

from paygate.errors import OutcomeUnknown, PaygateError
from paygate.external_ids import NEXT_EXTERNAL_ID, external_id
from paygate.flow import Decoder, Flow
from paygate.redaction import Secret
from paygate.snap.codes import SnapCode
from paygate.snap.profile import SnapProfile, Timestamps
from paygate.snap.replies import NO_ODD_CODES, read_reply
from paygate.snap.signing import (
    notice_string,
    request_string,
    sign_hmac,
    sign_rsa,
    token_string,
)

LEEWAY: Final = 60.0
"""Seconds before its end that a token is renewed, or half its life where that is less."""

TOKEN_BODY: Final = b'{"grantType":"client_credentials"}'
TOKEN_SIGNED: Final = "<client key>|<timestamp>"  # noqa: S105 - a shape
SYMMETRIC_SIGNED: Final = "<method>:<path>:<token>:<sha256 of the body>:<timestamp>"
ASYMMETRIC_SIGNED: Final = "<method>:<path>:<sha256 of the body>:<timestamp>"
TOKEN: Final = re.compile(r"[!-~]+")
SECONDS: Final = re.compile(r"0*[1-9][0-9]{0,8}")
LONGEST_LIFE: Final = 10**9
FRESH: Final = frozenset({b"x-timestamp", b"x-signature", b"x-external-id"})
REJECTIONS: Final = ("01", "03")


class _Token(Struct, frozen=True, rename="camel"):
    response_code: str | int = "2007300"
    response_message: str = ""
    access_token: str = ""
    expires_in: str | int = "900"


class _Code(Struct, frozen=True, rename="camel"):
    response_code: str | int = ""


class _Kept(Struct, frozen=True):
    """What another process needs of a credential: the rest it has."""

    token: str
    expires_at: float


_token: Final[Decoder[_Token]] = msgspec.json.Decoder(_Token)
_code: Final[Decoder[_Code]] = msgspec.json.Decoder(_Code)


class SnapKeys(Struct, frozen=True):
    """Who we are to a SNAP provider: client key, client secret and our RSA private key.

    `partner_id` is X-PARTNER-ID, where that is another than the client key.
    """

    client_key: str
    client_secret: Secret
    private_key: RSAPrivateKey
    partner_id: str | None = None

    def __repr__(self) -> str:
        return f"SnapKeys({self.client_key!r})"


class SnapCredential:
    """An access token; signs each request with a new timestamp and X-EXTERNAL-ID."""

    def __init__(
        self,
        keys: SnapKeys,
        profile: SnapProfile,
        timestamps: Timestamps,
        token: str,
        expires_at: float,
        clock: Callable[[], float],
    ) -> None:
        self.expires_at = expires_at
        self._keys = keys
        self._profile = profile
        self._timestamps = timestamps
        self._token = token
        self._clock = clock
        self._secret = keys.client_secret.reveal()
        self._signed = SYMMETRIC_SIGNED if profile.symmetric else ASYMMETRIC_SIGNED
        fixed = {
            "Content-Type": "application/json",
            "X-PARTNER-ID": keys.partner_id or keys.client_key,
        }
        if profile.symmetric:
            fixed["Authorization"] = f"Bearer {token}"
        if profile.channel_id is not None:
            fixed["CHANNEL-ID"] = profile.channel_id
        self._fixed = [(name.encode(), value.encode()) for name, value in fixed.items()]
        self._own = {name.lower() for name, _ in self._fixed} | FRESH

    @classmethod
    def restored(
        cls,
        kept: bytes,
        keys: SnapKeys,
        profile: SnapProfile,
        timestamps: Timestamps,
        clock: Callable[[], float],
    ) -> "SnapCredential":
        """Make it of what `keep` gave, for `restore_credential`; raises ValueError for anything else."""
        told = msgspec.json.decode(kept, type=_Kept)
        if TOKEN.fullmatch(told.token) is None:
            raise ValueError("no token")
        return cls(keys, profile, timestamps, told.token, told.expires_at, clock)

    def keep(self) -> bytes:
        """Token and end, for another process that has the keys; nothing where there is no token."""
        return msgspec.json.encode(_Kept(self._token, self.expires_at)) if self._token else b""

    def sign(self, request: httpx.Request) -> httpx.Request:
        """Sign method, path, token, body and time of this request, in place."""
        path = self._profile.signed_path(request.url.raw_path.decode("ascii"))
        stamp = self._timestamps.now()
        if self._profile.symmetric:
            text = request_string(request.method, path, self._token, request.content, stamp)
            signature = sign_hmac(self._secret, text, self._profile.encoding)
        else:
            text = notice_string(request.method, path, request.content, stamp)
            signature = sign_rsa(self._keys.private_key, text)
        number = request.extensions.pop(NEXT_EXTERNAL_ID, None) or external_id(self._clock)
        # Made anew as a whole: changing httpx's headers one by one costs ten times as much.
        request.headers = httpx.Headers(
            [
                *self._kept(request),
                *self._fixed,
                (b"X-TIMESTAMP", stamp.encode()),
                (b"X-SIGNATURE", signature.encode()),
                (b"X-EXTERNAL-ID", number.encode()),
            ]
        )
        request.extensions["external_id"] = number
        request.extensions["signed"] = self._signed
        return request

    def _kept(self, request: httpx.Request) -> list[tuple[bytes, bytes]]:
        """The headers that a request has apart from ours; one of `post` has none, and gets the first two."""
        if not request.headers:
            return [(b"Host", request.url.netloc), (b"Content-Length", b"%d" % len(request.content))]
        return [pair for pair in request.headers.raw if pair[0].lower() not in self._own]

    def rejected_by(self, response: httpx.Response) -> bool:
        """Whether HTTP status and code both say that the token is invalid or unknown (401xx01, 401xx03)."""
        if response.status_code != 401:
            return False
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            code = SnapCode.parse(_code.decode(response.content).response_code)
            return code is not None and code.http == 401 and code.case in REJECTIONS
        return False

    def __repr__(self) -> str:
        return f"SnapCredential(expires_at={self.expires_at:.0f})"


def log_in(
    url: str,
    keys: SnapKeys,
    profile: SnapProfile,
    timestamps: Timestamps,
    clock: Callable[[], float],
    odd: Mapping[str, type[PaygateError]] = NO_ODD_CODES,
) -> Flow[SnapCredential]:
    """Get an access token by an RSA-signed request (SNAP BI service 73). `odd` is that of `read_reply`."""
    stamp = timestamps.now()
    request = httpx.Request(
        "POST",
        url,
        content=TOKEN_BODY,
        headers={
            "Content-Type": "application/json",
            "X-CLIENT-KEY": keys.client_key,
            "X-TIMESTAMP": stamp,
            "X-SIGNATURE": sign_rsa(keys.private_key, token_string(keys.client_key, stamp)),
        },
        extensions={"signed": TOKEN_SIGNED},
    )
    token = read_reply((yield request), _token, odd=odd)
    lifetime = lifetime_of(token.expires_in)
    if TOKEN.fullmatch(token.access_token) is None or lifetime is None:
        raise OutcomeUnknown("the login was answered without a usable token")
    expires_at = clock() + lifetime - min(LEEWAY, lifetime / 2)
    return SnapCredential(keys, profile, timestamps, token.access_token, expires_at, clock)


def lifetime_of(expires_in: str | int) -> float | None:
    """Seconds that a token lives; the standard sends text, some providers a number."""
    if isinstance(expires_in, str):
        return float(expires_in) if SECONDS.fullmatch(expires_in) else None
    return float(expires_in) if 0 < expires_in < LONGEST_LIFE else None
