"""Moments and durations as people write and read them, in this host's time zone."""

import datetime as dt
import re

from resolver import solar_hijri
from resolver.errors import DarbanError

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:\d+[wdhms])+")
_PART = re.compile(r"(\d+)([wdhms])")


class InvalidMoment(DarbanError):
    """A text that is no moment or duration; the message says what is."""


def parse_moment(text: str) -> dt.datetime:
    """Read a moment such as ``2027-03-20T14:30+03:30``; a date alone is its beginning."""
    try:
        moment = dt.datetime.fromisoformat(text)
        if solar_hijri.is_meant(moment):
            raise InvalidMoment(
                f"'{text}' is a date of the solar Hijri calendar; {solar_hijri.corrected(moment)}"
            )
        return moment.astimezone()
    except (ValueError, OverflowError):
        raise InvalidMoment(
            f"'{text}' is not a moment such as 2027-03-20, 2027-03-20T14:30 or "
            "2027-03-20T14:30+03:30"
        ) from None


def parse_duration(text: str) -> dt.timedelta:
    """Read a duration such as ``2h``, ``90m`` or ``1d12h``."""
    plain = text.replace(" ", "").lower()
    if not _DURATION.fullmatch(plain):
        raise InvalidMoment(f"'{text}' is not a duration such as 2h, 90m, 1d12h or 2w")
    try:
        return sum(
            (dt.timedelta(**{_UNITS[unit]: int(number)}) for number, unit in _PART.findall(plain)),
            dt.timedelta(),
        )
    except OverflowError:
        raise InvalidMoment(f"'{text}' is too long") from None


def moment_text(seconds: float) -> str:
    """A moment in seconds since 1970, to the second, in this host's time zone."""
    return local_time(seconds).isoformat(" ", "seconds")


def local_time(seconds: float) -> dt.datetime:
    """A moment in seconds since 1970, in this host's time zone."""
    return dt.datetime.fromtimestamp(seconds).astimezone()
