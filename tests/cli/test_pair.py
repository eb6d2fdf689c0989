"""A node of a pair that prints without end, or never ends: what it prints and takes is bounded."""

import resource
from pathlib import Path

import pytest

from resolver.cli import pair
from resolver.cli.pair import NOT_REACHED, DoneThere, run_there

pytestmark = pytest.mark.processes


def _run_with(ssh: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DoneThere:
    """Run a command on a node whose ssh is a script."""
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\n{ssh}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return run_there("ns2", tmp_path / "config.toml", ["status", "--json"])


@pytest.mark.parametrize("to", ["", " >&2"])
def test_a_node_that_prints_without_end_is_given_up(
    to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = _run_with(f"head -c 400000000 /dev/zero{to}", tmp_path, monkeypatch)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (done.code, done.out) == (NOT_REACHED, "")
    assert done.err == "it prints more than 16 MiB; given up"
    assert grown < 150_000  # KiB
    assert "ns2: it may not be done there; to do it later, run there: " in done.lines()[-1]


@pytest.mark.parametrize("closing", ["", "exec >&- 2>&-; "])
def test_a_node_that_does_not_answer_is_given_up(
    closing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair, "_MOST_SECONDS", 0.2)
    done = _run_with(f"{closing}exec sleep 600", tmp_path, monkeypatch)
    assert (done.code, done.is_known) == (NOT_REACHED, False)
    assert done.err == "the command has not ended within 0.2 s; given up"


def test_what_a_node_prints_is_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = _run_with("echo '{}'; echo a warning >&2; exit 1", tmp_path, monkeypatch)
    assert (done.code, done.out, done.err) == (1, "{}\n", "a warning\n")
    assert "ns2: it is not done there; to do it later, run there: " in done.lines()[-1]
