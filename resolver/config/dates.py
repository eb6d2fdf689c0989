"""Dates and moments in config.toml: values as those in ``values``."""

import datetime as dt
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

from resolver.config.values import InvalidValue, reader
from resolver.system import solar_hijri
from resolver.system.durations import EXAMPLES, PATTERN, read_duration


def _gregorian(value: object) -> object:
    """Refuse a date of the solar Hijri calendar."""
    if isinstance(value, dt.date) and solar_hijri.is_meant(value):
        advice = solar_hijri.corrected(value)
        raise InvalidValue("a date of the Gregorian calendar", f"{advice[0].upper()}{advice[1:]}.")
    return value


def _duration(text: str) -> dt.timedelta:
    try:
        duration = read_duration(text)
    except OverflowError:
        raise ValueError(text) from None
    if not duration:
        raise ValueError(text)
    return duration


Day = Annotated[dt.date, BeforeValidator(_gregorian)]
Moment = Annotated[AwareDatetime, BeforeValidator(_gregorian)]
Duration = Annotated[dt.timedelta, reader(f"a duration such as {EXAMPLES}", _duration, PATTERN)]
