"""Numbers, shares, lists, spans and moments in English texts."""

import pytest

from resolver.system.english import (
    count_text,
    moment_text,
    share_text,
    some_text,
    span_text,
    utc_text,
)
from resolver.system.time_zones import zone_or_utc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (count_text(0, "name"), "0 names"),
        (count_text(1, "name"), "1 name"),
        (count_text(2_000, "name"), "2,000 names"),
        (count_text(1, "query", "queries"), "1 query"),
        (count_text(2, "query", "queries"), "2 queries"),
    ],
)
def test_one_thing_is_in_the_singular(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (some_text(["a", "b"], 2), "a, b"),
        (some_text(["a", "b"], 1_003), "a, b and 1,001 more"),
        (some_text([], 0), ""),
    ],
)
def test_what_is_not_named_is_counted(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-1.0, "0 s"), (90.0, "1 min 30 s"), (7200.0, "2 h"), (86_700.0, "1 d 5 min")],
)
def test_a_span_has_its_two_largest_units(seconds: float, expected: str) -> None:
    assert span_text(seconds) == expected


def test_a_moment_is_of_utc() -> None:
    assert utc_text(1_805_540_459.0) == "2027-03-20 11:00 UTC"


def test_a_moment_of_a_time_zone_has_both_calendars() -> None:
    tehran = zone_or_utc("Asia/Tehran")
    assert moment_text(1_805_540_459.0, tehran) == "2027-03-20 14:30+03:30 (1405-12-29)"
    assert moment_text(1_805_540_459.0, tehran, "seconds") == (
        "2027-03-20 14:30:59+03:30 (1405-12-29)"
    )


@pytest.mark.parametrize(
    ("share", "expected"), [(0.125, "12.5%"), (0.9999, "99.9%"), (1, "100.0%")]
)
def test_less_than_all_is_never_the_whole(share: float, expected: str) -> None:
    assert share_text(share) == expected
