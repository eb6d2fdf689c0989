"""What ``darban history --verify`` says of each log, also as an auditor runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resolver.audit import journal
from resolver.audit.journal import Journal
from resolver.cli import history_verify
from tests.audit.log_cases import BOUND, CASES, NOT_CHECKABLE
from tests.audit.node import Node
from tests.live.configs import ROOT
from tests.snapshot.save_state import CLOCK, STATES


def _status(state: Path, head: str = "") -> int:
    """The exit code."""
    return history_verify.main([str(state), *(["--head", head] if head else [])])


@pytest.mark.parametrize("name", CASES)
def test_what_it_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    if case.rotates:
        monkeypatch.setattr(journal, "_LONGEST", BOUND)
    node = Node(tmp_path / "state")
    head = case.put(node)
    assert _status(node.state, head) == case.status


OLD = [state for state in STATES if (state / "journal-chain.jsonl").exists()]


@pytest.mark.parametrize("state", OLD, ids=lambda state: state.parent.name)
def test_a_head_of_a_release_before_is_in_the_file_that_it_names(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = Node(tmp_path / "state")
    CASES[f"the state that is {state.parent.name}"].put(node)
    Journal(node.state).append(CLOCK, "stop", who="signal")
    chain = (node.state / "journal-chain.jsonl").read_bytes()
    head = chain.splitlines()[-1].rpartition(b'"chain": "')[2][:64].decode()
    assert _status(node.state, head) == NOT_CHECKABLE
    assert "then journal-chain.jsonl or journal-chain.1.jsonl has it" in capsys.readouterr().out


@pytest.mark.processes
@pytest.mark.parametrize(
    "name",
    [
        "a head",
        "a head with another hash",
        "an upgrade, and the head ffff",
        "a pipe as journal.jsonl",
    ],
)
def test_an_auditor_needs_python_and_no_other_package(name: str, tmp_path: Path) -> None:
    node = Node(tmp_path / "state")
    head = CASES[name].put(node)
    done = subprocess.run(
        [
            *(sys.executable, "-S", "-m", "resolver.cli.history_verify", node.state),
            *(["--head", head] if head else []),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == CASES[name].status, done.stderr


def test_a_directory_that_is_not_there_is_not_whole(tmp_path: Path) -> None:
    assert _status(tmp_path / "darbann") == 2
