"""The rules of this house, as tests."""

import ast
import inspect
import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

import paygate
from paygate import PaygateError
from paygate.hookspecs import ANNOUNCEMENTS, QUESTIONS, Hooks

ROOT: Final = Path(__file__).parent.parent
CORE: Final = sorted((ROOT / "paygate").rglob("*.py"))
PLUGINS: Final = sorted((ROOT / "plugins").glob("*/paygate_*/**/*.py"))
TESTS: Final = sorted((ROOT / "tests").rglob("test_*.py")) + sorted(
    (ROOT / "plugins").glob("*/tests/test_*.py")
)
EMPTY_NAMES: Final = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "core",
    "manager",
    "misc",
    "types",
}

# Who may import whom within paygate: a module may import those of its own line and of the lines below.
LAYERS: Final = (
    {"cli", "__main__", "__init__"},
    {"conformance"},
    {"sandbox", "callbacks"},
    {"worker"},
    {"routing"},
    {"reconciliation"},
    {"routes", "gateway"},
    {"bookkeeping", "async_bookkeeping"},
    {"assembly", "driver", "guard", "offline", "settlement"},
    {
        "adapters",
        "retrying",
        "transports",
        "reading",
        "credentials",
        "desk",
        "listeners",
        "settings",
        "sharing",
        "operation",
        "breaker",
    },
    {"registration", "telemetry"},
    {"hookspecs"},
    {"store"},
    {"snap", "capabilities", "conflicts", "derivation"},
    {"flow", "callback", "diagnosis", "returns"},
    {"model"},
    {"methods", "refunds"},
    {"addresses", "handlers", "money", "redaction", "sections", "sharing_settings", "store_settings"},
    {"errors"},
    {"advice", "external_ids", "held", "hints", "pauses"},
)


def layer(module: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if module in names)


def place(file: Path) -> str:
    """The part of paygate that a file belongs to."""
    part = file.relative_to(ROOT / "paygate").parts[0]
    return part.removesuffix(".py")


def imports(file: Path, *, at_run_time: bool = False) -> set[str]:
    """The modules that a file imports; those under TYPE_CHECKING only where they count."""
    tree = ast.parse(file.read_text())
    if at_run_time:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == "paygate"}
    return found


@pytest.mark.parametrize("file", CORE, ids=lambda file: str(file.relative_to(ROOT)))
def test_arrows_point_downwards(file: Path) -> None:
    """A module imports what stands on its own line of the layers or below, never above."""
    own = layer(place(file))
    for module in imports(file, at_run_time=True):
        parts = module.split(".")
        if parts[0] == "paygate" and len(parts) > 1 and any(parts[1] in names for names in LAYERS):
            assert layer(parts[1]) >= own or parts[1] == place(file), f"{file.name} imports {module}"


def test_the_core_names_no_plugin() -> None:
    """No module of paygate imports or mentions a plugin's package."""
    for file in CORE:
        assert not re.search(r"paygate_(ayolinx|midtrans|tiny)", file.read_text()), file


@pytest.mark.parametrize("file", PLUGINS, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_plugin_uses_public_names_only(file: Path) -> None:
    """Plugins import `paygate`, `paygate.snap` and, for simulators, `paygate.sandbox`."""
    for module in imports(file):
        if module.split(".")[0] == "paygate":
            assert module.split(".")[:2] in (["paygate"], ["paygate", "snap"], ["paygate", "sandbox"]) or (
                module.removeprefix("paygate.") in paygate.__all__
            )
            assert module.count(".") <= 1


@pytest.mark.parametrize(
    ("module", "homes"),
    [
        ("tenacity", {"retrying.py"}),
        ("circuitbreaker", {"breaker.py"}),
        ("importlib", {"adapters.py"}),
        ("opentelemetry", {"telemetry.py"}),
        ("redis", {"sharing.py"}),
        ("sqlalchemy", {"store"}),
        ("alembic", {"store"}),
        ("pluggy", {"desk.py", "hookspecs.py", "listeners.py", "registration.py"}),
        ("typer", {"cli", "__main__.py"}),
        ("rich", {"cli", "__main__.py"}),
        ("starlette", {"sandbox"}),
        ("uvicorn", {"sandbox"}),
        ("jinja2", {"sandbox"}),
        ("segno", {"cli", "sandbox", "__main__.py"}),
        (
            "threading",
            {
                "breaker.py",
                "credentials.py",
                "routes.py",
                "transports.py",
                "sandbox",
                "store",
                "worker.py",
                "cli",
            },
        ),
    ],
)
def test_each_dependency_has_one_home(module: str, homes: set[str]) -> None:
    """What one room is for stays in that room."""
    users = {
        file.relative_to(ROOT / "paygate").parts[0]
        for file in CORE
        if any(name.split(".")[0] == module for name in imports(file))
    }
    assert users <= homes
    assert users


def test_importing_paygate_imports_nothing_dear() -> None:
    """httpx, cryptography, tenacity and asyncio wait until a gateway is built."""
    import subprocess
    import sys

    code = "import sys, paygate; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "paygate.gateway" in loaded
    assert not {
        "httpx",
        "cryptography",
        "tenacity",
        "asyncio",
        "anyio",
        "circuitbreaker",
        "redis",
        "rich",
        "sqlalchemy",
        "starlette",
        "email",
        "difflib",
        "tomllib",
        "opentelemetry",
    } & set(loaded)


@pytest.mark.parametrize("file", CORE + PLUGINS + TESTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_rooms_are_small_and_named(file: Path) -> None:
    """A module has at most 300 lines and a name that says what is in it."""
    assert len(file.read_text().splitlines()) <= (300 if file not in TESTS else 500)
    assert file.stem not in EMPTY_NAMES


def test_public_names_are_the_visible_ones_in_order() -> None:
    """`__all__` is sorted, and equals what `paygate` shows."""
    visible = {name for name in vars(paygate) if not name.startswith("_")}
    modules = {file.stem for file in CORE} | {"callbacks", "cli", "conformance", "sandbox", "snap"}
    assert sorted(paygate.__all__) == paygate.__all__
    assert set(paygate.__all__) == visible - modules | ({"settings"} & set(paygate.__all__))


def test_every_public_name_has_a_docstring() -> None:
    """Whatever a user meets explains itself."""
    bare = [
        name
        for name in paygate.__all__
        if (inspect.isclass(getattr(paygate, name)) or inspect.isfunction(getattr(paygate, name)))
        and not (getattr(paygate, name).__doc__ or "").strip()
    ]
    assert [] == bare


def test_every_hook_is_documented_with_its_exact_signature() -> None:
    """docs/hooks.md shows each hook as the specification has it."""
    page = (ROOT / "docs" / "hooks.md").read_text()
    for name in (*QUESTIONS, *ANNOUNCEMENTS):
        code = getattr(Hooks, name).__code__
        arguments = ", ".join(code.co_varnames[1 : code.co_argcount])
        assert f"`{name}({arguments})`" in page


def test_every_error_is_documented() -> None:
    """docs/errors.md explains each one."""
    page = (ROOT / "docs" / "errors.md").read_text()
    names = [name for name in paygate.__all__ if isinstance(getattr(paygate, name), type)]
    for name in names:
        if issubclass(getattr(paygate, name), PaygateError):
            assert f"`{name}`" in page


@pytest.mark.parametrize("folder", [".", "plugins/ayolinx", "plugins/midtrans"])
def test_the_changelog_speaks_of_the_version_that_is_installed(folder: str) -> None:
    """The newest heading is the distribution's version, or unreleased."""
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    heading = re.search(r"^## \[(.+?)\]", (ROOT / folder / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heading is not None
    assert heading[1] in (project["version"], "Unreleased")
    assert project["version"] == metadata.version(project["name"])


@pytest.mark.parametrize("file", TESTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_test_states_its_behaviour(file: Path) -> None:
    """Each test function has a docstring."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
            assert ast.get_docstring(node), f"{file.name}: {node.name}"
