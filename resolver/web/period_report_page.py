"""The report of a period, ``darban report --month``: one page to print, which loads nothing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from zoneinfo import ZoneInfo

from resolver.reports.period_values import (
    BLOCKED,
    WOULD_BLOCK,
    DayCount,
    NodeCoverage,
    PeriodReport,
    VlanCount,
)
from resolver.web.rendering import Page
from resolver.web.titles import Titles

_PAGE = Page("period_report", "base.css", "status_page.css", "report.css", "period_report.css")
_TOP = 10
"""Services in the summary."""
_FINDINGS = 30
"""Findings of an audit that are listed; the counts by VLAN have all."""
_GAPS = 20
"""Times without coverage that are listed of a node."""
_INTERVALS = 40
"""Intervals of the certificate that are listed of a node; --json has all."""
_DIFF_LINES = 12
"""Lines that are shown of a change of the config."""


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
    report: PeriodReport, titles: Titles, language: str, zone: ZoneInfo, logo: str = ""
) -> str:
    """The page as HTML; ``logo`` is a data URI or empty."""
    return _PAGE.render(
        *(language, zone),
        report=report,
        titles=titles,
        logo=logo,
        vlans=_totals(report.counts, "vlan"),
        services=_totals((each for each in report.counts if each.service), "service")[:_TOP],
        bars=_bars(report.days, report.days_before),
        labels=_labels(report.days),
        highest=max(report.days, key=lambda each: each.blocked, default=None),
        findings=sorted(
            (each for each in report.counts if each.outcome == WOULD_BLOCK),
            key=lambda each: -each.queries,
        ),
        most_findings=_FINDINGS,
        shown_gaps=_GAPS,
        tested=_tested(report.nodes),
        shown_intervals=_INTERVALS,
        diff_lines=_diff_lines,
        most_lines=_DIFF_LINES,
    )


def _totals(counts: Iterable[VlanCount], label: str) -> list[Total]:
    """The sums of counts that have the same VLAN or service, the most blocked first."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for each in counts:
        total = sums[getattr(each, label)]
        total[0] += each.queries
        if each.outcome == BLOCKED:
            total[1] += each.queries
            total[2] += each.before
    totals = (Total(name, *numbers) for name, numbers in sums.items())
    return sorted(totals, key=lambda each: (-each.blocked, -each.queries, each.name))


def _bars(days: Sequence[DayCount], before: Sequence[DayCount]) -> list[Bar]:
    earlier = [each.blocked for each in before]
    heights = [each.blocked + each.would_block for each in days]
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
        Label(each.day, len(days[at : at + step])) for at, each in enumerate(days) if not at % step
    ]


def _tested(nodes: Iterable[NodeCoverage]) -> list[Tested]:
    """By node, each policy in the order in which it came in force first."""
    found = []
    for node in nodes:
        seconds: dict[str, int] = defaultdict(int)
        for each in node.intervals:
            if not each.why:
                seconds[each.policy] += each.length
        of = sum(each.length for each in node.intervals)
        found += [Tested(node.node, policy, own, of) for policy, own in seconds.items()]
    return found


def _diff_lines(diff: str) -> list[str]:
    """The lines that a difference adds or removes."""
    return [
        line
        for line in diff.splitlines()
        if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
    ]
