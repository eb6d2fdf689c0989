"""An upgrade from a release before 1.2 has that release verify its audit log: record 1 has it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from resolver.audit.journal import JOURNAL, Journal
from resolver.audit.record import Event
from tests.snapshot.save_state import CLOCK, STATES

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parent.parent.parent
OLD = next(path for path in STATES if "1.1.0" in str(path))
PATHS = {
    "deploy/debian/darban/darban.preinst": "verify_history",
    "deploy/install.sh": 'as_service() { "$@"; }; verify_history',
}


def _function(file: str, state: Path, config: Path) -> str:
    """The function of a script, with other paths; the user that runs this test owns them."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.search(r"^verify_history\(\) \{.*?^\}", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    function = found[0].replace("state=/var/lib/darban", f"state={state}")
    function = function.replace("/etc/darban/config.toml", str(config))
    return re.sub(r'as_service="setpriv [^"]*"', 'as_service=""', function)


@pytest.mark.parametrize("file", PATHS)
@pytest.mark.parametrize("is_whole", [True, False])
def test_the_first_record_has_what_the_release_before_has_said(
    file: str, is_whole: bool, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    shutil.copytree(OLD, state)
    if not is_whole:
        (state / JOURNAL).unlink()
        (state / JOURNAL).mkdir()  # what 'history --verify' cannot read
    program = tmp_path / "release" / "bin" / "darban"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m resolver "$@"\n')
    program.chmod(0o755)
    config = OLD.parent / "config.toml"
    script = f"set -eu\n{_function(file, state, config)}\n{PATHS[file]} {tmp_path / 'release'}\n"
    environment = {
        "PATH": f"{program.parent}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "STATE_DIRECTORY": str(state),
        "STATE": str(state),
        "ETC": str(config.parent),
    }
    (state / "journal-verified").symlink_to("/dev/full")
    subprocess.run(["sh", "-c", script], env=environment, check=True)
    if not is_whole:
        (state / JOURNAL).rmdir()
        (state / JOURNAL).write_bytes((OLD / JOURNAL).read_bytes())
    Journal(state).append(CLOCK, "stop", who="signal")
    first = json.loads((state / JOURNAL).read_bytes().splitlines()[-2])
    assert (first["event"], first["number"]) == (Event.ADOPTED, 1)
    assert ("the history is whole" in first["verified"]) is is_whole
    assert first["verified"].endswith(f"exit status {0 if is_whole else 2}\n")
    assert not (state / "journal-verified").exists()


@pytest.mark.parametrize("file", PATHS)
def test_a_log_of_this_release_is_left_to_it(file: str, tmp_path: Path) -> None:
    shutil.copytree(OLD, tmp_path / "state")
    Journal(tmp_path / "state").append(CLOCK, "stop", who="signal")
    script = _function(file, tmp_path / "state", tmp_path / "config.toml")
    environment = {"PATH": "/usr/bin:/bin", "STATE": str(tmp_path / "state"), "ETC": str(tmp_path)}
    subprocess.run(
        ["sh", "-c", f"set -eu\n{script}\n{PATHS[file]} {tmp_path}"], env=environment, check=True
    )
    assert not (tmp_path / "state" / "journal-verified").exists()
