"""Every seed of the corpus again, and a moment of mutations of it, the same each time."""

from pathlib import Path

import pytest

from tests.programs.fuzz.mutating import fuzz
from tests.programs.fuzz.seeds import files, load, seeds
from tests.programs.fuzz.targets import TARGETS

ALL = [(name, path) for name in TARGETS for path in files(name)]


@pytest.mark.parametrize(("name", "path"), ALL, ids=[f"{n}-{p.name}" for n, p in ALL])
def test_seed_breaks_no_promise(name: str, path: Path) -> None:
    TARGETS[name](load(path))


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_break_no_promise(name: str, tmp_path: Path) -> None:
    ran = fuzz(TARGETS[name], seeds(name), 1.0, 1, tmp_path)
    assert not ran.failures, ran.failures
    assert ran.executions > len(seeds(name)), "the seeds alone took all the time"


def test_what_breaks_a_promise_is_saved(tmp_path: Path) -> None:
    def breaks(data: bytes) -> int:
        assert b"\xc0" not in data, "broken"
        return len(data)

    ran = fuzz(breaks, [bytes(12)], 0.5, 1, tmp_path)
    [(what, path)] = ran.failures.items()
    assert "AssertionError" in what
    assert b"\xc0" in path.read_bytes()
