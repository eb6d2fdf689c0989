"""What `make` says where it cannot set itself up."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.programs import needed

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]
PLACE = "/sys/darban"
"""Where nobody can make a folder, not even root."""


def _set_up(python: str | Path) -> str:
    """What is said of an environment that cannot be made."""
    command = [str(needed("make")), f"PYTHON={python}", f"VENV={PLACE}", f"{PLACE}/bin/python"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_a_folder_that_cannot_be_written_in_is_not_a_missing_package() -> None:
    said = _set_up(sys.executable)
    assert f"'{PLACE}'" in said
    assert f"{PLACE} is not set up, for the reason above" in said
    assert "apt install" not in said


def test_a_python_without_venv_is_said_to_need_the_package(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    assert "Debian: apt install python3-venv" in _set_up(python)
