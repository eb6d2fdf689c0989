"""Moments and durations as people write them."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.cli.moments import (
    InvalidMoment,
    minute_text,
    moment_text,
    parse_duration,
    parse_moment,
    use_time_zone_of,
)


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


@pytest.fixture(params=["Asia/Tehran", "Asia/Kabul"])
def zone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ZoneInfo]:
    """The time zone of the config of a command, which is in an included file."""
    name = str(request.param)
    (tmp_path / "more.toml").write_text(f'[report]\ntime_zone = "{name}"\n')
    (tmp_path / "config.toml").write_text('include = ["more.toml"]\n')
    use_time_zone_of(tmp_path / "config.toml")
    yield ZoneInfo(name)
    use_time_zone_of(None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1405-12-29", "2027-03-20T00:00"),
        ("1405-12-29T14:30", "2027-03-20T14:30"),
        ("1405-12-29 14:30:05", "2027-03-20T14:30:05"),
        ("1405-1-1", "2026-03-21T00:00"),
        ("2027-03-20", "2027-03-20T00:00"),
        ("2027-03-20T14:30", "2027-03-20T14:30"),
    ],
)
def test_the_year_says_the_calendar_and_the_config_the_time_zone(
    zone: ZoneInfo, text: str, moment: str
) -> None:
    assert parse_moment(text) == dt.datetime.fromisoformat(moment).replace(tzinfo=zone)


def test_an_offset_counts_before_the_time_zone(zone: ZoneInfo) -> None:
    utc = dt.datetime(2027, 3, 20, 14, 30, tzinfo=dt.UTC)
    assert parse_moment("1405-12-29T14:30+00:00") == utc
    assert parse_moment("1405-12-29T14:30Z").utcoffset() == utc.astimezone(zone).utcoffset()


@pytest.mark.parametrize("text", ["1404-12-30", "1405-13-01", "1405-07-31", "1405-00-01T10:00"])
def test_a_date_that_the_solar_hijri_calendar_lacks_is_no_moment(text: str) -> None:
    with pytest.raises(InvalidMoment, match=f"'{text}' is not a moment such as 1405-12-29"):
        parse_moment(text)


def test_a_moment_is_shown_in_both_calendars(zone: ZoneInfo) -> None:
    at = dt.datetime(2027, 3, 20, 14, 30, 5, tzinfo=zone)
    offset = {"Asia/Tehran": "+03:30", "Asia/Kabul": "+04:30"}[zone.key]
    assert moment_text(at.timestamp()) == f"2027-03-20 14:30:05{offset} (1405-12-29)"
    assert minute_text(at.timestamp()) == f"2027-03-20 14:30{offset} (1405-12-29)"


@given(at=st.integers(0, 4_000_000_000))
def test_a_moment_that_is_shown_is_read_in_either_calendar(at: int) -> None:
    date, time, hijri = moment_text(at).split()
    assert parse_moment(f"{date}T{time}").timestamp() == at
    assert parse_moment(f"{hijri.strip('()')}T{time}").timestamp() == at


def test_a_config_that_cannot_be_read_has_the_default_time_zone(tmp_path: Path) -> None:
    use_time_zone_of(tmp_path / "missing.toml")
    shown = moment_text(0)
    use_time_zone_of(None)
    assert shown == "1970-01-01 03:30:00+03:30 (1348-10-11)"
