"""What `paygate new-adapter` writes for any provider: fresh, in part, and when its author is done."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from tests.scaffold.workshop import Workshop

KILAT: Final = Path(__file__).parent / "kilat.patch"
"""All that the author of an adapter for the imaginary provider Kilat owes."""

PLACE: Final = re.compile(r"\(([\w.]+)")
PLACES: Final = (
    "codes.ERRORS",
    "codes.STATUS",
    "settings.HOSTS",
    "simulator.REFUSALS",
    "simulator.STATUSES",
    "simulator.asked",
    "simulator.called",
    "simulator.has_key",
    "simulator.ordered",
    "simulator.refused",
    "simulator.told",
    "standing",
    "wire.Reader.decode",
    "wire.authenticated",
    "wire.cancel",
    "wire.create",
    "wire.is_proven",
    "wire.query",
)
"""The parts that an author owes: module and name."""

SOME: Final = "host or instructions or cancel_never or query_changes or callbacks_tell or declared or refused"
"""Tests of the plugin that need every one of them."""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A plugin as it was written, installed."""
    shop = Workshop(tmp_path_factory.mktemp("fresh"), "kilat")
    shop.install()
    return shop


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A plugin whose author has written what was owed, installed."""
    shop = Workshop(tmp_path_factory.mktemp("done"), "kilat")
    shop.patch(KILAT)
    shop.install()
    return shop


def test_a_fresh_plugin_is_listed_and_ready(fresh: Workshop) -> None:
    """`paygate plugins` finds it, imports it and sees what it answers."""
    listed = fresh.run("-m", "paygate", "plugins", "--json", cwd=fresh.installed)
    [row] = [row for row in json.loads(listed.stdout) if row["adapter"] == "kilat"]
    assert (None, "paygate-kilat 0.1.0") == (row["problem"], row["distribution"])
    wanted = {"authorize", "create_charge", "query", "cancel", "parse_callback", "simulator"}
    assert wanted == set(row["answers"])


def test_a_fresh_plugin_loads_its_settings(fresh: Workshop) -> None:
    """A gateway can be built with it; an empty key is refused."""
    program = (
        "import sys; from paygate import Paygate, ConfigurationError\n"
        "own = {'adapter': 'kilat', 'environment': 'sandbox', 'base_url': 'https://k.example'}\n"
        "own |= {'api_key': 'k', 'callback_key': sys.argv[1]}\n"
        "try: print(*Paygate.from_mapping({'gateways': {'main': own}}).gateways)\n"
        "except ConfigurationError as error: print(error.what)\n"
    )
    assert "main\n" == fresh.run("-c", program, "key").stdout
    assert fresh.run("-c", program, "").stdout.startswith("gateways.main.callback_key: is empty")


def test_a_fresh_plugin_is_clean(fresh: Workshop) -> None:
    """mypy --strict and ruff's default rules have nothing to say, and the format is ruff's."""
    assert "" == fresh.complaints()


def test_a_fresh_plugin_fails_on_nothing_but_what_is_owed(fresh: Workshop) -> None:
    """Each failure of the kit says OWED; what is no author's passes."""
    report = fresh.tests()
    assert report.failed
    assert [] == [name for name, why in report.failed.items() if "OWED: " not in why]
    assert any("adapter_is_well_formed" in name for name in report.passed)


def test_a_plugin_is_green_when_all_that_was_owed_is_written(done: Workshop) -> None:
    """The kit is content, no mark is left, and types and style are clean."""
    report = done.tests()
    assert {} == report.failed, report.said
    assert len(report.passed) > 30
    assert "" == done.complaints()
    marked = [file for file in done.plugin.rglob("*.py") if "OWED" in file.read_text()]
    assert [] == marked


@pytest.mark.parametrize("place", PLACES)
def test_a_plugin_with_one_part_missing_says_which(
    done: Workshop, fresh: Workshop, tmp_path: Path, place: str
) -> None:
    """Whatever the part, something fails for want of it, and nothing for another reason."""
    shop = done.copy(tmp_path)
    shop.owe(fresh, place)
    report = shop.tests("-k", SOME)
    assert report.failed, f"nobody misses {place}"
    wrong = {name: why for name, why in report.failed.items() if not re.search(rf"OWED: .*\({place}\b", why)}
    assert {} == wrong


def test_every_part_is_tried(fresh: Workshop) -> None:
    """The list here is the command's own."""
    assert sorted(PLACES) == sorted(found[1] for one in fresh.owed if (found := PLACE.search(one)))
