"""Commands and the server search for garbage while they run, and spare their modules."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

_RUN = """
import atexit, gc, sys
atexit.register(lambda: print(f"at the end: {gc.isenabled()}, {gc.get_freeze_count() > 10_000}"))
from resolver.cli import main
main()
"""


@pytest.mark.parametrize("arguments", [["check", "--config"], ["run", "--config"]])
def test_garbage_is_searched_for_but_not_among_modules(
    arguments: list[str], tmp_path: Path
) -> None:
    command: list[str | Path] = [sys.executable, "-c", _RUN, *arguments, tmp_path / "lacking.toml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stdout.splitlines()[-1:] == ["at the end: True, True"], done.stderr
