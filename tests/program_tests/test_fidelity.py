"""A few of the questions of ``python -m tests.programs.fidelity``, as an ordinary test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs.fidelity.__main__ import IDENTICAL, compare
from tests.programs.fidelity.peers_of_darban import PROGRAMS


@pytest.mark.end_to_end
def test_what_is_not_blocked_is_carried_unchanged(debian: Callable[[str, str], Path]) -> None:
    for program, package in PROGRAMS.items():
        debian(package, program)
    comparison = compare(400)
    assert not comparison.unexplained, "\n".join(comparison.unexplained[:3])
    assert comparison.counts[IDENTICAL] > 200, comparison.counts
