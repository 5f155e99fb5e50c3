"""Plugins of strangers, good and bad, installed as files: what `pip install --target` leaves behind."""

from pathlib import Path
from typing import Final

from paygate import API_VERSION, adapters

GOOD: Final = "from paygate_tiny import Tiny as Adapter"
KIND: Final = "from paygate import hookimpl\nfrom paygate_tiny import Settings, Tiny\nclass Adapter(Tiny):\n"
HOOK: Final = "    @hookimpl\n    def {}: ...\n"

BAD: Final = {
    "raising": ("1 / 0", "import", "ZeroDivisionError: division by zero"),
    "ungrammatical": ("def", "import", "SyntaxError"),
    "classless": ("Other = 1", "import", "AttributeError"),
    "quitting": ("import sys\nsys.exit(7)", "import", "SystemExit: 7"),
    "killing": ("import os\nos._exit(7)", "import", "it ends the process (exit code 7)"),
    "interrupting": ("raise KeyboardInterrupt", "import", "it raises KeyboardInterrupt"),
    "hanging": ("import time\nwhile True: time.sleep(1)", "import", "it is not done after"),
    "old": (
        f"class Adapter:\n    api_version = {API_VERSION + 1}",
        "api version",
        "it is made for version 2",
    ),
    "unversioned": ("class Adapter: ...", "api version", "it is made for version None"),
    "made": (GOOD + "\nAdapter = object.__new__(Adapter)", "interface", "is no adapter class"),
    "unset": (f"class Adapter:\n    api_version = {API_VERSION}", "settings", "has no settings_type"),
    "misspelt": (
        KIND + HOOK.format("create_chrage(self, request)"),
        "hooks",
        "unknown hook 'create_chrage'; did you mean 'create_charge'?",
    ),
    "odd": (
        KIND + HOOK.format("query(self, chrage)"),
        "hooks",
        "hook 'query' has no argument 'chrage'; did you mean 'charge'?",
    ),
    "locked": (
        f"from paygate_tiny import Settings\nclass Adapter:\n    api_version = {API_VERSION}; settings_type = Settings",
        "hooks",
        "the adapter has no `authorize`",
    ),
}
"""Plugins that cannot be used, by the name of their adapter: code, the stage that fails, and why."""


def module_of(distribution: str) -> str:
    """The module of a stranger's plugin."""
    return f"stranger_{distribution.replace('-', '_')}"


def install_in(
    folder: Path,
    distribution: str,
    code: str | None,
    *,
    adapter: str | None = None,
    metadata: str | None = None,
    points: bytes | None = None,
) -> None:
    """Install a distribution whose module has an adapter named as it is, unless told, and this code.

    `metadata` and `points` are put in the place of good ones.
    """
    module = module_of(distribution)
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    if metadata is None:
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
    if points is None:
        points = f"[{adapters.GROUP}]\n{adapter or distribution} = {module}:Adapter\n".encode()
    (info / "METADATA").write_text(metadata)
    (info / "entry_points.txt").write_bytes(points)
    if code is not None:
        (folder / f"{module}.py").write_text(code)
