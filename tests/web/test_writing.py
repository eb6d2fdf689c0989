"""Numbers, dates and times in both languages."""

import datetime as dt

import pytest

from resolver.web.writing import Writing

ENGLISH, PERSIAN = Writing("en"), Writing("fa")


def test_numbers_and_shares() -> None:
    assert (ENGLISH.number(1234567), PERSIAN.number(1234567)) == ("1,234,567", "۱٬۲۳۴٬۵۶۷")
    assert (ENGLISH.share(1, 8), PERSIAN.share(1, 8)) == ("12.5%", "۱۲٫۵٪")
    assert ENGLISH.share(0, 0) == "–"


@pytest.mark.parametrize(
    ("seconds", "english", "persian"),
    [
        (0, "0 s", "۰ ثانیه"),
        (59.9, "59 s", "۵۹ ثانیه"),
        (60, "1 min", "۱ دقیقه"),
        (3725, "1 h 2 min", "۱ ساعت و ۲ دقیقه"),
        (86400 * 3 + 3600, "3 d 1 h", "۳ روز و ۱ ساعت"),
        (-5, "0 s", "۰ ثانیه"),
    ],
)
def test_spans(seconds: float, english: str, persian: str) -> None:
    assert (ENGLISH.span(seconds), PERSIAN.span(seconds)) == (english, persian)


@pytest.mark.parametrize(
    ("octets", "english"),
    [(0, "0.0 KiB"), (1536, "1.5 KiB"), (64 << 20, "64.0 MiB"), (3 << 30, "3.0 GiB")],
)
def test_sizes(octets: int, english: str) -> None:
    assert ENGLISH.size(octets) == english


def test_short_times() -> None:
    assert (ENGLISH.milliseconds(0.0021), PERSIAN.milliseconds(0.0021)) == (
        "2.1 ms",
        "۲٫۱ میلی‌ثانیه",
    )


def test_days_stand_in_both_calendars() -> None:
    day = dt.date(2015, 2, 18)
    assert ENGLISH.day(day) == "18 February 2015 (29 Bahman 1393)"
    assert PERSIAN.day(day) == "۲۹ بهمن ۱۳۹۳ (۱۸ فوریهٔ ۲۰۱۵)"
    days = [dt.date(2026, month, 5) for month in range(1, 13)]
    for writing in (ENGLISH, PERSIAN):
        assert len({writing.day(each).translate(_NO_DIGITS) for each in days}) == 12


_NO_DIGITS = str.maketrans("", "", "0123456789۰۱۲۳۴۵۶۷۸۹")


def test_moments_are_those_of_this_host_s_clock() -> None:
    at = dt.datetime(2026, 11, 25, 6, 44).astimezone()
    assert ENGLISH.moment(at.timestamp()).startswith("25 November 2026, 06:44")
    assert PERSIAN.moment(at.timestamp()).startswith("۴ آذر ۱۴۰۵، ۰۶:۴۴")
