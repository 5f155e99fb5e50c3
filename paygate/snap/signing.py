"""The strings to sign of SNAP BI, and the two ways to sign them. Pure functions.

Source: SNAP BI technical and security standard v1.0.2, access token B2B and transaction signature.
The text does not fix the encoding of a signature: base64 nearly everywhere, hexadecimal at BRI.
"""

import base64
import binascii
import hmac
import re
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from paygate.snap.body import body_hash

Encoding = Literal["base64", "hex"]
Digest = Literal["sha512", "sha256"]

PADDING: Final = PKCS1v15()
HASH: Final = SHA256()
HEXADECIMAL: Final = re.compile(r"([0-9A-Fa-f]{2})+")


def token_string(client_key: str, timestamp: str) -> str:
    """What is signed to get an access token: `<client key>|<timestamp>`."""
    return f"{client_key}|{timestamp}"


def request_string(method: str, path: str, token: str, body: bytes, timestamp: str) -> str:
    """What is signed of a request with a token: `METHOD:path:token:hash of the body:timestamp`.

    `path` is relative, with its query if there is one; `token` is without "Bearer". The body is hashed
    as it is: sign the very bytes that are sent.
    """
    return f"{method}:{path}:{token}:{body_hash(body)}:{timestamp}"


def notice_string(method: str, path: str, body: bytes, timestamp: str) -> str:
    """What is signed without a token, in callbacks and asymmetric requests: `METHOD:path:hash:timestamp`."""
    return f"{method}:{path}:{body_hash(body)}:{timestamp}"


def sign_rsa(private_key: RSAPrivateKey, text: str) -> str:
    """Sign with SHA256withRSA (PKCS#1 v1.5); base64."""
    return base64.b64encode(private_key.sign(text.encode(), PADDING, HASH)).decode()


def verify_rsa(public_key: RSAPublicKey, text: str, signature: str) -> bool:
    """Whether a base64 signature fits; anything that is not one, does not."""
    try:
        public_key.verify(binascii.a2b_base64(signature, strict_mode=True), text.encode(), PADDING, HASH)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_made_by(public_key: RSAPublicKey, signature: str) -> bool:
    """Whether the key's other half made this signature, over whatever text."""
    try:
        raw = binascii.a2b_base64(signature, strict_mode=True)
        public_key.recover_data_from_signature(raw, PADDING, HASH)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign_hmac(secret: str, text: str, encoding: Encoding = "base64", digest: Digest = "sha512") -> str:
    """Sign with HMAC-SHA512, or HMAC-SHA256 where a provider has it so.

    An empty secret raises ValueError: it would sign for anybody.
    """
    signature = _hmac(secret, text, digest)
    return signature.hex() if encoding == "hex" else base64.b64encode(signature).decode()


def verify_hmac(
    secret: str, text: str, signature: str, encoding: Encoding = "base64", digest: Digest = "sha512"
) -> bool:
    """Whether a signature fits, compared in constant time; anything that is not one, does not.

    With an empty secret nothing fits.
    """
    try:
        if encoding == "hex":
            given = bytes.fromhex(signature) if HEXADECIMAL.fullmatch(signature) else b""
        else:
            given = binascii.a2b_base64(signature, strict_mode=True)
        return hmac.compare_digest(given, _hmac(secret, text, digest))
    except ValueError:
        return False


def _hmac(secret: str, text: str, digest: Digest) -> bytes:
    if not secret:
        raise ValueError("the client secret is empty")
    return hmac.digest(secret.encode(), text.encode(), digest)
