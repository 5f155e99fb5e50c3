"""A merchant with a configuration file and a pretend provider, for commands to work with."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from paygate_ayolinx.simulator import AyolinxSimulator
from paygate_midtrans.simulator import MidtransSimulator

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


class Pair:
    """A merchant with two providers: "main" at a pretend Ayolinx, and "backup" at a pretend Midtrans."""

    def __init__(self, shop: Shop, other: MidtransSimulator, url: str) -> None:
        self.shop = shop
        self.other = other
        self._url = url

    def file(self, routes: str = 'qris = ["main", "backup"]', **changes: Any) -> Path:
        """A configuration with these routes; `changes` are to the settings of "main"."""
        main = self.shop.other_file(**changes)
        backup = write_account(main.parent / "backup", {**self.other.settings, "base_url": self._url})
        whole = f"{main.read_text()}\n{backup.read_text()}\n[routes]\n{routes}\n"
        head, _, tail = whole.rpartition("[gateways.main]")
        main.write_text(f"{head}[gateways.backup]{tail}")
        return main

    def paid(self, run: Callable[..., Any], reference: str, file: Path) -> None:
        """Have a charge of "backup" made and paid."""
        words = ("--method", "qris", "--gateway", "backup", "--config", file)
        made = run("charge", reference, "25000", *words)
        assert 0 == made.exit_code, made.output
        self.other.act(reference, PayerAction.PAY)
