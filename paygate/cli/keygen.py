"""`paygate keygen`: an RSA key pair for a merchant."""

import os
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from paygate.cli.output import AsJson, explained, misuse, print_json, show
from paygate.errors import ConfigurationError


def keygen(
    folder: Annotated[Path, typer.Argument(help="Where to put the two files.")] = Path("keys"),
    name: Annotated[str, typer.Option(help="How the files begin.")] = "merchant",
    bits: Annotated[int, typer.Option(min=2048, max=8192, help="Size of the key.")] = 2048,
    as_json: AsJson = False,
) -> None:
    """Make an RSA key pair: keep the private half, paste the public one in the provider's portal."""
    with explained(as_json=as_json):
        private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
        for file in (private, public):
            if file.exists():
                raise misuse(
                    f"{file} exists, and is not overwritten",
                    "Name the new pair with --name, or give another folder.",
                )
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        write_new(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        write_new(
            public,
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            mode=0o644,
        )
        if as_json:
            print_json({"private_key": str(private), "public_key": str(public), "bits": bits})
        else:
            show(f"{private}  keep it secret; private_key in the configuration")
            show(f"{public}  paste it in the provider's portal")


def write_new(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that only its owner may read unless told otherwise, never one that exists."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written ({error.strerror})") from None
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
