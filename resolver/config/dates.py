"""Dates and moments in config.toml: values as those in ``values``."""

import datetime as dt
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

from resolver import solar_hijri
from resolver.config.typing_slips import literal
from resolver.config.values import InvalidValue


def _gregorian(kind: type[dt.date]) -> BeforeValidator:
    """A validator that refuses dates of the solar Hijri calendar; ``kind`` is date or datetime."""

    def validate(value: object) -> object:
        if isinstance(value, dt.date) and solar_hijri.is_meant(value):
            meant = literal(value.isoformat(), kind)
            advice = f"Write {meant}, its day in the Gregorian calendar."
            raise InvalidValue("a date of the Gregorian calendar", advice if meant else "")
        return value

    return BeforeValidator(validate)


Day = Annotated[dt.date, _gregorian(dt.date)]
Moment = Annotated[AwareDatetime, _gregorian(dt.datetime)]
