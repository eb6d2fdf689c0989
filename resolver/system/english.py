"""Numbers, shares, lists, spans and moments in English texts."""

import datetime as dt
from collections.abc import Sequence
from typing import Final, Literal

from resolver.system import solar_hijri

_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def count_text(number: int, one: str, many: str = "") -> str:
    """``1 name``, ``2,000 names``; ``many`` is the plural where it is not ``one`` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def some_text(first: Sequence[str], number: int) -> str:
    """``a, b and 2 more``: the first of a number of things."""
    more = number - len(first)
    return ", ".join(first) + (f" and {more:,} more" if more > 0 else "")


def span_text(seconds: float) -> str:
    """``1 h 2 min``: a length of time in its two largest units."""
    return " ".join(f"{number} {unit}" for number, unit in span_parts(seconds))


def span_parts(seconds: float) -> list[tuple[int, str]]:
    """The two largest units of a length of time; none is 0, but for ``0 s``."""
    rest = max(0, int(seconds))
    parts: list[tuple[int, str]] = []
    for length, unit in _UNITS:
        number, rest = divmod(rest, length)
        if number or (unit == "s" and not parts):
            parts.append((number, unit))
    return parts[:2]


def share_text(share: float) -> str:
    """``12.5%``: a share between 0 and 1; less than all is never 100%."""
    return f"{min(100 * share, 99.9) if share < 1 else 100:.1f}%"


def utc_text(seconds: float) -> str:
    """``2027-03-20 11:00 UTC``: a moment in seconds since 1970, to the minute."""
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%d %H:%M} UTC"


def moment_text(
    seconds: float, zone: dt.tzinfo | None, precision: Literal["minutes", "seconds"] = "minutes"
) -> str:
    """``2027-03-20 14:30+03:30 (1405-12-29)``: a moment in seconds since 1970, in a time zone.

    The date is of both calendars. Without a zone it is that of this host.
    """
    at = dt.datetime.fromtimestamp(seconds, dt.UTC).astimezone(zone)
    return f"{at.isoformat(' ', precision)} ({solar_hijri.text(at.date())})"


def day_text(day: dt.date) -> str:
    """``2027-03-20 (1405-12-29)``: a day in both calendars."""
    return f"{day} ({solar_hijri.text(day)})"
