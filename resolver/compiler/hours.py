"""Compile hours of the week into the moments at which they begin and end.

Workers compare these moments with the clock, and read no zone files. The rules of a time zone come
from the package tzdata, so that two servers with the same release have the same moments.

How it works: between two changes of its offset from UTC, a time zone is a constant. In each such
span, the hours of every local day are intervals; those that touch become one.

What must stay true:
- Hours hold at a moment if its local day, hour and minute lie in them. So an hour that a change of
  the clock leaves out has no moment, and one that it repeats has all of its moments.
- The moments depend on the hours, the holidays and the release, and on no clock.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from resolver.config.hours_model import DAYS, HoursConfig, clock_text
from resolver.config.load import LoadedConfig
from resolver.config.problems import Problem
from resolver.config.warnings import PAST_HOLIDAYS, code_of
from resolver.policy.compiled import Hours
from resolver.system.english import day_text
from resolver.system.time_zones import time_zone, utc_offset

FIRST_YEAR: Final = 2026
LAST_YEAR: Final = 2036
"""The years for which hours are known; a release moves them on."""
_DAY: Final = 86_400
_STEP: Final = 6 * 3600
"""Seconds: no time zone changes its offset twice within this time."""
_EPOCH: Final = dt.date(1970, 1, 1)


class WeeklyHours(NamedTuple):
    """Hours of the week, in local time."""

    days: frozenset[int]
    """0 is Monday. Hours that run over midnight belong to the day on which they begin."""
    begin: int
    """Seconds since midnight."""
    end: int
    """Seconds since midnight; of the next day where it is no later than ``begin``."""
    holidays: frozenset[dt.date] = frozenset()
    """Days on which they do not begin."""


def compile_hours(name: str, hours: HoursConfig, zone: ZoneInfo) -> Hours:
    """The hours of a config as a snapshot has them."""
    weekly = WeeklyHours(frozenset(hours.days), hours.from_, hours.to, frozenset(hours.holidays))
    return Hours(
        name=name,
        days=tuple(DAYS[day] for day in hours.days),
        begin=clock_text(hours.from_),
        end=clock_text(hours.to),
        time_zone=hours.time_zone,
        holidays=tuple(sorted(set(map(str, hours.holidays)))),
        moments=moments(weekly, zone),
    )


def ending(loaded: LoadedConfig, wall: float) -> Iterator[Problem]:
    """A warning in the year before the last moment that a snapshot knows."""
    last = dt.datetime(LAST_YEAR, 1, 1, tzinfo=dt.UTC)
    if loaded.config.hours and wall > last.timestamp() - 365 * _DAY:
        known, expected = f"hours that are known until {last:%Y-%m-%d}", "a later release of Darban"
        advice = "From then on, they do not hold. A later release knows them for longer."
        yield loaded.provenance.problem(("hours",), known, expected, advice, "warning")


def past_holidays(loaded: LoadedConfig, wall: float) -> Iterator[Problem]:
    """Warnings of hours whose holidays are all over: nobody has written down those to come."""
    for name, hours in loaded.config.hours.items():
        zone = time_zone(hours.time_zone)
        if not hours.holidays or zone is None:
            continue
        last = max(hours.holidays)
        if last < dt.datetime.fromtimestamp(wall, zone).date():
            path = ("hours", name, "holidays")
            code = code_of(PAST_HOLIDAYS, path, loaded.config)
            actual, expected = f"{day_text(last)} as the last", "a holiday to come"
            advice = "On the holidays since then, the hours hold."
            yield loaded.provenance.problem(path, actual, expected, advice, "warning", code)


def moments(hours: WeeklyHours, zone: ZoneInfo) -> tuple[float, ...]:
    """The moments at which the hours begin and end in turn, in seconds since 1970."""
    boundaries: list[float] = []
    for begin, end in _intervals(hours, zone):
        if boundaries and boundaries[-1] == begin:
            boundaries[-1] = end
        else:
            boundaries += (begin, end)
    return tuple(boundaries)


def _intervals(hours: WeeklyHours, zone: ZoneInfo) -> Iterator[tuple[float, float]]:
    end_of_day = hours.end + (_DAY if hours.end <= hours.begin else 0)
    for since, until, offset in _spans(zone):
        day = (since + offset) // _DAY - 1  # the hours of the day before may run into the span
        while day * _DAY - offset < until:
            date = _EPOCH + dt.timedelta(day)
            if date.weekday() in hours.days and date not in hours.holidays:
                begin = max(since, day * _DAY + hours.begin - offset)
                end = min(until, day * _DAY + end_of_day - offset)
                if begin < end:
                    yield float(begin), float(end)
            day += 1


def _spans(zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """Spans of constant offset from UTC: begin, end, offset, in seconds."""
    last = int(dt.datetime(LAST_YEAR, 1, 1, tzinfo=dt.UTC).timestamp())
    since = at = int(dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC).timestamp())
    offset = utc_offset(zone, at)
    while at < last:
        before, at = at, min(at + _STEP, last)
        if at == last or utc_offset(zone, at) != offset:
            changed = _change(zone, before, at, offset)
            yield since, changed, offset
            since, offset = changed, utc_offset(zone, changed)


def _change(zone: ZoneInfo, before: int, after: int, offset: int) -> int:
    """The first second after ``before`` with another offset; ``after`` if none is earlier."""
    while after - before > 1:
        middle = (before + after) // 2
        if utc_offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after
