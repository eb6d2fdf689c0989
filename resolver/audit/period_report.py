"""Makes the report of a period of the figures of nodes and of the audit log of one. Pure.

What must stay true:
- Two nodes answer different queries, so their counts add up. A minute of a node counts once:
  figures of the same node that overlap are refused.
- A count of exempted queries without a service is of a part of a month
  (``audit.figures.small_counts``). It is left out where the period has not all of that part.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from resolver import DarbanError, __version__
from resolver.audit.audit_log import AuditEntry
from resolver.audit.coverage import gaps_of_all, intervals
from resolver.audit.figures.counts import REDIRECTED, Figures
from resolver.audit.figures.small_counts import is_coarse, part_of_month
from resolver.audit.period import Period, local_day
from resolver.audit.period_values import (
    BLOCKED,
    WOULD_BLOCK,
    AroundDns,
    Coverage,
    DayCount,
    LinkCut,
    Lists,
    NodeCoverage,
    NodeTotal,
    PeriodExemption,
    PeriodReport,
    PolicyChange,
    VlanCount,
)
from resolver.policy.exemption_details import ExemptionDetails
from resolver.policy.moment import ended
from resolver.policy.services import ENCRYPTED_DNS

_MINUTE, _HOUR = 60, 3600

Queries = Counter[tuple[str, str, str]]
"""Queries by VLAN, service and outcome."""


class Rows(NamedTuple):
    """The queries of some figures."""

    current: Queries
    """Of the period."""
    old: Queries
    """Of the period before."""
    left_out: int
    """How many of the period are in neither."""


class IncompatibleFiguresError(DarbanError):
    """Figures that must not be added up; the message says why."""


def make_period_report(
    period: Period,
    before: Period,
    zone: ZoneInfo,
    nodes: Sequence[Figures],
    log: Sequence[AuditEntry],
    vlans: Iterable[str],
    lists: Lists,
    agency: str,
    made: float,
) -> PeriodReport:
    """The report of a period.

    ``nodes`` have the figures of both periods; ``log`` is the audit log from its begin, the oldest
    entry first. ``vlans`` are those of the config: each is in the counts.

    Raises:
        IncompatibleFiguresError: the figures must not be added up.
    """
    check_mergeable(nodes)
    joined = _by_node(nodes)
    by_node = {node: _rows(figures, period, before, zone) for node, figures in joined.items()}
    rows = _sum(by_node.values())
    counts = tuple(_counts(rows.current, rows.old, vlans))
    changes, others = _changes(log, period)
    return PeriodReport(
        version=__version__,
        made=made,
        agency=agency,
        time_zone=zone.key,
        period=period,
        before=before,
        counts=counts,
        days=_days(nodes, period, zone),
        days_before=_days(nodes, before, zone),
        exemptions=tuple(_exemptions(log, period)),
        changes=changes,
        other_events=others,
        backdated=sum(
            later.time < earlier.time and period.begin <= later.time < period.end
            for earlier, later in pairwise(log)
        ),
        audited=any(entry.time <= period.begin for entry in log),
        left_out=rows.left_out,
        totals=tuple(_total(node, node_rows) for node, node_rows in by_node.items()),
        nodes=tuple(_coverage(node, figures, period, before) for node, figures in joined.items()),
        coverage=_of_all(nodes, period),
        coverage_before=_of_all(nodes, before),
        cuts=tuple(
            chain.from_iterable(_cuts(node, figures, period) for node, figures in joined.items())
        ),
        around=tuple(_around(counts, _redirected(nodes, period), lists)),
        lists=lists.lists,
        fetched=lists.fetched,
    )


def check_mergeable(nodes: Sequence[Figures]) -> None:
    """Raise IncompatibleFiguresError where figures must not be added up."""
    zones = sorted({node.time_zone for node in nodes if node.time_zone})
    if len(zones) > 1:
        raise IncompatibleFiguresError(
            f"the hours of {zones[0]} and of {zones[1]} differ, so their counts cannot be added "
            "up; give all nodes the same [report] time_zone"
        )
    for node, parts in _by_node(nodes).items():
        seen: set[int] = set()
        for figures in parts:
            minutes = {minute.at for minute in figures.minutes}
            hours = {count.hour for count in figures.counts}
            if not seen.isdisjoint(minutes | hours):
                raise IncompatibleFiguresError(
                    f"figures of the node '{node}' are given twice for the same minutes; give "
                    "each node once, and nodes of one host name a [server] identity of their own"
                )
            seen |= minutes | hours


def _by_node(nodes: Sequence[Figures]) -> dict[str, list[Figures]]:
    by_node: dict[str, list[Figures]] = defaultdict(list)
    for node in nodes:
        by_node[node.node].append(node)
    return dict(sorted(by_node.items()))


def _rows(nodes: Sequence[Figures], period: Period, before: Period, zone: ZoneInfo) -> Rows:
    current: Queries = Counter()
    old: Queries = Counter()
    left_out = 0
    for count in chain.from_iterable(figures.counts for figures in nodes):
        if count.outcome == REDIRECTED:
            continue
        if is_coarse(count):
            begin, end = part_of_month(count.hour, zone)
            key = count.vlan, count.service, count.outcome
            if period.begin <= begin and end <= period.end:
                current[key] += count.queries
            elif before.begin <= begin and end <= before.end:
                old[key] += count.queries
            elif begin < period.end and end > period.begin:
                left_out += count.queries
        elif period.begin <= count.hour < period.end:
            current[count.vlan, count.service, count.outcome] += count.queries
        elif before.begin <= count.hour < before.end:
            old[count.vlan, count.service, count.outcome] += count.queries
    return Rows(current, old, left_out)


def _sum(parts: Iterable[Rows]) -> Rows:
    current: Queries = Counter()
    old: Queries = Counter()
    left_out = 0
    for part in parts:
        current.update(part.current)
        old.update(part.old)
        left_out += part.left_out
    return Rows(current, old, left_out)


def _total(node: str, rows: Rows) -> NodeTotal:
    blocked, before = (
        sum(queries for (_, _, outcome), queries in counts.items() if outcome == BLOCKED)
        for counts in (rows.current, rows.old)
    )
    return NodeTotal(node, rows.current.total(), blocked, before)


def _counts(current: Queries, old: Queries, vlans: Iterable[str]) -> Iterator[VlanCount]:
    rows = dict.fromkeys(chain(current, old))
    of_vlan: dict[str, list[VlanCount]] = {vlan: [] for vlan in vlans}
    for key in rows:
        of_vlan.setdefault(key[0], []).append(VlanCount(*key, current.get(key, 0), old.get(key, 0)))
    for counts in of_vlan.values():
        yield from sorted(counts, key=lambda count: (-count.queries, count.service, count.outcome))


def _redirected(nodes: Sequence[Figures], period: Period) -> Counter[str]:
    """The redirected queries of the period by VLAN."""
    by_vlan: Counter[str] = Counter()
    for count in chain.from_iterable(figures.counts for figures in nodes):
        if count.outcome == REDIRECTED and period.begin <= count.hour < period.end:
            by_vlan[count.vlan] += count.queries
    return by_vlan


def _around(
    counts: Sequence[VlanCount], redirected: Mapping[str, int], lists: Lists
) -> Iterator[AroundDns]:
    """The queries around this server by VLAN, where there are any."""
    ways = {
        block_list.service for block_list in lists.lists if block_list.category == ENCRYPTED_DNS
    }
    encrypted: Counter[str] = Counter()
    for count in counts:
        if count.service in ways and count.outcome in (BLOCKED, WOULD_BLOCK):
            encrypted[count.vlan] += count.queries
    for vlan in dict.fromkeys(chain((count.vlan for count in counts), redirected)):
        around = AroundDns(vlan, redirected.get(vlan, 0), encrypted[vlan])
        if around.redirected or around.encrypted_dns:
            yield around


def _days(nodes: Sequence[Figures], period: Period, zone: ZoneInfo) -> tuple[DayCount, ...]:
    blocked: Counter[int] = Counter()
    would_block: Counter[int] = Counter()
    by_outcome = {BLOCKED: blocked, WOULD_BLOCK: would_block}
    for count in chain.from_iterable(figures.counts for figures in nodes):
        if count.outcome in by_outcome and period.begin <= count.hour < period.end:
            by_outcome[count.outcome][count.hour] += count.queries
    sums: dict[str, list[int]] = {day.isoformat(): [0, 0] for day in period.days()}
    for index, hours in enumerate((blocked, would_block)):
        for hour, queries in hours.items():
            sums[local_day(hour, zone).isoformat()][index] += queries
    return tuple(DayCount(day, *queries) for day, queries in sums.items())


def _coverage(
    node: str, figures: Sequence[Figures], period: Period, before: Period
) -> NodeCoverage:
    minutes = sorted(
        chain.from_iterable(figure.minutes for figure in figures), key=lambda minute: minute.at
    )
    served = [minute for minute in minutes if minute.serving]
    return NodeCoverage(
        node=node,
        minutes=sum(period.begin <= minute.at < period.end for minute in served),
        of=(period.end - period.begin) // _MINUTE,
        intervals=tuple(intervals(minutes, period.begin, period.end)),
        minutes_before=sum(before.begin <= minute.at < before.end for minute in served),
        of_before=(before.end - before.begin) // _MINUTE,
        damaged=tuple(dict.fromkeys(chain.from_iterable(figure.damaged for figure in figures))),
    )


def _cuts(node: str, figures: Sequence[Figures], period: Period) -> Iterator[LinkCut]:
    """The times in which the link abroad was cut; hours that follow one another are one time."""
    links = chain.from_iterable(figure.links for figure in figures)
    last: LinkCut | None = None
    for link in sorted(links, key=lambda link: link.hour):
        if not period.begin <= link.hour < period.end:
            continue
        cut = LinkCut(node, link.hour, link.hour + _HOUR, link.cut, link.answers)
        if last is not None and last.end == cut.begin:
            minutes, answers = last.minutes + cut.minutes, last.answers + cut.answers
            cut = LinkCut(node, last.begin, cut.end, minutes, answers)
        elif last is not None:
            yield last
        last = cut
    if last is not None:
        yield last


def _of_all(nodes: Sequence[Figures], period: Period) -> Coverage:
    gaps = gaps_of_all((node.minutes for node in nodes), period.begin, period.end)
    return Coverage(period.end - period.begin, tuple(gaps))


def _exemptions(log: Sequence[AuditEntry], period: Period) -> Iterator[PeriodExemption]:
    """The exemptions that configs had in the period, by their begin.

    One that was extended is one, with its last end and approval, unless it had ended before.
    """
    parts: list[PeriodExemption] = []
    at: dict[Hashable, int] = {}
    for entry, end in _in_force(log, period):  # the newest first
        had = {_opened(exemption): exemption for exemption in entry.exemptions}
        for key, exemption in had.items():
            first = max(entry.time, exemption.begins, period.begin)
            planned = min(exemption.until, period.end)
            last = min(end, planned)
            if first >= last:
                continue
            part = PeriodExemption(exemption, first, last, last < planned)
            newer = parts[at[key]] if key in at else None
            if newer is None or ended(exemption.until, newer.begin):
                at[key] = len(parts)
                parts.append(part)
            else:
                latest = part if last > newer.end else newer
                parts[at[key]] = replace(latest, begin=min(first, newer.begin))
        if entry.snapshot:  # a stop ends none
            at = {key: place for key, place in at.items() if key in had}
    yield from sorted(parts, key=lambda part: (part.begin, part.exemption.id))


def _opened(exemption: ExemptionDetails) -> Hashable:
    """The name of an exemption, and what it opens for whom; an extension leaves it as it is."""
    prefixes, services = sorted(exemption.prefixes), sorted(exemption.services)
    whom = exemption.vlan, tuple(prefixes), tuple(services)
    return exemption.id, whom, exemption.begins, exemption.hours


def _in_force(log: Sequence[AuditEntry], period: Period) -> Iterator[tuple[AuditEntry, float]]:
    """The entries that put something in force, the last first, each with the time of the next one.

    Where the clock had gone back, that is the next one of a later time: so no exemption is hidden.
    """
    in_force = [entry for entry in log if entry.changes]
    for place, entry in reversed([*enumerate(in_force, 1)]):
        later = (in_force[at].time for at in range(place, len(in_force)))
        yield entry, next((time for time in later if time > entry.time), period.end)


def _changes(
    log: Sequence[AuditEntry], period: Period
) -> tuple[tuple[PolicyChange, ...], dict[str, int]]:
    """The changes of the policy in the period, and the other entries by event."""
    entries = [entry for entry in log if period.begin <= entry.time < period.end]
    others = Counter(entry.event for entry in entries if not _is_change(entry))
    activations = [entry for entry in log if entry.snapshot]
    exemptions = {
        id(entry): tuple(entry.changed_exemptions(before))
        for before, entry in pairwise(activations)
        if period.begin <= entry.time < period.end
    }
    changes = [
        PolicyChange(
            e.time, e.event, e.who, e.snapshot, e.diff, exemptions.get(id(e), ()), e.summary
        )
        for e in entries
        if _is_change(e)
    ]
    return tuple(changes), dict(sorted(others.items()))


def _is_change(entry: AuditEntry) -> bool:
    names_change = entry.summary is not None and entry.summary.changes_anything
    return bool(entry.diff) or names_change or not entry.changes
