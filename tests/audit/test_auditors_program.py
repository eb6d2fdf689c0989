"""deploy/check_audit_log.py, which needs no Darban, says of each log what the program says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from resolver import DarbanError
from resolver.audit import journal
from resolver.audit.journal import Journal
from resolver.audit.witness import WitnessedHead
from resolver.cli import history_verify
from tests.audit.log_cases import BOUND, CASES
from tests.audit.node import Node
from tests.snapshot.save_state import CLOCK, STATES

pytestmark = pytest.mark.processes
PROGRAM = Path(__file__).parents[2] / "deploy" / "check_audit_log.py"


def _run(program: Path, state: Path, *heads: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", program, state, *heads],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def _status(state: Path, head: str) -> int:
    """The exit code of ``darban history --verify``."""
    number, _, sha256 = head.lower().rpartition(":")
    witnessed = WitnessedHead(sha256, int(number or 0)) if head else None
    try:
        return history_verify.run(state, witnessed, as_json=False)
    except DarbanError as error:
        return error.code


@pytest.fixture(scope="module")
def with_small_bound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, but for the size at which a file is closed."""
    text, number = re.subn("64 << 20", str(BOUND), PROGRAM.read_text(encoding="utf-8"))
    assert number == 1
    path = tmp_path_factory.mktemp("program") / PROGRAM.name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_program_has_no_more_lines_than_anybody_reads() -> None:
    """Without its docstring and empty lines."""
    text = PROGRAM.read_text(encoding="utf-8").rpartition('"""\n')[2]
    assert len(list(filter(None, text.splitlines()))) <= 72


@pytest.mark.parametrize("name", CASES)
def test_both_say_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_small_bound: Path
) -> None:
    case, program = CASES[name], PROGRAM
    if case.rotates:
        monkeypatch.setattr(journal, "_LONGEST", BOUND)
        program = with_small_bound
    node = Node(tmp_path / "state")
    head = case.put(node)
    code, said = _run(program, node.state, *filter(None, [head]))
    assert (_status(node.state, head), code) == (case.status, case.status), said


OLD = [state for state in STATES if (state / "journal-chain.jsonl").exists()]


@pytest.mark.parametrize("state", OLD, ids=lambda state: state.parent.name)
def test_a_head_of_a_release_before_is_found_in_its_chain(state: Path, tmp_path: Path) -> None:
    shutil.copytree(state, tmp_path, dirs_exist_ok=True)
    Journal(tmp_path).append(CLOCK, "stop", who="signal")
    last = (state / "journal-chain.jsonl").read_bytes().splitlines()[-1]
    head = last.rpartition(b'"chain": "')[2][:64].decode()
    assert _run(PROGRAM, tmp_path, head)[0] == 0
    assert _run(PROGRAM, tmp_path, "f" * 64)[0] == 4
