"""`[credentials]`: what is refused, and how it is said."""

import sys
from pathlib import Path
from typing import Any

import pytest

from paygate import ConfigurationError, Paygate
from paygate.settings import from_file, from_mapping
from tests.provider import CANARY

GATEWAYS = {"main": {"adapter": "tiny", "api_key": CANARY}}
URL = f"redis://:{CANARY}@127.0.0.1:6379/0"


def refusal(table: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        Paygate.from_mapping({"gateways": GATEWAYS, "credentials": table})
    return str(refused.value)


@pytest.mark.parametrize(
    ("table", "place", "cure"),
    [
        (URL, "[credentials]", "not a table"),
        ({}, "credentials.url", "is missing; add it"),
        ({"uri": URL}, "credentials.uri", "did you mean 'url'"),
        ({"url": URL, "prefx": "x"}, "credentials.prefx", "did you mean 'prefix'"),
        ({"url": 5}, "credentials.url", "no address of a Redis"),
        ({"url": f"http://{CANARY}"}, "credentials.url", "no address of a Redis"),
        ({"url": f"redis://{CANARY} b"}, "credentials.url", "no address of a Redis"),
        ({"url": f"redis://127.0.0.1:{CANARY}/0"}, "credentials.url", "no address that redis takes"),
        ({"url": f"{URL}?socket_timeout={CANARY}"}, "credentials.url", "no address that redis takes"),
        ({"url": f"{URL}?{CANARY}=1"}, "credentials.url", "no address that redis takes"),
        ({"url": {"env": "PAYGATE_NOT_SET"}}, "credentials.url", "PAYGATE_NOT_SET is not set"),
        ({"url": {"file": "not/there"}}, "credentials.url", "cannot be read"),
        ({"url": {"vault": CANARY}}, "credentials.url", "no address of a Redis"),
        ({"url": URL, "prefix": ""}, "credentials.prefix", "short text"),
        ({"url": URL, "prefix": f"{CANARY} b"}, "credentials.prefix", "short text"),
        ({"url": URL, "prefix": 7}, "credentials.prefix", "short text"),
        ({"url": URL, "timeout_seconds": 0}, "credentials.timeout_seconds", "above zero"),
        ({"url": URL, "timeout_seconds": True}, "credentials.timeout_seconds", "above zero"),
        ({"url": URL, "timeout_seconds": CANARY}, "credentials.timeout_seconds", "above zero"),
        ({"url": URL, "timeout_seconds": 11}, "credentials.timeout_seconds", "no more than 10"),
        ({"url": URL, "timeout_seconds": float("nan")}, "credentials.timeout_seconds", "above zero"),
    ],
)
def test_what_is_wrong_is_named_and_not_shown(table: Any, place: str, cure: str) -> None:
    """Every error names the key and what to do, and never the value."""
    told = refusal(table)
    assert place in told
    assert cure in told
    assert CANARY not in told


def test_a_wrong_section_is_named_with_the_right_one() -> None:
    """`[credential]` is not read as nothing."""
    with pytest.raises(ConfigurationError, match="did you mean 'credentials'"):
        from_mapping({"gateways": GATEWAYS, "credential": {"url": URL}})


def test_the_url_comes_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold a password, and is a secret from then on."""
    monkeypatch.setenv("PAYGATE_TEST_URL", URL)
    (tmp_path / "url").write_text(f"{URL}\n")
    for pointer in ('{ env = "PAYGATE_TEST_URL" }', '{ file = "url" }'):
        file = tmp_path / "paygate.toml"
        file.write_text(
            f'[gateways.main]\nadapter = "tiny"\napi_key = "k"\n[credentials]\nurl = {pointer}\n'
            'prefix = "shop"\ntimeout_seconds = 2\n'
        )
        found = from_file(file).credentials
        assert found is not None
        assert (URL, "shop", 2) == (found.url.reveal(), found.prefix, found.timeout_seconds)
        assert CANARY not in repr(found)


def test_without_the_section_each_process_keeps_its_own() -> None:
    """The default asks no Redis."""
    assert from_mapping({"gateways": GATEWAYS}).credentials is None


def test_without_the_distribution_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "redis", None)
    assert "install paygate-core with its extra `redis`" in refusal({"url": URL})
