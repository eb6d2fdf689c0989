"""What a reader has to follow of a miss stays bounded."""

import pytest

from tests.programs.bench.miss_calls import changes, misses

MOST_CALLS = 110
MOST_CHANGES = 76
"""Of a miss over UDP, from the reading of its query to the sending of its reply."""


@pytest.mark.interpreted  # compiled functions are called without a trace
def test_a_miss_takes_few_calls_in_few_files() -> None:
    found = misses()
    assert len(found) >= 20
    assert min(map(len, found)) <= MOST_CALLS  # in others a timer ran as well
    assert min(map(changes, found)) <= MOST_CHANGES
