"""Why a callback's signature does not fit: every plausible reading is tried, and what fits is named.

It helps a person to find a fault. Nothing here decides what is believed: each trial only says whether
`parse_callback` would believe a callback that fits so.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import re
from collections.abc import Container, Iterator, Mapping
from itertools import product
from typing import Final
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from paygate.callback import CallbackRequest
from paygate.diagnosis import ANOTHER, Trial
from paygate.snap.body import body_hash
from paygate.snap.rewriting import AS_RECEIVED, BELIEVED, forms
from paygate.snap.signing import HEXADECIMAL, PADDING, Digest, token_string

ASYMMETRIC: Final = "RSA over METHOD:path:hash:timestamp"
SYMMETRIC: Final = "HMAC over METHOD:path:token:hash:timestamp"
TOKEN_REQUEST: Final = "RSA over client key|timestamp"  # noqa: S105 - a shape

Readings = dict[tuple[str, str, str], str]
"""Texts that may have been signed, by scheme, path and form of the body."""

DIGESTS: Final[tuple[Digest, ...]] = ("sha512", "sha256")
RSA_HASHES: Final = {
    "sha256": hashes.SHA256(),
    "sha512": hashes.SHA512(),
    "sha384": hashes.SHA384(),
    "sha1": hashes.SHA1(),  # noqa: S303 - only to name the mistake
}
BASE64: Final = ""
IN_HEXADECIMAL: Final = "the signature in hexadecimal"
MENDED: Final = "the signature mended"
ENCODINGS: Final = (BASE64, IN_HEXADECIMAL)
MOST_PREFIXES: Final = 4


def explain_notice(
    request: CallbackRequest,
    paths: Mapping[str, bool],
    keys: Mapping[str, RSAPublicKey],
    accepted_key: str | None,
) -> tuple[Trial, ...]:
    """Try a callback signed by RSA without a token: which path, body and key make its signature fit.

    `paths` says of each whether `parse_callback` takes it; likely mistakes are tried besides. `keys` have
    the names that the person knows; `accepted_key` is the one that is believed, or None.
    """
    stamp, method = _stamp(request), request.method.upper()
    texts = {
        (ASYMMETRIC, path, body): f"{method}:{path}:{hashed}:{stamp}"
        for path, (body, hashed) in product(_paths(request, paths), _hashes(request.body).items())
    }
    accepted = {reading for reading in texts if paths.get(reading[1]) and reading[2] in BELIEVED}
    return tuple(_by_rsa(request, texts, accepted, keys, accepted_key))


def explain_token_request(
    request: CallbackRequest,
    client_keys: Mapping[str, str],
    agreed: Container[str],
    keys: Mapping[str, RSAPublicKey],
    accepted_key: str | None,
) -> tuple[Trial, ...]:
    """Try a provider's request for a token of ours: which client key and RSA key make its signature fit.

    Neither path nor body is signed: the `path` of a trial is empty, and its `body` says whose client key
    stands in the text, as named in `client_keys`; `agreed` holds the names that are believed. The one in
    X-CLIENT-KEY is tried besides.
    """
    stamp, given = _stamp(request), request.header("x-client-key") or ""
    texts = {(TOKEN_REQUEST, "", name): token_string(value, stamp) for name, value in client_keys.items()}
    if given not in client_keys.values():
        texts[TOKEN_REQUEST, "", "X-CLIENT-KEY as received"] = token_string(given, stamp)
    accepted = {
        (TOKEN_REQUEST, "", name) for name, value in client_keys.items() if name in agreed and value == given
    }
    return tuple(_by_rsa(request, texts, accepted, keys, accepted_key))


def explain_symmetric(
    request: CallbackRequest,
    paths: Mapping[str, bool],
    secrets: Mapping[str, str],
    accepted_secret: str | None,
    accepted_digest: Digest = "sha512",
) -> tuple[Trial, ...]:
    """Try a callback signed by HMAC with its bearer token: which path, body, secret, hash and order fit.

    `paths` is as in `explain_notice`; `secrets` are named in the same way, and never told. Whether the
    token itself is good is another question, which `parse_callback` answers.
    """
    texts: Readings = {}
    for path, (body, hashed) in product(_paths(request, paths), _hashes(request.body).items()):
        for scheme, text in _orders(request, path, hashed).items():
            texts[scheme, path, body] = text
    given = _signatures(request)
    return tuple(
        Trial(
            *reading,
            key=_key(name, f"HMAC-{kind.upper()}", encoding),
            fits=hmac.compare_digest(digest, hmac.digest(secret.encode(), text.encode(), kind)),
            accepted=_is_believed(reading, paths)
            and (name, kind) == (accepted_secret, accepted_digest)
            and encoding in ENCODINGS,
        )
        for (reading, text), (name, secret), kind, (encoding, digest) in product(
            texts.items(), secrets.items(), DIGESTS, given.items()
        )
        if secret
    )


def _is_believed(reading: tuple[str, str, str], paths: Mapping[str, bool]) -> bool:
    scheme, path, body = reading
    return scheme == SYMMETRIC and paths.get(path, False) and body in BELIEVED


def _by_rsa(
    request: CallbackRequest,
    texts: Readings,
    accepted: set[tuple[str, str, str]],
    keys: Mapping[str, RSAPublicKey],
    accepted_key: str | None,
) -> Iterator[Trial]:
    """Try each key once: an RSA signature gives back the hash of the text that was signed.

    So a key is known to be the right one even where none of the texts is.
    """
    for (name, key), (encoding, signature) in product(keys.items(), _signatures(request).items()):
        kind, told = _told_by(key, signature)
        label = _key(name, "" if kind == "sha256" else f"{kind.upper()}withRSA", encoding)
        is_good = (name, kind, encoding) == (accepted_key, "sha256", BASE64)
        is_found = False
        for reading, text in texts.items():
            fits = told is not None and told == hashlib.new(kind, text.encode()).digest()
            is_found = is_found or fits
            yield Trial(*reading, key=label, fits=fits, accepted=is_good and reading in accepted)
        if told is not None and not is_found:
            scheme = next(iter(texts))[0]
            yield Trial(scheme, ANOTHER, ANOTHER, key=label, fits=True, accepted=False)


def _told_by(key: RSAPublicKey, signature: bytes) -> tuple[str, bytes | None]:
    """The hash that a signature holds, where the key's other half made it."""
    for name, kind in RSA_HASHES.items():
        with contextlib.suppress(InvalidSignature, ValueError):
            return name, key.recover_data_from_signature(signature, PADDING, kind)
    return "sha256", None


def _orders(request: CallbackRequest, path: str, hashed: str) -> dict[str, str]:
    """The text to sign with a token, and what it is mistaken for."""
    method, stamp = request.method.upper(), _stamp(request)
    whole = request.header("authorization") or ""
    token = whole.partition(" ")[2].strip() or whole
    return {
        SYMMETRIC: f"{method}:{path}:{token}:{hashed}:{stamp}",
        "HMAC over METHOD:path:hash:token:timestamp": f"{method}:{path}:{hashed}:{token}:{stamp}",
        "HMAC over METHOD:path:Bearer token:hash:timestamp": f"{method}:{path}:{whole}:{hashed}:{stamp}",
        "HMAC over METHOD:path:hash:timestamp": f"{method}:{path}:{hashed}:{stamp}",
    }


def _hashes(body: bytes) -> dict[str, str]:
    """The hash of each form of a body."""
    found = {name: body_hash(form) for name, form in forms(body).items()}
    return {**found, "as received, its hash in capitals": found[AS_RECEIVED].upper()}


def _paths(request: CallbackRequest, paths: Mapping[str, bool]) -> tuple[str, ...]:
    """The given paths, and what may have been signed instead: in order, each once."""
    target = request.path
    bare, mark, query = target.partition("?")
    seen = [target, bare, unquote(bare), *_inner(bare)]
    named = [*paths, *seen]
    turned = [path.rstrip("/") if path.endswith("/") else path + "/" for path in named if "?" not in path]
    queried = [path + mark + query for path in paths] if query else []
    host = request.header("host")
    addresses = [f"{scheme}://{host}{path}" for scheme in ("https", "http") for path in paths] if host else []
    return tuple(dict.fromkeys([*named, *turned, *queried, *addresses, ""]))


def _inner(path: str) -> list[str]:
    """A path without its first parts, as behind a proxy that takes a prefix away."""
    parts = path.split("/")
    return ["/" + "/".join(parts[at:]) for at in range(2, min(len(parts), 2 + MOST_PREFIXES))]


def _stamp(request: CallbackRequest) -> str:
    return request.header("x-timestamp") or ""


def _signatures(request: CallbackRequest) -> dict[str, bytes]:
    """What X-SIGNATURE may stand for, by how it is read."""
    text = request.header("x-signature") or ""
    found: dict[bytes, str] = {}
    with contextlib.suppress(ValueError):
        found[binascii.a2b_base64(text, strict_mode=True)] = BASE64
    if HEXADECIMAL.fullmatch(text):
        found.setdefault(bytes.fromhex(text), IN_HEXADECIMAL)
    # A form decoder turns "+" into a blank; a URL has "-" and "_", and often no padding.
    bare = unquote(text.strip().strip("\"'").strip())
    if HEXADECIMAL.fullmatch(bare):
        return {name: value for value, name in {bytes.fromhex(bare): MENDED, **found}.items()}
    plain = re.sub(r"[\r\n\t]", "", bare).replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    with contextlib.suppress(ValueError):
        found.setdefault(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True), MENDED)
    return {name: value for value, name in found.items() if value}


def _key(name: str, kind: str, encoding: str) -> str:
    return ", ".join(part for part in (name, kind, encoding) if part)
