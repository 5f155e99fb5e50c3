"""Run the tests on every other Python that is here, and say which ran.

They look for what differs between interpreters: properties are tried with fewer examples than on the first.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

WANTED = ("3.11", "3.12", "3.13")


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


def started(uv: str, version: str, python: str) -> subprocess.Popen[str]:
    """Make an environment for an interpreter, and start the tests in it."""
    folder = Path(".venvs") / version
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)}
    environment.pop("VIRTUAL_ENV", None)
    sync = [uv, "sync", "--frozen", "--quiet", "--python", python]
    subprocess.run([*sync, "--no-default-groups", "--group", "test"], env=environment, check=True)
    tests = [str(folder / "bin" / "pytest"), "-p", "no:cacheprovider", "--hypothesis-profile", "brief"]
    return subprocess.Popen(tests, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main() -> None:
    """Run the tests on all at once, show what each says, and fail where one does."""
    uv = sys.argv[1]
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = {version: interpreter(version) for version in WANTED if version != here}
    running = {version: started(uv, version, python) for version, python in found.items() if python}
    failed = []
    for version, tests in running.items():
        said, _ = tests.communicate()
        print(f"\ntests on Python {version}\n{said}", flush=True)
        if tests.returncode:
            failed.append(version)
    missing = [version for version, python in found.items() if python is None]
    print(f"tests ran on Python {', '.join([f'{here} (with coverage)', *running])}")
    print(f"not here: {', '.join(missing) or 'none'}; failed: {', '.join(failed) or 'none'}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
