"""deploy/check_audit_log.py, which needs no Darban, finds what answer-auditor.md says."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from resolver.audit.journal import Journal
from tests.audit.node import HOUR, Node, at
from tests.audit.test_tampering import ATTEMPTS, By
from tests.snapshot.save_state import CLOCK, STATES

pytestmark = pytest.mark.processes
PROGRAM = Path(__file__).parents[2] / "deploy" / "check_audit_log.py"
NOT_LINKED = ("figures_changed", "boottime_back", "lost", "early_rotation")
"""It compares numbers, hashes and the head, and nothing else."""


def _run(state: Path, *heads: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", PROGRAM, state, *heads],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_program_has_no_more_lines_than_anybody_reads() -> None:
    assert len(PROGRAM.read_text(encoding="utf-8").splitlines()) <= 45


def test_what_the_program_finds(tmp_path: Path) -> None:
    for name, (by, findings, tamper) in ATTEMPTS.items():
        node = Node(tmp_path / name)
        node.write(5)
        node.now = 3 * HOUR
        node.seal(0.0, HOUR, at(node.now))
        head = node.write(3)
        assert _run(node.state, head.hash)[0] == 0
        tamper(node)
        is_found = bool(findings) and not set(findings) & {*NOT_LINKED, "before_head"}
        code, told = _run(node.state, head.hash) if by is By.WITNESS else _run(node.state)
        assert code == is_found, (name, told)


OLD = [each for each in STATES if (each / "journal-chain.jsonl").exists()]


@pytest.mark.parametrize("state", OLD, ids=lambda state: state.parent.name)
def test_a_head_of_a_release_before_is_found_in_its_chain(state: Path, tmp_path: Path) -> None:
    shutil.copytree(state, tmp_path, dirs_exist_ok=True)
    Journal(tmp_path).append(CLOCK, "stop", who="signal")
    last = (state / "journal-chain.jsonl").read_bytes().splitlines()[-1]
    head = last.rpartition(b'"chain": "')[2][:64].decode()
    assert _run(tmp_path, head)[0] == 0
    assert _run(tmp_path, "f" * 64) == (1, f"no record has the head {'f' * 64}\n")
