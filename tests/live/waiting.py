"""The one way in which these tests wait: for a condition, and not for ever."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE = 0.02


def wait_for(condition: Callable[[], T | None], what: str, seconds: float = 15.0) -> T:
    """What the condition gives, as soon as it gives something; AssertionError if it never does."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < end, f"not within {seconds} seconds: {what}"
        time.sleep(_PAUSE)
