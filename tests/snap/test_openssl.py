"""Both directions against the openssl command line: what we sign it verifies, what it signs we verify."""

import base64
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from paygate.snap import (
    body_hash,
    notice_string,
    public_pem,
    request_string,
    sign_hmac,
    sign_rsa,
    token_string,
    verify_hmac,
    verify_rsa,
)
from tests.snap.conftest import HERE, KEYS

Openssl = Callable[..., bytes]

BODY = '{"nama":"Warung  Ñusantara 🍜","jumlah":2000.00,"\\u00e9":"\\"\\\\"}'.encode()
STAMP = "2026-01-02T10:15:00+07:00"
TEXTS = [
    pytest.param(token_string("CK-0001", STAMP), id="login"),
    pytest.param(notice_string("POST", "/callbacks/main", BODY, STAMP), id="notice"),
    pytest.param(request_string("GET", "/v1.0/balance?b=2&a=1", "to.k=", b"", STAMP), id="request"),
    pytest.param("toko-kopi-é-日|", id="not ascii"),
    pytest.param("", id="nothing"),
    pytest.param("line\r\nline\n", id="line breaks"),
    pytest.param("x" * 100_000, id="long"),
]
SECRETS = ["secret", "rahasia-é-日", "s" * 300, "with spaces, and = signs"]


@pytest.mark.parametrize("text", TEXTS)
def test_openssl_verifies_what_we_sign_by_rsa(
    text: str, openssl: Openssl, private_key: RSAPrivateKey, tmp_path: Path
) -> None:
    """Our SHA256withRSA signature is one to openssl."""
    signature = tmp_path / "signature"
    signature.write_bytes(base64.b64decode(sign_rsa(private_key, text)))
    public = KEYS / "rsa-2048-public.pem"
    said = openssl("dgst", "-sha256", "-verify", public, "-signature", signature, given=text.encode())
    assert said.strip() == b"Verified OK"


@pytest.mark.parametrize("text", TEXTS)
def test_we_verify_what_openssl_signs_by_rsa(
    text: str, openssl: Openssl, private_key: RSAPrivateKey, public_key: RSAPublicKey
) -> None:
    """openssl's signature verifies, and is byte for byte ours."""
    made = openssl("dgst", "-sha256", "-sign", KEYS / "rsa-2048.pem", given=text.encode())
    signature = base64.b64encode(made).decode()
    assert verify_rsa(public_key, text, signature)
    assert signature == sign_rsa(private_key, text)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("text", TEXTS)
def test_hmac_agrees_with_openssl(text: str, secret: str, openssl: Openssl) -> None:
    """HMAC-SHA512 by openssl verifies in both encodings, and ours is the same."""
    digest = openssl("dgst", "-sha512", "-hmac", secret, "-binary", given=text.encode())
    assert verify_hmac(secret, text, base64.b64encode(digest).decode())
    assert verify_hmac(secret, text, digest.hex(), "hex")
    assert base64.b64encode(digest).decode() == sign_hmac(secret, text)
    assert digest.hex() == sign_hmac(secret, text, "hex")


@pytest.mark.parametrize("padding", ["pss", "sha512"])
def test_another_scheme_of_rsa_is_refused(padding: str, openssl: Openssl, public_key: RSAPublicKey) -> None:
    """PSS and SHA-512 are sound signatures by the same key, and not those of SNAP BI."""
    hashed = ["dgst", "-sha512"] if padding == "sha512" else ["dgst", "-sha256"]
    options = ["-sigopt", "rsa_padding_mode:pss"] if padding == "pss" else []
    made = openssl(*hashed, *options, "-sign", KEYS / "rsa-2048.pem", given=b"CK-0001|" + STAMP.encode())
    text = token_string("CK-0001", STAMP)
    assert not verify_rsa(public_key, text, base64.b64encode(made).decode())


@pytest.mark.parametrize("body", [b"", BODY, bytes(range(256))], ids=["empty", "json", "any bytes"])
def test_the_body_hash_agrees_with_openssl(body: bytes, openssl: Openssl) -> None:
    """SHA-256 in lower-case hexadecimal."""
    assert openssl("dgst", "-sha256", "-r", given=body).split()[0].decode() == body_hash(body)


def test_openssl_reads_the_public_key_that_we_write(openssl: Openssl, public_key: RSAPublicKey) -> None:
    """The PEM to paste in a portal is the one that openssl derives from the private key."""
    ours = openssl("pkey", "-pubin", "-pubout", given=public_pem(public_key).encode())
    assert openssl("pkey", "-in", KEYS / "rsa-2048.pem", "-pubout") == ours


def test_the_script_makes_these_very_vectors(openssl: Openssl) -> None:
    """vectors.json is what make_vectors.sh prints from the stored keys, to the byte."""
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("bash is missing")
    openssl("version")
    made = subprocess.run([shell, HERE / "make_vectors.sh"], capture_output=True, check=True, timeout=120)
    assert (HERE / "vectors.json").read_bytes() == made.stdout
