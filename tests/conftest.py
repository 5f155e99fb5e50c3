"""Fixtures of the core's tests."""

import pytest

from tests.provider import CANARY, Both
from tests.watch import CANARIES

CANARIES.add(CANARY)


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def both(request: pytest.FixtureRequest) -> Both:
    """Both shells, the async one on both of its event loops."""
    return Both(request.param)
