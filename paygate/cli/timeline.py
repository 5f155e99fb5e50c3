"""The story of the demo: what was sent, what came back, and whether each step is what it should be."""

import io
import logging
import time
from typing import Any

from rich.console import Console

from paygate.cli.output import console, program, show
from paygate.cli.qr import drawn
from paygate.hookspecs import Exchange, hookimpl


class Timeline:
    """Tells the story as it happens, and keeps it as plain data. It listens to the gateway's exchanges."""

    def __init__(self, *, silent: bool) -> None:
        self.story: list[dict[str, Any]] = []
        self._console = Console(file=io.StringIO()) if silent else console
        self._began = time.monotonic()
        self._wrong = 0
        self._signed: set[str] = set()

    @hookimpl
    def exchanged(self, exchange: Exchange) -> None:
        """Show an exchange and the shape of what was signed; the values are secret."""
        status = "no answer" if exchange.status is None else f"HTTP {exchange.status}"
        self._line(f"→ {exchange.method} {exchange.path}  {status}  {exchange.seconds * 1000:.0f} ms", "cyan")
        if exchange.signed is not None and exchange.signed not in self._signed:
            self._signed.add(exchange.signed)
            self._line(f"  signed over {exchange.signed}", "dim")
        self.story.append(
            {
                "exchange": exchange.operation,
                "path": exchange.path,
                "status": exchange.status,
                "signed": exchange.signed,
            }
        )

    def opening(self, adapter: str, provider: str, merchant: str) -> None:
        """Say who is talking."""
        who = (": a merchant at ", merchant, " and a pretend ", (adapter, "bold"), " at ", provider, ".")
        self._show(("paygate demo", "bold"), *who)
        self._show("Real HTTP on this machine, real signatures, no account, no internet.")

    def chapter(self, title: str) -> None:
        """Begin the next part."""
        self._show()
        self._show((title, "bold"))
        self.story.append({"chapter": title})

    def say(self, text: str) -> None:
        """Tell what happens in between."""
        self._line(text, "")

    def qr(self, payload: str) -> None:
        """Draw the code that the payer scans."""
        self.story.append({"qr": payload})
        code = drawn(payload, self._console.encoding)
        if code is None:
            self._line(f"QR payload: {payload}", "")
        else:
            self._console.print(code)

    def step(self, what: str, expected: object, actual: object) -> None:
        """Show a step's outcome and whether it is the expected one."""
        right = expected == actual
        self._wrong += not right
        mark, style = ("✓", "green") if right else ("✗", "bold red")
        outcome = _shown(actual) if right else f"{_shown(actual)} instead of {_shown(expected)}"
        self._line(f"{mark} {what}: {outcome}", style)
        self.story.append({"step": what, "expected": _shown(expected), "actual": _shown(actual), "ok": right})

    def closing(self) -> bool:
        """Say how it went; whether every step was right."""
        steps = sum("step" in part for part in self.story)
        self._show()
        if self._wrong:
            self._show((f"{self._wrong} of {steps} steps went wrong.", "bold red"))
        else:
            good = (f"All {steps} steps are as they should be.", "bold green")
            self._show(good, f" Next: `{program()} sandbox`, for a program of your own.")
        return not self._wrong

    def _line(self, text: str, style: str) -> None:
        passed = time.monotonic() - self._began
        self._show((f"{passed:6.2f} s ", "dim"), (text, style))

    def _show(self, *parts: str | tuple[str, str]) -> None:
        show(*parts, to=self._console)


class Warnings(logging.Handler):
    """Puts what paygate warns of into a story, while it is told."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(logging.WARNING)
        self._timeline = timeline

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one warning."""
        self._timeline.say(f"  {record.getMessage()}")

    def __enter__(self) -> None:
        logging.getLogger("paygate").addHandler(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("paygate").removeHandler(self)


def _shown(value: object) -> str:
    return str(getattr(value, "name", value))
