"""Dates and moments in config.toml: values as those in ``values``."""

import datetime as dt
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

from resolver.config.values import InvalidValue
from resolver.system import solar_hijri


def _gregorian(value: object) -> object:
    """Refuse a date of the solar Hijri calendar."""
    if isinstance(value, dt.date) and solar_hijri.is_meant(value):
        advice = solar_hijri.corrected(value)
        raise InvalidValue("a date of the Gregorian calendar", f"{advice[0].upper()}{advice[1:]}.")
    return value


Day = Annotated[dt.date, BeforeValidator(_gregorian)]
Moment = Annotated[AwareDatetime, BeforeValidator(_gregorian)]
