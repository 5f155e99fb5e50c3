"""How a request of ours is signed, with all workings shown: for a person who looks for a fault."""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from paygate.diagnosis import Signed, Unsigned
from paygate.errors import InvalidCharge
from paygate.external_ids import external_id
from paygate.snap.body import body_hash
from paygate.snap.credential import SnapKeys
from paygate.snap.profile import SnapProfile
from paygate.snap.signing import notice_string, request_string, sign_hmac, sign_rsa, token_string


def explain_login(keys: SnapKeys, message: Unsigned) -> Signed:
    """Show how a request for an access token is signed; neither path nor body is part of it."""
    text = token_string(keys.client_key, message.timestamp)
    signature = sign_rsa(keys.private_key, text)
    headers = {
        "Content-Type": "application/json",
        "X-CLIENT-KEY": keys.client_key,
        "X-TIMESTAMP": message.timestamp,
        "X-SIGNATURE": signature,
    }
    return Signed("SHA256withRSA over <client key>|<timestamp>", text, signature, MappingProxyType(headers))


def explain_request(
    keys: SnapKeys,
    profile: SnapProfile,
    message: Unsigned,
    clock: Callable[[], float] = time.time,
) -> Signed:
    """Show how any request is signed as `profile` says, the one for a token included.

    Raises InvalidCharge where an access token is part of the text and none is given.
    """
    if message.path == profile.token_path:
        return explain_login(keys, message)
    path = profile.signed_path(message.path)
    method, body, stamp = message.method, message.body, message.timestamp
    if not profile.symmetric:
        text = notice_string(method, path, body, stamp)
        signature = sign_rsa(keys.private_key, text)
        scheme = "SHA256withRSA over METHOD:path:hash:timestamp"
    elif message.token:
        text = request_string(method, path, message.token, body, stamp)
        signature = sign_hmac(keys.client_secret.reveal(), text, profile.encoding)
        scheme = "HMAC-SHA512 over METHOD:path:token:hash:timestamp"
    else:
        raise InvalidCharge("token", "give the access token, without Bearer: it is part of what is signed")
    headers = _headers(keys, profile, message, signature, clock)
    return Signed(scheme, text, signature, headers, body_hash(body))


def _headers(
    keys: SnapKeys,
    profile: SnapProfile,
    message: Unsigned,
    signature: str,
    clock: Callable[[], float],
) -> Mapping[str, str]:
    headers = {
        "Content-Type": "application/json",
        "X-PARTNER-ID": keys.partner_id or keys.client_key,
        "X-TIMESTAMP": message.timestamp,
        "X-SIGNATURE": signature,
        "X-EXTERNAL-ID": external_id(clock),
    }
    if profile.symmetric:
        headers["Authorization"] = f"Bearer {message.token}"
    if profile.channel_id is not None:
        headers["CHANNEL-ID"] = profile.channel_id
    return MappingProxyType(headers)
