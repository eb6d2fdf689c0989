"""What the kernel is asked at each scrape must not leave garbage in cycles."""

import gc

from resolver.metrics import kernel
from tests.live.uncollected import uncollected


def test_asking_for_the_clock_leaves_no_cycles() -> None:
    kernel.clock_synchronised()
    with uncollected():
        for _ in range(5):
            kernel.clock_synchronised()
        assert gc.collect() == 0
