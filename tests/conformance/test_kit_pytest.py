"""The kit as an author meets it: a test class of ten lines, run by pytest in a project of his own."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

CLASS: Final = """
from paygate import ChargeRequest, Money
from paygate.conformance import GatewayConformance
from paygate_tiny import Tiny

class TestTiny(GatewayConformance):
    adapter = Tiny

    def request(self, method, reference):
        return ChargeRequest(reference=reference, amount=Money.idr(25_000), method=method)
"""
CARELESS: Final = """
from paygate import ChargeStatus, OutcomeUnknown, Charge, Qris, for_methods, hookimpl, ChargeNotFound
from paygate.conformance import GatewayConformance
from paygate_tiny import Tiny
from test_sound import TestTiny as Sound

class Careless(Tiny):
    @hookimpl
    @for_methods(Qris)
    def create_charge(self, request):
        try:
            return (yield from super().create_charge(request))
        except OutcomeUnknown:
            return (yield from super().create_charge(request))

class TestCareless(GatewayConformance):
    adapter = Careless
    request = Sound.request
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A stranger's project with two test modules."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    (tmp_path / "test_sound.py").write_text(CLASS)
    (tmp_path / "test_careless.py").write_text(CARELESS)
    return tmp_path


def ran(project: Path, *arguments: str) -> tuple[int, str]:
    """Run pytest there; its exit code and what it says."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_each_promise_is_a_test_with_a_name_of_its_own(project: Path) -> None:
    """Items are named by scenario and method; what does not apply is not collected at all."""
    code, said = ran(project, "--collect-only", "-q", "test_sound.py")
    names = re.findall(r"TestTiny::test_conformance\[(.+)\]", said)
    assert 0 == code
    assert {"adapter_is_well_formed", "create_never_sends_twice-qris", "paid_never_regresses-qris"} <= set(
        names
    )
    assert not [name for name in names if name.startswith(("cancel_", "refund_", "expired_", "declared_"))]


def test_a_sound_adapter_passes_under_strict_markers(project: Path) -> None:
    """The mark is registered by the plugin, so it selects tests, and nothing warns."""
    code, said = ran(project, "-m", "conformance", "test_sound.py")
    assert 0 == code, said
    assert "passed" in said
    assert "deselected" not in said


def test_a_broken_promise_is_told_in_two_sentences(project: Path) -> None:
    """What happened, and why it matters; no frames of the kit's own."""
    code, said = ran(project, "-k", "create_never_sends_twice", "test_careless.py::TestCareless")
    assert 1 == code
    assert (
        "create_never_sends_twice[qris]: after a timeout while waiting for the answer the adapter sent a second "
        "request. It matters because two live charges can be paid for one order."
    ) in said
    assert "kit.py" not in said


def test_the_kit_itself_is_not_collected(project: Path) -> None:
    """Importing GatewayConformance into a test module makes no tests of it."""
    code, said = ran(project, "--collect-only", "-q", "test_careless.py")
    assert 0 == code
    assert "GatewayConformance::" not in said


def test_an_adapter_that_cannot_be_built_fails_and_does_not_stop_the_collection(project: Path) -> None:
    """A half-written adapter shows as failing tests, each with the place."""
    (project / "test_half.py").write_text(
        CLASS.replace("adapter = Tiny", "adapter = Half").replace(
            "class TestTiny",
            "class Half(Tiny):\n    def __init__(self, *given):\n        raise KeyError('secret')\n\nclass TestTiny",
        )
    )
    code, said = ran(project, "test_half.py")
    assert 1 == code
    assert re.search(r"KeyError in Half.__init__, line [0-9]+ of test_half.py", said)
    assert "'secret'" not in said
    assert "error" not in said.splitlines()[-1]
