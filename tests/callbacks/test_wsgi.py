"""What is WSGI's own: plain functions only, in the thread of the request."""

import threading
from functools import wraps
from typing import Any

import pytest

from paygate import Callback
from tests.callbacks.doors import Door, Handler


def test_the_handler_runs_in_the_thread_of_the_request() -> None:
    """So a framework's own database connection is at hand."""
    door = Door("wsgi")
    threads: list[int] = []
    assert 200 == door.tell(door.made(lambda _: threads.append(threading.get_ident()))).status
    assert [threading.get_ident()] == threads


@pytest.mark.parametrize("fault", ["handler", "look-up"])
def test_a_coroutine_function_in_plain_clothes_is_a_failure(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It did nothing, so the provider is not told that all is well."""
    done: list[object] = []

    async def work(about: object) -> None:
        done.append(about)

    @wraps(work)
    def hidden(about: object) -> Any:
        return work(about)

    door, handler = Door("wsgi"), Handler()
    app = door.made(hidden) if fault == "handler" else door.made(handler, known=hidden)
    assert 500 == door.tell(app).status
    assert ([], []) == (done, handler.given)
    assert "TypeError in " in caplog.text


def test_an_awaitable_of_any_kind_is_a_failure() -> None:
    """Not only coroutines promise to do it later."""

    class Later:
        def __await__(self) -> Any:
            yield

    def handle(_: Callback) -> Any:
        return Later()

    door = Door("wsgi")
    assert 500 == door.tell(door.made(handle)).status
