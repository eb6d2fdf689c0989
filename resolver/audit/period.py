"""The period of a report: a month of either calendar, or the days from one to another.

The year of a date says whether it is solar Hijri or Gregorian: 1405-08 and 2026-11.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from resolver import DarbanError
from resolver.system import solar_hijri

_MONTH = re.compile(r"(\d{4})-(\d\d?)")
_MAX_DAYS = 400


class InvalidPeriod(DarbanError):
    """A text that is no month or day, or days in the wrong order; the message says what is."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of a time zone; a period that has not ended ends with the moment of the report."""

    begin: int
    """When it begins, in UTC seconds since 1970."""
    end: int
    """When it ends; this second is excluded."""
    first: str
    """Its first day, such as 2026-10-23."""
    last: str
    """Its last day, which is included."""
    month: str = ""
    """The month that it is, such as 1405-08 or 2026-11; empty for other days."""
    runs: bool = False
    """Whether its days have not ended, so that it ends with the report."""

    def days(self) -> Iterator[dt.date]:
        """Its days in the Gregorian calendar."""
        day, last = map(dt.date.fromisoformat, (self.first, self.last))
        while day <= last:
            yield day
            day += dt.timedelta(1)

    def until_moment(self, moment: float) -> "Period":
        """The part of it before a moment."""
        if self.end <= moment:
            return self
        return replace(self, end=max(self.begin, int(moment)), runs=True)


def month(text: str, zone: ZoneInfo) -> Period:
    """The month that a text such as 1405-08 or 2026-11 names.

    Raises:
        InvalidPeriod: the text is not the name of a month.
    """
    if not (match := _MONTH.fullmatch(text)):
        raise InvalidPeriod(f"'{text}' is not a month such as 1405-08 or 2026-11")
    year, of_year = int(match[1]), int(match[2])
    following = (year, of_year + 1) if of_year < 12 else (year + 1, 1)
    first = _day(f"{text}-01")
    after = _day(f"{following[0]}-{following[1]:02}-01")
    return _period(first, after - dt.timedelta(1), zone, f"{year}-{of_year:02}")


def days(first: str, last: str, zone: ZoneInfo) -> Period:
    """The days from one to another, which is included; both of either calendar.

    Raises:
        InvalidPeriod: a text is no day, the days are in the wrong order, or too many.
    """
    begin, end = _day(first), _day(last)
    if not 0 <= (end - begin).days < _MAX_DAYS:
        raise InvalidPeriod(
            f"from {first} to {last} is not a period: the first day comes first, and a period "
            f"has {_MAX_DAYS} days at most"
        )
    return _period(begin, end, zone)


def before(period: Period, zone: ZoneInfo) -> Period:
    """The month before a month; else as many days before as the period has.

    Of a period that has not ended, the part of the one before that is as long.
    """
    first = dt.date.fromisoformat(period.first)
    last = first - dt.timedelta(1)
    length = (dt.date.fromisoformat(period.last) - first).days
    if period.month:
        earlier = month(_name_of_month(last, period.month), zone)
    else:
        earlier = _period(last - dt.timedelta(length), last, zone)
    if period.runs:
        return earlier.until_moment(earlier.begin + (period.end - period.begin))
    return earlier


def local_day(at: float, zone: ZoneInfo) -> dt.date:
    """The day of a moment in a time zone."""
    return dt.datetime.fromtimestamp(at, zone).date()


def _name_of_month(day: dt.date, like: str) -> str:
    """The month that has a day, in the calendar of another month."""
    if int(like[:4]) in solar_hijri.YEARS:
        year, of_year, _ = solar_hijri.of(day)
        return f"{year}-{of_year:02}"
    return f"{day:%Y-%m}"


def _day(text: str) -> dt.date:
    day = solar_hijri.read_day(text)
    if day is None or not 1970 < day.year < 9999:
        raise InvalidPeriod(f"'{text}' is not a day such as 1405-08-01 or 2026-10-23")
    return day


def _period(first: dt.date, last: dt.date, zone: ZoneInfo, name: str = "") -> Period:
    since, until = (_begin(day, zone) for day in (first, last + dt.timedelta(1)))
    return Period(since, until, first.isoformat(), last.isoformat(), name)


def _begin(day: dt.date, zone: ZoneInfo) -> int:
    return int(dt.datetime.combine(day, dt.time(), zone).timestamp())
