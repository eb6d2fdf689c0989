"""Few people stay anonymous in the figures: what an exemption for few addresses permits. Pure.

The queries that such an exemption permits tell when which service was used by whom. So the
exempted queries of its VLAN are kept without a service, and by a part of a month instead of an
hour. A part is what a Gregorian and a solar Hijri month have in common, eight days or more: months
of both calendars are made of whole parts. The queries are in the last hour of the part. Until it
is over they are in no report, and the seal of a day that is over stays true.
"""

import datetime as dt
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

from resolver.audit.figures.counts import HourCount, HourFigures, Labels
from resolver.system import solar_hijri
from resolver.system.time_zones import hour_of

EXEMPTED = "exempted"


def coarsened(figures: HourFigures, small: Container[str], zone: ZoneInfo) -> Iterator[HourFigures]:
    """The figures of an hour, with the exempted queries of some VLANs moved to a part of a month.

    ``small`` are VLANs in which an exemption is for few addresses
    (``resolver.policy.few_addresses``).
    """
    shown, hidden = Counter[Labels](), Counter[Labels]()
    for labels, queries in figures.counts.items():
        if labels.outcome == EXEMPTED and labels.vlan in small:
            hidden[Labels(labels.vlan, "", EXEMPTED)] += queries
        else:
            shown[labels] = queries
    yield replace(figures, counts=shown)
    if hidden:
        yield HourFigures(hour_of(part_of_month(figures.hour, zone)[1] - 1, zone), hidden)


def is_coarse(count: HourCount | Labels) -> bool:
    """Whether a count is of a part of a month, and not of an hour."""
    return count.outcome == EXEMPTED and not count.service


def part_of_month(at: float, zone: ZoneInfo) -> tuple[int, int]:
    """When the part of a month that has a moment begins and ends, in UTC seconds since 1970."""
    day = dt.datetime.fromtimestamp(at, zone).date()
    begin = day
    while not _begins_part(begin):
        begin -= dt.timedelta(1)
    end = day + dt.timedelta(1)
    while not _begins_part(end):
        end += dt.timedelta(1)
    since, until = (dt.datetime.combine(date, dt.time(), zone) for date in (begin, end))
    return int(since.timestamp()), int(until.timestamp())


def _begins_part(day: dt.date) -> bool:
    return day.day == 1 or solar_hijri.of(day)[2] == 1
