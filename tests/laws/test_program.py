"""Children of this program run its own code, and nothing that lies about."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import resolver
from resolver.system import child_process


@pytest.mark.processes
def test_a_child_runs_no_file_of_the_current_directory(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('code of a stranger')\n")
    done = subprocess.run(
        child_process.command(
            "resolver.compiler.compilation", str(tmp_path / "none.toml"), str(tmp_path)
        ),
        env=child_process.environment(),
        cwd=tmp_path,
        input=b"null",
        capture_output=True,
        check=True,
    )
    assert "none.toml" in json.loads(done.stdout)["report"][0]


@pytest.mark.processes
def test_a_child_finds_the_package_where_it_is_not_installed(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-P", "-S", "-c", "import resolver; print(resolver.__file__)"],
        env=child_process.environment(),
        cwd=tmp_path,
        capture_output=True,
        check=True,
        text=True,
    )
    assert Path(found.stdout.strip()) == Path(resolver.__file__)
