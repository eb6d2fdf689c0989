"""Memory and descriptors of a server that is asked much; ``tests.programs.chaos.soak`` has more."""

import pytest

from tests.programs.chaos.growth import Growth
from tests.programs.chaos.system import system
from tests.programs.chaos.tally import joined


@pytest.mark.end_to_end
def test_nothing_is_lost_by_a_query() -> None:
    with system(1, 100) as (whole, load):
        load.burst(20_000)
        for _ in range(3):  # a heap grows once if a busy machine is late
            growth = Growth(whole, load, whole.workers())
            for _ in range(4):
                growth.sample(20_000)
            lost = [text for text in growth.broken() if "lost by a query" in text]
            if not lost:
                break
    assert not lost
    assert not joined(load.tallies).wrong
