"""Merchants test with pytest-httpx, which patches the very transports that paygate calls."""

import anyio
import httpx
import pytest
from pytest_httpx import HTTPXMock

from paygate import AsyncPaygate, ChargeStatus, OutcomeUnknown, Paygate
from tests.provider import CANARY, order

DOCUMENT = {"gateways": {"main": {"adapter": "tiny", "api_key": CANARY}}}


def test_pytest_httpx_answers_the_blocking_shell(httpx_mock: HTTPXMock) -> None:
    """A mocked reply reaches the charge, and the request can be looked at."""
    httpx_mock.add_response(json={"id": "INV-1", "status": "open", "qr": "QR"})
    with Paygate.from_mapping(DOCUMENT) as paygate:
        assert ChargeStatus.PENDING is paygate.create_charge(order()).status
    request = httpx_mock.get_request()
    assert request is not None
    assert "https://tiny.example/charges" == str(request.url)


def test_pytest_httpx_answers_the_async_shell(httpx_mock: HTTPXMock) -> None:
    """The same for tasks."""
    httpx_mock.add_response(json={"id": "INV-1", "status": "open", "qr": "QR"})

    async def run() -> ChargeStatus:
        async with AsyncPaygate.from_mapping(DOCUMENT) as paygate:
            return (await paygate.create_charge(order())).status

    assert ChargeStatus.PENDING is anyio.run(run)


def test_a_mocked_timeout_is_an_unknown_outcome(httpx_mock: HTTPXMock) -> None:
    """What pytest-httpx raises is judged like the network's own exceptions."""
    httpx_mock.add_exception(httpx.ReadTimeout("mocked"))
    with Paygate.from_mapping(DOCUMENT) as paygate, pytest.raises(OutcomeUnknown):
        paygate.create_charge(order())
