from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from paygate import Conversation, Flow, OutcomeUnknown, PluginError, answered, read, retry_after

REQUEST = httpx.Request("GET", "https://tiny.example/")


def two_steps() -> Flow[list[int]]:
    first = yield REQUEST
    second = yield REQUEST
    return [first.status_code, second.status_code]


def test_a_flow_is_answered_step_by_step_until_it_has_its_result() -> None:
    """Requests come one at a time; after the last answer there is a result."""
    talk = Conversation(two_steps())
    asked = [talk.request]
    for status in (201, 202):
        talk.answer(httpx.Response(status))
        asked.append(talk.request)
    assert [REQUEST, REQUEST, None] == asked
    assert [201, 202] == talk.result


def test_a_failure_is_raised_inside_the_flow_which_may_ask_instead() -> None:
    """A flow can catch what happened to its request and go on."""

    def careful() -> Flow[str]:
        try:
            yield REQUEST
        except OutcomeUnknown:
            yield REQUEST
        return "asked"

    talk = Conversation(careful())
    talk.fail(OutcomeUnknown("lost"))
    talk.answer(httpx.Response(200))
    assert "asked" == talk.result


def test_a_flow_that_asks_nothing_has_its_result_at_once() -> None:
    """`answered` is the flow of a provider without login."""
    talk = Conversation(answered(7))
    assert talk.request is None
    assert 7 == talk.result


def test_closing_early_runs_the_flows_own_clean_up() -> None:
    """A cancelled conversation ends its flow."""
    ended = []

    def tidy() -> Flow[None]:
        try:
            yield REQUEST
        finally:
            ended.append(True)

    Conversation(tidy()).close()
    assert [True] == ended


@pytest.mark.parametrize("no_flow", [None, REQUEST, [REQUEST], lambda: REQUEST])
def test_what_is_no_flow_is_the_adapters_fault(no_flow: Any) -> None:
    """An operation that forgot its `yield` is named for what it is."""
    with pytest.raises(PluginError, match="a flow"):
        Conversation(no_flow)


def test_a_stray_stop_iteration_is_no_result() -> None:
    """A StopIteration from inside a flow's own code does not pass for its end."""

    def stray() -> Flow[None]:
        yield REQUEST
        next(iter(()))

    talk = Conversation(stray())
    with pytest.raises(RuntimeError):
        talk.answer(httpx.Response(200))


class Number(msgspec.Struct):
    n: int


@pytest.mark.parametrize(
    "reply",
    [
        lambda: httpx.Response(500, json={"n": 1}),
        lambda: httpx.Response(503, text="busy"),
        lambda: httpx.Response(200, text="<html>"),
        lambda: httpx.Response(200, json={"n": "one"}),
        lambda: httpx.Response(200, content=b""),
        lambda: httpx.Response(200, content=b'{"n": "\xff"}'),
        lambda: httpx.Response(200, content=b"[" * 100_000),
    ],
)
def test_a_reply_that_nobody_can_read_leaves_the_outcome_unknown(
    reply: Callable[[], httpx.Response],
) -> None:
    """5xx and undecodable bodies are no answer, and the error does not quote them."""
    with pytest.raises(OutcomeUnknown) as unknown:
        read(reply(), msgspec.json.Decoder(Number))
    assert unknown.value.http_status is not None
    assert "html" not in str(unknown.value)


def test_a_readable_refusal_is_the_adapters_to_judge() -> None:
    """`read` decodes any other status."""
    assert 4 == read(httpx.Response(404, json={"n": 4}), msgspec.json.Decoder(Number)).n


@pytest.mark.parametrize(
    ("header", "seconds"), [("30", 30.0), ("86400", 86_400.0), ("86401", None), ("soon", None), (None, None)]
)
def test_how_long_a_reply_asks_to_wait(header: str | None, seconds: float | None) -> None:
    """A plain number of seconds of at most a day; anything else is no advice."""
    headers = {} if header is None else {"Retry-After": header}
    assert seconds == retry_after(httpx.Response(429, headers=headers))
