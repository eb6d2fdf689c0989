"""The period of a report, in both calendars and in the time zone of the figures."""

import datetime as dt

import pytest

from resolver.audit import period as periods
from resolver.audit.period import InvalidPeriod
from tests.audit.time_zone import TEHRAN


def test_a_month_is_of_the_calendar_of_its_year() -> None:
    aban, november = periods.month("1405-08", TEHRAN), periods.month("2026-11", TEHRAN)
    assert (aban.first, aban.last, aban.month) == ("2026-10-23", "2026-11-21", "1405-08")
    assert (november.first, november.last, november.month) == (
        "2026-11-01",
        "2026-11-30",
        "2026-11",
    )
    begin = dt.datetime.fromtimestamp(aban.begin, dt.UTC)
    assert begin.isoformat() == "2026-10-22T20:30:00+00:00"
    assert aban.end - aban.begin == 30 * 86400


def test_the_last_month_of_a_year_ends_with_the_year() -> None:
    assert periods.month("1404-12", TEHRAN).last == "2026-03-20"
    assert periods.month("2026-12", TEHRAN).last == "2026-12-31"


def test_days_of_either_calendar_are_included() -> None:
    one = periods.days("1405-08-01", "1405-08-15", TEHRAN)
    other = periods.days("2026-10-23", "2026-11-06", TEHRAN)
    assert one == other
    assert (one.end - one.begin, one.month) == (15 * 86400, "")


def test_a_month_is_compared_with_the_month_before_it() -> None:
    earlier = periods.before(periods.month("1405-01", TEHRAN), TEHRAN)
    assert (earlier.month, earlier.last) == ("1404-12", "2026-03-20")
    assert periods.before(periods.month("2027-01", TEHRAN), TEHRAN).month == "2026-12"
    days = periods.before(periods.days("2026-11-11", "2026-11-20", TEHRAN), TEHRAN)
    assert (days.first, days.last) == ("2026-11-01", "2026-11-10")


def test_a_month_that_runs_is_compared_with_as_much_of_the_one_before() -> None:
    whole = periods.month("1405-08", TEHRAN)
    part = whole.until_moment(whole.begin + 7200.5)
    assert (part.end, part.runs, part.last) == (whole.begin + 7200, True, whole.last)
    earlier = periods.before(part, TEHRAN)
    assert (earlier.month, earlier.end - earlier.begin) == ("1405-07", 7200)
    assert whole.until_moment(whole.end) == whole


@pytest.mark.parametrize("text", ["1405-13", "1405", "2026-00", "2026-11-01", "0000-01", "x"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidPeriod, match=f"'{text}"):
        periods.month(text, TEHRAN)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        *(("1405-08-31", "1405-09-01"), ("2026-02-30", "2026-03-01"), ("x", "2026-03-01")),
        *(("2026-11-02", "2026-11-01"), ("2020-01-01", "2026-11-01"), ("1405-13-01", "1405-13-02")),
    ],
)
def test_what_is_no_period_is_refused(first: str, last: str) -> None:
    with pytest.raises(InvalidPeriod):
        periods.days(first, last, TEHRAN)
