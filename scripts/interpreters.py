"""Run the tests on every other Python that is here, and say which ran."""

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


def main() -> None:
    """Make an environment for each, run the tests in it, and end with the first failure."""
    uv = sys.argv[1]
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    ran, missing = [f"{here} (with coverage)"], []
    for version in WANTED:
        if version == here:
            continue
        python = interpreter(version)
        if python is None:
            missing.append(version)
            continue
        folder = Path(".venvs") / version
        environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)}
        environment.pop("VIRTUAL_ENV", None)
        sync = [uv, "sync", "--frozen", "--quiet", "--python", python]
        subprocess.run([*sync, "--no-default-groups", "--group", "test"], env=environment, check=True)
        print(f"tests on Python {version}", flush=True)
        subprocess.run([folder / "bin" / "pytest"], check=True)
        ran.append(version)
    print(f"tests ran on Python {', '.join(ran)}; not here: {', '.join(missing) or 'none'}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)
