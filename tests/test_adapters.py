import sys
from collections.abc import Callable, Iterator
from email.message import Message
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from paygate_tiny import Tiny

from paygate import (
    API_VERSION,
    ChargeRequest,
    ConfigurationError,
    Paygate,
    PluginError,
    adapters,
    hookimpl,
)
from tests.provider import CANARY


class Stranger(metadata.Distribution):
    """An installed distribution, as its metadata shows it."""

    def __init__(self, name: str, version: str, *points: tuple[str, str]) -> None:
        self._message = Message()
        self._message["Name"] = name
        self._message["Version"] = version
        self._points = points

    @property
    def metadata(self) -> Any:
        return self._message

    @property
    def entry_points(self) -> Any:
        return metadata.EntryPoints(
            metadata.EntryPoint(name, target, "paygate.adapters") for name, target in self._points
        )

    def read_text(self, filename: str) -> str | None:
        return None

    def locate_file(self, path: Any) -> Any:
        return path


Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install distributions beside those that are there."""
    there = list(metadata.distributions())

    def do(*strangers: Stranger) -> None:
        monkeypatch.setattr(adapters, "_distributions", lambda: [*there, *strangers])
        adapters._scan.cache_clear()

    yield do
    monkeypatch.undo()
    adapters._scan.cache_clear()


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a module with some attributes importable."""

    def make(name: str, **attributes: Any) -> None:
        made = ModuleType(name)
        vars(made).update(attributes)
        monkeypatch.setitem(sys.modules, name, made)

    return make


def test_installed_adapters_are_found_by_their_metadata_alone() -> None:
    """Both plugins of this workspace are listed with distribution and version."""
    found = adapters.installed()
    assert {"ayolinx", "tiny"} <= set(found)
    assert "paygate-tiny 0.3.0" == found["tiny"][0].source
    assert Tiny is adapters.find("tiny").load()


def test_an_unknown_name_gets_the_nearest_known_one() -> None:
    """A typing error is answered with what was probably meant."""
    with pytest.raises(ConfigurationError, match="did you mean 'ayolinx'"):
        adapters.find("ayolink")
    with pytest.raises(ConfigurationError, match="known: ayolinx, tiny"):
        adapters.find("qqq")


def test_without_any_plugin_the_error_says_so(monkeypatch: pytest.MonkeyPatch, install: Install) -> None:
    """An empty environment is named."""
    install()
    monkeypatch.setattr(adapters, "_distributions", list)
    adapters._scan.cache_clear()
    with pytest.raises(ConfigurationError, match="known: none"):
        adapters.find("ayolinx")


def test_two_distributions_that_claim_one_name_are_both_named(install: Install) -> None:
    """Nobody wins silently, and every other adapter still works."""
    install(Stranger("evil-tiny", "9.9", ("tiny", "paygate_tiny:Tiny")))
    with pytest.raises(PluginError, match=r"evil-tiny 9\.9") as clash:
        adapters.find("tiny")
    assert "paygate-tiny 0.3.0" in str(clash.value)
    assert "names" == clash.value.stage
    assert adapters.find("ayolinx").load()


@pytest.mark.parametrize("name", ["paygate-tiny", "paygate_tiny", "Paygate.Tiny"])
def test_one_distribution_on_two_paths_is_one_claim(install: Install, name: str) -> None:
    """A path listed twice is no clash, however the name is spelt there."""
    install(Stranger(name, "0.3.0", ("tiny", "paygate_tiny:Tiny")))
    assert Tiny is adapters.find("tiny").load()


class Unreadable(Stranger):
    """A distribution whose entry points cannot be read, and that may say what is in their file."""

    def __init__(self, name: str, folder: Path | None, content: bytes = b"") -> None:
        super().__init__(name, "1.0")
        if folder is not None:
            (folder / "entry_points.txt").write_bytes(content)
            self._path = folder

    @property
    def entry_points(self) -> Any:
        raise UnicodeDecodeError("utf-8", b"", 0, 1, "no text")


def test_unreadable_entry_points_are_told_where_they_seem_to_offer_an_adapter(
    install: Install, tmp_path: Path
) -> None:
    """Whatever else is broken on this machine is nobody's business; all others work."""
    folders = [tmp_path / name for name in ("ours", "others")]
    for folder in folders:
        folder.mkdir()
    install(
        Unreadable("ours", folders[0], b"\xff[paygate.adapters]"),
        Unreadable("others", folders[1], b"\xff[console_scripts]"),
        Unreadable("nowhere", None),
    )
    [broken] = adapters.unreadable()
    assert ("", "ours 1.0") == (broken.name, broken.source)
    with pytest.raises(PluginError, match="failed at metadata: its entry points") as failed:
        broken.load()
    assert "metadata" == failed.value.stage
    assert Tiny is adapters.find("tiny").load()
    with pytest.raises(ConfigurationError, match=r"the metadata of ours 1\.0 cannot be read"):
        adapters.find("lost")


def test_a_distribution_without_a_name_takes_no_name_from_others(install: Install) -> None:
    """It offers nothing: the good claim stands, and its own name is explained."""
    nameless = Stranger("", "", ("tiny", "paygate_tiny:Tiny"), ("own", "paygate_tiny:Tiny"))
    install(nameless)
    assert Tiny is adapters.find("tiny").load()
    with pytest.raises(PluginError, match="its metadata tells no name of the distribution") as failed:
        adapters.find("own").load()
    assert "a distribution without a name of an unknown version" in str(failed.value)


def test_metadata_that_raises_has_no_name(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """As newer libraries do where the file is missing."""

    class Missing(Stranger):
        @property
        def metadata(self) -> Any:
            raise FileNotFoundError

    install(Missing("gone", "1.0", ("own", "paygate_tiny:Tiny")))
    assert ["own"] == [one.name for one in adapters.unreadable()]


def test_what_is_not_named_is_not_imported(install: Install) -> None:
    """Installing is not running: a plugin that the configuration does not name stays on disk."""
    install(Stranger("slow", "1.0", ("slow", "a_module_that_must_not_be_imported:Slow")))
    document = {"gateways": {"main": {"adapter": "tiny", "api_key": CANARY}}}
    with Paygate.from_mapping(document):
        assert "a_module_that_must_not_be_imported" not in sys.modules


class Old:
    api_version = API_VERSION + 1
    settings_type = None


class Shapeless:
    api_version = API_VERSION


class Formless(Shapeless):
    settings_type = dict


class Misspelt(Tiny):
    @hookimpl
    def create_chrage(self, request: ChargeRequest) -> None: ...


@pytest.mark.parametrize(
    ("attributes", "stage", "cure"),
    [
        (None, "import", "reinstall or upgrade"),
        ({"Other": 1}, "import", "reinstall or upgrade"),
        ({"Adapter": Old}, "api version", "install a stranger that fits"),
        ({"Adapter": Old()}, "api version", "install a stranger that fits"),
        ({"Adapter": Shapeless()}, "interface", "report this"),
        ({"Adapter": Shapeless}, "settings", "report this"),
        ({"Adapter": Formless}, "settings", "report this"),
        ({"Adapter": Misspelt}, "hooks", "report this"),
    ],
)
def test_a_broken_plugin_is_named_with_version_stage_and_cure(
    install: Install,
    module: Callable[..., None],
    attributes: dict[str, Any] | None,
    stage: str,
    cure: str,
) -> None:
    """Whoever reads the error knows which distribution to mend and how."""
    install(Stranger("stranger", "2.1", ("broken", "broken_module:Adapter")))
    if attributes is not None:
        module("broken_module", **attributes)
    with pytest.raises(PluginError, match=cure) as failed:
        adapters.find("broken").load()
    assert stage == failed.value.stage
    assert f"of stranger 2.1 failed at {stage}" in str(failed.value)
    assert adapters.find("tiny").load()


def test_an_adapter_that_fails_on_its_settings_is_named_and_shows_nothing(
    install: Install, module: Callable[..., None]
) -> None:
    """The constructor's own exception may hold a secret, so only its kind is told."""

    class Failing(Tiny):
        def __init__(self, gateway: str, settings: Any, clock: Any) -> None:
            raise ValueError(settings.api_key.reveal())

    install(Stranger("stranger", "2.1", ("failing", "failing_module:Adapter")))
    module("failing_module", Adapter=Failing)
    with pytest.raises(PluginError, match="failed at settings: ValueError") as failed:
        Paygate.from_mapping({"gateways": {"main": {"adapter": "failing", "api_key": CANARY}}})
    assert "main" == failed.value.gateway
