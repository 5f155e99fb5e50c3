"""The pytest plugin of paygate: it registers the mark of the conformance kit's tests, and no more.

pytest loads it before anything is measured or patched, so it imports nothing of paygate.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

MARK = "conformance: a promise of paygate's interface, as the conformance kit tries it on an adapter"


def pytest_configure(config: "pytest.Config") -> None:
    """Register the mark, so that `-m conformance` and `--strict-markers` work."""
    config.addinivalue_line("markers", MARK)
