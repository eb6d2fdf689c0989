"""What the kernel is asked at each scrape must not leave garbage in cycles."""

import gc

from resolver.metrics import kernel


def test_asking_for_the_clock_leaves_no_cycles() -> None:
    kernel.clock_synchronised()
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            kernel.clock_synchronised()
        assert gc.collect() == 0
    finally:
        gc.enable()
