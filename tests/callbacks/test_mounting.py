"""Where the applications are mounted, and behind which prefixes: the path that is signed is the configured one."""

from collections.abc import Callable
from typing import Any, Final

import anyio
import httpx
import pytest
from fastapi import FastAPI
from flask import Flask
from paygate_ayolinx.simulator import AyolinxSimulator
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from paygate import Paygate
from paygate.callbacks import AsgiCallbacks, WsgiCallbacks
from paygate.sandbox import PayerAction
from tests.callbacks.doors import Handler
from tests.provider import order

OWN: Final = "/callbacks/main"
"""The public path, which Ayolinx signs; the root conftest's callback address has it."""


def included(app: Any) -> Any:
    """FastAPI with the callbacks among its own routes."""
    api = FastAPI(routes=[Route("/in/callbacks{below:path}", app)])
    api.get("/")(lambda: "shop")
    return api


def dispatched(app: Any) -> Any:
    """Flask with the callbacks beside it."""
    return DispatcherMiddleware(Flask("shop"), {"/in/callbacks": app})


ASGI: Final[dict[str, Callable[[Any], Any]]] = {
    "the whole program": lambda app: app,
    "a Starlette route": lambda app: Starlette(routes=[Route("/in/callbacks{below:path}", app)]),
    "a nested Starlette route": lambda app: Starlette(
        routes=[Mount("/in", routes=[Route("/callbacks{below:path}", app)])]
    ),
    "a FastAPI route": included,
}
WSGI: Final[dict[str, Callable[[Any], Any]]] = {
    "the whole program": lambda app: app,
    "beside Flask": dispatched,
}


class Caller:
    """A true callback of Ayolinx's, to be sent to any path."""

    def __init__(self, paygate: Paygate, simulator: AyolinxSimulator) -> None:
        paygate.create_charge(order("INV-1"))
        simulator.act("INV-1", PayerAction.PAY)
        self.request = simulator.deliveries.all[0].request()
        assert OWN == self.request.url.path

    def to(self, path: str) -> httpx.Request:
        """As a proxy passes it on."""
        url = f"http://inside.example{path}"
        return httpx.Request("POST", url, headers=self.request.headers, content=self.request.content)

    def by_asgi(self, app: Any, path: str, root_path: str = "") -> httpx.Response:
        """Send it to an ASGI program."""

        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app, root_path=root_path)) as client:
                return await client.send(self.to(path))

        return anyio.run(send)

    def by_wsgi(self, app: Any, path: str, script_name: str = "") -> httpx.Response:
        """Send it to a WSGI program."""
        with httpx.Client(transport=httpx.WSGITransport(app, script_name=script_name)) as client:
            return client.send(self.to(path))


@pytest.fixture
def caller(paygate: Paygate, simulator: AyolinxSimulator) -> Caller:
    """A paid charge, and the callback that tells of it."""
    return Caller(paygate, simulator)


@pytest.mark.parametrize("path", ["/in/callbacks", "/in/callbacks/", "/in/callbacks/v1.0/debit/notify"])
@pytest.mark.parametrize("mount", ASGI)
def test_it_answers_at_its_path_and_below(mount: str, path: str, paygate: Paygate, caller: Caller) -> None:
    """A proxy has put it elsewhere; the signature fits all the same."""
    handler = Handler()
    app = ASGI[mount](AsgiCallbacks(paygate.gateway("main"), handler))
    assert 200 == caller.by_asgi(app, path).status_code
    assert 1 == len(handler.given)


@pytest.mark.parametrize("path", ["/in/callbacks", "/in/callbacks/", "/in/callbacks/v1.0/debit/notify"])
@pytest.mark.parametrize("mount", WSGI)
def test_it_answers_at_its_path_and_below_by_wsgi(
    mount: str, path: str, paygate: Paygate, caller: Caller
) -> None:
    """The same for a WSGI program."""
    handler = Handler()
    app = WSGI[mount](WsgiCallbacks(paygate.gateway("main"), handler))
    assert 200 == caller.by_wsgi(app, path).status_code
    assert 1 == len(handler.given)


@pytest.mark.parametrize("prefix", ["", "/shop", "/shop/api/v2"])
def test_a_prefix_that_a_proxy_has_taken_off_does_no_harm(
    prefix: str, paygate: Paygate, caller: Caller
) -> None:
    """Nor does one that the server has been told of."""
    handler = Handler()
    gateway = paygate.gateway("main")
    replies = [
        caller.by_asgi(ASGI["a Starlette route"](AsgiCallbacks(gateway, handler)), "/in/callbacks", prefix),
        caller.by_wsgi(WSGI["beside Flask"](WsgiCallbacks(gateway, handler)), "/in/callbacks", prefix),
    ]
    assert [200, 200] == [reply.status_code for reply in replies]
    assert 2 == len(handler.given)


def test_starlettes_mount_sends_the_bare_path_away(paygate: Paygate, caller: Caller) -> None:
    """It redirects to the path with a slash, where no provider follows: docs/callbacks.md says to use a Route."""
    handler = Handler()
    app = Starlette(routes=[Mount("/in/callbacks", AsgiCallbacks(paygate.gateway("main"), handler))])
    statuses = [caller.by_asgi(app, path).status_code for path in ("/in/callbacks", "/in/callbacks/")]
    assert [307, 200] == statuses
    assert 1 == len(handler.given)
