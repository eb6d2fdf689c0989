"""The one way in which these tests wait: for a condition, and not for ever."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE, _LONGEST = 0.002, 0.1
_LONGER = 1.5


def wait_for(
    condition: Callable[..., T | None],
    what: str,
    seconds: float = 15.0,
    pause: float = _PAUSE,
    longest: float = _LONGEST,
) -> T:
    """What the condition gives, as soon as it gives something; AssertionError if it never does.

    The pauses between the tries become longer, up to ``longest``. Give a longer one where a try
    starts programs, and a short ``longest`` for what is over soon.
    """
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < end, f"not within {seconds} seconds: {what}"
        time.sleep(pause)
        pause = max(pause, min(pause * _LONGER, longest))
