"""Moments and durations as people write them."""

import datetime as dt

import pytest

from resolver.cli.moments import InvalidMoment, parse_duration, parse_moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2h", 7200),
        ("90m", 5400),
        ("1d12h", 129600),
        ("2w", 1209600),
        ("45s", 45),
        ("1H 30M", 5400),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == dt.timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "2", "h", "2 hours", "-2h", "1.5h", "2h!", "9" * 20 + "w"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidMoment):
        parse_duration(text)


def test_a_moment_with_an_offset() -> None:
    utc = dt.datetime(2027, 3, 20, 11, 0, tzinfo=dt.UTC)
    assert parse_moment("2027-03-20T14:30+03:30") == utc


@pytest.mark.parametrize("text", ["", "tomorrow", "2027-13-01", "0001-01-01T00:00+23:59"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(InvalidMoment, match="is not a moment such as"):
        parse_moment(text)


def test_a_solar_hijri_date_is_not_read_as_a_gregorian_one() -> None:
    with pytest.raises(InvalidMoment, match="write 2026-12-22, its day in the Gregorian calendar"):
        parse_moment("1405-10-01T14:30")
    with pytest.raises(InvalidMoment, match="it is no day"):
        parse_moment("1404-12-30")
