"""What a merchant configures of the store."""

import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import settings
from paygate.errors import ConfigurationError
from paygate.store_settings import StoreSettings, store_settings
from tests.watch import CANARIES

PASSWORD = "canary-hunter2-of-the-settings"
CANARIES.add(PASSWORD)
GATEWAY = {"gateways": {"main": {"adapter": "tiny"}}}


def from_document(store: Any, folder: Path = Path()) -> StoreSettings | None:
    return settings.from_mapping({**GATEWAY, "store": store}, folder=folder).store


def refused(store: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        from_document(store)
    assert PASSWORD not in str(raised.value)
    return raised.value.what


def test_a_configuration_needs_no_store() -> None:
    """Without a section there is none."""
    assert settings.from_mapping(GATEWAY).store is None


def test_an_address_is_enough() -> None:
    """All else has a value of its own."""
    store = from_document({"url": f"postgresql://shop:{PASSWORD}@db/shop"})
    assert store is not None
    assert store.url.reveal() == f"postgresql://shop:{PASSWORD}@db/shop"
    assert PASSWORD not in repr(store)
    assert (store.connections, store.attempts, store.redact, store.keep_days) == (10, 12, (), 400.0)


def test_everything_can_be_set() -> None:
    """Each setting arrives; names that are not kept do so in lower case, numbers as they are."""
    given_ = {
        "connections": 3,
        "lease_seconds": 5,
        "grace_seconds": 0,
        "overdue_seconds": 0.5,
        "attempts": 1,
        "redact": ["customerName", "PHONE"],
        "keep_days": 30,
    }
    store = store_settings({"url": "postgresql://db/shop", **given_})
    assert {key: getattr(store, key) for key in given_} == {**given_, "redact": ("customername", "phone")}


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ([], "[store] is not a table"),
        ({}, 'store.url: is missing; add it, as in url = "sqlite:///paygate.db"'),
        ({"url": 5}, 'store.url: is missing; add it, as in url = "sqlite:///paygate.db"'),
        ({"url": ""}, 'store.url: is missing; add it, as in url = "sqlite:///paygate.db"'),
        (
            {"url": PASSWORD, "keep_day": 1},
            "store.keep_day: is not a setting of the store; did you mean 'keep_days'?",
        ),
        (
            {"url": PASSWORD, "attempts": 1.5},
            "store.attempts: must be a whole number above zero, and no more than a million",
        ),
        (
            {"url": PASSWORD, "keep_days": PASSWORD},
            "store.keep_days: must be a number above zero, and no more than a million",
        ),
        (
            {"url": PASSWORD, "connections": True},
            "store.connections: must be a whole number above zero, and no more than a million",
        ),
        (
            {"url": PASSWORD, "keep_days": 0},
            "store.keep_days: must be a number above zero, and no more than a million",
        ),
        (
            {"url": PASSWORD, "lease_seconds": 0.9},
            "store.lease_seconds: must be a number of at least 1, and no more than a million",
        ),
        (
            {"url": PASSWORD, "grace_seconds": -1},
            "store.grace_seconds: must be a number of at least 0, and no more than a million",
        ),
        (
            {"url": PASSWORD, "keep_days": math.nan},
            "store.keep_days: must be a number above zero, and no more than a million",
        ),
        (
            {"url": PASSWORD, "keep_days": math.inf},
            "store.keep_days: must be a number above zero, and no more than a million",
        ),
        (
            {"url": PASSWORD, "redact": PASSWORD},
            'store.redact: is a list of names, as in redact = ["customerName"]',
        ),
        (
            {"url": PASSWORD, "redact": [5]},
            'store.redact: is a list of names, as in redact = ["customerName"]',
        ),
        (
            {"url": PASSWORD, "redact": [""]},
            'store.redact: is a list of names, as in redact = ["customerName"]',
        ),
        (
            {"url": {"env": "PAYGATE_NO_SUCH"}},
            "store.url: environment variable PAYGATE_NO_SUCH is not set: export it",
        ),
    ],
)
def test_what_is_wrong_is_named_and_never_shown(store: Any, told: str) -> None:
    """An error names the key and what to write, without the value."""
    assert refused(store) == told


@given(value=st.floats() | st.integers())
def test_a_number_is_taken_or_refused_as_a_whole(value: float) -> None:
    """Whatever is taken is above zero, finite, and no more than a million."""
    try:
        store = store_settings({"url": "postgresql://db/shop", "keep_days": value})
    except ConfigurationError:
        assert not 0 < value <= 1_000_000
    else:
        assert store.keep_days == value
        assert 0 < value <= 1_000_000


def test_an_address_may_be_pointed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password need not stand in the configuration: a file or the environment may have the whole address."""
    monkeypatch.setenv("PAYGATE_STORE", f"postgresql://shop:{PASSWORD}@db/shop")
    (tmp_path / "address").write_text(f"mariadb://shop:{PASSWORD}@db/shop\n")
    for pointer in ({"env": "PAYGATE_STORE"}, {"file": "address"}):
        store = from_document({"url": pointer}, tmp_path)
        assert store is not None
        assert store.url.reveal().endswith(f"://shop:{PASSWORD}@db/shop")


def test_a_file_is_where_the_configuration_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the program is called: a relative file stands beside the configuration that names it."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "elsewhere").mkdir()
    file = tmp_path / "shop" / "paygate.toml"
    file.write_text('[gateways.main]\nadapter = "tiny"\n[store]\nurl = "sqlite:///data/paygate.db"\n')
    monkeypatch.chdir(tmp_path)
    for place in ("shop/paygate.toml", str(file), "elsewhere/../shop/paygate.toml"):
        store = settings.from_file(place).store
        assert store is not None
        found = store.url.reveal()
        assert found.startswith("sqlite:////")
        assert os.path.normpath(found.removeprefix("sqlite:///")) == str(
            tmp_path / "shop" / "data" / "paygate.db"
        )


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/shop/paygate.db",
        "sqlite+pysqlite:////var/lib/shop/paygate.db?timeout=3",
        "sqlite:///:memory:",
        "sqlite://",
        "postgresql:///shop",
        "nonsense",
    ],
)
def test_any_other_address_stays_as_it_is(url: str, tmp_path: Path) -> None:
    """An absolute file is where it says, and a server is no file; what is nonsense is refused when it is opened."""
    store = from_document({"url": url}, tmp_path)
    assert store is not None
    assert store.url.reveal() == url


def test_a_file_keeps_what_follows_it(tmp_path: Path) -> None:
    """Driver and options of an address stay; a path that would be taken for options is refused."""
    store = from_document({"url": "sqlite+pysqlite:///a.db?timeout=3"}, tmp_path)
    assert store is not None
    assert store.url.reveal() == f"sqlite+pysqlite:///{tmp_path}/a.db?timeout=3"
    with pytest.raises(ConfigurationError, match="question mark"):
        from_document({"url": "sqlite:///a.db"}, tmp_path / "what?")
