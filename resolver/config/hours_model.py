"""[hours.NAME]: hours of the week, for policies, exemptions and expectations."""

import datetime as dt
import re
from typing import Annotated, Final

from pydantic import Field, PlainValidator

from resolver.config.section import ConfigSection, OneOrMore, Several
from resolver.config.values import InvalidValue, matching, reader
from resolver.policy.settings import DEFAULT_TIME_ZONE
from resolver.system import solar_hijri

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of ``datetime.date.weekday``."""
_DAY: Final = 'a day in quotes: "sat", "sun", "mon", "tue", "wed", "thu" or "fri"'
_TIME: Final = 'a time of the day in quotes, such as "07:30"; the last is "24:00"'
_TIME_TEXT: Final = "([0-9]{1,2}):([0-5][0-9])"
_ZONE: Final = 'a time zone such as "Asia/Tehran"'
_HOLIDAY: Final = 'a date in quotes, Gregorian or solar Hijri, such as "2026-03-21" or "1405-01-01"'


def _read_time(text: str) -> int:
    """Read a time of the day, in seconds since midnight."""
    parts = re.fullmatch(_TIME_TEXT, text)
    if parts is None or (seconds := int(parts[1]) * 3600 + int(parts[2]) * 60) > 86_400:
        raise InvalidValue(_TIME)
    return seconds


def _read_holiday(value: object) -> dt.date:
    """Read a date of either calendar. One without quotes is one of TOML, so the Gregorian alone."""
    text = value.isoformat() if isinstance(value, dt.date) else value
    day = solar_hijri.read_day(text) if isinstance(text, str) else None
    if day is None:
        raise InvalidValue(_HOLIDAY, solar_hijri.days_of_month(str(value)))
    return day


Weekday = Annotated[int, reader(_DAY, DAYS.index, "|".join(DAYS))]
TimeOfDay = Annotated[int, reader(_TIME, _read_time, _TIME_TEXT)]
ZoneName = Annotated[str, matching(_ZONE, "[A-Za-z0-9_+/-]+")]
Holiday = Annotated[dt.date, PlainValidator(_read_holiday)]


def clock_text(seconds: int) -> str:
    """A time of the day as the config has it, of seconds since midnight."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}"


class HoursConfig(ConfigSection):
    """Hours of the week; they hold by the local clock."""

    days: OneOrMore[Weekday]
    """The days on which they begin, such as ["sat", "sun", "mon", "tue", "wed"]."""
    from_: Annotated[TimeOfDay, Field(alias="from")]
    """When they begin, such as "07:30"."""
    to: TimeOfDay
    """When they end; a time that is no later than "from" is one of the next day."""
    time_zone: ZoneName = DEFAULT_TIME_ZONE
    """The time zone of the local clock."""
    holidays: Several[Holiday] = ()
    """Dates on which they do not begin, Gregorian or solar Hijri."""
