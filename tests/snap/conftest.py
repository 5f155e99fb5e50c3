"""Keys made by openssl, and openssl itself. The private keys are watched for in all that the tests show."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from conftest import missing
from paygate.snap import SnapSettings
from tests.snap.by_hand import made_account
from tests.snap.dompet import Dompet, dompet
from tests.snap.nusapay.paygate_nusapay import NusaPay
from tests.snap.nusapay.paygate_nusapay.settings import Settings
from tests.snap.talking import fitted
from tests.watch import CANARIES

HERE = Path(__file__).parent
KEYS = HERE / "keys"


@pytest.fixture(scope="session")
def pems() -> dict[str, str]:
    """Every PEM of this directory by its name, as in pems["rsa-2048"]."""
    found = {file.stem: file.read_text("ascii") for file in sorted(KEYS.glob("*.pem"))}
    for name, pem in found.items():
        if not name.endswith("-public"):
            CANARIES.update(line for line in pem.splitlines() if len(line) == 64)
    return found


@pytest.fixture(scope="session")
def private_key(pems: dict[str, str]) -> RSAPrivateKey:
    """Our key, read without the code under test."""
    key = load_pem_private_key(pems["rsa-2048"].encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


@pytest.fixture(scope="session")
def public_key(private_key: RSAPrivateKey) -> RSAPublicKey:
    """The other half of our key."""
    return private_key.public_key()


@pytest.fixture(scope="session")
def stranger() -> RSAPrivateKey:
    """A key of nobody that we know."""
    return generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def openssl() -> Callable[..., bytes]:
    """Run openssl with these arguments and this input; skip where there is none, and fail in CI."""
    program = shutil.which("openssl")
    if program is None:
        missing("the openssl command line")

    def run(*arguments: str | Path, given: bytes = b"") -> bytes:
        done = subprocess.run(
            [str(program), *map(str, arguments)], input=given, capture_output=True, check=True, timeout=60
        )
        return done.stdout

    return run


@pytest.fixture(scope="session")
def nusapay() -> NusaPay:
    """NusaPay's adapter."""
    account = made_account()
    CANARIES.add(account.client_secret)
    made: NusaPay = fitted(NusaPay, Settings, {**account.configured("nusapay", "/cb"), "store_id": "S-1"})
    return made


@pytest.fixture(scope="session")
def wallets() -> Dompet:
    """Dompet's adapter."""
    simulator = dompet("https://shop.example/cb")
    CANARIES.add(simulator.account.client_secret)
    made: Dompet = fitted(Dompet, SnapSettings, simulator.settings)
    return made
