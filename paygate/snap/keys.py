"""RSA keys from PEM, read once at start, with errors that say which setting is wrong and how.

Never read for each call: that alone makes the slowest libraries of this field.
"""

import binascii
from typing import Final, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from paygate.errors import ConfigurationError

SMALLEST: Final = 2048
OTHER_PUBLIC: Final = "ask whoever made it for the public half of an RSA pair of 2048 bits"


def load_private_key(pem: str, setting: str = "private_key") -> RSAPrivateKey:
    """Read an unencrypted RSA private key of at least 2048 bits, PKCS#8 or PKCS#1.

    Raises ConfigurationError, which names the setting and never shows the key.
    """
    text = pem.strip()
    if not text:
        _wrong(setting, "is empty; paste the whole PEM, from BEGIN to END")
    if "ENCRYPTED" in text:
        _wrong(setting, "is encrypted; remove the passphrase: openssl pkey -in KEY -out PLAIN")
    if "PUBLIC KEY" in text:
        _wrong(setting, "is a public key; the private one begins with BEGIN PRIVATE KEY")
    try:
        # OpenSSL's own check tests the factors for being prime, which costs as much as fifty charges.
        key = load_pem_private_key(text.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        _wrong(setting, "is no private key in PEM; make one: paygate keygen")
    if not isinstance(key, RSAPrivateKey):
        _wrong(setting, "is no RSA key; make one: paygate keygen")
    if not _is_sound(key):
        _wrong(setting, "is damaged: its numbers do not belong together; make one: paygate keygen")
    if key.key_size < SMALLEST:
        _wrong(setting, f"has {key.key_size} bits, and {SMALLEST} are the least: paygate keygen")
    return key


def load_public_key(pem: str, setting: str = "provider_public_key") -> RSAPublicKey:
    """Read an RSA public key of at least 2048 bits in PEM. Raises ConfigurationError."""
    text = pem.strip()
    if not text:
        _wrong(setting, "is empty; without it no callback could be verified")
    if "PRIVATE KEY" in text:
        _wrong(setting, "is a private key; paste the public one, BEGIN PUBLIC KEY")
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error):
        _wrong(setting, "is no public key in PEM; it begins with BEGIN PUBLIC KEY")
    if not isinstance(key, RSAPublicKey):
        _wrong(setting, f"is no RSA key; {OTHER_PUBLIC}")
    if key.key_size < SMALLEST:
        _wrong(setting, f"has {key.key_size} bits, and {SMALLEST} are the least; {OTHER_PUBLIC}")
    return key


def check_pair(private_key: RSAPrivateKey, public_key: RSAPublicKey, setting: str) -> None:
    """Check that the public key is the private one's other half. Raises ConfigurationError."""
    if not are_pair(private_key, public_key):
        _wrong(setting, "does not match private_key: register the public half of that very key")


def are_pair(private_key: RSAPrivateKey, public_key: RSAPublicKey) -> bool:
    """Whether the two keys are halves of one pair."""
    return private_key.public_key().public_numbers() == public_key.public_numbers()


def public_pem(key: RSAPublicKey) -> str:
    """A public key as PEM, to paste in a provider's portal."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _is_sound(key: RSAPrivateKey) -> bool:
    """Whether the numbers of a key fit each other, so that what it signs can be verified."""
    private = key.private_numbers()
    p, q, d, public = private.p, private.q, private.d, private.public_numbers
    return (
        p * q == public.n
        and public.e % 2 == 1
        and d * public.e % (p - 1) == 1
        and d * public.e % (q - 1) == 1
        and private.dmp1 == d % (p - 1)
        and private.dmq1 == d % (q - 1)
        and private.iqmp * q % p == 1
    )


def _wrong(setting: str, why: str) -> NoReturn:
    raise ConfigurationError(f"{setting}: {why}") from None
