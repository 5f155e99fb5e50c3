"""Who may look into the sandbox and play the payer: this machine's own programs, and its own pages.

Any web page can make a browser send requests to 127.0.0.1, or let its own name stand for that address.
"""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOKING: Final = ("GET", "HEAD")
OWN: Final = ("same-origin", "none")


class Guard:
    """Refuses what a web page of somebody else's may have sent: 421 for its name, 403 for its form."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if not _is_here(headers.get("host", ""), scope):
            reply = PlainTextResponse("This is a sandbox: call it by the name of this machine.\n", 421)
            return await reply(scope, receive, send)
        if scope["method"] not in LOOKING and not _is_own(headers, scope):
            reply = PlainTextResponse("This is a sandbox: another site's page may not use it.\n", 403)
            return await reply(scope, receive, send)
        return await self._app(scope, receive, send)


def _is_here(host: str, scope: Scope) -> bool:
    """Whether a Host header names this machine: a loopback name, or the address that was called."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    return address.is_loopback or name == (scope.get("server") or ("",))[0]


def _is_own(headers: Headers, scope: Scope) -> bool:
    """Whether a request comes from no page at all, or from one of the sandbox's own."""
    own = f"{scope['scheme']}://{headers.get('host')}"
    return headers.get("origin", own) == own and headers.get("sec-fetch-site", "none") in OWN
