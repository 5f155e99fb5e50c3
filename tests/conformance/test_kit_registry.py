"""What the kit asks: every scenario has an id, a sentence and a reason, and the page tells of each."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from paygate.conformance.scenario import Scenario
from paygate.conformance.scenarios import SCENARIOS

ROOT: Final = Path(__file__).parent.parent.parent
ROOMS: Final = sorted((ROOT / "paygate" / "conformance" / "scenarios").glob("[!_]*.py"))
PAGE: Final = ROOT / "docs" / "conformance.md"
PROMISED: Final = {
    "adapter_is_well_formed",
    "first_step_does_no_io",
    "operations_complete",
    "unsupported_is_refused_unsent",
    "requests_go_to_the_configured_host",
    "requests_are_signed_when_sent",
    "expired_credential_is_renewed_once",
    "credential_is_kept",
    "create_never_sends_twice",
    "refund_never_sends_twice",
    "cancel_never_sends_twice",
    "unsettled_is_settled_by_query",
    "refused_is_not_unknown",
    "rate_limit_is_told",
    "declared_codes_map",
    "unknown_code_is_unknown",
    "declared_statuses_map",
    "unknown_status_is_no_status",
    "money_survives_exactly",
    "amount_is_compared",
    "answer_about_another_charge_is_unknown",
    "duplicate_reference_is_refused",
    "instructions_are_whole",
    "times_are_aware",
    "query_changes_nothing",
    "callbacks_tell_the_charge",
    "callbacks_are_acknowledged",
    "callbacks_of_every_status_are_told",
    "tampered_callbacks_are_rejected",
    "told_paths_are_not_trusted",
    "empty_keys_are_refused",
    "rubbish_raises_only_rejected",
    "unproven_status_is_not_believed",
    "paid_never_regresses",
    "secrets_stay_hidden",
    "personal_values_stay_hidden",
    "blocking_equals_async",
    "cancellation_passes_through",
    "gateways_share_nothing",
}


def row(scenario: Scenario) -> str:
    """How the page tells of a scenario."""
    return f"| `{scenario.name}` | {scenario.promise} | {scenario.why} |"


def test_every_promised_scenario_is_there_once() -> None:
    """The ids are those that adapters and pages name, and none is used twice."""
    names = Counter(one.name for one in SCENARIOS)
    assert PROMISED <= set(names)
    assert {1} == set(names.values())


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.stem)
def test_every_scenario_of_a_room_is_played(room: Path) -> None:
    """None is written and then forgotten in the list."""
    tree = ast.parse(room.read_text())
    written = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(mark, ast.Call) and ast.unparse(mark.func) == "scenario"
            for mark in node.decorator_list
        )
    }
    assert written
    assert written <= {one.name for one in SCENARIOS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_scenario_says_what_it_asks_and_why(scenario: Scenario) -> None:
    """The promise is one sentence; the reason goes on after "It matters because" and has no full stop."""
    assert scenario.promise.endswith(".")
    assert 15 < len(scenario.promise) <= 110
    assert scenario.why
    assert not scenario.why.endswith(".")
    assert scenario.why[0].islower() or scenario.why.startswith("paygate")


def test_the_page_tells_of_every_scenario_in_order() -> None:
    """docs/conformance.md has one row for each, with its reason, and no other row."""
    rows = [
        line for line in PAGE.read_text().splitlines() if line.startswith("| `") and "_" in line.split("`")[1]
    ]
    assert [row(one) for one in SCENARIOS] == rows


def test_the_kit_needs_neither_pytest_nor_a_web_server() -> None:
    """`broken` runs in any program: the kit imports no pytest, no starlette and no plugin's package."""
    code = "import sys, paygate.conformance; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stdout.split())
    assert "paygate.conformance.scenarios.sending" in loaded
    assert not {"pytest", "starlette", "uvicorn", "jinja2", "segno", "hypothesis", "trio"} & loaded


def test_the_pytest_plugin_imports_nothing_of_paygate() -> None:
    """pytest loads it before coverage begins: what it imported then would never be measured."""
    code = "import sys, pytest_paygate; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = done.stdout.split()
    assert "pytest_paygate" in loaded
    assert not [name for name in loaded if name.partition(".")[0] in ("paygate", "pytest", "httpx")]
