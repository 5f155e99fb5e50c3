"""Run the tests on every other Python that is here, and say which ran.

They look for what differs between interpreters: properties are tried with fewer examples than on the first,
what drives browsers, other programs and processes runs there alone, and the ones between the oldest and the
newest have the core to themselves.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

WANTED = ("3.11", "3.12", "3.13")
CORE = (
    "tests/snap",
    "tests/callbacks",
    "tests/conformance/test_tiny_conforms.py",
    *(str(one) for one in sorted(Path("tests").glob("test_*.py")) if "write_an_adapter" not in one.name),
)
ONCE = (
    "tests/store/test_kills.py",
    "tests/store/test_same_references.py",
    "tests/store/test_store_faults.py",
    "tests/store/test_worker_processes.py",
    "tests/store/test_store_away.py",
    "tests/store/test_database_away.py",
    "tests/credentials",
    "tests/sandbox",
    "tests/cli",
    "tests/examples",
    "tests/test_failover_run.py",
    "plugins/ayolinx/tests/test_callback_fuzz.py",
    "plugins/ayolinx/tests/test_callback_rubbish.py",
    "tests/test_write_an_adapter.py",
    "tests/scaffold",
    "tests/conformance/test_faulty_adapters.py",
    "tests/conformance/test_kit_pytest.py",
)
"""What runs on the first interpreter alone."""


def candidates(version: str) -> Iterator[str]:
    """Where an interpreter of this version may be: on the path, or among pyenv's."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which(f"python{version}", path=folder)
        if found is not None:
            yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for python in sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True):
        yield str(python)


def interpreter(version: str) -> str | None:
    """A working interpreter of this version, if there is one."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in candidates(version):
        answer = subprocess.run([candidate, "-c", ask], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip() == version:
            return candidate
    return None


def tested(uv: str, version: str, python: str, what: Sequence[str]) -> bool:
    """Make an environment for an interpreter, run the tests in it, and say whether they passed."""
    folder = Path(".venvs") / version
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)}
    environment.pop("VIRTUAL_ENV", None)
    sync = [uv, "sync", "--frozen", "--quiet", "--python", python]
    subprocess.run([*sync, "--no-default-groups", "--group", "test"], env=environment, check=True)
    print(f"\ntests on Python {version}", flush=True)
    options = ["-p", "no:cacheprovider", "-n", "auto", "--hypothesis-profile", "brief"]
    return subprocess.run([str(folder / "bin" / "pytest"), *options, *what], check=False).returncode == 0


def main() -> None:
    """Run the tests on each, the newest last and with the most, and fail where one does."""
    uv = sys.argv[1]
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = {version: interpreter(version) for version in WANTED if version != here}
    ran = {version: python for version, python in found.items() if python is not None}
    failed = []
    for version, python in ran.items():
        what = CORE if version != max(ran, key=WANTED.index) else [f"--ignore={path}" for path in ONCE]
        if not tested(uv, version, python, what):
            failed.append(version)
    missing = [version for version in found if version not in ran]
    print(f"tests ran on Python {', '.join([f'{here} (all, with coverage)', *ran])}")
    print(f"not here: {', '.join(missing) or 'none'}; failed: {', '.join(failed) or 'none'}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
