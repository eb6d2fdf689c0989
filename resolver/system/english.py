"""Numbers, lists and moments in English texts."""

import datetime as dt
from collections.abc import Sequence


def count_text(number: int, one: str, many: str = "") -> str:
    """``1 name``, ``2,000 names``; ``many`` is the plural where it is not ``one`` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def some_text(first: Sequence[str], number: int) -> str:
    """``a, b and 2 more``: the first of a number of things."""
    more = number - len(first)
    return ", ".join(first) + (f" and {more:,} more" if more > 0 else "")


def utc_text(seconds: float) -> str:
    """``2027-03-20 11:00 UTC``: a moment in seconds since 1970, to the minute."""
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%d %H:%M} UTC"
