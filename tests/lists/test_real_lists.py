"""Real lists of others, where they are at hand: the same verdicts as by the obvious matcher."""

import pytest

from tests.lists.figures import measure
from tests.lists.list_texts import REAL, REAL_FILES

_ASKED = 20_000
"""``python -m tests.lists`` asks for five times as many."""


@pytest.mark.shared_data
@pytest.mark.parametrize("file", REAL_FILES)
def test_a_real_list_is_judged_as_the_obvious_matcher_does(file: str) -> None:
    figures = measure(REAL / file, REAL_FILES[file], _ASKED)
    assert figures.different == []
    assert figures.blocked > _ASKED / 10
    assert figures.entries > 20
