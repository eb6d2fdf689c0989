"""Local hours, as moments of UTC."""

from zoneinfo import ZoneInfo

import pytest

from resolver.system.time_zones import hour_of, time_zone


def test_an_hour_of_tehran_begins_at_half_past() -> None:
    assert hour_of(1_792_701_000 + 3599.9, ZoneInfo("Asia/Tehran")) == 1_792_701_000
    assert hour_of(1_792_701_000 + 3600, ZoneInfo("Asia/Tehran")) == 1_792_704_600


def test_an_hour_that_the_clock_repeats_is_two() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = 1_792_886_400  # 2026-10-25 02:00 in summer time
    assert hour_of(first + 60, berlin) == first
    assert hour_of(first + 3660, berlin) == first + 3600


@pytest.mark.parametrize("name", ["", "Asia/Nowhere", "../etc/passwd", "tzdata.zi", "Asia"])
def test_what_is_no_time_zone(name: str) -> None:
    assert time_zone(name) is None
