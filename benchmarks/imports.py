"""What a process pays before its first charge: whole processes, from start to end.

Each runs without the developer's extras: `import httpx` would bring click and rich, and httpcore trio, where
the environment happens to have them, which a plain install has not.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.charge import ACCOUNT, CALLBACK_PATH
from benchmarks.rounds import Broken, Row, Sample, interleave
from paygate.snap import public_pem

PLAIN: Final = "import sys; sys.modules['click'] = sys.modules['trio'] = None; "
HTTPX: Final = "import httpx"
NOTE: Final = (
    "whole processes; click (and so rich) and trio are hidden from both sides, which httpx and httpcore "
    "import where the environment happens to have them, and a plain install has not"
)


def whole_import(rounds: int) -> Row:
    """`import paygate`."""
    return _row("import", rounds, "import paygate", bar=1.00)


def named_import(rounds: int) -> Row:
    """The import of README's first line, which must not cost more."""
    return _row("import-from", rounds, "from paygate import Paygate", bar=1.00)


def ready(rounds: int) -> Row:
    """A gateway that is ready to charge: configuration read, keys parsed, nothing opened."""
    with _configured() as file:
        ready = f"from paygate import Paygate; Paygate.from_file({str(file)!r})"
        return _row(
            "ready", rounds, ready, bar=2.00, subject="Paygate.from_file, one gateway ready to charge"
        )


def _row(name: str, rounds: int, statement: str, *, bar: float, subject: str = "") -> Row:
    return Row(
        name=name,
        subject=subject or f"`{statement}`",
        baseline=f"`{HTTPX}`",
        bar=bar,
        result=interleave(_process(statement), _process(HTTPX), rounds, turns=2),
        note=NOTE,
    )


def _process(statement: str) -> Sample:
    """CPU seconds of a process that runs this and ends; -I keeps the environment's variables out."""
    command = [sys.executable, "-I", "-c", PLAIN + statement]

    def sample() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        if subprocess.run(command, check=False).returncode:
            raise Broken(f"this failed: {statement}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return sample


@contextmanager
def _configured() -> Iterator[Path]:
    """A configuration as a merchant has it: secrets in files, the provider's own https address."""
    private = ACCOUNT.merchant_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "private.pem").write_bytes(private)
        (folder / "provider.pem").write_text(public_pem(ACCOUNT.provider_key.public_key()))
        (folder / "secret").write_text(ACCOUNT.client_secret)
        file = folder / "paygate.toml"
        file.write_text(
            "[gateways.main]\n"
            'adapter = "ayolinx"\n'
            'environment = "sandbox"\n'
            f'client_key = "{ACCOUNT.client_key}"\n'
            'client_secret = {file = "secret"}\n'
            'private_key = {file = "private.pem"}\n'
            'provider_public_key = {file = "provider.pem"}\n'
            f'callback_path = "{CALLBACK_PATH}"\n'
        )
        yield file
