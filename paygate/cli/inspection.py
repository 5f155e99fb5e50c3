"""What an adapter turns out to be when it is imported: found out in another process, within bounds.

Importing is running a stranger's code. It may hang, end the process, print, or crash; a thread would bound none
of these, for it can be neither stopped nor kept from the rest. A process can be ended, and its mischief with it.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

import msgspec
from msgspec import Struct

from paygate.adapters import Plugin
from paygate.errors import PluginError

LIMIT: Final = 10.0
"""Seconds that an import may take, unless told."""

SLOW: Final = 2.0
AT_ONCE: Final = 4
START: Final = 60.0
"""Seconds, besides, in which the other process must have started: for a machine that is very busy."""

TOO_LONG: Final = b"Timeout ("
"""How the other process's clock begins to tell that it has ended it."""

PROGRAM: Final = Path(__file__).with_name("importing.py")


class Answer(Struct, frozen=True):
    """What the other process tells."""

    seconds: float = 0.0
    printed: bool = False
    answers: tuple[str, ...] = ()
    methods: tuple[tuple[str, dict[str, bool]], ...] = ()
    stage: str | None = None
    problem: str | None = None


class Inspected(Struct, frozen=True):
    """An adapter as it was found: the hooks that it answers, what it can do by method, and what is wrong.

    `methods` is as `paygate.capabilities.table` has it.
    """

    plugin: Plugin
    answers: tuple[str, ...] = ()
    methods: tuple[tuple[str, dict[str, bool]], ...] = ()
    remarks: tuple[str, ...] = ()
    failure: PluginError | None = None


def inspected(plugins: Iterable[Plugin], limit: float = LIMIT) -> list[Inspected]:
    """Import each adapter in a process of its own, several at once, and say what came of it, in order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: inspect(one, limit), plugins))


def inspect(plugin: Plugin, limit: float = LIMIT) -> Inspected:
    """Import one adapter in a process of its own; whatever it does takes no longer than `limit` seconds."""
    if plugin.problem is not None:
        return Inspected(
            plugin, failure=plugin.failure("metadata", plugin.problem, "install it again, or remove it")
        )
    question = {"path": sys.path, "limit": limit, "plugin": msgspec.to_builtins(plugin)}
    with (
        TemporaryFile() as asked,
        TemporaryFile() as replied,
    ):  # no pipes: what the import starts may keep them open
        asked.write(json.dumps(question).encode())
        asked.seek(0)
        try:
            code = subprocess.run(  # noqa: S603 - ourselves
                [sys.executable, "-P", str(PROGRAM)],
                stdin=asked,
                stdout=replied,
                stderr=subprocess.DEVNULL,
                timeout=START + limit,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            return Inspected(plugin, failure=_endless(plugin, limit))
        replied.seek(0)
        content = replied.read()
    if content.startswith(TOO_LONG):
        return Inspected(plugin, failure=_endless(plugin, limit))
    return _read(plugin, code, content)


def _read(plugin: Plugin, code: int, content: bytes) -> Inspected:
    try:
        answer = msgspec.json.decode(content, type=Answer)
    except msgspec.DecodeError:
        end = f"signal {-code}" if code < 0 else f"exit code {code}"
        cure = f"reinstall or upgrade {plugin.distribution}, or remove it"
        return Inspected(plugin, failure=plugin.failure("import", f"it ends the process ({end})", cure))
    if answer.problem is not None:
        return Inspected(plugin, failure=PluginError(answer.problem, stage=answer.stage))
    return Inspected(plugin, answer.answers, answer.methods, tuple(_remarks(answer)))


def _endless(plugin: Plugin, limit: float) -> PluginError:
    return plugin.failure(
        "import",
        f"it is not done after {limit:g} seconds",
        f"upgrade {plugin.distribution}, or remove it: a program that names it waits as long",
    )


def _remarks(answer: Answer) -> Iterable[str]:
    if answer.seconds > SLOW:
        yield f"its import takes {answer.seconds:.1f} seconds, and every program that names it waits for that"
    if answer.printed:
        yield "it prints when it is imported, and spoils what programs print"


def plain(one: Inspected) -> dict[str, Any]:
    """What was found, for programs."""
    return {
        "adapter": one.plugin.name or None,
        "distribution": one.plugin.source,
        "answers": [*one.answers],
        "stage": one.failure.stage if one.failure is not None else None,
        "problem": one.failure.what if one.failure is not None else None,
        "remarks": [*one.remarks],
    }
