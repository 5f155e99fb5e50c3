"""A merchant with a configuration file and a pretend provider, for commands to work with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate.cli.sandbox import write_account
from paygate.sandbox import PayerAction


class Shop:
    """The configuration `file` of a gateway "main", the simulator behind it, and ways to change both."""

    def __init__(
        self, simulator: AyolinxSimulator, url: str, settings: Mapping[str, Any], file: Path
    ) -> None:
        self.simulator = simulator
        self.url = url
        self.settings = settings
        self.file = file

    def other_file(self, **changes: Any) -> Path:
        """Another configuration beside it, with these settings changed; None leaves one out."""
        merged = {**self.settings, **changes}
        folder = self.file.parent.parent / f"other-{len(list(self.file.parent.parent.iterdir()))}"
        return write_account(folder, {key: value for key, value in merged.items() if value is not None})

    def called_back(self, reference: str) -> httpx.Request:
        """Play the payer of a charge, and return the callback as the provider sends it."""
        self.simulator.act(reference, PayerAction.PAY)
        return self.simulator.deliveries.all[-1].request()


def dumped(request: httpx.Request) -> bytes:
    """A request as a tool on the wire shows it."""
    start = f"{request.method} {request.url.raw_path.decode()} HTTP/1.1\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"{start}{lines}\r\n".encode() + request.content
