"""What `inspection` runs in a process of its own: import one adapter, and tell what it is.

It is run as a file, lest it takes in the whole command line first. The clock that ends an endless import is
the interpreter's own: it needs no turn of the code that hangs, and it starts when the import does, so that a busy
machine makes no plugin look bad.
"""

import faulthandler
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
    import httpx

    from paygate import snap

    del httpx, snap  # what adapters need anyhow is no part of their time
    reply = os.dup(1)
    os.dup2(2, 1)  # what a module prints by any means is no part of the reply
    faulthandler.dump_traceback_later(question["limit"], exit=True, file=reply)
    told = told_of(question["plugin"])
    faulthandler.cancel_dump_traceback_later()
    with os.fdopen(reply, "w") as stream:
        json.dump(told, stream)
    os._exit(0)


if __name__ == "__main__":
    main()
