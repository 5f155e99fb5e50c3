"""What `inspection` runs in a process of its own: import one adapter, and tell what it is.

It is run as a file, lest it takes in the whole command line first.
"""

import io
import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any


def told_of(plugin: Mapping[str, Any]) -> dict[str, Any]:
    """What an adapter answers and can do, or at which stage it failed and why, as plain data."""
    from paygate import adapters, capabilities
    from paygate.errors import PluginError
    from paygate.hookspecs import ANNOUNCEMENTS, QUESTIONS

    one = adapters.Plugin(**plugin)
    printed = io.StringIO()
    started = time.monotonic()
    try:
        with redirect_stdout(printed):
            kind = one.load()
    except PluginError as error:
        return {"stage": error.stage, "problem": error.what}
    except BaseException as error:  # noqa: BLE001 - a module may raise anything when it is imported
        failure = one.failure("import", f"it raises {type(error).__name__}", f"remove {one.distribution}")
        return {"stage": failure.stage, "problem": failure.what}
    answers = [
        hook for hook in (*QUESTIONS, *ANNOUNCEMENTS) if hasattr(getattr(kind, hook, None), "paygate_impl")
    ]
    return {
        "seconds": time.monotonic() - started,
        "printed": bool(printed.getvalue()),
        "answers": answers,
        "methods": capabilities.table(kind),
    }


def main() -> None:
    """Answer the question on the standard input, and end without waiting for what the import has started."""
    question = json.load(sys.stdin)
    sys.path[:] = question["path"]
    with os.fdopen(os.dup(1), "w") as reply:
        os.dup2(2, 1)  # what a module prints by any means is no part of the reply
        json.dump(told_of(question["plugin"]), reply)
    os._exit(0)


if __name__ == "__main__":
    main()
