"""Hours hold where the local clock says so; the local clock is asked for any moment."""

import bisect
import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.compiler.hours import (
    FIRST_YEAR,
    LAST_YEAR,
    WeeklyHours,
    compile_hours,
    ending,
    moments,
    past_holidays,
)
from resolver.system.time_zones import time_zone
from tests.config.files_in_memory import load_text

ZONES = ("Asia/Tehran", "Europe/Berlin", "Africa/Casablanca", "Australia/Lord_Howe", "UTC")
EVERY_DAY = frozenset(range(7))
NOWRUZ = dt.date(2026, 3, 21)
OFFICE = WeeklyHours(frozenset({5, 6, 0, 1, 2}), 450 * 60, 870 * 60, frozenset({NOWRUZ}))
NIGHT = WeeklyHours(frozenset({4}), 22 * 3600, 6 * 3600)
HOURS = st.builds(
    WeeklyHours,
    st.frozensets(st.integers(0, 6)),
    st.integers(0, 1439).map(lambda minute: minute * 60),
    st.integers(0, 1439).map(lambda minute: minute * 60),
    st.frozensets(st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31)), max_size=20),
)
_FIRST = int(dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC).timestamp())
_LAST = int(dt.datetime(LAST_YEAR, 1, 1, tzinfo=dt.UTC).timestamp()) - 1


@cache
def _zone(name: str) -> ZoneInfo:
    found = time_zone(name)
    assert found is not None
    return found


def _local(zone: str, at: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(at, _zone(zone))


def _hold(hours: WeeklyHours, local: dt.datetime) -> bool:
    """What the local clock says."""
    second = local.hour * 3600 + local.minute * 60 + local.second
    begins = {day for day in (local.date(), local.date() - dt.timedelta(1)) if _works(hours, day)}
    today, yesterday = local.date() in begins, local.date() - dt.timedelta(1) in begins
    if hours.begin < hours.end:
        return today and hours.begin <= second < hours.end
    return (today and second >= hours.begin) or (yesterday and second < hours.end)


def _works(hours: WeeklyHours, day: dt.date) -> bool:
    return day.weekday() in hours.days and day not in hours.holidays


def _moments(hours: WeeklyHours, zone: str) -> tuple[float, ...]:
    return moments(hours, _zone(zone))


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=20, deadline=None)
@given(hours=HOURS, any_moments=st.lists(st.integers(_FIRST, _LAST), min_size=1, max_size=200))
def test_hours_hold_as_the_local_clock_says(
    zone: str, hours: WeeklyHours, any_moments: list[int]
) -> None:
    found = _moments(hours, zone)
    near = [int(number) + more for number in found[:400] for more in (-1, 0)]
    for at in [*any_moments, *(number for number in near if _FIRST <= number <= _LAST)]:
        assert bisect.bisect_right(found, at) % 2 == _hold(hours, _local(zone, at)), at


def test_the_office_opens_at_half_past_seven_but_on_a_holiday() -> None:
    begin_and_end = [
        f"{_local('Asia/Tehran', at):%a %d %H:%M}" for at in _moments(OFFICE, "Asia/Tehran")
    ]
    march = [text for text in begin_and_end if text[4:6] in {"18", "21", "22"}]
    assert "Wed 18 07:30" in march
    assert "Wed 18 14:30" in march
    at = dt.datetime(2026, 3, 21, 10, tzinfo=dt.timezone(dt.timedelta(hours=3.5))).timestamp()
    assert not bisect.bisect_right(_moments(OFFICE, "Asia/Tehran"), at) % 2


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    assert {f"{_local('Asia/Tehran', at):%a %H:%M}" for at in _moments(NIGHT, "Asia/Tehran")} == {
        "Fri 22:00",
        "Sat 06:00",
    }


def test_an_hour_that_summer_time_repeats_has_all_its_moments() -> None:
    """On 25 October 2026, 02:00 to 03:00 comes twice in Berlin."""
    night = WeeklyHours(EVERY_DAY, 2 * 3600, 3 * 3600)
    begin = dt.datetime(2026, 10, 25, 0, tzinfo=dt.UTC).timestamp()
    found = _moments(night, "Europe/Berlin")
    place = found.index(begin)
    assert found[place + 1] - begin == 2 * 3600


def test_all_day_is_one_interval() -> None:
    assert _moments(WeeklyHours(EVERY_DAY, 0, 0), "Europe/Berlin") == (_FIRST, _LAST + 1)


@pytest.mark.parametrize(
    "name", ["Asia/Teheran", "../tzdata", "tzdata.zi", "Asia", "", "/etc/localtime"]
)
def test_an_unknown_zone_is_none(name: str) -> None:
    assert time_zone(name) is None


def test_in_the_last_year_that_is_known_the_config_draws_a_warning() -> None:
    hourly = load_text('[hours.night]\ndays = ["fri"]\nfrom = "22:00"\nto = "06:00"\n')
    assert not [*ending(hourly, _LAST - 366 * 86_400)]
    (warned,) = ending(hourly, _LAST - 364 * 86_400)
    assert str(LAST_YEAR) in str(warned)
    assert not [*ending(load_text(""), _LAST)]


def test_holidays_that_are_all_over_draw_a_warning_that_can_be_acknowledged() -> None:
    text = '[hours.a]\ndays = ["sat"]\nfrom = "07:30"\nto = "14:30"\n{}'
    loaded = load_text(text.format('holidays = ["1405-12-29", "2026-03-21"]\n'))
    midnight = dt.datetime(2027, 3, 21, tzinfo=_zone("Asia/Tehran")).timestamp()
    assert list(past_holidays(loaded, midnight - 1)) == []
    [warned] = past_holidays(loaded, midnight)
    assert str(warned) == (
        "config.toml:5: warning [past-holidays:a]: hours.a.holidays: found "
        "2027-03-20 (1405-12-29) as the last; expected a holiday to come. "
        "On the holidays since then, the hours hold."
    )
    assert list(past_holidays(load_text(text.format("")), midnight)) == []


def test_a_holiday_that_is_written_in_both_calendars_is_named_once() -> None:
    text = '[hours.a]\ndays = ["sat"]\nfrom = "07:30"\nto = "14:30"\n'
    loaded = load_text(f'{text}holidays = ["2027-03-20", "1405-12-29"]\n')
    hours = compile_hours("a", loaded.config.hours["a"], _zone("Asia/Tehran"))
    assert hours.text == "sat 07:30-14:30 Asia/Tehran, but not on 2027-03-20 (1405-12-29)"
