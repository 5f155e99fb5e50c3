"""Fixtures of the sandbox's tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from conftest import missing
from tests.sandbox.browsing import browser, chromium


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """One Chromium for the tests of a module, and not longer: it keeps an event loop running in this thread."""
    executable = chromium()
    if executable is None:
        missing("Chromium (apt-get install chromium)")
    with browser(str(executable)) as started:
        yield started
