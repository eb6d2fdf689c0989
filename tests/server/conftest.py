"""What a worker leaves changed in the process of the test."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _collecting_again() -> Iterator[None]:
    """A worker freezes what there is, and has the collector look at the youngest only."""
    yield
    gc.enable()
