"""Durations as people write them: ``2h``, ``90m``, ``1d12h``, ``2w``."""

import datetime as dt
import re

EXAMPLES = "2h, 90m, 1d12h or 2w"
PATTERN = r"(?:\d+[wdhms])+"

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(PATTERN)
_PART = re.compile(r"(\d+)([wdhms])")


def read_duration(text: str) -> dt.timedelta:
    """Read a duration.

    Raises:
        ValueError: the text is none.
        OverflowError: it is too long.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(text)
    parts = _PART.findall(text)
    return sum(
        (dt.timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), dt.timedelta()
    )
