"""Every seed of the corpus again, and some mutations of it, the same each time."""

import pytest

from tests.programs.fuzz.corpus import line, seeds
from tests.programs.fuzz.mutating import fuzz
from tests.programs.fuzz.targets import TARGETS

ALL = [(name, *seed) for name in TARGETS for seed in seeds(name).items()]
MUTATIONS = 1000


@pytest.mark.parametrize(("name", "_", "data"), ALL, ids=[f"{row[0]}-{row[1]}" for row in ALL])
def test_seed_breaks_no_promise(name: str, _: str, data: bytes) -> None:
    TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_break_no_promise(name: str) -> None:
    corpus = seeds(name)
    ran = fuzz(TARGETS[name], corpus.values(), 1, at_most=len(corpus) + MUTATIONS)
    assert not ran.failures, ran.failures


def test_what_breaks_a_promise_is_reported() -> None:
    def breaks(data: bytes) -> int:
        assert b"\xc0" not in data, "broken"
        return len(data)

    ran = fuzz(breaks, [bytes(12)], 1, at_most=1000)
    [(what, data)] = ran.failures
    assert "AssertionError at test_fuzz_corpus.py:" in what
    assert b"\xc0" in data
    assert line("failed", data) == f"failed {data.hex()}\n"
