"""The report of a period, ``darban report --month``: a page to print, which loads nothing.

It begins with a sentence (``audit.statement``). How much follows is its ``ReportDetail``.
"""

import enum
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from zoneinfo import ZoneInfo

from resolver.analysis.name_changes import NO_HOURS
from resolver.audit.period_values import (
    BLOCKED,
    WOULD_BLOCK,
    DayCount,
    NodeCoverage,
    PeriodReport,
    VlanCount,
)
from resolver.audit.statement import statement
from resolver.web.rendering import Page
from resolver.web.titles import Titles

_PAGE = Page("period_report", "base.css", "status_page.css", "report.css", "period_report.css")
_TOP = 10
"""Services that are listed as blocked most."""
_SUMMARY = 4
"""Rows of each table of a summary, so that it has one page."""
_NAMES, _NAMES_OF_SUMMARY = 6, 1
"""Services, and prefixes, of an exemption that are named in words."""
_SHORTFALLS = 4
"""Exceptions in the first sentence."""
_FINDINGS = 30
"""Findings of an audit that are listed; the counts by VLAN have all."""
_GAPS = 20
"""Times without coverage that are listed of a node."""
_INTERVALS = 40
"""Intervals of the certificate that are listed of a node; --json has all."""


class ReportDetail(enum.StrEnum):
    """How much a page has."""

    SUMMARY = "summary"
    """One page of A4."""
    USUAL = "usual"
    FULL = "full"
    """Also what an auditor compares: hashes, the lines of changes, the ages of lists."""


@dataclass(frozen=True, slots=True)
class Total:
    """The counts of a VLAN or of a service, as the summary has them."""

    name: str
    queries: int
    blocked: int
    before: int
    """Blocked in the period before."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the picture; heights are in percent of the highest."""

    day: str
    blocked: float
    would_block: float
    before: float | None
    """None where the period before has fewer days."""


@dataclass(frozen=True, slots=True)
class Tested:
    """How long a policy was in force on a node and tested."""

    node: str
    policy: str
    seconds: int
    of: int
    """The seconds of the period."""


@dataclass(frozen=True, slots=True)
class Label:
    """A day that is named below its bar."""

    day: str
    days: int
    """To the next label."""


def page(
    report: PeriodReport,
    titles: Titles,
    language: str,
    zone: ZoneInfo,
    logo: str = "",
    detail: ReportDetail = ReportDetail.USUAL,
) -> str:
    """The page as HTML; ``logo`` is a data URI or empty."""
    is_summary = detail is ReportDetail.SUMMARY
    return _PAGE.render(
        *(language, zone),
        report=report,
        titles=titles,
        logo=logo,
        detail=detail,
        statement=statement(report.nodes),
        most_shortfalls=_SHORTFALLS,
        no_hours=NO_HOURS,
        shown_names=_NAMES_OF_SUMMARY if is_summary else _NAMES,
        rows=_SUMMARY if is_summary else None,
        vlans=_totals(report.counts, "vlan"),
        services=_totals((count for count in report.counts if count.service), "service")[:_TOP],
        policies=_numbers(report.nodes),
        bars=_bars(report.days, report.days_before),
        labels=_labels(report.days),
        highest=max(report.days, key=lambda day: day.blocked, default=None),
        findings=sorted(
            (count for count in report.counts if count.outcome == WOULD_BLOCK),
            key=lambda count: -count.queries,
        ),
        most_findings=_FINDINGS,
        shown_gaps=_GAPS,
        tested=_tested(report.nodes),
        shown_intervals=_INTERVALS,
    )


def _numbers(nodes: Iterable[NodeCoverage]) -> dict[str, int]:
    """A number for each policy, by its hash, in the order in which they came in force."""
    known = [interval for node in nodes for interval in node.intervals if interval.policy]
    hashes = dict.fromkeys(
        interval.policy for interval in sorted(known, key=lambda interval: interval.begin)
    )
    return {hash_: number for number, hash_ in enumerate(hashes, 1)}


def _totals(counts: Iterable[VlanCount], label: str) -> list[Total]:
    """The sums of counts that have the same VLAN or service, the most blocked first."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for count in counts:
        total = sums[getattr(count, label)]
        total[0] += count.queries
        if count.outcome == BLOCKED:
            total[1] += count.queries
            total[2] += count.before
    totals = (Total(name, *numbers) for name, numbers in sums.items())
    return sorted(totals, key=lambda total: (-total.blocked, -total.queries, total.name))


def _bars(days: Sequence[DayCount], before: Sequence[DayCount]) -> list[Bar]:
    earlier = [day.blocked for day in before]
    heights = [day.blocked + day.would_block for day in days]
    highest = max([*heights, *earlier], default=0) or 1
    return [
        Bar(
            day.day,
            100 * day.blocked / highest,
            100 * day.would_block / highest,
            None if old is None else 100 * old / highest,
        )
        for day, old in zip_longest(days, earlier[: len(days)])
    ]


def _labels(days: Sequence[DayCount]) -> list[Label]:
    """Some seven labels below the bars, the first at the first day."""
    step = max(1, len(days) // 6)
    return [
        Label(day.day, len(days[at : at + step])) for at, day in enumerate(days) if not at % step
    ]


def _tested(nodes: Iterable[NodeCoverage]) -> list[Tested]:
    """By node, each policy in the order in which it came in force first."""
    tested = []
    for node in nodes:
        seconds: dict[str, int] = defaultdict(int)
        for interval in node.intervals:
            if not interval.why:
                seconds[interval.policy] += interval.length
        of = sum(interval.length for interval in node.intervals)
        tested += [Tested(node.node, policy, length, of) for policy, length in seconds.items()]
    return tested
