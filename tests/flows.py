"""How a test talks with an adapter's flow that asks once: no client, no simulator."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import httpx

from paygate import Charge, Conversation, Flow

Reply: TypeAlias = Mapping[str, Any] | bytes


def asked(flow: Flow[Any]) -> httpx.Request:
    """The first request of a flow."""
    talk = Conversation(flow)
    assert talk.request is not None
    request = talk.request
    talk.close()
    return request


def reply_of(reply: Reply, status: int = 200, **headers: str) -> httpx.Response:
    """An answer over HTTP."""
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return httpx.Response(status, content=body, headers=headers)


def ended(flow: Flow[Charge], reply: Reply, status: int = 200, **headers: str) -> Charge:
    """Answer a flow's one request, and return what it makes of that."""
    talk = Conversation(flow)
    talk.answer(reply_of(reply, status, **headers))
    assert talk.request is None
    return talk.result
