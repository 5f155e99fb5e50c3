"""The scaffold goes out with paygate."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.scaffold.workshop import PATIENCE, ROOT, uv


def test_the_wheel_has_every_template(tmp_path: Path) -> None:
    """What is in the folder is in the distribution."""
    command = [uv(), "build", "--wheel", "--offline", "--quiet", "--python", sys.executable]
    done = subprocess.run(
        [*command, "--out-dir", str(tmp_path), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("paygate/scaffold/")}
    there = {str(file.relative_to(ROOT)) for file in (ROOT / "paygate/scaffold").rglob("*.tmpl")}
    assert there
    assert there == shipped
