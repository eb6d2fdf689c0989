"""Dates in the solar Hijri calendar of Iran, and Persian digits.

Dates of TOML are Gregorian. Orders and people have solar Hijri ones, which must not be read as
dates of the 14th century.

A cycle of 33 years has 8 leap years. Every day from 1900 to 2099 is the same as in ICU's
calendar.
"""

import datetime as dt
import re
from unicodedata import decimal

_DAY = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)")
_CYCLE = 12053
"""Days in 33 years."""
_FOUR_YEARS = 1461
_FIRST_HALF = 186
"""Days in the six months that have 31."""
_TO_CYCLES = 356032
"""Added to Python's day numbers, gives the days since the first cycle."""
_FIRST_YEAR = -1595

YEARS = range(1200, 1600)
"""Years of this calendar; no date that this program reads is in such a Gregorian year."""

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


def text(day: dt.date) -> str:
    """A day as 1405-12-29."""
    year, month, of_month = of(day)
    return f"{year}-{month:02}-{of_month:02}"


def to_gregorian(year: int, month: int, of_month: int) -> dt.date | None:
    """The day of a date in the solar Hijri calendar; None where there is no such date."""
    if year not in YEARS or not 1 <= month <= 12:
        return None
    before = 31 * (month - 1) if month < 8 else _FIRST_HALF + 30 * (month - 7)
    near = dt.date(year + 621, 3, 19) + dt.timedelta(before + of_month - 1)
    days = (near + dt.timedelta(more) for more in range(4))  # a year begins on 19 to 22 March
    return next((day for day in days if of(day) == (year, month, of_month)), None)


def read_day(text: str) -> dt.date | None:
    """The day of a date such as 1405-08-01 or 2026-10-23, whose year says its calendar.

    None where there is no such date.
    """
    parts = _DAY.fullmatch(text)
    if parts is None:
        return None
    year, month, of_month = map(int, parts.groups())
    if year in YEARS:
        return to_gregorian(year, month, of_month)
    try:
        return dt.date(year, month, of_month)
    except ValueError:
        return None


def days_of_month(text: str) -> str:
    """``The month 1405-12 has 29 days.``: why there is no such date; empty for other reasons."""
    parts = _DAY.fullmatch(text)
    if parts is None:
        return ""
    year, month, of_month = parts.groups()
    last = next((day for day in (31, 30, 29, 28) if read_day(f"{year}-{month}-{day}")), 0)
    return f"The month {year}-{month} has {last} days." if 0 < last < int(of_month) else ""


def is_meant(day: dt.date) -> bool:
    """Whether a date was written in this calendar and read as a Gregorian one."""
    return day.year in YEARS


def corrected(day: dt.date) -> str:
    """What to do about a date for which ``is_meant`` holds, as the end of a sentence."""
    gregorian = to_gregorian(day.year, day.month, day.day)
    return f"write {gregorian}, its day in the Gregorian calendar" if gregorian else "it is no day"


def digits(text: str) -> str:
    """A text with Persian digits instead of 0 to 9."""
    return text.translate(_DIGITS)


def ascii_digits(text: str) -> str:
    """A text with 0 to 9 instead of the digits of any other script."""
    return "".join(str(decimal(char)) if char.isdecimal() else char for char in text)
