"""The kit is tested by faulty adapters: it fails each one, for the right reason, and no sound one."""

import os

import pytest

from paygate import Qris
from paygate.conformance import GatewayConformance, broken
from tests.conformance.faulty import EVERYTHING, FAULTY, Faulty
from tests.conformance.sound.asking import AskingKit
from tests.conformance.sound.kit import SoundKit

CONFINED = [one for one in FAULTY if one.also != EVERYTHING]
SAMPLE = CONFINED if "PAYGATE_ALL_FAULTY" in os.environ else CONFINED[::4]
"""`make check` plays the whole kit with all of them; otherwise every fourth will do."""


def head(scenario: str) -> str:
    """A scenario without the method that it ran for."""
    return scenario.partition("[")[0]


@pytest.mark.parametrize("kit", [SoundKit, AskingKit])
def test_a_sound_adapter_breaks_nothing(kit: type[GatewayConformance]) -> None:
    """The adapters that the faulty ones are made from keep every promise."""
    assert broken(kit()) == ()


def test_there_are_many_faults_of_many_kinds() -> None:
    """At least 30 adapters are faulty, each in its own way, and each says where it was seen or what it costs."""
    assert len(FAULTY) >= 30
    assert len({one.name for one in FAULTY}) == len(FAULTY)
    assert all((one.kit.adapter.__doc__ or "").strip() for one in FAULTY)
    assert all(one.saying for one in FAULTY)
    assert len(CONFINED) >= len(FAULTY) - 12


@pytest.mark.parametrize("faulty", FAULTY, ids=lambda one: one.name)
def test_a_faulty_adapter_is_caught_for_the_right_reason(faulty: Faulty) -> None:
    """The scenario that is for this fault fails, and its sentence names the fault."""
    found = broken(faulty.kit(), only=[faulty.scenario])
    told = [one.what for one in found if head(one.scenario) == faulty.scenario]
    assert any(faulty.saying in what for what in told), told
    assert all(one.why for one in found)


@pytest.mark.slow
@pytest.mark.parametrize("faulty", SAMPLE, ids=lambda one: one.name)
def test_a_fault_breaks_nothing_that_it_does_not_touch(faulty: Faulty) -> None:
    """No scenario fails for a fault but those that it breaks of necessity: the kit blames nobody in passing."""
    by_qris = type(faulty.name, (faulty.kit,), {"methods": (Qris(),)})
    failed = {head(one.scenario): one.what for one in broken(by_qris())}
    assert failed.keys() <= {faulty.scenario, *faulty.also}, failed
