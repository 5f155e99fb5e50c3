"""The two applications over Tiny, for servers to load; each callback becomes a line of a file."""

import os
from pathlib import Path

from paygate import Callback
from paygate.callbacks import AsgiCallbacks, WsgiCallbacks
from tests.callbacks.doors import gateway

BOOK = Path(os.environ["BOOK"])


def write_down(callback: Callback) -> None:
    """Add a line for each charge; lines of several workers do not mix."""
    with BOOK.open("a") as book:
        book.writelines(f"{charge.reference}\n" for charge in callback.charges)


asgi = AsgiCallbacks(gateway(), write_down)
wsgi = WsgiCallbacks(gateway(), write_down)
