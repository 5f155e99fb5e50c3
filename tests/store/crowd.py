"""Processes that call, and processes that work, over one store: forked from one that has loaded all they need."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, Final

import sqlalchemy as sa

from paygate import Callback, CallbackRequest, Charge, Paygate, hookimpl
from paygate.callbacks import WsgiCallbacks
from paygate.worker import Worker
from tests.store.callers import Notes, deliver

DEAR: Final = ("httpx", "paygate_ayolinx", "paygate_tiny", "paygate.store.migrations", "psycopg", "pymysql")
"""What a paygate imports when it is built; imported once, before the processes are forked."""

context: Final = get_context("forkserver")
context.set_forkserver_preload([__name__, *DEAR])

PATIENCE: Final = 60.0
Call = tuple[str, dict[str, str], bytes]


class Teller:
    """Tells what it hears to the process that started it."""

    def __init__(self, heard: Any) -> None:
        self._heard = heard

    @hookimpl
    def callback_received(self, callback: Callback) -> None:
        self._heard.put(("received", callback.charges[0].reference))

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        self._heard.put(("changed", charge.status.value))


def call(document: Mapping[str, Any], made: Call, times: int, start: Any, heard: Any) -> None:
    """Deliver one call several times, and tell what was answered."""
    path, headers, body = made
    with Paygate.from_mapping(document, listeners=[Teller(heard)]) as paygate:
        app = WsgiCallbacks(paygate.gateway("main"))
        heard.put(("ready", None))
        start.wait()
        for _ in range(times):
            reply = app.answer(CallbackRequest("POST", path, headers, body))
            heard.put(("answered", (reply.status, reply.body)))


def work(document: Mapping[str, Any], start: Any, stop: Any, heard: Any) -> None:
    """Work until told to stop; the handler writes on its connection."""
    with Paygate.from_mapping(document, listeners=[Teller(heard)]) as paygate:
        heard.put(("ready", None))
        start.wait()
        with Worker(paygate, deliver, poll_seconds=0.05):
            stop.wait()


def die(document: Mapping[str, Any], takes_connection: bool) -> None:
    """Be killed in the middle of the handler, after it has written."""

    def handle(callback: Callback, connection: sa.Connection) -> None:
        deliver(callback, connection)
        os.kill(os.getpid(), signal.SIGKILL)

    def bare(callback: Callback) -> None:
        Notes()(callback)
        os.kill(os.getpid(), signal.SIGKILL)

    with Paygate.from_mapping(document) as paygate:
        Worker(paygate, handle if takes_connection else bare).run_once()


@contextmanager
def running(target: Any, *arguments: Any, many: int = 1) -> Iterator[list[Any]]:
    """Some processes that do the same; they are ended whatever happens."""
    processes = [context.Process(target=target, args=arguments, daemon=True) for _ in range(many)]
    for one in processes:
        one.start()
    try:
        yield processes
    finally:
        for one in processes:
            one.kill()
            one.join(PATIENCE)
            one.close()
