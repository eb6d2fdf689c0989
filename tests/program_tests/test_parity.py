"""``python -m tests.programs.parity`` as an ordinary test, with fewer warm caches."""

import pytest

from tests.programs.parity.__main__ import ENGINES, compare
from tests.programs.parity.differences import AGREES
from tests.programs.parity.exactness import TARGETS

MOST = 0.5
"""The share of cells that agree: without RD, the other half differs by design."""


@pytest.mark.end_to_end
@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_differs_from_darban_only_as_documented(engine: str) -> None:
    comparison = compare([engine], quick=True)
    assert not comparison.unexplained, "\n".join(comparison.unexplained[:5])
    counts = comparison.counts[engine]
    assert counts[AGREES] > MOST * counts.total(), counts
    assert not comparison.exactness.wrong, "\n".join(comparison.exactness.wrong[:5])
    if engine in TARGETS:
        assert comparison.exactness.unseen(engine) == set()
