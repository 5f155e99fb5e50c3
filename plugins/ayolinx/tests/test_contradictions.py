"""Answers that contradict themselves, and refusals of the login."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    AuthenticationFailed,
    ChargeRef,
    ChargeStatus,
    Conversation,
    NotAuthorized,
    OutcomeUnknown,
    Paygate,
    Qris,
)
from tests.ayolinx import adapter_of

REF = ChargeRef("main", "INV-1", Qris())


class Fixed(httpx.BaseTransport):
    """Answers everything alike."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self._status = status
        self._body = body
        self.requests = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return httpx.Response(self._status, json=self._body)


@pytest.fixture(scope="session")
def adapter(account: SandboxAccount) -> Ayolinx:
    """The account's adapter."""
    return adapter_of(account)


@pytest.mark.parametrize("status", ["00", "03", "04", "06", "07", "99"])
def test_a_cancellation_that_tells_another_status_is_no_cancellation(adapter: Ayolinx, status: str) -> None:
    """Success with the status of a paid, open or unknown charge leaves the outcome unknown."""
    talk = Conversation(adapter.cancel(REF))
    body = {"responseCode": "2007700", "latestTransactionStatus": status}
    with pytest.raises(OutcomeUnknown, match="another status"):
        talk.answer(httpx.Response(200, json=body))


@pytest.mark.parametrize("body", [{}, {"latestTransactionStatus": "05"}, {"latestTransactionStatus": ""}])
def test_a_cancellation_may_tell_its_status_or_none(adapter: Ayolinx, body: dict[str, str]) -> None:
    """With the status of a cancelled charge, or without any, it is cancelled."""
    talk = Conversation(adapter.cancel(REF))
    talk.answer(httpx.Response(200, json={"responseCode": "2007700", **body}))
    assert ChargeStatus.CANCELLED is talk.result.status


@pytest.mark.parametrize("code", ["581000001", "4017300"])
def test_a_login_that_is_refused_is_not_tried_again(
    simulator: AyolinxSimulator, configured: Callable[..., dict[str, Any]], code: str
) -> None:
    """Bad keys do not get better by asking: one login, and the advice is about keys."""
    provider = Fixed(401, {"responseCode": code, "responseMessage": "UNAUTHORIZED"})
    with Paygate.from_mapping(configured(simulator), transport=provider) as paygate:
        with pytest.raises(NotAuthorized, match="client key"):
            paygate.query(REF)
    assert 1 == provider.requests


def test_an_odd_refusal_of_a_charge_is_believed_under_its_http_status(adapter: Ayolinx) -> None:
    """581000001 under HTTP 401 is a definite no; under HTTP 200 it is nothing to rely on."""
    body = {"responseCode": "581000001", "responseMessage": "UNAUTHORIZED"}
    for status, kind in ((401, AuthenticationFailed), (200, OutcomeUnknown)):
        with pytest.raises(kind):
            Conversation(adapter.query(REF)).answer(httpx.Response(status, json=body))
