"""The report of a month: sums over nodes, exemptions, changes, and times without coverage."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from resolver.analysis.activation_summary import ActivationSummary, ChangedNames
from resolver.audit import period as periods
from resolver.audit.audit_log import AuditEntry
from resolver.audit.coverage import NO_RECORD, NOT_SERVING, Interval
from resolver.audit.figures.counts import (
    REDIRECTED,
    Figures,
    HourCount,
    HourLink,
    Minute,
    SelfTestResult,
)
from resolver.audit.figures.small_counts import part_of_month
from resolver.audit.period_entries import period_entries
from resolver.audit.period_report import IncompatibleFiguresError, make_period_report
from resolver.audit.period_values import (
    AroundDns,
    FetchedAge,
    LinkCut,
    ListAge,
    Lists,
    NodeTotal,
    PeriodReport,
)
from resolver.policy.exemption_details import ExemptionDetails
from tests.audit.time_zone import TEHRAN

ABAN = periods.month("1405-08", TEHRAN)
MEHR = periods.before(ABAN, TEHRAN)
HOUR, DAY = 3600, 86400
FETCHED = Lists(fetched=(FetchedAge("doh", None),))
ONE_DAY = periods.days("1405-08-01", "1405-08-01", TEHRAN)
DAY_BEFORE = periods.before(ONE_DAY, TEHRAN)
EXEMPTION = ExemptionDetails(
    *("pr-1", None, ("10.10.3.7/32",), ("telegram",), ABAN.begin + 10 * DAY),
    *("Head of PR", "PR-1", "publicity"),
)


def minutes(begin: int, end: int, *, serving: bool = True) -> tuple[Minute, ...]:
    return tuple(Minute(at, "5c6f", serving, SelfTestResult.HELD) for at in range(begin, end, 60))


def counted(*rows: tuple[int, str, str, str, int]) -> tuple[HourCount, ...]:
    return tuple(HourCount(*row) for row in rows)


def figures(node: str, *counts: HourCount, served: tuple[Minute, ...] = ()) -> Figures:
    return Figures(node, "Asia/Tehran", counts, served, ())


def record(at: int, event: str = "reload", **more: object) -> AuditEntry:
    plain = AuditEntry(float(at), event, "uid 0 (root)", "0123456789abcdef")
    return replace(plain, **more)  # type: ignore[arg-type]


def made(
    *nodes: Figures,
    log: Iterable[AuditEntry] = (),
    period: periods.Period = ABAN,
    lists: Lists = FETCHED,
) -> PeriodReport:
    before, whole = periods.before(period, TEHRAN), [*log]

    def report(log: list[AuditEntry]) -> PeriodReport:
        return make_period_report(
            *(period, before, TEHRAN, nodes, log, ["administration", "publicity"]),
            *(lists, "Agency", float(period.end)),
        )

    found = report([*period_entries(whole, period)])
    assert found == report(whole), "a report needs no more of the log"
    return found


def test_each_node_has_the_queries_that_it_has_answered() -> None:
    one = counted(
        (ABAN.begin, "administration", "", "passed", 10),
        (ABAN.begin, "administration", "", REDIRECTED, 4),
        (ABAN.begin, "administration", "telegram", "blocked", 3),
        (MEHR.begin, "publicity", "telegram", "blocked", 2),
    )
    two = counted((ABAN.begin, "administration", "viber", "blocked", 7))
    report = made(figures("ns2", *two), figures("ns1", *one))
    assert report.totals == (NodeTotal("ns1", 13, 3, 2), NodeTotal("ns2", 7, 7, 0))
    assert [node.node for node in report.nodes] == ["ns1", "ns2"]
    assert report.total() == (20, 2)


def test_what_goes_around_the_server_is_told_by_vlan_and_counts_once() -> None:
    one = counted(
        (ABAN.begin, "administration", "", "passed", 10),
        (ABAN.begin, "administration", "", REDIRECTED, 4),
        (MEHR.begin, "administration", "", REDIRECTED, 100),
        (ABAN.begin, "administration", "doh", "blocked", 2),
        (ABAN.begin, "publicity", "doh", "would_block", 3),
        (ABAN.begin, "unknown", "", REDIRECTED, 5),
    )
    ways = Lists((ListAge("doh", "encrypted-dns", 1, ""), ListAge("telegram", "messenger", 1, "")))
    report = made(figures("ns1", *one), figures("ns2", *one), lists=ways)
    assert report.around == (
        AroundDns("administration", 8, 4),
        AroundDns("publicity", 0, 6),
        AroundDns("unknown", 10, 0),
    )
    assert report.total() == (30, 0)
    assert made(lists=ways).around == ()


def test_counts_of_two_nodes_add_up_by_period() -> None:
    one = counted(
        (ABAN.begin, "administration", "telegram", "blocked", 5),
        (ABAN.end - HOUR, "administration", "telegram", "blocked", 6),
        (ABAN.end, "administration", "telegram", "blocked", 1000),
        (MEHR.begin - HOUR, "administration", "telegram", "blocked", 1000),
    )
    two = counted(
        (ABAN.begin, "administration", "telegram", "blocked", 20),
        (MEHR.end - HOUR, "administration", "telegram", "blocked", 300),
        (MEHR.end - HOUR, "unknown", "", "refused", 7),
    )
    report = made(figures("ns1", *one), figures("ns2", *two))
    rows = [(c.vlan, c.service, c.outcome, c.queries, c.before) for c in report.counts]
    assert rows == [
        ("administration", "telegram", "blocked", 31, 300),
        ("unknown", "", "refused", 0, 7),
    ]
    assert report.total("blocked") == (31, 300)
    assert report.total() == (31, 307)
    assert [day.blocked for day in report.days] == [25, *[0] * 28, 6]
    assert [day.blocked for day in report.days_before][-1] == 300


def test_the_same_node_is_not_added_twice() -> None:
    first = figures("ns1", served=minutes(ABAN.begin, ABAN.begin + 600))
    with pytest.raises(IncompatibleFiguresError, match="'ns1' are given twice"):
        made(first, first)
    rest = figures("ns1", served=minutes(ABAN.begin + 600, ABAN.begin + 1200))
    (node,) = made(first, rest).nodes
    assert node.minutes == 20
    hour = figures("ns1", *counted((ABAN.begin, "administration", "", "passed", 1)))
    with pytest.raises(IncompatibleFiguresError, match="'ns1' are given twice"):
        made(hour, hour)


def test_nodes_of_different_time_zones_are_not_added() -> None:
    other = replace(figures("ns2"), time_zone="UTC")
    with pytest.raises(IncompatibleFiguresError, match="Asia/Tehran and of UTC"):
        made(figures("ns1"), other)


def test_times_without_coverage_are_of_each_node() -> None:
    begin, end = ONE_DAY.begin, ONE_DAY.end
    served = (
        *minutes(begin, begin + HOUR),
        *minutes(begin + HOUR, begin + HOUR + 120, serving=False),
        *minutes(begin + 2 * HOUR, end),
    )
    whole = minutes(begin, end)
    both = figures("ns1", served=served), figures("ns2", served=whole)
    stood, covered = made(*both, period=ONE_DAY).nodes
    assert stood.gaps == [
        Interval(begin + HOUR, begin + HOUR + 120, "5c6f", NOT_SERVING),
        Interval(begin + HOUR + 120, begin + 2 * HOUR, "", NO_RECORD),
    ]
    assert [interval.why for interval in stood.intervals] == ["", NOT_SERVING, NO_RECORD, ""]
    assert (stood.minutes, stood.of) == (1440 - 60, 1440)
    assert (covered.gaps, covered.minutes) == ([], 1440)


def test_hours_of_a_cut_link_that_follow_one_another_are_one_time() -> None:
    links = (
        HourLink(MEHR.end - HOUR, 60, 1),
        HourLink(ABAN.begin, 10, 3),
        HourLink(ABAN.begin + HOUR, 20, 4),
        HourLink(ABAN.begin + 9 * HOUR, 1, 0),
    )
    report = made(replace(figures("ns1"), links=links), figures("ns2"))
    assert report.cuts == (
        LinkCut("ns1", ABAN.begin, ABAN.begin + 2 * HOUR, 30, 7),
        LinkCut("ns1", ABAN.begin + 9 * HOUR, ABAN.begin + 10 * HOUR, 1, 0),
    )


def test_a_minute_is_covered_where_one_node_served() -> None:
    begin, end = ONE_DAY.begin, ONE_DAY.end
    one = (
        *minutes(begin, begin + HOUR),
        *minutes(begin + HOUR, begin + 3 * HOUR, serving=False),
        *minutes(begin + 4 * HOUR, end),
    )
    two = (*minutes(begin, begin + 2 * HOUR), *minutes(begin + 5 * HOUR, end))
    report = made(figures("ns1", served=one), figures("ns2", served=two), period=ONE_DAY)
    assert report.coverage.gaps == (
        Interval(begin + 2 * HOUR, begin + 3 * HOUR, "", NOT_SERVING),
        Interval(begin + 3 * HOUR, begin + 4 * HOUR, "", NO_RECORD),
    )
    assert (report.coverage.uncounted, report.coverage.covered) == (HOUR, DAY - 2 * HOUR)
    assert report.coverage_before.uncounted == DAY


@pytest.mark.parametrize(
    ("hours", "is_compared"), [(24, True), (23, True), (22, False), (3, False), (0, False)]
)
def test_only_whole_periods_are_compared(hours: int, is_compared: bool) -> None:
    own, before = ONE_DAY, DAY_BEFORE
    for served in (
        (*minutes(before.end - hours * HOUR, before.end), *minutes(own.begin, own.end)),
        (*minutes(before.begin, before.end), *minutes(own.end - hours * HOUR, own.end)),
    ):
        report = made(figures("ns1", served=served), period=ONE_DAY)
        assert report.is_compared is is_compared


def test_a_month_that_runs_has_no_gap_in_the_minute_that_runs() -> None:
    part = ABAN.until_moment(ABAN.begin + HOUR + 59)
    (node,) = made(figures("ns1", served=minutes(ABAN.begin, ABAN.begin + HOUR)), period=part).nodes
    assert (node.gaps, node.minutes, node.of) == ([], 60, 60)


def test_exemptions_are_those_of_the_configs_in_force() -> None:
    other = replace(EXEMPTION, id="pr-2", begins=ABAN.begin + 2 * DAY)
    early = replace(EXEMPTION, id="early", until=float(ABAN.begin))
    log = [
        record(MEHR.begin, exemptions=(EXEMPTION, early)),
        record(ABAN.begin + DAY, exemptions=(EXEMPTION, other)),
        record(ABAN.begin + 2 * DAY, "refused", snapshot=""),
        record(ABAN.begin + 3 * DAY, "stop", snapshot=""),
    ]
    found = [(e.exemption.id, e.begin, e.end, e.ended_early) for e in made(log=log).exemptions]
    assert found == [
        ("pr-1", ABAN.begin, ABAN.begin + 3 * DAY, True),
        ("pr-2", ABAN.begin + 2 * DAY, ABAN.begin + 3 * DAY, True),
    ]
    assert [exemption.ended_early for exemption in made(log=log[:2]).exemptions] == [False, False]


def _extended(to: int, **more: object) -> ExemptionDetails:
    return replace(EXEMPTION, until=float(ABAN.begin + to * DAY), **more)  # type: ignore[arg-type]


def test_an_exemption_that_was_extended_is_one() -> None:
    """Also by another approval, and with the server stopped for a day meanwhile."""
    longer, longest = _extended(12), _extended(20, approver="Director", ticket="PR-9")
    log = [
        record(ABAN.begin + DAY, "exempt", exemptions=(EXEMPTION,)),
        record(ABAN.begin + 2 * DAY, "exempt --extend", exemptions=(longer,)),
        record(ABAN.begin + 3 * DAY, "stop", snapshot=""),
        record(ABAN.begin + 4 * DAY, "start", exemptions=(longer,)),
        record(ABAN.begin + 11 * DAY, "exempt --extend", exemptions=(longest,)),
        record(ABAN.begin + 25 * DAY),
    ]
    [found] = made(log=log).exemptions
    assert found.exemption == longest
    assert (found.begin, found.end) == (ABAN.begin + DAY, ABAN.begin + 20 * DAY)
    assert not found.ended_early
    [ended] = made(log=[*log[:5], record(ABAN.begin + 15 * DAY, "exempt --end")]).exemptions
    assert (ended.end, ended.ended_early) == (ABAN.begin + 15 * DAY, True)


def test_an_exemption_that_had_ended_and_is_given_again_is_another() -> None:
    again = _extended(20)
    by_itself = [
        record(ABAN.begin + DAY, "exempt", exemptions=(EXEMPTION,)),
        record(ABAN.begin + 15 * DAY, "exempt --extend", exemptions=(again,)),
    ]
    by_a_person = [by_itself[0], record(ABAN.begin + 5 * DAY, "exempt --end"), by_itself[1]]
    for log, end in ((by_itself, 10), (by_a_person, 5)):
        first, second = made(log=log).exemptions
        assert (first.end, first.ended_early) == (ABAN.begin + end * DAY, end == 5)
        assert (second.begin, second.end) == (ABAN.begin + 15 * DAY, ABAN.begin + 20 * DAY)


def test_an_entry_of_an_earlier_time_hides_no_exemption() -> None:
    """The clock had gone back after the grant."""
    log = [
        record(ABAN.begin + DAY, exemptions=(EXEMPTION,)),
        record(ABAN.begin + HOUR, "reload"),
        record(ABAN.begin + 3 * DAY, "start"),
    ]
    report = made(log=log)
    [found] = report.exemptions
    assert (found.begin, found.end) == (ABAN.begin + DAY, ABAN.begin + 3 * DAY)
    assert (report.backdated, made(log=log[2:]).backdated) == (1, 0)


def test_a_clock_that_was_ahead_hides_no_exemption() -> None:
    log = [
        record(ABAN.begin + 9 * DAY, "start"),
        record(ABAN.begin + DAY, "exempt", exemptions=(EXEMPTION,)),
        record(ABAN.begin + 2 * DAY, "reload", exemptions=(EXEMPTION,)),
        record(ABAN.begin + 10 * DAY),
    ]
    [found] = made(log=log).exemptions
    assert (found.begin, found.end) == (ABAN.begin + DAY, ABAN.begin + 10 * DAY)


def test_changes_are_those_of_the_config() -> None:
    log = [
        record(MEHR.begin, diff="+old"),
        record(ABAN.begin, diff="-a\n+b"),
        record(ABAN.begin + 60, "lists"),
        record(ABAN.begin + 120, "lists"),
        record(ABAN.begin + 180, "refused", who="commit 1234"),
        record(ABAN.end, diff="+later"),
    ]
    report = made(log=log)
    assert [(c.event, c.diff) for c in report.changes] == [("reload", "-a\n+b"), ("refused", "")]
    assert report.other_events == {"lists": 2}
    assert report.audited
    assert not made(log=log[2:]).audited


def test_an_activation_that_opened_a_name_of_a_list_is_a_change() -> None:
    names = ChangedNames("looser", "one", "blocked", "passed", ("a",), 1, (), 2, ("t.me",))
    log = [
        record(ABAN.begin, "lists", summary=ActivationSummary(names=(names,))),
        record(ABAN.begin + 60, "lists", summary=ActivationSummary()),
    ]
    report = made(log=log)
    assert [change.summary for change in report.changes] == [log[0].summary]
    assert report.other_events == {"lists": 1}


def test_few_exempted_queries_are_counted_by_whole_parts_of_a_month() -> None:
    begin, end = part_of_month(ABAN.begin, TEHRAN)
    assert begin == ABAN.begin
    counts = counted(
        (end - HOUR, "publicity", "", "exempted", 3),
        (ABAN.end - HOUR, "publicity", "", "exempted", 4),
    )
    whole = made(figures("ns1", *counts))
    assert (whole.total("exempted"), whole.left_out) == ((7, 0), 0)
    part = made(figures("ns1", *counts), period=periods.days("1405-08-01", "1405-08-12", TEHRAN))
    assert (part.total("exempted"), part.left_out) == ((3, 0), 4)
    running = made(figures("ns1", *counts), period=ABAN.until_moment(begin + DAY))
    assert (running.total("exempted"), running.left_out) == ((0, 0), 3)
