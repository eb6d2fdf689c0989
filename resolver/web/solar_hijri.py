"""Dates in the solar Hijri calendar of Iran, and Persian digits.

A cycle of 33 years has 8 leap years. Every day from 1900 to 2099 is the same as in ICU's
calendar.
"""

import datetime as dt

_CYCLE = 12053
"""Days in 33 years."""
_FOUR_YEARS = 1461
_FIRST_HALF = 186
"""Days in the six months that have 31."""
_TO_CYCLES = 356032
"""Added to Python's day numbers, gives the days since the first cycle."""
_FIRST_YEAR = -1595

_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")

MONTHS = (
    *("Farvardin", "Ordibehesht", "Khordad", "Tir", "Mordad", "Shahrivar"),
    *("Mehr", "Aban", "Azar", "Dey", "Bahman", "Esfand"),
)
PERSIAN_MONTHS = (
    *("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور"),
    *("مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"),
)


def of(day: dt.date) -> tuple[int, int, int]:
    """Year, month and day in the solar Hijri calendar."""
    cycles, days = divmod(day.toordinal() + _TO_CYCLES, _CYCLE)
    fours, days = divmod(days, _FOUR_YEARS)
    year = _FIRST_YEAR + 33 * cycles + 4 * fours
    if days > 365:  # the first of four years is the leap year
        years, days = divmod(days - 1, 365)
        year += years
    if days < _FIRST_HALF:
        return year, 1 + days // 31, 1 + days % 31
    return year, 7 + (days - _FIRST_HALF) // 30, 1 + (days - _FIRST_HALF) % 30


def digits(text: str) -> str:
    """A text with Persian digits instead of 0 to 9."""
    return text.translate(_DIGITS)
