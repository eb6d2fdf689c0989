"""The solar Hijri calendar, against days that are written down elsewhere."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.system import solar_hijri


@pytest.mark.parametrize(
    ("day", "written"),
    [
        ("2015-02-18", (1393, 11, 29)),  # 1595/الف/م
        ("2017-03-11", (1395, 12, 21)),  # 95/3525
        ("1979-02-11", (1357, 11, 22)),
        ("2021-03-20", (1399, 12, 30)),
        ("2024-03-19", (1402, 12, 29)),
        ("2024-03-20", (1403, 1, 1)),
        ("2025-03-20", (1403, 12, 30)),
        ("2025-03-21", (1404, 1, 1)),
        ("2026-03-20", (1404, 12, 29)),
        ("2026-09-22", (1405, 6, 31)),
        ("2026-09-23", (1405, 7, 1)),
    ],
)
def test_days(day: str, written: tuple[int, int, int]) -> None:
    assert solar_hijri.of(dt.date.fromisoformat(day)) == written
    assert solar_hijri.to_gregorian(*written) == dt.date.fromisoformat(day)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 30)))
def test_the_next_day_is_the_next_day(day: dt.date) -> None:
    year, month, of_month = solar_hijri.of(day)
    following = (year, month, of_month + 1), (year, month + 1, 1), (year + 1, 1, 1)
    assert solar_hijri.of(day + dt.timedelta(1)) in following
    assert 1 <= of_month <= (31 if month <= 6 else 30)
    assert 1 <= month <= 12


@given(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 30)))
def test_a_day_is_found_by_its_date(day: dt.date) -> None:
    assert solar_hijri.to_gregorian(*solar_hijri.of(day)) == day
    assert not solar_hijri.is_meant(day)


@pytest.mark.parametrize(
    "written",
    [(1404, 12, 30), (1404, 7, 31), (1404, 13, 1), (1404, 0, 1), (1404, 1, 0), (2027, 1, 1)],
)
def test_what_is_no_date(written: tuple[int, int, int]) -> None:
    assert solar_hijri.to_gregorian(*written) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1405-12-30", "The month 1405-12 has 29 days."),
        ("1403-12-31", "The month 1403-12 has 30 days."),
        ("2026-02-29", "The month 2026-02 has 28 days."),
        ("1405-12-29", ""),
        ("1405-13-01", ""),
        ("1405-12-00", ""),
        ("0000-01-32", ""),
        ("Esfand", ""),
    ],
)
def test_a_date_with_too_high_a_day_says_how_many_the_month_has(text: str, says: str) -> None:
    assert solar_hijri.days_of_month(text) == says


def test_persian_digits() -> None:
    assert solar_hijri.digits("1595/الف/م, 0") == "۱۵۹۵/الف/م, ۰"
