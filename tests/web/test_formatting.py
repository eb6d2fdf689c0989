"""Numbers, dates and times in both languages."""

import datetime as dt
import time

import pytest

from resolver.web.formatting import Formatting

ENGLISH, PERSIAN = Formatting("en"), Formatting("fa")


def test_numbers_and_shares() -> None:
    assert (ENGLISH.number(1234567), PERSIAN.number(1234567)) == ("1,234,567", "۱٬۲۳۴٬۵۶۷")
    assert (ENGLISH.percent(1, 8), PERSIAN.percent(1, 8)) == ("12.5%", "۱۲٫۵٪")
    assert ENGLISH.percent(0, 0) == "–"
    assert ENGLISH.percent(43_190, 43_200) == "99.9%", "a node that stood has not served all month"
    assert ENGLISH.percent(43_200, 43_200) == "100.0%"


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


def test_days_are_written_in_both_calendars() -> None:
    day = "2015-02-18"
    assert ENGLISH.both_days(day) == "18 February 2015 (29 Bahman 1393)"
    assert PERSIAN.both_days(day) == "۲۹ بهمن ۱۳۹۳ (۱۸ فوریهٔ ۲۰۱۵)"
    days = [f"2026-{month:02}-05" for month in range(1, 13)]
    for formatting in (ENGLISH, PERSIAN):
        assert len({formatting.both_days(text).translate(_NO_DIGITS) for text in days}) == 12


_NO_DIGITS = str.maketrans("", "", "0123456789۰۱۲۳۴۵۶۷۸۹")


@pytest.mark.parametrize(
    ("zone", "told"),
    [("<+0330>-3:30", "03:30 UTC+03:30"), ("<+04>-4", "04:00 UTC+04"), ("UTC0", "00:00 UTC")],
)
def test_a_time_zone_without_an_abbreviation_is_shown_by_its_offset(
    monkeypatch: pytest.MonkeyPatch, zone: str, told: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        shown = ENGLISH.moment(0.0), PERSIAN.moment(0.0)
    time.tzset()
    persian = told.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    assert shown == (f"1 January 1970, {told}", f"۱۱ دی ۱۳۴۸، {persian}")


def test_moments_are_written_by_this_host_s_clock() -> None:
    at = dt.datetime(2026, 11, 25, 6, 44).astimezone()
    assert ENGLISH.moment(at.timestamp()).startswith("25 November 2026, 06:44")
    assert PERSIAN.moment(at.timestamp()).startswith("۴ آذر ۱۴۰۵، ۰۶:۴۴")
    assert ENGLISH.both_moments(at.timestamp()) == "25 November 2026 (4 Azar 1405) 06:44"


def test_days_are_counted_by_this_host_s_clock() -> None:
    noon = dt.datetime(2027, 1, 15, 12).astimezone().timestamp()
    days = [ENGLISH.days_since(day, noon) for day in ("2027-01-15", "2027-01-01", "2027-02-01")]
    assert days == [0, 14, -17]
