"""Weeks of two VLANs that know hours, a second before each minute and at it.

Each change that a client sees is listed, in the local time of its VLAN.
"""

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from resolver.dns import names
from resolver.policy.prefixes import packed
from resolver.policy.verdict import BLOCKED
from resolver.policy.view import Views
from resolver.snapshot.snapshot import Snapshot
from tests.policy.networks import judge, snapshot_of

CONFIG = """
[hours.office]
days = ["sat", "sun", "mon", "tue", "wed"]
from = "07:30"
to = "14:30"
holidays = ["1405-09-02"]

[hours.thursday-night]
days = ["thu"]
from = "22:00"
to = "06:00"

[hours.saturday-night]
days = ["sat"]
from = "22:00"
to = "06:00"
time_zone = "Europe/Berlin"

[hours.backup]
days = ["sun"]
from = "02:30"
to = "03:30"
time_zone = "Europe/Berlin"

[policies.ministry]
during = [
  { hours = "office", block = ["one"] },
  { hours = "thursday-night", block = ["two"] },
]

[policies.embassy]
during = [
  { outside = "saturday-night", block = ["one"] },
  { hours = "backup", block = ["two"] },
]

[vlans.tehran]
prefixes = ["10.10.0.0/16"]
policy = "ministry"

[vlans.berlin]
prefixes = ["10.20.0.0/16"]
policy = "embassy"
"""
NAMES = {"one": "www.a.example", "two": "y.a.example"}
LISTS = {
    "one": "! Title: One\n! Category: messenger\n|www.a.example^\n",
    "two": "! Title: Two\n! Category: messenger\n|y.a.example^\n",
}
VLANS = {
    "tehran": ("10.10.0.5", ZoneInfo("Asia/Tehran")),
    "berlin": ("10.20.0.5", ZoneInfo("Europe/Berlin")),
}
WEEK = 7 * 24 * 60


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return snapshot_of(CONFIG, LISTS)


def blocked(snapshot: Snapshot, views: Views, vlan: str) -> frozenset[str]:
    """The services that are blocked for a client of a VLAN."""
    view = views.of(packed(VLANS[vlan][0]))
    assert view is not None
    verdicts = {s: judge(snapshot).check_query(view, names.parse(n)) for s, n in NAMES.items()}
    return frozenset(s for s, verdict in verdicts.items() if verdict.outcome is BLOCKED)


def changes(snapshot: Snapshot, vlan: str, first: dt.datetime) -> Iterator[str]:
    """The changes in the week after a moment, each with the local minute at which it is seen."""
    wall, zone = first.timestamp(), VLANS[vlan][1]
    views = Views(snapshot.compiled, wall)
    before = blocked(snapshot, views, vlan)
    for minute in range(WEEK):
        for moment in (wall + minute * 60 - 1, wall + minute * 60):
            began = views.advance(moment)
            now = blocked(snapshot, views, vlan) if began else before
            for service in sorted(now ^ before):
                local = dt.datetime.fromtimestamp(moment, zone)
                sign = "+" if service in now else "-"
                yield f"{local:%a %d %H:%M:%S %Z} {sign}{service}"
            before = now


def test_a_week_in_tehran_with_a_holiday_and_a_night(snapshot: Snapshot) -> None:
    """Monday, 23 November 2026, is 2 Azar 1405."""
    saturday = dt.datetime(2026, 11, 21, tzinfo=VLANS["tehran"][1])
    assert list(changes(snapshot, "tehran", saturday)) == [
        "Sat 21 07:30:00 +0330 +one",
        "Sat 21 14:30:00 +0330 -one",
        "Sun 22 07:30:00 +0330 +one",
        "Sun 22 14:30:00 +0330 -one",
        "Tue 24 07:30:00 +0330 +one",
        "Tue 24 14:30:00 +0330 -one",
        "Wed 25 07:30:00 +0330 +one",
        "Wed 25 14:30:00 +0330 -one",
        "Thu 26 22:00:00 +0330 +two",
        "Fri 27 06:00:00 +0330 -two",
    ]


def test_a_week_in_berlin_in_which_summer_time_begins(snapshot: Snapshot) -> None:
    """On 29 March 2026, the minutes from 02:00 to 02:59 do not exist."""
    friday = dt.datetime(2026, 3, 27, tzinfo=VLANS["berlin"][1])
    assert list(changes(snapshot, "berlin", friday)) == [
        "Sat 28 22:00:00 CET -one",
        "Sun 29 03:00:00 CEST +two",
        "Sun 29 03:30:00 CEST -two",
        "Sun 29 06:00:00 CEST +one",
    ]


def test_a_week_in_berlin_in_which_summer_time_ends(snapshot: Snapshot) -> None:
    """On 25 October 2026, the minutes from 02:00 to 02:59 come twice."""
    friday = dt.datetime(2026, 10, 23, tzinfo=VLANS["berlin"][1])
    assert list(changes(snapshot, "berlin", friday)) == [
        "Sat 24 22:00:00 CEST -one",
        "Sun 25 02:30:00 CEST +two",
        "Sun 25 02:00:00 CET -two",
        "Sun 25 02:30:00 CET +two",
        "Sun 25 03:30:00 CET -two",
        "Sun 25 06:00:00 CET +one",
    ]


@pytest.mark.parametrize("vlan", VLANS)
def test_a_clock_that_jumps_is_met_wherever_it_goes(snapshot: Snapshot, vlan: str) -> None:
    """Views that are advanced by days, hours and back are those that begin at the moment."""
    first = dt.datetime(2026, 10, 23, tzinfo=dt.UTC).timestamp()
    views = Views(snapshot.compiled, first)
    for step in (0, 86_400, 3600, 200_000, -90_000, 5 * 86_400, 60, -604_800, 1e9, -1e9):
        first += step
        views.advance(first)
        fresh = Views(snapshot.compiled, first)
        assert blocked(snapshot, views, vlan) == blocked(snapshot, fresh, vlan), first
