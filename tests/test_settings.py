from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from msgspec import Struct

from paygate import ConfigurationError, Paygate
from paygate.settings import GatewaySettings, from_file, from_mapping
from tests.provider import CANARY

GOOD = {"adapter": "tiny", "api_key": CANARY}


def refusal(document: Any) -> str:
    """The text of the error that a configuration gets."""
    with pytest.raises(ConfigurationError) as refused:
        Paygate.from_mapping(document)
    return str(refused.value)


@pytest.mark.parametrize(
    ("document", "place", "cure"),
    [
        ({}, "no gateway", "add [gateways.main]"),
        ({"gateways": {}}, "no gateway", "add [gateways.main]"),
        ({"gateways": []}, "no gateway", "add [gateways.main]"),
        ({"gateway": {}}, "[gateway]", "did you mean 'gateways'"),
        ({"gateways": {"main": 1}}, "[gateways.main]", "not a table"),
        ({"gateways": {"Main Shop": GOOD}}, "[gateways.Main Shop]", "lower-case"),
        ({"gateways": {"main": {}}}, "gateways.main.adapter", "is missing"),
        ({"gateways": {"main": {**GOOD, "adapter": 3}}}, "gateways.main.adapter", "is missing"),
        ({"gateways": {"main": {"adapter": "tiny"}}}, "gateways.main.api_key", "is missing; add it"),
        ({"gateways": {"main": {**GOOD, "api_kee": "x"}}}, "gateways.main.api_kee", "did you mean 'api_key'"),
        ({"gateways": {"main": {**GOOD, "zzz": "x"}}}, "gateways.main.zzz", "known: "),
        ({"gateways": {"main": {**GOOD, "api_key": 5}}}, "gateways.main.api_key", "Expected `str`"),
        ({"gateways": {"main": {**GOOD, "base_url": 5}}}, "gateways.main.base_url", "Expected `str`"),
        ({"gateways": {"main": {**GOOD, "api_key": 5}}}, "gateways.main.api_key", "write it in quotes"),
        (
            {"gateways": {"main": {**GOOD, "api_key": {"path": "x"}}}},
            "gateways.main.api_key",
            'write a text, { env = "NAME" } or { file = "path" }',
        ),
        ({"gateways": {"main": {**GOOD, "api_key": ["x"]}}}, "gateways.main.api_key", "write a text, {"),
        (
            {"gateways": {"main": {**GOOD, "adapter": "tinny"}}},
            "gateways.main.adapter",
            "did you mean 'tiny'",
        ),
        ({"gateways": {"main": {**GOOD, "timeout_seconds": 0}}}, "timeout_seconds", "above zero"),
        ({"gateways": {"main": {**GOOD, "timeout_seconds": "5"}}}, "timeout_seconds", "above zero"),
        ({"gateways": {"main": {**GOOD, "max_in_flight": True}}}, "max_in_flight", "above zero"),
        ({"gateways": {"main": {**GOOD, "api_key": {"env": 5}}}}, "gateways.main.api_key", "takes a text"),
        ({"gateways": {"main": {**GOOD, "max_in_flight": 0.5}}}, "max_in_flight", "whole number"),
        ({"gateways": {"main": {**GOOD, "timeout_seconds": float("inf")}}}, "timeout_seconds", "million"),
        ({"gateways": {"main": GOOD}, "routes": {"qris": [["main"]]}}, "routes.qris", "list of gateways"),
        ({"gateways": {"main": GOOD}, "routes": []}, "[routes]", "not a table"),
        ({"gateways": {"main": GOOD}, "routes": {"qriss": ["main"]}}, "routes.qriss", "'qris'"),
        ({"gateways": {"main": GOOD}, "routes": {"qris": ["mian"]}}, "routes.qris", "'main'"),
        ({"gateways": {"main": GOOD}, "routes": {"qris": []}}, "routes.qris", "list of gateways"),
        ({"gateways": {"main": GOOD}, "routes": {"qris": "main"}}, "routes.qris", "list of gateways"),
        (
            {"gateways": {"main": GOOD}, "routes": {"qris": ["main", "main"]}},
            "routes.qris",
            "a gateway twice",
        ),
        ({"gateways": {"main": GOOD}, "routes": {"e_wallet": ["main"]}}, "routes.e_wallet", "does not offer"),
    ],
)
def test_a_wrong_configuration_is_named_by_its_place_with_what_to_do(
    document: Any, place: str, cure: str
) -> None:
    """Every error names gateway and key, and never a value."""
    told = refusal(document)
    assert place in told
    assert cure in told
    assert CANARY not in told


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`{env}` and `{file}` are resolved, the file relative to the configuration's own folder."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "url").write_text("https://other.example\n")
    monkeypatch.setenv("TINY_KEY", CANARY)
    file = tmp_path / "paygate.toml"
    file.write_text(
        '[gateways.main]\nadapter = "tiny"\napi_key = { env = "TINY_KEY" }\n'
        'base_url = { file = "keys/url" }\ntimeout_seconds = 2.5\n'
    )
    one = from_file(file).gateways["main"]
    assert {"api_key": CANARY, "base_url": "https://other.example"} == one.own
    assert 2.5 == one.timeout_seconds
    assert CANARY not in repr(one)
    with Paygate.from_file(file) as paygate:
        assert ["main"] == list(paygate.gateways)


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        ({"env": "NOT_SET_ANYWHERE"}, "environment variable NOT_SET_ANYWHERE is not set: export it"),
        ({"env": "EMPTY"}, "env EMPTY is empty"),
        ({"file": "nowhere.pem"}, "file nowhere.pem cannot be read (No such file"),
        ({"file": "empty.pem"}, "file empty.pem is empty"),
        ({"file": "binary.pem"}, "file binary.pem is not text"),
    ],
)
def test_a_secret_that_is_not_there_is_named(
    value: dict[str, str], cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unset variable, a missing, an empty and a binary file each say what to mend."""
    monkeypatch.setenv("EMPTY", " ")
    (tmp_path / "empty.pem").write_text("\n")
    (tmp_path / "binary.pem").write_bytes(b"\xff\xfe")
    document = {"gateways": {"main": {**GOOD, "api_key": value}}}
    with pytest.raises(ConfigurationError) as refused:
        from_mapping(document, folder=tmp_path)
    assert f"gateways.main.api_key: {cure}" in str(refused.value)


class Shape(Struct):
    """An adapter's settings of other types."""

    prefixes: Mapping[str, str] = {}
    minutes: float = 1.0
    mode: Literal["a", "b"] = "a"


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (
            {"prefixes": {"bni": 98829172}},
            "prefixes: has the wrong type or form (Expected `str`); write it in quotes",
        ),
        ({"prefixes": {"bni": {"env": "X"}}}, "prefixes: has the wrong type or form (Expected `str`)"),
        ({"prefixes": CANARY}, "prefixes: has the wrong type or form (Expected `object`)"),
        ({"minutes": "5"}, "minutes: has the wrong type or form (Expected `float`); write it without quotes"),
        ({"minutes": [5]}, "minutes: has the wrong type or form (Expected `float`)"),
        ({"mode": CANARY}, "mode: has the wrong form"),
    ],
)
def test_a_value_of_the_wrong_type_is_told_how_to_be_written(own: dict[str, Any], told: str) -> None:
    """Where that is certain; and the value itself is never told."""
    with pytest.raises(ConfigurationError) as refused:
        GatewaySettings(name="main", adapter="tiny", own=own).fitted(Shape)
    assert f"gateways.main.{told}" == refused.value.what


def test_all_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    """Of all gateways, one line each, so that it can be mended in one go."""
    document = {
        "gateways": {
            "main": {**GOOD, "api_key": {"env": "NO_SUCH_1"}, "base_url": {"file": "nowhere"}},
            "other": {**GOOD, "api_key": {"env": "NO_SUCH_2"}},
        }
    }
    with pytest.raises(ConfigurationError) as refused:
        from_mapping(document, folder=tmp_path)
    assert [
        "gateways.main.api_key: environment variable NO_SUCH_1 is not set: export it",
        "gateways.main.base_url: file nowhere cannot be read (No such file or directory)",
        "gateways.other.api_key: environment variable NO_SUCH_2 is not set: export it",
    ] == refused.value.what.splitlines()
    assert refused.value.gateway is None


@pytest.mark.parametrize(
    ("content", "cure"),
    [(None, "cannot be read"), (b"[gateways", "is not TOML"), (b"\xff", "is not TOML")],
)
def test_a_file_that_is_no_configuration_is_named(content: bytes | None, cure: str, tmp_path: Path) -> None:
    """A missing or broken file is named by its path."""
    file = tmp_path / "paygate.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=cure):
        from_file(file)


def test_a_table_that_is_no_secret_reaches_the_adapter_as_it_is() -> None:
    """Only a table of exactly `env` or `file` is resolved."""
    one = from_mapping({"gateways": {"main": {**GOOD, "extra": {"env": "A", "file": "B"}}}})
    assert {"env": "A", "file": "B"} == one.gateways["main"].own["extra"]
