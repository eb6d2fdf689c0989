"""Moments and durations as people write and read them.

A moment is of the time zone of [report] in the config that a command is about. Its date is of the
Gregorian or the solar Hijri calendar: the year says which. It is shown in both.
"""

import datetime as dt
import re
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from resolver import DarbanError
from resolver.policy.settings import DEFAULT_TIME_ZONE
from resolver.system import english, solar_hijri
from resolver.system.durations import EXAMPLES, read_duration
from resolver.system.time_zones import time_zone

_DATE = re.compile(r"\d{4}-\d\d?-\d\d?")

_config: ContextVar[Path | None] = ContextVar("config", default=None)


class InvalidMoment(DarbanError):
    """A text that is no moment or duration; the message says what is."""


def use_time_zone_of(config: Path | None) -> None:
    """Read and show all moments of this command in the time zone of a config; None: of this host.

    The config is read at the first moment. Where it cannot be read, the zone is the default one.
    """
    _config.set(config)


@cache
def _time_zone_of(config: Path) -> dt.tzinfo | None:
    from resolver.config.reading import read_merged  # most commands need no moment
    from resolver.snapshot.config_files import DiskFiles

    report = read_merged(str(config), DiskFiles(config))[0].document.get("report")
    name = report.get("time_zone") if isinstance(report, dict) else None
    return (isinstance(name, str) and time_zone(name)) or time_zone(DEFAULT_TIME_ZONE)


def _zone() -> dt.tzinfo | None:
    """The time zone of moments; None for this host's."""
    config = _config.get()
    return None if config is None else _time_zone_of(config)


def parse_moment(text: str) -> dt.datetime:
    """Read a moment such as ``1405-12-29T14:30`` or ``2027-03-20T14:30+03:30``.

    A date alone is its beginning.
    """
    try:
        moment = dt.datetime.fromisoformat(_with_gregorian_date(text))
        at = moment if moment.tzinfo else moment.replace(tzinfo=_zone())
        return at.astimezone(dt.UTC).astimezone(_zone())  # the first fails before the year 1
    except (ValueError, OverflowError):
        raise InvalidMoment(
            f"'{text}' is not a moment such as 1405-12-29, 1405-12-29T14:30, 2027-03-20T14:30 or "
            "2027-03-20T14:30+03:30"
        ) from None


def _with_gregorian_date(text: str) -> str:
    """A moment with its date in the Gregorian calendar; ValueError where there is no such date."""
    date = _DATE.match(text)
    if date is None:
        return text
    day = solar_hijri.read_day(date[0])
    if day is None:
        raise ValueError(text)
    return f"{day}{text[date.end() :]}"


def parse_duration(text: str) -> dt.timedelta:
    """Read a duration such as ``2h``, ``90m`` or ``1d12h``."""
    try:
        return read_duration(text.replace(" ", "").lower())
    except OverflowError:
        raise InvalidMoment(f"'{text}' is too long") from None
    except ValueError:
        raise InvalidMoment(f"'{text}' is not a duration such as {EXAMPLES}") from None


def moment_text(seconds: float) -> str:
    """A moment in seconds since 1970, to the second: 2027-03-20 14:30:00+03:30 (1405-12-29)."""
    return english.moment_text(seconds, _zone(), "seconds")


def minute_text(seconds: float) -> str:
    """The same to the minute: 2027-03-20 14:30+03:30 (1405-12-29)."""
    return english.moment_text(seconds, _zone())


def minute_lines(seconds: float) -> tuple[str, str]:
    """The same in two short lines, for a column of a table: 2027-03-20 14:30, and (1405-12-29)."""
    at = dt.datetime.fromtimestamp(seconds, dt.UTC).astimezone(_zone())
    return f"{at:%Y-%m-%d %H:%M}", f"({solar_hijri.text(at.date())})"
