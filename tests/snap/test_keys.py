"""RSA keys from PEM: which ones are taken, and that a refusal helps without showing the key."""

import base64
import re
import textwrap
import traceback
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPrivateNumbers, RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from paygate import ConfigurationError
from paygate.snap import are_pair, check_pair, load_private_key, load_public_key, public_pem

Pems = dict[str, str]

LABELS = [
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "CERTIFICATE",
    "EC PRIVATE KEY",
    "X",
]
WRAPPED = st.builds(
    "-----BEGIN {0}-----\n{1}\n-----END {0}-----\n".format,
    st.sampled_from(LABELS),
    st.binary(max_size=400).map(lambda raw: base64.b64encode(raw).decode()),
)
GARBAGE = st.text(st.characters(exclude_categories=())) | WRAPPED
NOT_PRIVATE = [
    ("", "is empty; paste the whole PEM"),
    (" \n\t", "is empty; paste the whole PEM"),
    ("rsa-2048-encrypted", "is encrypted; remove the passphrase: openssl pkey"),
    ("rsa-2048-pkcs1-encrypted", "is encrypted; remove the passphrase: openssl pkey"),
    ("rsa-1024", "has 1024 bits, and 2048 are the least: paygate keygen"),
    ("rsa-2048-public", "is a public key; the private one begins with BEGIN PRIVATE KEY"),
    ("ec-p256", "is no RSA key; make one: paygate keygen"),
    ("hello", "is no private key in PEM; make one: paygate keygen"),
    ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "is no private key in PEM; make one"),
]
NOT_PUBLIC = [
    ("", "is empty;"),
    ("\n", "is empty;"),
    ("rsa-1024-public", "has 1024 bits"),
    ("rsa-2048", "is a private key; paste the public one"),
    ("rsa-2048-pkcs1", "is a private key; paste the public one"),
    ("rsa-2048-encrypted", "is a private key; paste the public one"),
    ("ec-p256-public", "is no RSA key"),
    ("hello", "is no public key in PEM; it begins with BEGIN PUBLIC KEY"),
    ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "is no public key in PEM"),
]


def refused(load: Callable[[str, str], object], pem: str) -> str:
    """The text of the refusal, which names the setting and shows none of the key."""
    with pytest.raises(ConfigurationError) as caught:
        load(pem, "gateways.main.the_key")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__, "the cause, which may quote the key, is left out"
    told = str(caught.value) + "".join(traceback.format_exception(caught.value))
    assert "gateways.main.the_key" in str(caught.value)
    for word in re.findall(r"[A-Za-z0-9+/=]{12,}", pem):
        assert word not in told
    return caught.value.what


@pytest.mark.parametrize(("name", "why"), NOT_PRIVATE)
def test_a_wrong_private_key_is_refused_with_advice(name: str, why: str, pems: Pems) -> None:
    """The text names the setting, says what to do and shows nothing of the key."""
    assert f"gateways.main.the_key: {why}" in refused(load_private_key, pems.get(name, name))


@pytest.mark.parametrize(("name", "why"), NOT_PUBLIC)
def test_a_wrong_public_key_is_refused(name: str, why: str, pems: Pems) -> None:
    """The text names the setting, says what is wrong and shows nothing of the key."""
    assert f"gateways.main.the_key: {why}" in refused(load_public_key, pems.get(name, name))


@pytest.mark.parametrize(("name", "why"), NOT_PUBLIC)
def test_a_wrong_public_key_is_refused_with_advice(name: str, why: str, pems: Pems) -> None:
    """After what is wrong comes what to do, and it is nothing that only the provider can do."""
    told = refused(load_public_key, pems.get(name, name))
    assert "; " in told
    assert "keygen" not in told, "the key is the provider's: nobody can make it here"


@given(GARBAGE)
@example("\ud800")
@example("-----BEGIN PRIVATE KEY-----")
def test_garbage_is_no_private_key(pem: str) -> None:
    """Whatever was pasted, the refusal is a ConfigurationError that names the setting."""
    refused(load_private_key, pem)


@given(GARBAGE)
@example("\ud800")
@example("-----BEGIN PUBLIC KEY-----\n=\n-----END PUBLIC KEY-----")
def test_garbage_is_no_public_key(pem: str) -> None:
    """Whatever was pasted, the refusal is a ConfigurationError that names the setting."""
    refused(load_public_key, pem)


@given(cut=st.integers(30, 1600))
def test_a_cut_private_key_is_refused(pems: Pems, cut: int) -> None:
    """A PEM of which the end is missing is no key, wherever it was cut."""
    refused(load_private_key, pems["rsa-2048"][:cut])


@pytest.mark.parametrize("name", ["rsa-2048", "rsa-2048-pkcs1"])
@pytest.mark.parametrize("layout", ["{}", "\n\n  {}\n \n", "{}trailing words"])
def test_pkcs8_and_pkcs1_are_both_taken(
    name: str, layout: str, pems: Pems, private_key: RSAPrivateKey
) -> None:
    """The two forms of one key are the same key, also with something around them."""
    loaded = load_private_key(layout.format(pems[name]))
    assert private_key.private_numbers() == loaded.private_numbers()


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_line_ends_of_any_kind_are_taken(newline: str, pems: Pems, public_key: RSAPublicKey) -> None:
    """A PEM saved by Windows is the same key."""
    assert are_pair(load_private_key(pems["rsa-2048"].replace("\n", newline)), public_key)
    assert public_key == load_public_key(pems["rsa-2048-public"].replace("\n", newline))


def test_an_indented_key_is_taken(pems: Pems, private_key: RSAPrivateKey, public_key: RSAPublicKey) -> None:
    """Indentation that came along from a configuration file does no harm."""
    assert public_key == load_public_key(textwrap.indent(pems["rsa-2048-public"], "    "))
    assert are_pair(load_private_key(textwrap.indent(pems["rsa-2048"], "    ")), private_key.public_key())


def test_a_public_key_is_taken_in_both_forms(pems: Pems, public_key: RSAPublicKey) -> None:
    """BEGIN PUBLIC KEY and BEGIN RSA PUBLIC KEY hold the same key."""
    pkcs1 = public_key.public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
    assert "BEGIN RSA PUBLIC KEY" in pkcs1
    assert public_key == load_public_key(pkcs1) == load_public_key(pems["rsa-2048-public"])


def test_the_setting_has_a_name_of_its_own() -> None:
    """Without a name the text speaks of private_key and provider_public_key."""
    with pytest.raises(ConfigurationError, match=r"\bprivate_key: is empty"):
        load_private_key("")
    with pytest.raises(ConfigurationError, match=r"\bprovider_public_key: is empty"):
        load_public_key("")


def test_a_public_key_goes_round_in_pem(public_key: RSAPublicKey, pems: Pems) -> None:
    """What we write is what openssl wrote, and is read again."""
    assert pems["rsa-2048-public"] == public_pem(public_key)
    assert public_key == load_public_key(public_pem(public_key))


def test_a_pair_is_a_pair(private_key: RSAPrivateKey, public_key: RSAPublicKey, pems: Pems) -> None:
    """Halves of one key pass in either form."""
    check_pair(private_key, public_key, "public_key")
    check_pair(
        load_private_key(pems["rsa-2048-pkcs1"]), load_public_key(pems["rsa-2048-public"]), "public_key"
    )
    assert are_pair(private_key, public_key)


def test_a_mismatch_is_refused_with_advice(private_key: RSAPrivateKey, stranger: RSAPrivateKey) -> None:
    """A public half of another key is named as such, with what to do."""
    assert not are_pair(private_key, stranger.public_key())
    with pytest.raises(ConfigurationError) as caught:
        check_pair(private_key, stranger.public_key(), "gateways.main.public_key")
    assert "gateways.main.public_key: does not match private_key" in caught.value.what
    assert "register the public half" in caught.value.what
    assert caught.value.what.isascii()
    assert str(stranger.public_key().public_numbers().n) not in str(caught.value)


@pytest.mark.parametrize("part", ["d", "dmp1", "dmq1", "iqmp"])
def test_a_damaged_private_key_is_refused(private_key: RSAPrivateKey, part: str) -> None:
    """A key whose numbers do not belong together is found at start, not by a provider that refuses it."""
    numbers = private_key.private_numbers()
    values = {name: getattr(numbers, name) for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp")}
    values[part] += 2
    damaged = RSAPrivateNumbers(**values, public_numbers=numbers.public_numbers).private_key(
        unsafe_skip_rsa_key_validation=True
    )
    pem = damaged.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ConfigurationError, match=r"damaged|no private key"):
        load_private_key(pem, "private_key")
