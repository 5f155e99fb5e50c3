"""What `paygate new-adapter --snap` writes, before its author has done anything."""

import json

import pytest

from tests.scaffold.workshop import Workshop


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A plugin as it was written, installed."""
    shop = Workshop(tmp_path_factory.mktemp("fresh"), "nusapay", "--snap")
    shop.install()
    return shop


def test_a_fresh_snap_plugin_is_listed_and_ready(fresh: Workshop) -> None:
    """`paygate plugins` finds it, imports it and sees what it answers."""
    listed = fresh.run("-m", "paygate", "plugins", "--json", cwd=fresh.installed)
    [row] = [row for row in json.loads(listed.stdout) if row["adapter"] == "nusapay"]
    assert (None, "paygate-nusapay 0.1.0") == (row["problem"], row["distribution"])
    operations = {"authorize", "create_charge", "query", "cancel", "refund", "parse_callback"}
    assert operations | {"restore_credential", "simulator", "sign", "explain_callback", "diagnose"} == set(
        row["answers"]
    )


def test_a_fresh_snap_plugin_loads_its_settings(fresh: Workshop) -> None:
    """A gateway can be built with them, and a wrong one is named."""
    program = """
import sys
from paygate import ConfigurationError, Paygate
from paygate.sandbox import SnapSandboxAccount
own = SnapSandboxAccount.made({"bni": "88001"}).configured("nusapay", "/callbacks/main")
own |= {"base_url": "https://nusapay.example", "client_key": sys.argv[1]}
try:
    print(*Paygate.from_mapping({"gateways": {"main": own}}).gateways)
except ConfigurationError as error:
    print(error.what)
"""
    assert "main\n" == fresh.run("-c", program, "key").stdout
    assert fresh.run("-c", program, "").stdout.startswith("gateways.main.client_key: is empty")


def test_a_fresh_snap_plugin_is_clean(fresh: Workshop) -> None:
    """mypy --strict and ruff's default rules have nothing to say, and the format is ruff's."""
    assert "" == fresh.complaints()


def test_a_fresh_snap_plugin_fails_on_nothing_but_what_is_owed(fresh: Workshop) -> None:
    """Each failure says OWED, and names one of the parts that the command named."""
    report = fresh.tests()
    assert report.failed
    assert [] == [name for name, why in report.failed.items() if not any(one in why for one in fresh.owed)]
