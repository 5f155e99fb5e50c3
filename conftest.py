"""Fixtures for all tests, and the watch for secrets in everything that the tests print, log or raise."""

import gc
import os
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import Paygate
from paygate.sandbox import SimulatorTransport
from tests.documents import pytest_collect_file
from tests.watch import CANARIES, RAISED, leaks, told_by

settings.register_profile(
    "paygate", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.register_profile("brief", settings.get_profile("paygate"), max_examples=20)
settings.load_profile("paygate")

CALLBACK_URL = "https://shop.example/callbacks/main"


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are processors: many tests wait for a process, a server or a browser."""
    return (os.cpu_count() or 1) + 2


def pytest_collection_finish() -> None:
    """Leave what was collected alone: looking through it for garbage took a tenth of all time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test whose output, logs or errors show a secret."""
    report = yield
    if call.when == "teardown":
        seen = [text for _, _, text in item._report_sections]  # noqa: SLF001 - what pytest itself shows
        seen += [told_by(error) for error in RAISED]
        RAISED.clear()
        found = leaks("\n".join(seen))
        if found:
            report.outcome = "failed"
            report.longrepr = f"a secret was shown: {', '.join(found)}"
    return report


def in_ci() -> bool:
    """Whether a missing tool must fail a test instead of skipping it."""
    return bool(os.environ.get("CI"))


def missing(what: str) -> None:
    """Skip for want of a tool or service; fail where CI says that it must be there."""
    if in_ci():
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def account() -> SandboxAccount:
    """One merchant's sandbox account; its secrets are watched for."""
    account = SandboxAccount.made()
    own = account.settings("/")
    CANARIES.add(own["client_secret"])
    CANARIES.update(own["private_key"].splitlines()[1:-1])
    return account


@pytest.fixture
def make_simulator(account: SandboxAccount) -> Callable[..., AyolinxSimulator]:
    """Make pretend Ayolinxes, with the options of AyolinxSimulator; their tokens are watched for."""

    def make(callback_url: str = CALLBACK_URL, **options: Any) -> AyolinxSimulator:
        simulator = AyolinxSimulator(callback_url, account=account, **options)
        issue = simulator.door.log_in

        def log_in(request: Any) -> dict[str, str]:
            issued = issue(request)
            CANARIES.add(issued["accessToken"])
            return issued

        simulator.door.log_in = log_in  # type: ignore[method-assign]
        return simulator

    return make


@pytest.fixture
def simulator(make_simulator: Callable[..., AyolinxSimulator]) -> AyolinxSimulator:
    """A pretend Ayolinx in this process."""
    return make_simulator()


@pytest.fixture
def configured() -> Callable[..., dict[str, Any]]:
    """Make the configuration of one gateway "main" for a simulator, with more or other settings."""

    def make(
        simulator: AyolinxSimulator, base_url: str = "http://127.0.0.1:1", **other: Any
    ) -> dict[str, Any]:
        return {"gateways": {"main": {**simulator.settings, "base_url": base_url, **other}}}

    return make


@pytest.fixture
def paygate(simulator: AyolinxSimulator, configured: Callable[..., dict[str, Any]]) -> Iterator[Paygate]:
    """A blocking paygate over the simulator, without sockets."""
    with Paygate.from_mapping(configured(simulator), transport=SimulatorTransport(simulator)) as one:
        yield one


__all__ = ["pytest_collect_file"]
