"""The law of the compiled package: the same replies and counts as interpreted, octet by octet."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.configs import ROOT

COMPILED = ROOT / "build" / "venv" / "bin" / "python"


def replies(python: str, place: Path) -> list[str]:
    """What ``tests.scenarios.replies`` prints with the package that this place has, or Python."""
    (place / "tests").symlink_to(ROOT / "tests")
    # With PYTHONSAFEPATH, an installed package comes before that of the place.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    command = [python, "-m", "tests.scenarios.replies"]
    return subprocess.check_output(command, cwd=place, env=environment, text=True).splitlines()


@pytest.mark.processes
def test_compiled_and_interpreted_reply_and_count_alike(tmp_path: Path) -> None:
    if not COMPILED.exists():
        pytest.skip("needs the compiled package: make compile")
    for name in ("interpreted", "compiled"):
        (tmp_path / name).mkdir()
    (tmp_path / "interpreted" / "resolver").symlink_to(ROOT / "resolver")
    interpreted = replies(sys.executable, tmp_path / "interpreted")
    compiled = replies(str(COMPILED), tmp_path / "compiled")
    assert (interpreted.pop(0), compiled.pop(0)) == ("interpreted", "compiled")
    assert len(interpreted) > 5000
    assert compiled == interpreted
