"""What an exemption for few addresses permits is kept without service and by part of a month."""

import datetime as dt
from collections import Counter

from resolver.audit.figures.counts import HourFigures, Labels
from resolver.audit.figures.small_counts import coarsened, part_of_month
from resolver.system import solar_hijri
from tests.audit.time_zone import TEHRAN

HOUR = 1_793_000_000 // 3600 * 3600 - 1800


def test_exempted_queries_of_such_a_vlan_lose_service_and_hour() -> None:
    counts = Counter(
        {
            Labels("desk", "telegram", "exempted"): 2,
            Labels("desk", "whatsapp", "exempted"): 3,
            Labels("desk", "telegram", "blocked"): 5,
            Labels("large", "telegram", "exempted"): 7,
        }
    )
    shown, hidden = coarsened(HourFigures(HOUR, counts), {"desk"}, TEHRAN)
    assert shown.hour == HOUR
    assert shown.counts == {
        Labels("desk", "telegram", "blocked"): 5,
        Labels("large", "telegram", "exempted"): 7,
    }
    assert hidden.hour == part_of_month(HOUR, TEHRAN)[1] - 3600
    assert hidden.counts == {Labels("desk", "", "exempted"): 5}
    assert hidden.minutes == []


def test_without_such_queries_nothing_is_moved() -> None:
    figures = HourFigures(HOUR, Counter({Labels("desk", "telegram", "blocked"): 5}))
    assert list(coarsened(figures, {"desk"}, TEHRAN)) == [figures]


def test_the_months_of_both_calendars_are_made_of_whole_parts_of_eight_days_or_more() -> None:
    at = dt.datetime(2020, 1, 1, tzinfo=TEHRAN).timestamp()
    end = dt.datetime(2040, 1, 1, tzinfo=TEHRAN).timestamp()
    begins = set()
    while at < end:
        begin, after = part_of_month(at, TEHRAN)
        assert begin == at
        assert after - begin >= 8 * 86400
        begins.add(dt.datetime.fromtimestamp(begin, TEHRAN).date())
        at = after
    day = dt.date(2020, 1, 1)
    while day < dt.date(2040, 1, 1):
        assert (day in begins) is (day.day == 1 or solar_hijri.of(day)[2] == 1)
        day += dt.timedelta(1)
