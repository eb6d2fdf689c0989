"""A few of the questions of ``python -m tests.programs.fidelity``, as an ordinary test."""

import pytest

from tests.live.programs import needed
from tests.programs.fidelity.__main__ import IDENTICAL, compare
from tests.programs.fidelity.peers_of_darban import PROGRAMS


@pytest.mark.end_to_end
def test_what_is_not_blocked_is_carried_unchanged() -> None:
    for program in PROGRAMS:
        needed(program)
    comparison = compare(400)
    assert not comparison.unexplained, "\n".join(comparison.unexplained[:3])
    assert comparison.counts[IDENTICAL] > 200, comparison.counts
